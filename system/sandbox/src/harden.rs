//! What holds for the process as a whole.

use std::ffi::CStr;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Keeps secrets in memory: no core dumps, and no other process of the same user may look into this one.
///
/// # Errors
/// A sentence that says what didn't work.
pub fn no_dumps() -> Result<(), String> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(|error| format!("core dumps can't be prevented: {error}"))
}

/// Names the process, which a restart through /proc/self/exe would call `exe`.
pub fn set_name(name: &CStr) {
    // Only what `ps` shows depends on it.
    let _ = rustix::thread::set_name(name);
}

/// No program that is started from here ever gets more rights, be it set-user-ID.
///
/// # Errors
/// A sentence that says why not.
pub fn no_new_privileges() -> Result<String, String> {
    rustix::thread::set_no_new_privs(true)
        .map(|()| "no_new_privs".to_owned())
        .map_err(|error| format!("no_new_privs isn't in force: {error}"))
}
