//! Descriptors that the process was started with, by their numbers.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::sync::Mutex;

use rustix::io::{FdFlags, fcntl_setfd};

/// Numbers that were taken, so that no descriptor ever has two owners.
static TAKEN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

/// Takes a descriptor that the environment says was handed to this process. Programs started from here don't
/// inherit it.
///
/// The caller takes such descriptors before it opens anything itself: a number that nobody handed over is closed
/// then, and refused.
///
/// # Errors
/// If no descriptor has this number, or it was taken before, or it is one of the three standard ones.
#[allow(unsafe_code)]
pub(crate) fn take(number: RawFd) -> io::Result<OwnedFd> {
    if number <= 2 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut taken = TAKEN.lock().map_err(|_| io::Error::other("another thread panicked"))?;
    if taken.contains(&number) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    // SAFETY: asks about a number, whatever it stands for, and changes nothing.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    taken.push(number);
    // SAFETY: it is open (above), its number was not taken before (`TAKEN`), and nothing in this process has
    // opened it: the environment names it as handed over by whoever started us.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

/// Lets the program that replaces this process inherit a descriptor; its number there.
///
/// # Errors
/// Those of the kernel.
pub(crate) fn pass_on(descriptor: &OwnedFd) -> io::Result<RawFd> {
    fcntl_setfd(descriptor.as_fd(), FdFlags::empty())?;
    Ok(descriptor.as_raw_fd())
}
