//! Whether somebody keeps the clock right (adjtimex(2)).

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// Whether the kernel knows its clock as synchronised; none where it doesn't say.
pub(crate) fn synchronised() -> Option<bool> {
    let mut state = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: `timex` is made of numbers, so all zeroes is one; with `modes` 0 the call changes nothing and only
    // writes into the structure it is given.
    let answer = unsafe { libc::adjtimex(state.as_mut_ptr()) };
    match answer {
        -1 => None,
        state => Some(state != libc::TIME_ERROR),
    }
}
