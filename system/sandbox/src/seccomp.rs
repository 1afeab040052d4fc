//! Which system calls the process can't make any more (seccomp).
//!
//! The list names what a server has no business with, rather than all it may do: which calls libraries make
//! changes from one version of them to the next, and a list of those would one day stop a server that works.
//! A call that is refused answers EPERM, as if the user had no right to it.

mod calls;

use std::collections::BTreeMap;

use rustix::thread::{SecureComputingMode, secure_computing_mode};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads, sock_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Refuses the calls for all threads of the process and all programs it starts, for good.
///
/// # Errors
/// A sentence that says why they aren't refused.
pub(crate) fn apply() -> Result<String, String> {
    let arch = std::env::consts::ARCH;
    let target = TargetArch::try_from(arch)
        .map_err(|_| format!("system calls aren't limited: nothing is known of {arch}"))?;
    let programs = programs(target).map_err(|error| format!("system calls aren't limited: {error}"))?;
    for program in &programs {
        apply_filter_all_threads(program).map_err(|error| format!("system calls aren't limited: {error}"))?;
    }
    Ok(format!("{} system calls are refused (seccomp)", calls::NEVER.len()))
}

/// Whether a filter is in force.
pub(crate) fn is_in_force() -> bool {
    secure_computing_mode().is_ok_and(|mode| mode == SecureComputingMode::Filter)
}

fn programs(target: TargetArch) -> Result<[BpfProgram; 2], BackendError> {
    let refuse = |rules: Rules, error: i32| -> Result<BpfProgram, BackendError> {
        let action = SeccompAction::Errno(error.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, action, target)?.try_into()
    };
    let mut never: Rules = calls::NEVER.iter().map(|number| (*number, Vec::new())).collect();
    never.extend(with_arguments()?);
    let mut never = refuse(never, libc::EPERM)?;
    if target == TargetArch::x86_64 {
        never.splice(0..0, no_x32());
    }
    // Its flags are in memory, where a filter can't look; without it threads and programs are started by clone.
    let modern = refuse(Rules::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
    Ok([modern, never])
}

/// Calls that are refused with certain arguments.
fn with_arguments() -> Result<Rules, BackendError> {
    let mut rules = Rules::new();
    let namespaces = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    let namespaces = namespaces.map(|flag| rule(vec![has_bits(0, u64::from(flag.unsigned_abs()))?]));
    rules.insert(libc::SYS_clone, namespaces.into_iter().collect::<Result<_, _>>()?);
    // Addresses of the internet, UNIX sockets, and what asks for the machine's own addresses.
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let others = families.map(|family| condition(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs())));
    rules.insert(libc::SYS_socket, vec![rule(others.into_iter().collect::<Result<_, _>>()?)?]);
    // Typing into somebody's terminal.
    let ioctls =
        [libc::TIOCSTI, libc::TIOCLINUX].map(|request| rule(vec![condition(1, SeccompCmpOp::Eq, request)?]));
    rules.insert(libc::SYS_ioctl, ioctls.into_iter().collect::<Result<_, _>>()?);
    // Memory that can be both written and run.
    let writable_code = u64::from((libc::PROT_WRITE | libc::PROT_EXEC).unsigned_abs());
    for call in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        rules.insert(call, vec![rule(vec![has_bits(2, writable_code)?])?]);
    }
    Ok(rules)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}

fn has_bits(argument: u8, bits: u64) -> Result<SeccompCondition, BackendError> {
    condition(argument, SeccompCmpOp::MaskedEq(bits), bits)
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

/// Refuses calls of the x32 kind: the same calls under other numbers, which the list doesn't have.
fn no_x32() -> [sock_filter; 3] {
    const X32: u32 = 0x4000_0000;
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_BITS: u16 = 0x45;
    const RETURN: u16 = 0x06;
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs();
    [
        sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 },
        sock_filter { code: JUMP_IF_BITS, jt: 0, jf: 1, k: X32 },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: refused },
    ]
}

#[cfg(test)]
mod tests;
