//! How the Erlang distribution moves: epmd, connections of nodes, calls from them.
