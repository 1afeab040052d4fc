//! What the process asks of the operating system before it does anything.

use rustix::fs::Mode;
use rustix::process::{Resource, geteuid, getrlimit, setrlimit, umask};

/// Keeps new files from everybody else, and takes all the file descriptors there are: each connection needs one.
pub(crate) fn settle() {
    umask(Mode::from_raw_mode(0o077));
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // The limit that was there holds then, and running out of it is told where it happens.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Tells what should not be so.
pub(crate) fn warn() {
    if geteuid().is_root() {
        tracing::warn!("this runs as root, and needs no right that root has: use a user of its own");
    }
}
