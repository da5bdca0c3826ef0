//! How many connections and files the process may have open.

/// Raises the limit to the most that the system allows, and gives it. Where it starts low, for programs that are older than many
/// connections, a thousand idle clients would leave no descriptor for the next one.
#[cfg(unix)]
pub fn raise() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(limit, _)| limit);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Nothing stands in the way here.
#[cfg(not(unix))]
pub fn raise() -> usize {
    usize::MAX
}
