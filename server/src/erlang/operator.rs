//! What other nodes have this one do.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::Caller;
use nightjar_base::console::Console;
use nightjar_base::hooks::BoxFuture;
use nightjar_net_dist::Operator;

use crate::ctl::words::console;
use crate::node::Node;

/// The server, as other nodes reach it.
pub(super) struct ServerOperator {
    kernel: Arc<Kernel>,
    console: Arc<dyn Console>,
}

impl ServerOperator {
    pub(super) fn new(node: &Node) -> Self {
        Self { kernel: Arc::clone(&node.kernel), console: console(node) }
    }
}

impl Operator for ServerOperator {
    fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    fn process<'a>(&'a self, words: Vec<String>, caller: Caller) -> BoxFuture<'a, (String, u8)> {
        self.console.process(words, caller)
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }
}
