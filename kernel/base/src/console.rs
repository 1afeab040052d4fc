//! The command line of the server, for callers that bring words instead of a command's typed arguments.

use crate::commands::Caller;
use crate::hooks::BoxFuture;

/// Answers words as `nightjar ctl` does: `ejabberd_ctl:process/1` of ejabberd.
pub trait Console: Send + Sync {
    /// What is to be printed, without the last line's end, and the exit code.
    fn process<'a>(&'a self, words: Vec<String>, caller: Caller) -> BoxFuture<'a, (String, u8)>;
}
