//! What tests of the server share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::boot::{self, Start};
use crate::ctl;
use crate::home::Home;
use crate::logs::Logs;
use crate::node::{Node, read_config};

/// A folder of its own that vanishes with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nightjar-test-{}-{number}", std::process::id()));
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

/// A node in a folder of its own. `@DIR@` in a configuration stands for that folder.
pub(crate) struct Running {
    pub(crate) folder: Folder,
    pub(crate) node: Arc<Node>,
}

impl Running {
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::try_start(yaml).await.unwrap()
    }

    pub(crate) async fn try_start(yaml: &str) -> anyhow::Result<Self> {
        let folder = Folder::new();
        let file = write(&folder, yaml);
        let home = Home::locate(Some(folder.path().join("home")));
        home.prepare()?;
        let read = read_config(Some(&file), &home);
        let (config, _) = read.map_err(|mistakes| anyhow::anyhow!("{}", mistakes[0].one_line()))?;
        let node =
            boot::start(Start { home, file: Some(file), config, logs: Logs::detached(), sandbox: None })
                .await?;
        Ok(Self { folder, node })
    }

    /// Puts another configuration into the node's file.
    pub(crate) fn write(&self, yaml: &str) {
        write(&self.folder, yaml);
    }

    /// What `nightjar ctl` prints and its exit code. Words are separated by blanks.
    pub(crate) async fn ctl(&self, line: &str) -> (String, u8) {
        ctl::serve::run(&self.node.kernel, line.split_whitespace().map(str::to_owned).collect()).await
    }
}

fn write(folder: &Folder, yaml: &str) -> PathBuf {
    let file = folder.path().join("ejabberd.yml");
    std::fs::write(&file, yaml.replace("@DIR@", &folder.path().to_string_lossy())).unwrap();
    file
}
