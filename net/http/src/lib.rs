//! How HTTP moves: the ejabberd_http listener.
