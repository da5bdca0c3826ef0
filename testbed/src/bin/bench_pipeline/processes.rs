//! What the system says of processes: the processor time and the memory they took. And on which cores they may run.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};

/// Ticks a second in `/proc`, on every system that this runs on (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Seconds of processor time that all processes of a session took so far, with those that have ended.
pub(crate) fn session_seconds(leader: i32) -> f64 {
    members(leader).map(|(_, ticks)| ticks as f64 / TICKS).sum()
}

/// The same for this process.
pub(crate) fn own_seconds() -> f64 {
    stat("self").map_or(0.0, |(_, ticks)| ticks as f64 / TICKS)
}

/// Seconds of processor time that the whole machine took so far.
pub(crate) fn machine_seconds() -> f64 {
    work("cpu")
}

/// Seconds that this core was at work so far.
pub(crate) fn core_seconds(core: usize) -> f64 {
    work(&format!("cpu{core}"))
}

fn work(name: &str) -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    // user, nice, system, idle, iowait, irq, softirq, steal: all but the fourth and fifth are work.
    let fields = line.unwrap_or_default().split_whitespace().take(8).enumerate();
    let work = fields.filter(|(index, _)| !matches!(index, 3 | 4));
    work.filter_map(|(_, ticks)| ticks.parse::<f64>().ok()).map(|ticks| ticks / TICKS).sum()
}

/// Megabytes (2^20 bytes) of a process's memory that are resident. `None` where it has ended.
pub(crate) fn resident_megabytes(process: i32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Has all threads of all processes of a session, and those that they will start, run on these cores only.
pub(crate) fn pin(leader: i32, cores: &str) -> Result<()> {
    members(leader).try_for_each(|(process, _)| pin_process(process, cores))
}

/// The same for one process.
pub(crate) fn pin_process(process: i32, cores: &str) -> Result<()> {
    let output = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", cores, &process.to_string()])
        .output()
        .context("taskset cannot be started")?;
    // A process that ended meanwhile runs nowhere.
    let is_gone = !fs::exists(format!("/proc/{process}")).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() || is_gone, "taskset {cores}: {said}");
    Ok(())
}

/// The processes of a session, each with its processor time in ticks.
fn members(leader: i32) -> impl Iterator<Item = (i32, u64)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |entry| {
        let name = entry.file_name();
        let process = name.to_str()?.parse().ok()?;
        let (session, ticks) = stat(name.to_str()?)?;
        (session == leader).then_some((process, ticks))
    })
}

/// A process's session, and the ticks that it took, with those of the children that it has seen end.
fn stat(process: &str) -> Option<(i32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before this parenthesis may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((fields.get(3)?.parse().ok()?, ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen_in_this_process_and_in_the_machine() {
        let (own, machine) = (own_seconds(), machine_seconds());
        let mut hash = 0_u64;
        while own_seconds() - own < 0.05 {
            hash = std::hint::black_box(hash).wrapping_mul(31).wrapping_add(1);
        }
        assert!(machine_seconds() - machine > 0.02);
        assert!((0..64).map(core_seconds).sum::<f64>() > machine);
        assert!(resident_megabytes(i32::try_from(std::process::id()).unwrap()).unwrap() > 0.5);
    }
}
