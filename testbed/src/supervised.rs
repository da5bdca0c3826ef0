//! A program that is started again whenever it ends, as an orchestrator does.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Result;

use crate::Group;

/// How often it is looked after.
const LOOK: Duration = Duration::from_millis(50);

/// A program that is kept running. Dropped, it is killed.
pub struct Supervised {
    shared: Arc<Shared>,
    watch: Option<JoinHandle<()>>,
}

struct Shared {
    program: String,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    state: Mutex<State>,
}

struct State {
    group: Group,
    starts: usize,
    over: bool,
}

impl Supervised {
    /// Starts a program with these environment variables. What it writes goes to `LOG.1`, and to `LOG.2` and so on when
    /// it was started again.
    ///
    /// # Errors
    ///
    /// Where the system does not start it.
    pub fn start(program: &str, environment: Vec<(&'static str, String)>, log: &Path) -> Result<Self> {
        let group = launch(program, &environment, log, 1)?;
        let shared = Arc::new(Shared {
            program: program.to_owned(),
            environment,
            log: log.to_owned(),
            state: Mutex::new(State { group, starts: 1, over: false }),
        });
        let watched = Arc::clone(&shared);
        let watch = thread::spawn(move || {
            while watched.look() {
                thread::sleep(LOOK);
            }
        });
        Ok(Self { shared, watch: Some(watch) })
    }

    /// SIGKILL; it is started again.
    pub fn kill(&self) {
        self.shared.lock().group.kill();
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        self.shared.lock().group.pause();
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.shared.lock().group.resume();
    }

    /// How often it was started so far, the first time included.
    pub fn starts(&self) -> usize {
        self.shared.lock().starts
    }

    /// What it has written, from the first start to the last.
    pub fn said(&self) -> String {
        let starts = self.starts();
        let logs = (1..=starts).map(|start| fs::read_to_string(numbered(&self.shared.log, start)));
        logs.map(Result::unwrap_or_default).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it again where it has ended; false once nobody wants it any more.
    fn look(&self) -> bool {
        let mut state = self.lock();
        if !state.over && !state.group.is_alive() {
            // A start that fails is tried again at the next look.
            if let Ok(group) = launch(&self.program, &self.environment, &self.log, state.starts + 1) {
                state.group = group;
                state.starts += 1;
            }
        }
        !state.over
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.over = true;
            state.group.kill();
        }
        if let Some(watch) = self.watch.take() {
            // It has no panic to tell of.
            drop(watch.join());
        }
    }
}

fn launch(program: &str, environment: &[(&str, String)], log: &Path, start: usize) -> Result<Group> {
    let arguments: [&str; 0] = [];
    Group::start(program, arguments, environment, &numbered(log, start))
}

fn numbered(log: &Path, start: usize) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{start}"));
    name.into()
}
