//! What glibc and OpenMP read when a program begins, and at no time after. The trainer begins anew with it, so that nobody has to know.

use std::{env, io, os::unix::process::CommandExt, process::Command};

const SETTINGS: [(&str, &str); 4] = [
    // Memory that a step gives back is kept for the next one. Left alone, glibc returns each large tensor's pages to the system,
    // which clears them for the next tensor: an eighth of all time.
    // The threshold is the highest that every glibc takes; what is refused leaves the lowest.
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "4294967296"),
    ("MALLOC_TOP_PAD_", "268435456"),
    // Threads of libtorch that wait give way: the cores draw images, too.
    ("OMP_WAIT_POLICY", "passive"),
];

/// Begins this program anew, as the same process, with those of the settings that are not made; does nothing where all are.
///
/// # Errors
/// Where the program cannot be begun. It does all it does without them, only slower.
pub fn settle() -> io::Result<()> {
    let missing: Vec<_> = SETTINGS.into_iter().filter(|(name, _)| env::var_os(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Command::new(env::current_exe()?).args(env::args_os().skip(1)).envs(missing).exec())
}
