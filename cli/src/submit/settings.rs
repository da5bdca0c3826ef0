//! The settings of `submit`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{client::ServerSettings, settings::count};

#[derive(Args)]
pub(crate) struct SubmitSettings {
    /// Files, folders (all pictures in them, at any depth) or - for a list of such on standard input, one a line.
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerSettings,
    /// The table that is written, one row for each picture; - for standard output, from where nothing can be gone on
    /// with later.
    #[arg(long, value_name = "FILE|-")]
    pub(crate) out: PathBuf,
    /// What the table is written as [default: by the ending of --out, and csv on standard output].
    #[arg(long)]
    pub(crate) format: Option<TableFormat>,
    /// Most pictures that are with the server at once.
    #[arg(long, default_value = "32", value_name = "COUNT", value_parser = count(1, 10_000))]
    pub(crate) in_flight: usize,
    /// Sends them as a person's, to be read before what waits in bulk.
    #[arg(long)]
    pub(crate) interactive: bool,
    /// How long to try without any progress before giving up for now.
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) patience: Duration,
    /// Begins anew where the table is there already, or a part of it.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TableFormat {
    /// A table with a header line.
    Csv,
    /// One object a line.
    Jsonl,
}

impl SubmitSettings {
    /// What clap cannot see.
    pub(crate) fn check(&self) -> Result<(), String> {
        let given = self.format.or_else(|| by_ending(&self.out)).is_some();
        if !given && !self.to_stdout() {
            return Err(format!(
                "--out {}: its ending is neither .csv nor .jsonl, so --format must say what it shall be",
                self.out.display()
            ));
        }
        if self.out.is_dir() {
            return Err(format!("--out: {} is a folder", self.out.display()));
        }
        if self.inputs.iter().filter(|input| input.as_os_str() == "-").count() > 1 {
            return Err("-: there is one standard input".to_owned());
        }
        Ok(())
    }

    pub(crate) fn to_stdout(&self) -> bool {
        self.out.as_os_str() == "-"
    }

    pub(crate) fn table_format(&self) -> TableFormat {
        self.format.or_else(|| by_ending(&self.out)).unwrap_or(TableFormat::Csv)
    }
}

fn by_ending(path: &Path) -> Option<TableFormat> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "csv" => Some(TableFormat::Csv),
        "jsonl" | "ndjson" => Some(TableFormat::Jsonl),
        _ => None,
    }
}
