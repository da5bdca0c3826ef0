//! `byecaptcha-dataset convert`: a folder of labelled pictures to a TFRecord file, and back.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_dataset::tfrecord::{Picture, Reader, Writer};
use indicatif::{ProgressBar, ProgressStyle};

/// Parts the text of a file's name from its number.
const NUMBER: &str = "_num";

/// What `convert` is told.
#[derive(clap::Args)]
pub(crate) struct Convert {
    /// A folder of pictures named TEXT_numN.jpg or the like, or a TFRecord file
    from: PathBuf,
    /// The TFRecord file to make of a folder, or the folder to make of a TFRecord file
    #[arg(long)]
    out: PathBuf,
    /// Replace the file, or write into a folder that is not empty
    #[arg(long)]
    overwrite: bool,
}

/// Converts whichever way the input asks for.
pub(crate) fn convert(arguments: &Convert) -> Result<()> {
    let Convert { from, out, overwrite } = arguments;
    let from_folder = fs::metadata(from).with_context(|| format!("cannot read {}", from.display()))?.is_dir();
    let (count, what) = if from_folder {
        (to_records(from, out, *overwrite)?, "records")
    } else {
        (to_folder(from, out, *overwrite)?, "pictures")
    };
    println!("{count} {what} in {}", out.display());
    Ok(())
}

fn to_records(folder: &Path, out: &Path, overwrite: bool) -> Result<u64> {
    ensure!(overwrite || !out.exists(), "{} is there already; --overwrite replaces it", out.display());
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .with_context(|| format!("cannot read {}", folder.display()))?;
    files.retain(|path| path.is_file());
    files.sort();
    ensure!(!files.is_empty(), "{} holds no files", folder.display());

    // Under another name until it is whole.
    let mut partial = out.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let file = File::create(&partial).with_context(|| format!("cannot write {}", partial.display()))?;
    let mut writer = Writer::new(BufWriter::new(file));
    let progress = bar(files.len() as u64, "pictures")?;
    for path in progress.wrap_iter(files.iter()) {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
        let (text, _) = name
            .rsplit_once(NUMBER)
            .with_context(|| format!("{} is not named TEXT{NUMBER}N", path.display()))?;
        let encoded = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let picture = Picture { encoded, text: text.to_owned(), file_name: Some(name.to_owned()) };
        ensure!(picture.format().is_some(), "{} is no picture of a kind that is read", path.display());
        writer.write(&picture).with_context(|| format!("cannot write {}", partial.display()))?;
    }
    let file = writer.finish()?.into_inner().context("the last records could not be written")?;
    file.sync_all()?;
    fs::rename(&partial, out).with_context(|| format!("cannot make {}", out.display()))?;
    Ok(files.len() as u64)
}

fn to_folder(records: &Path, out: &Path, overwrite: bool) -> Result<u64> {
    let file = File::open(records).with_context(|| format!("cannot read {}", records.display()))?;
    let progress = bar(file.metadata()?.len(), "bytes")?;
    crate::generate::prepare(out, overwrite)?;
    let mut taken = HashSet::new();
    let mut count = 0;
    for picture in Reader::new(progress.wrap_read(BufReader::new(file))) {
        let picture = picture.with_context(|| format!("in {}", records.display()))?;
        let name = match &picture.file_name {
            Some(name) if !is_plain(name) => {
                bail!("record {count} has the file name {name:?}, which leads out of the folder")
            }
            Some(name) if says(name, &picture.text) => name.clone(),
            // In a folder the name is all that says the text.
            _ => {
                let format = picture.format();
                let format = format.with_context(|| format!("record {count} is no picture that is read"))?;
                format!("{}{NUMBER}{count}.{}", picture.text, if format == "jpeg" { "jpg" } else { format })
            }
        };
        ensure!(is_plain(&name), "record {count} has the text {:?}, which makes no file name", picture.text);
        // Some file systems cannot tell names apart that differ in case alone.
        if !taken.insert(name.to_lowercase()) {
            bail!("record {count} has the file name {name:?}, which one before it has");
        }
        let path = out.join(&name);
        fs::write(&path, &picture.encoded).with_context(|| format!("cannot write {}", path.display()))?;
        count += 1;
    }
    ensure!(count > 0, "{} holds no records", records.display());
    Ok(count)
}

/// Whether a file's name is that of a picture with this text.
fn says(name: &str, text: &str) -> bool {
    name.rsplit_once(NUMBER).is_some_and(|(before, _)| before == text)
}

/// Whether a name is a file's in the folder itself, on any system.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && !name.chars().any(|symbol| matches!(symbol, '/' | '\\' | ':') || symbol.is_control())
}

fn bar(length: u64, what: &str) -> Result<ProgressBar> {
    let template = format!("{{bar:40}} {{pos}}/{{len}} {what}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).context("progress bar template")?;
    Ok(ProgressBar::new(length).with_style(style))
}
