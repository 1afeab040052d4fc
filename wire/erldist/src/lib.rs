//! The Erlang distribution: epmd, handshake, control messages and the external term format.
