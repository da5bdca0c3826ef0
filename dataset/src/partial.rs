//! A file that gets its name once it is whole.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result};

/// What a shell shows for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A file that is being written, beside the one that it is to be; it goes where it does not get so far.
pub(crate) struct Partial {
    out: PathBuf,
    path: PathBuf,
}

impl Partial {
    /// Creates it, and gives it to be written to.
    pub(crate) fn create(out: &Path) -> Result<(Self, File)> {
        let mut name = out.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((Self { out: out.to_owned(), path }, file))
    }

    /// What it is called so far.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Has Ctrl-C and the like end the program without it; for one file of a program.
    pub(crate) fn remove_when_interrupted(&self) -> Result<()> {
        let path = self.path.clone();
        let interrupted = move || {
            drop(fs::remove_file(&path));
            process::exit(INTERRUPTED);
        };
        ctrlc::set_handler(interrupted).context("signals cannot be caught")
    }

    /// Gives it its name, once it is on the disk.
    pub(crate) fn keep(self, file: &File) -> Result<()> {
        let kept = file.sync_all().and_then(|()| fs::rename(&self.path, &self.out));
        kept.with_context(|| format!("cannot make {}", self.out.display()))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // One that was kept is not there any more.
        drop(fs::remove_file(&self.path));
    }
}
