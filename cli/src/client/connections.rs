//! Whether as many connections may be open as are asked for, before the first one is: a picture that cannot be opened only
//! because others are under way would be taken for one that cannot be read.

use anyhow::{Result, ensure};
use byecaptcha_program::descriptors;

/// Standard streams, a table, a journal, folders that are walked, and what the runtime has.
const BESIDE: usize = 64;

/// Raises the limit as far as it goes, and refuses what it does not allow then, in the words of the option that asks for it; with up to `files` of so many files.
pub(crate) fn allowed(option: &str, connections: usize, files: usize) -> Result<()> {
    let limit = descriptors::raise();
    let needed = connections + connections.min(files) + BESIDE;
    ensure!(
        needed <= limit,
        "{option} {connections} may take {needed} open files and connections, and the system allows {limit}: ask for fewer, or \
         raise the limit (ulimit -n)"
    );
    Ok(())
}
