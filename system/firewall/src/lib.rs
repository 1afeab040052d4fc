//! Which ports a configuration opens, for whom, and the rules a firewall needs.
