//! The journal beside a table: what was accepted and what was written, so that a run that ends early, however it ends,
//! can be gone on with. JSON lines, of which the last may be torn.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::submit::{key::Key, settings::TableFormat};

/// The first line: which run this is. What would make another one of it is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heading {
    pub(crate) run: Uuid,
    pub(crate) server: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) interactive: bool,
    pub(crate) format: TableFormat,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    /// The server has taken a file, as this job.
    Accepted { accepted: Key, job: String },
    /// A file's row is in the table, which is so long with it.
    Written { written: Key, end: u64, failed: bool },
    /// The run was gone on with, and the table cut to this length first: rows beyond it do not count.
    Cut { cut: u64 },
}

/// What earlier runs have left.
pub(crate) struct Past {
    pub(crate) heading: Heading,
    /// The files' rows in their order, with the table's length after each and whether it is a failure.
    rows: Vec<(Key, u64, bool)>,
    accepted: HashMap<Key, Accepted>,
}

/// A file that the server has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// As which job.
    pub(crate) job: String,
    /// How many jobs there were for it, this one included.
    pub(crate) times: u32,
}

/// A journal that is open and belongs to this process.
pub(crate) struct Journal(File);

impl Journal {
    /// Opens the journal, or makes one, and takes it for this process.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("{}: another byecaptcha submit is at work on it", path.display())
            }
            // Some network file systems have no locks.
            Err(TryLockError::Error(_)) => {}
        }
        Ok(Self(file))
    }

    /// What earlier runs have left. A torn last line is taken away, lest the next one be a part of it.
    pub(crate) fn past(&mut self) -> Result<Option<Past>> {
        let (past, whole) = read(&self.0)?;
        self.cut(whole)?;
        Ok(past)
    }

    /// Empties it and begins a run.
    pub(crate) fn begin(&mut self, heading: &Heading) -> Result<()> {
        self.cut(0)?;
        self.append(heading).context("the journal cannot be written")
    }

    pub(crate) fn note_accepted(&mut self, file: Key, job: String) -> io::Result<()> {
        self.append(&Entry::Accepted { accepted: file, job })
    }

    pub(crate) fn note_written(&mut self, file: Key, end: u64, failed: bool) -> io::Result<()> {
        self.append(&Entry::Written { written: file, end, failed })
    }

    pub(crate) fn note_cut(&mut self, length: u64) -> io::Result<()> {
        self.append(&Entry::Cut { cut: length })
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.0.set_len(length).context("the journal cannot be cut")?;
        self.0.seek(SeekFrom::Start(length)).context("the journal cannot be written")?;
        Ok(())
    }

    /// In one piece, and handed to the operating system: a killed process loses nothing.
    fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.0.write_all(&bytes)
    }
}

/// What the whole lines say, and how many bytes they are.
fn read(file: &File) -> Result<(Option<Past>, u64)> {
    let (mut lines, mut line, mut whole) = (BufReader::new(file), Vec::new(), 0);
    let mut past: Option<Past> = None;
    for number in 1.. {
        line.clear();
        let length = lines.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            break;
        }
        let senseless = || format!("line {number} makes no sense");
        match &mut past {
            None => {
                let heading = serde_json::from_slice(&line).with_context(senseless)?;
                past = Some(Past { heading, rows: Vec::new(), accepted: HashMap::new() });
            }
            Some(past) => past.take(serde_json::from_slice(&line).with_context(senseless)?),
        }
        whole += length as u64;
    }
    Ok((past, whole))
}

impl Past {
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Accepted { accepted, job } => {
                let times = self.accepted.get(&accepted).map_or(0, |earlier| earlier.times) + 1;
                self.accepted.insert(accepted, Accepted { job, times });
            }
            Entry::Written { written, end, failed } => self.rows.push((written, end, failed)),
            Entry::Cut { cut } => self.cut(cut),
        }
    }

    /// Forgets the rows that a table of this length does not have, and gives the length up to the last that it has.
    pub(crate) fn cut_to_rows(&mut self, length: u64) -> u64 {
        self.cut(length);
        self.rows.last().map_or(0, |&(_, end, _)| end)
    }

    fn cut(&mut self, length: u64) {
        while self.rows.last().is_some_and(|&(_, end, _)| end > length) {
            self.rows.pop();
        }
    }

    pub(crate) fn failed(&self) -> u64 {
        self.rows.iter().filter(|(_, _, failed)| *failed).count() as u64
    }

    /// The files with a row, and the accepted ones without.
    pub(crate) fn into_files(mut self) -> (HashSet<Key>, HashMap<Key, Accepted>) {
        let written: HashSet<Key> = self.rows.iter().map(|&(key, _, _)| key).collect();
        self.accepted.retain(|key, _| !written.contains(key));
        (written, self.accepted)
    }
}
