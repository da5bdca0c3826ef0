//! `byecaptcha-dataset feedback`: what a server's `GET /v1/feedback` gives, as a folder of labelled pictures.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// What `feedback` is told.
#[derive(clap::Args)]
pub(crate) struct Feedback {
    /// A file of lines of JSON, or - for standard input
    from: PathBuf,
    /// Folder to write to; created if missing, refused if it holds anything
    #[arg(long)]
    out: PathBuf,
    /// Write into a folder that is not empty, replacing files of the same name
    #[arg(long)]
    overwrite: bool,
}

/// What of a line is of use here.
#[derive(Deserialize)]
struct Line {
    number: u64,
    text: String,
    image: Option<String>,
}

/// Writes one file for each line that has a picture.
pub(crate) fn feedback(arguments: &Feedback) -> Result<()> {
    let Feedback { from, out, overwrite } = arguments;
    let lines: Box<dyn BufRead> = match from.as_os_str() == "-" {
        true => Box::new(stdin().lock()),
        false => Box::new(BufReader::new(
            File::open(from).with_context(|| format!("cannot read {}", from.display()))?,
        )),
    };
    crate::generate::prepare(out, *overwrite)?;
    let (mut written, mut without, mut unfit) = (0_u64, 0_u64, 0_u64);
    for (index, line) in lines.lines().enumerate() {
        let line = line.with_context(|| format!("in {}", from.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let Line { number, text, image } =
            serde_json::from_str(&line).with_context(|| format!("line {} is no feedback", index + 1))?;
        let Some(image) = image else {
            without += 1;
            continue;
        };
        let image =
            STANDARD.decode(image).with_context(|| format!("line {} has a damaged picture", index + 1))?;
        match name(&text, number, &image) {
            Some(name) => {
                write(out, &name, &image)?;
                written += 1;
            }
            None => unfit += 1,
        }
    }
    ensure!(written > 0, "no line of {} has a picture that can be kept", from.display());
    println!(
        "{written} pictures in {}; {without} lines had none, and {unfit} a text that no file can be named after",
        out.display()
    );
    Ok(())
}

/// The file's name; none where the text has what names cannot have, or the picture is of no kind that is read.
fn name(text: &str, number: u64, image: &[u8]) -> Option<String> {
    let fits = |character: char| !character.is_control() && !"/\\:*?\"<>|".contains(character);
    let extension = image::guess_format(image).ok()?.extensions_str().first()?;
    (text.chars().all(fits) && !text.starts_with('.')).then(|| format!("{text}_num{number}.{extension}"))
}

fn write(folder: &Path, name: &str, image: &[u8]) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, image).with_context(|| format!("cannot write {}", path.display()))
}
