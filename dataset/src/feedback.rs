//! `byecaptcha-dataset feedback`: what a server's `GET /v1/feedback` gives, as a folder of labelled pictures.

use std::{
    fs::File,
    io::{BufRead, BufReader, stdin},
    path::PathBuf,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_dataset::{labels::LIST, stdout};
use serde::Deserialize;

use crate::{
    grow::{Added, Folder},
    tell,
};

/// What `feedback` is told.
#[derive(clap::Args)]
pub(crate) struct Feedback {
    /// A file of lines of JSON, or - for standard input
    from: PathBuf,
    /// Folder to write to; created if missing, refused if it holds anything. Files are named TEXT_numN; where a text makes
    /// no file name, a list labels.csv has the texts of all
    #[arg(long)]
    out: PathBuf,
    /// Write into a folder that is not empty; a picture that lies there gets the text that it is given now
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

#[derive(Default)]
struct Counts {
    new: u64,
    changed: u64,
    same: u64,
    without: u64,
}

/// Has a file for each picture that a line has, with the last text that it was given.
pub(crate) fn feedback(arguments: &Feedback) -> Result<()> {
    let Feedback { from, out, overwrite } = arguments;
    let (lines, source): (Box<dyn BufRead>, String) = match from.as_os_str() == "-" {
        true => (Box::new(stdin().lock()), "standard input".to_owned()),
        false => {
            let source = from.display().to_string();
            let file = File::open(from).with_context(|| format!("cannot read {source}"))?;
            (Box::new(BufReader::new(file)), source)
        }
    };
    crate::generate::prepare(out, *overwrite)?;
    let mut folder = Folder::open(out)?;
    let mut counts = Counts::default();
    let gathered = gather(lines, &source, &mut folder, &mut counts);
    // What came before a broken line is there, and needs its list.
    let listed = folder.finish();
    gathered?;
    let list = if listed? { format!(", with their texts in {LIST}") } else { String::new() };
    let Counts { new, changed, same, without } = counts;
    ensure!(new + changed + same > 0, "no line of {source} has a picture that can be kept");
    Ok(stdout::line(format_args!(
        "{new} new pictures in {}{list}; {changed} were there with another text, {same} with the same, and {without} \
         lines had none",
        out.display()
    ))?)
}

fn gather(lines: impl BufRead, source: &str, folder: &mut Folder, counts: &mut Counts) -> Result<()> {
    for (line, place) in lines.lines().zip(1_u64..) {
        let line = line.with_context(|| format!("line {place} of {source}"))?;
        if line.trim().is_empty() {
            continue;
        }
        let Line { number, text, image } =
            serde_json::from_str(&line).with_context(|| format!("line {place} is no feedback"))?;
        let Some(image) = image else {
            counts.without += 1;
            continue;
        };
        let image = STANDARD.decode(image).with_context(|| format!("line {place} has a damaged picture"))?;
        let format = image::guess_format(&image).ok();
        let Some(extension) = format.and_then(|format| format.extensions_str().first()) else {
            tell(format_args!("line {place} is left out: its picture is of no kind that is read"));
            continue;
        };
        // No picture shows the spaces around its text, and lists are read without them.
        let text = text.trim();
        if text.is_empty() {
            tell(format_args!("line {place} is left out: its text is blank"));
            continue;
        }
        match folder.add(text, number, extension, &image)? {
            Added::New => counts.new += 1,
            Added::Changed => counts.changed += 1,
            Added::Same => counts.same += 1,
        }
    }
    Ok(())
}
