//! A temporary folder that goes away with its owner, also where the owner is a static or is killed.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

/// Removes the folder once its standard input ends, and a little later, for the servers that write there end then too.
const REMOVER: &str = r#"read -r _; sleep 1; rm -rf -- "$1""#;

/// Where a server keeps its data.
pub(crate) struct Folder {
    path: PathBuf,
    /// Holds the pipe that the remover reads from. Not waited for: the system collects it after this process.
    _remover: Child,
}

impl Folder {
    pub(crate) fn new(what: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("byecaptcha-{what}-")).tempdir();
        let path = folder.context("no temporary folder")?.keep();
        let remover = Command::new("sh")
            .args(["-c", REMOVER, "remover"])
            .arg(&path)
            .stdin(Stdio::piped())
            // Ctrl-C in a terminal, and `timeout`, signal the whole group of their program.
            .process_group(0)
            .spawn()
            .context("sh cannot be started")?;
        Ok(Self { path, _remover: remover })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
