//! What the tests of this crate share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nightjar_base::commands::{Call, Caller, CommandError, CommandSpec, Field, Policy, Shape, Value};
use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::{Clock, Kernel, Random};
use nightjar_config::{Declarations, Environment, load_with};

use crate::calls::Operator;

/// A folder that is gone after the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nightjar-dist-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a test that needs sockets.
pub(crate) fn async_test(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), test).await.unwrap() });
}

/// Looks again and again until it is so; the test's own time limit ends it otherwise.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    while !is_so().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

struct Still;

impl Clock for Still {
    fn unix_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Random for Still {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

/// `greet(user, times)`: a list of greetings; refuses 0, and `stop`, which the configuration forbids.
pub(crate) static GREET: CommandSpec = CommandSpec {
    name: "greet",
    tags: &["testing"],
    doc: "Greet",
    arguments: &[field("user", Shape::Binary), field("times", Shape::Integer)],
    result: field("greetings", Shape::List(&field("greeting", Shape::String))),
    policy: Policy::Restricted,
    version: 0,
};

pub(crate) static STOP: CommandSpec = CommandSpec {
    name: "stop",
    tags: &["testing"],
    doc: "Stop",
    arguments: &[],
    result: field("res", Shape::Rescode),
    policy: Policy::Restricted,
    version: 0,
};

/// A server with these two commands.
pub(crate) struct Testing {
    kernel: Arc<Kernel>,
    _guards: Vec<Guard>,
}

impl Testing {
    pub(crate) fn new() -> Arc<Self> {
        let yaml = "hosts: [localhost]\napi_permissions:\n  console commands:\n    from: ejabberd_ctl\n    who: all\n    \
                    what: [\"*\", \"!stop\"]\n";
        let files = BTreeMap::from([(PathBuf::from("a.yml"), yaml.as_bytes().to_vec())]);
        let loaded = load_with(Path::new("a.yml"), &Declarations::default(), &Environment::default(), &files);
        let kernel = Kernel::new(Arc::new(Still), Arc::new(Still), Arc::new(loaded.unwrap().0));
        let greet = kernel.commands.add(&GREET, None, Arc::new(greet));
        let stop = kernel.commands.add(&STOP, None, Arc::new(async |_: Call| Ok(Value::Done(true))));
        Arc::new(Self { kernel, _guards: vec![greet, stop] })
    }
}

async fn greet(call: Call) -> nightjar_base::commands::CommandResult {
    let greeting = Value::text(format!("Hello {}", call.text(0)));
    match usize::try_from(call.integer(1)) {
        Ok(0) | Err(_) => Err(CommandError::Failed("no greeting".to_owned())),
        Ok(99) => panic!("on purpose"),
        Ok(times) => Ok(Value::List(vec![greeting; times])),
    }
}

impl Operator for Testing {
    fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// Tells what it was asked, and by whom.
    fn process<'a>(&'a self, words: Vec<String>, caller: Caller) -> BoxFuture<'a, (String, u8)> {
        Box::pin(async move {
            let node = caller.node.map(|node| node.to_string()).unwrap_or_default();
            (format!("{words:?} for {node} at {}", caller.ip.is_some()), 3)
        })
    }

    fn version(&self) -> &str {
        "1.2.3"
    }
}
