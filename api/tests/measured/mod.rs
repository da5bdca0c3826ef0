//! What tests of memory measure with. Each of them is a process of its own.

use std::fs;

pub(crate) const MIB: usize = 1 << 20;

/// The most memory that this process held, in bytes: ever, or since that was forgotten (proc_pid_clear_refs(5)).
pub(crate) fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}
