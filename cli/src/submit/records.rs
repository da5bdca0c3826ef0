//! A table and its journal together: opened, repaired, written to in the order that makes a crash between any two
//! writes harmless, and cleared up at the end. First the row, then the note of it: a row without a note is cut off
//! when the run is gone on with, and its job, which the server still has, is asked for again.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use uuid::Uuid;

use crate::submit::{
    journal::{Accepted, Heading, Journal},
    key::Key,
    settings::{SubmitSettings, TableFormat},
    table::{Row, Table, header},
};

/// Where a file stands.
pub(crate) enum Standing {
    /// Nothing is known of it.
    New,
    /// The server has it.
    Accepted(Accepted),
    /// It has its row.
    Done,
}

/// How many rows there are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) rows: u64,
    pub(crate) failed: u64,
}

/// What a run has done so far.
pub(crate) struct Records {
    run: Uuid,
    table: Table<Box<dyn Write>>,
    /// None beside standard output.
    files: Option<Files>,
    /// The files that have a row or were taken for one: none shall have two.
    taken: HashSet<Key>,
    /// Left by an earlier run.
    accepted: HashMap<Key, Accepted>,
    any_accepted: bool,
    pub(crate) counts: Counts,
    /// Of these, what an earlier run has done.
    pub(crate) earlier: Counts,
}

struct Files {
    table: File,
    journal: Journal,
    table_path: PathBuf,
    journal_path: PathBuf,
    /// Where the table lies that this run's is to take the place of, if there was one.
    replaced: Option<PathBuf>,
}

impl Records {
    /// Begins a run, or goes on with the one that left its journal.
    pub(crate) fn open(settings: &SubmitSettings) -> Result<Self> {
        let format = settings.table_format();
        let heading = Heading {
            run: Uuid::now_v7(),
            server: settings.server.server.to_string(),
            inputs: settings.inputs.iter().map(|input| input.display().to_string()).collect(),
            interactive: settings.interactive,
            format,
        };
        if settings.to_stdout() {
            return Self::new(heading.run, Box::new(io::stdout()), format, 0, None);
        }
        let path = settings.out.clone();
        let (journal_path, before) = (beside(&path, ".journal"), beside(&path, ".before"));
        let exists = |path: &Path| path.try_exists().with_context(|| format!("{}", path.display()));
        let begun = exists(&journal_path)?;
        ensure!(begun || settings.overwrite || !exists(&path)?, is_there(&path));
        let has_rows = fs::metadata(&path).is_ok_and(|table| table.is_file() && table.len() > 0);
        let replaces = settings.overwrite && has_rows;
        let kept = format!(
            "{} is there, of an earlier --overwrite that did not end: move it away",
            before.display()
        );
        ensure!(!replaces || !exists(&before)?, kept);
        let mut journal = Journal::open(&journal_path)?;
        let past = match settings.overwrite {
            true => None,
            false => journal.past().with_context(|| format!("{}", journal_path.display()))?,
        };
        if let Some(past) = &past {
            same_run(&past.heading, &heading)
                .with_context(|| format!("{} is of another run", journal_path.display()))?;
        }
        let named = || format!("--out {}", path.display());
        // What is there stays until this run's is whole.
        if replaces {
            fs::rename(&path, &before).with_context(named)?;
        }
        let replaced = replaces.then_some(before);
        let mut options = OpenOptions::new();
        let mut table =
            options.read(true).write(true).create(true).truncate(false).open(&path).with_context(named)?;
        let length = table.metadata().with_context(named)?.len();
        let (past, run, good) = match past {
            Some(mut past) => {
                let good = past.cut_to_rows(length);
                check(&mut table, good, format).with_context(named)?;
                journal.note_cut(good).context("the journal cannot be written")?;
                let run = past.heading.run;
                (Some(past), run, good)
            }
            None => {
                // A run that was killed before its journal had a line has not written a table either.
                ensure!(settings.overwrite || length == 0, is_there(&path));
                journal.begin(&heading)?;
                (None, heading.run, 0)
            }
        };
        table.set_len(good).and_then(|()| table.seek(SeekFrom::Start(good))).with_context(named)?;
        let out = Box::new(table.try_clone().with_context(named)?);
        let files = Files { table, journal, table_path: path, journal_path, replaced };
        let mut records = Self::new(run, out, format, good, Some(files))?;
        if let Some(past) = past {
            let failed = past.failed();
            (records.taken, records.accepted) = past.into_files();
            records.any_accepted = !records.accepted.is_empty();
            records.counts = Counts { rows: records.taken.len() as u64, failed };
            records.earlier = records.counts;
        }
        Ok(records)
    }

