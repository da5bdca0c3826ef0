//! The settings of `audit`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{model::ModelSettings, settings::count};

/// Dollars for one core for one hour where nobody says otherwise; the page says that this is an assumption.
pub(crate) const CORE_HOUR_PRICE: f64 = 0.05;

#[derive(Args)]
pub(crate) struct AuditSettings {
    /// The folder of labelled pictures, at any depth. A picture's text is what stands before the last _num of its
    /// name, as in aB3d_num17.png.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// A CSV table with the columns file and text, for pictures that are not named so; files are relative to DIR, or
    /// as `recognize` names them.
    #[arg(long, value_name = "CSV")]
    pub(crate) labels: Option<PathBuf>,
    /// The page to write: one file that opens without a network.
    #[arg(long, default_value = "audit.html", value_name = "HTML")]
    pub(crate) out: PathBuf,
    /// A file for the same figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Judges as a site does that takes a for A: figures by length, character and confidence, and the verdict.
    #[arg(long)]
    pub(crate) ignore_case: bool,
    #[command(flatten)]
    pub(crate) model: ModelSettings,
    /// Dollars that one processor core costs for an hour. Without it 0.05 is assumed: about what clouds ask for a virtual
    /// core rented by the hour.
    #[arg(long, value_name = "DOLLARS", value_parser = price)]
    pub(crate) core_hour_price: Option<f64>,
    /// Most misread pictures that the page shows, spread over all of them.
    #[arg(long, default_value = "24", value_name = "COUNT", value_parser = count(0, 200))]
    pub(crate) show: usize,
}

impl AuditSettings {
    /// What clap cannot see: that the figures will have a place once they are there.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.folder.is_dir() {
            return Err(format!("DIR: {} is not a folder", self.folder.display()));
        }
        for (flag, file) in [("--out", Some(&self.out)), ("--json", self.json.as_ref())] {
            let Some(file) = file else { continue };
            if file.is_dir() {
                return Err(format!("{flag}: {} is a folder", file.display()));
            }
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                return Err(format!("{flag}: there is no folder {}", folder.display()));
            }
            // It would be gone before it is noticed.
            if self.labels.as_ref().is_some_and(|labels| place(labels) == place(file)) {
                return Err(format!("{flag}: it is the same file as --labels"));
            }
        }
        if self.json.as_ref().is_some_and(|json| place(json) == place(&self.out)) {
            return Err("--json: it is the same file as --out".to_owned());
        }
        Ok(())
    }
}

/// The file that a path leads to, by whatever way; the path where there is none yet.
fn place(path: &Path) -> PathBuf {
    let place = path.canonicalize().or_else(|_| std::path::absolute(path));
    place.unwrap_or_else(|_| path.to_owned())
}

fn price(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    // Within this no figure that is made of it overflows or comes to nothing.
    if (1e-6..=1e6).contains(&number) {
        Ok(number)
    } else {
        Err("it must be between 0.000001 and 1000000".to_owned())
    }
}
