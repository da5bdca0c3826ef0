//! A process and all its children, which can be stopped, resumed and killed together, and which do not outlive whoever
//! started them.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

/// Starts its arguments in a session of their own, says which, and kills that session once its standard input ends: a
/// pipe from this process, which the system closes whatever this process dies of.
const KEEPER: &str = r#"setsid "$@" < /dev/null > "$LOG" 2>&1 & leader=$!; echo $leader; read -r _; kill -KILL -$leader 2> /dev/null; wait"#;

/// How long the system may take to clear away a dead group.
const REAPED: Duration = Duration::from_secs(1);

/// A running group of processes.
pub struct Group {
    keeper: Child,
    leader: Pid,
    /// From then on the system may give the leader's id to others, who must not be signalled.
    killed: bool,
}

impl Group {
    /// Starts a program with these arguments and environment variables. What it writes goes to a
    /// file.
    pub fn start<A: AsRef<OsStr>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        environment: &[(&str, String)],
        log: &Path,
    ) -> Result<Self> {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper", program])
            .args(arguments)
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .env("LOG", log)
            .stdin(Stdio::piped())
            // Ctrl-C in a terminal, and `timeout`, signal the whole group of their program.
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        let stdout = keeper.stdout.take().context("the keeper has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let leader =
            line.trim().parse().map(Pid::from_raw).context("the keeper does not say whom it keeps")?;
        Ok(Self { keeper, leader, killed: false })
    }

    /// The first process of the group.
    pub fn id(&self) -> i32 {
        self.leader.as_raw()
    }

    /// Whether the first process is there.
    pub fn is_alive(&self) -> bool {
        if self.killed {
            return false;
        }
        // One that has ended still answers signals until its keeper collects it, at the end.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.leader)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
    }

    /// SIGKILL to all of them; returns once they are gone.
    pub fn kill(&mut self) {
        if self.killed {
            return;
        }
        self.signal(Signal::SIGKILL);
        let start = Instant::now();
        // What is dead and not yet reaped counts as there, but holds no port: hence the limit.
        while killpg(self.leader, None).is_ok() && start.elapsed() < REAPED {
            thread::sleep(Duration::from_millis(5));
        }
        // The end of its input ends the keeper.
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
        self.killed = true;
    }

    /// SIGSTOP: they are there and do nothing.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGTERM to the first process alone.
    pub fn terminate(&self) {
        if !self.killed {
            // One that has ended already needs no telling.
            let _ended = kill(self.leader, Signal::SIGTERM);
        }
    }

    fn signal(&self, signal: Signal) {
        if !self.killed {
            // A group that has ended already needs no telling.
            let _ended = killpg(self.leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