    fn new(
        run: Uuid,
        out: Box<dyn Write>,
        format: TableFormat,
        length: u64,
        files: Option<Files>,
    ) -> Result<Self> {
        Ok(Self {
            run,
            table: Table::new(out, format, length).context("the table cannot be written")?,
            files,
            taken: HashSet::new(),
            accepted: HashMap::new(),
            any_accepted: false,
            counts: Counts::default(),
            earlier: Counts::default(),
        })
    }

    /// What this file is called in this run.
    pub(crate) fn key(&self, path: &Path) -> Key {
        Key::of(self.run, path)
    }

    /// Where a file stands that is about to be sent; asked a second time, it is done.
    pub(crate) fn take(&mut self, file: Key) -> Standing {
        if !self.taken.insert(file) {
            return Standing::Done;
        }
        self.accepted.remove(&file).map_or(Standing::New, Standing::Accepted)
    }

    pub(crate) fn note_accepted(&mut self, file: Key, job: String) -> Result<()> {
        self.any_accepted = true;
        let noted = self.files.as_mut().map(|files| files.journal.note_accepted(file, job));
        noted.transpose().context("the journal cannot be written").map(drop)
    }

    pub(crate) fn write(&mut self, file: Key, row: &Row) -> Result<()> {
        let end = self.table.write(row).context("the table cannot be written")?;
        let failed = row.is_failure();
        self.counts.rows += 1;
        self.counts.failed += u64::from(failed);
        let noted = self.files.as_mut().map(|files| files.journal.note_written(file, end, failed));
        noted.transpose().context("the journal cannot be written").map(drop)
    }

    /// Whether neither the server nor the table has anything of this run.
    pub(crate) fn is_untouched(&self) -> bool {
        self.counts.rows == 0 && !self.any_accepted
    }

    /// Whether the same command can go on with this run later.
    pub(crate) fn is_resumable(&self) -> bool {
        self.files.is_some()
    }

    /// All is done: the table is on the disk, and the journal goes, with the table that was there before.
    pub(crate) fn finish(self) -> Result<()> {
        let Some(files) = self.files else { return Ok(()) };
        files.table.sync_all().with_context(|| format!("{}", files.table_path.display()))?;
        if let Some(before) = &files.replaced {
            fs::remove_file(before).with_context(|| format!("{} cannot be removed", before.display()))?;
        }
        files.end()
    }

    /// Nothing was done, and nothing stays behind but what was there before.
    pub(crate) fn abandon(self) -> Result<()> {
        let Some(files) = self.files else { return Ok(()) };
        let undone = match &files.replaced {
            Some(before) => fs::rename(before, &files.table_path),
            None => fs::remove_file(&files.table_path),
        };
        undone.with_context(|| format!("{} cannot be put back", files.table_path.display()))?;
        files.end()
    }
}

impl Files {
    fn end(self) -> Result<()> {
        let Self { journal, journal_path, .. } = self;
        drop(journal);
        fs::remove_file(&journal_path)
            .with_context(|| format!("{} cannot be removed", journal_path.display()))
    }
}

fn is_there(table: &Path) -> String {
    format!("{} is there already, and no unfinished run of it; --overwrite begins anew", table.display())
}

fn beside(table: &Path, ending: &str) -> PathBuf {
    let mut name = table.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Another run's rows and jobs are not this one's.
fn same_run(then: &Heading, now: &Heading) -> Result<()> {
    let advice = "the command that it was begun with goes on, and --overwrite begins anew";
    ensure!(then.server == now.server, "its server is {}; {advice}", then.server);
    ensure!(then.inputs == now.inputs, "its pictures are {}; {advice}", then.inputs.join(" "));
    ensure!(then.format == now.format, "its table is of another --format; {advice}");
    let with = if then.interactive { "with" } else { "without" };
    ensure!(then.interactive == now.interactive, "it was begun {with} --interactive; {advice}");
    Ok(())
}

/// Whether the table is as this run has left it, up to where it is to be gone on with: someone may have edited it.
fn check(table: &mut File, good: u64, format: TableFormat) -> Result<()> {
    let edited = "it is not as the run has left it; --overwrite begins anew";
    let header = header(format)?;
    let mut start = Vec::new();
    table.seek(SeekFrom::Start(0))?;
    Read::take(&mut *table, header.len() as u64).read_to_end(&mut start)?;
    ensure!(header.starts_with(&start), edited);
    if good > 0 {
        let mut last = [0];
        table.seek(SeekFrom::Start(good - 1))?;
        table.read_exact(&mut last)?;
        ensure!(last == *b"\n", edited);
    }
    Ok(())
}
