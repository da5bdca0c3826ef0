//! The report's table of networks, trained again: every row under the same budget of images, measured the same way.

mod measure;
mod plots;
mod report;
mod rows;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, ensure};
use tch::Device;

use crate::{folder, progress::tell, train};
use measure::Measured;
use rows::{ROWS, Row, Task};

/// What `table6` is told.
#[derive(clap::Args)]
pub struct Table {
    /// Images that each network is trained on.
    #[arg(long, default_value_t = 128_000)]
    budget: u64,
    /// Where runs, models and results go; what is there already is gone on from.
    #[arg(long, default_value = "runs/table6")]
    folder: PathBuf,
    /// Where table6.md, table6.html and the pictures go.
    #[arg(long, default_value = "docs/table6")]
    out: PathBuf,
    /// Rows to train; all by default.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Labelled pictures of 4 to 6 characters for the web-page task; freshly drawn ones by default.
    #[arg(long)]
    variable: Option<PathBuf>,
    /// The same cut out of pages, for the extension task; pages drawn around fresh ones by default.
    #[arg(long)]
    variable_cuts: Option<PathBuf>,
    /// Labelled pictures of 6 characters, for the web-page task of fixed-length networks.
    #[arg(long)]
    fixed: Option<PathBuf>,
    /// The same cut out of pages.
    #[arg(long)]
    fixed_cuts: Option<PathBuf>,
    /// Only measures and writes what is trained already.
    #[arg(long)]
    report_only: bool,
}

/// Trains what is left to train, measures, and writes the report; a stop in between saves, and leaves the report as it
/// was.
pub fn table6(table: &Table, device: Device, stop: &AtomicBool) -> Result<()> {
    for name in &table.rows {
        let known = || ROWS.map(|row| row.network.name()).join(", ");
        ensure!(
            ROWS.iter().any(|row| row.network.name() == name),
            "there is no row {name:?}; there are: {}",
            known()
        );
    }
    // Before what takes long.
    for pictures in [&table.variable, &table.variable_cuts, &table.fixed, &table.fixed_cuts] {
        pictures.as_deref().map_or(Ok(()), |pictures| folder::labelled(pictures).map(drop))?;
    }
    let wanted =
        |row: &&Row| table.rows.is_empty() || table.rows.iter().any(|name| name == row.network.name());
    let mut measured = Vec::new();
    for row in ROWS.iter().filter(wanted) {
        let folder = table.folder.join(row.network.name());
        let config = row.config(table.budget);
        train::is_as_long(&config, &folder)?;
        train::is_of(&config, &folder)?;
        if !table.report_only {
            tell(format_args!("{}: {} images", row.network, config.steps * config.batch as u64));
            train::train(&config, &folder, device, stop)?;
            if stop.load(Ordering::Relaxed) {
                tell("stopped; the same command goes on");
                return Ok(());
            }
        }
        if folder.join("checkpoint.safetensors").exists() {
            let (pictures, cuts) = table.sets(row.task);
            measured.push(Measured::of(row, config, &folder, pictures, cuts)?);
        }
    }
    ensure!(!measured.is_empty(), "nothing in {} is trained", table.folder.display());
    measure::time(&mut measured)?;
    fs::create_dir_all(&table.out).with_context(|| format!("cannot make {}", table.out.display()))?;
    report::write(&measured, table.budget, &table.out)
}

impl Table {
    /// Labelled pictures for a task, as files and as cuts.
    fn sets(&self, task: Task) -> (Option<&Path>, Option<&Path>) {
        match task {
            Task::Variable => (self.variable.as_deref(), self.variable_cuts.as_deref()),
            Task::Fixed => (self.fixed.as_deref(), self.fixed_cuts.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        table: Table,
    }

    #[test]
    fn a_row_goes_on_with_its_own_budget_alone() {
        let folder = tempfile::tempdir().unwrap();
        let row = &ROWS[0];
        let run = folder.path().join(row.network.name());
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("config.toml"), toml::to_string(&row.config(64_000)).unwrap()).unwrap();
        let begin = |budget: &str, more: &[&str]| {
            let at = folder.path().to_str().unwrap();
            let command = ["table6", "--report-only", "--folder", at, "--out", at, "--budget", budget];
            let table = Command::parse_from(command.iter().chain(more)).table;
            format!("{:#}", table6(&table, Device::Cpu, &AtomicBool::new(false)).unwrap_err())
        };
        assert!(begin("32000", &[]).contains("was begun for 500 steps and not 250"));
        assert!(begin("64000", &[]).contains("is trained"), "nothing is there yet, and it says that");
        // Told before the budget is looked at.
        assert!(begin("32000", &["--fixed-cuts", "no-such-folder"]).contains("no-such-folder"));
    }
}
