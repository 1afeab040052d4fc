//! Words that reach the node by another way than its own socket.

use std::sync::{Arc, Weak};

use nightjar_base::Kernel;
use nightjar_base::commands::Caller;
use nightjar_base::console::Console;
use nightjar_base::hooks::BoxFuture;

use super::dispatch;
use super::protocol::Request;
use super::render::UNREACHABLE;
use crate::node::Node;

struct Words(Weak<Kernel>);

/// What answers them.
pub(crate) fn console(node: &Node) -> Arc<dyn Console> {
    Arc::new(Words(Arc::downgrade(&node.kernel)))
}

impl Console for Words {
    fn process<'a>(&'a self, words: Vec<String>, caller: Caller) -> BoxFuture<'a, (String, u8)> {
        Box::pin(async move {
            let Some(kernel) = self.0.upgrade() else { return (String::new(), UNREACHABLE) };
            let output = dispatch::run(&kernel, Request { words, json: false, node: None }, caller).await;
            (output.text, output.code)
        })
    }
}
