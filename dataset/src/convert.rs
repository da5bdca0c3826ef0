//! `byecaptcha-dataset convert`: a folder of labelled pictures to a TFRecord file, and back.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_dataset::{
    labels::{self, LIST, NUMBER},
    stdout,
    tfrecord::{Picture, Reader, Writer},
};
use indicatif::{ProgressBar, ProgressStyle};
use walkdir::WalkDir;

use crate::{partial::Partial, tell};

/// What `convert` is told.
#[derive(clap::Args)]
pub(crate) struct Convert {
    /// A folder of pictures, at any depth, named TEXT_numN.jpg or the like or listed in its labels.csv; or a TFRecord file
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
    Ok(stdout::line(format_args!("{count} {what} in {}", out.display()))?)
}

fn to_records(folder: &Path, out: &Path, overwrite: bool) -> Result<u64> {
    // A device or a folder is nothing that a file could take the place of.
    ensure!(!out.exists() || out.is_file(), "{} is no file; --out must name one", out.display());
    ensure!(overwrite || !out.exists(), "{} is there already; --overwrite replaces it", out.display());
    let pictures = pictures(folder)?;
    let (partial, file) = Partial::create(out)?;
    partial.remove_when_interrupted()?;
    let mut writer = Writer::new(BufWriter::new(file));
    let progress = bar(pictures.len() as u64, "pictures")?;
    for (path, text) in progress.wrap_iter(pictures.iter()) {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
        let encoded = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let picture = Picture { encoded, text: text.clone(), file_name: Some(name.to_owned()) };
        ensure!(picture.format().is_some(), "{} is no picture of a kind that is read", path.display());
        writer.write(&picture).with_context(|| format!("cannot write {}", partial.path().display()))?;
    }
    let file = writer.finish()?.into_inner().context("the last records could not be written")?;
    partial.keep(&file)?;
    Ok(pictures.len() as u64)
}

/// The files of a folder, at any depth, with their texts: those of its list where it has one.
fn pictures(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let list = labels::read(folder)?;
    let is_listed = list.is_some();
    let mut listed: HashMap<PathBuf, String> = list.into_iter().flat_map(|list| list.rows).collect();
    let (mut pictures, mut unlabelled) = (Vec::new(), 0_u64);
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.into_path();
        if !path.is_file() || (is_listed && path == folder.join(LIST)) {
            continue;
        }
        let text = match is_listed {
            true => listed.remove(path.strip_prefix(folder)?).filter(|text| !text.is_empty()),
            false => {
                let text = labels::named(&path).map(str::to_owned);
                Some(text.with_context(|| format!("{} is not named TEXT{NUMBER}N in UTF-8", path.display()))?)
            }
        };
        match text {
            Some(text) => pictures.push((path, text)),
            None => unlabelled += 1,
        }
    }
    if let Some(missing) = listed.into_keys().min() {
        bail!("{LIST} names {}, which is not there", folder.join(missing).display());
    }
    if unlabelled > 0 {
        tell(format_args!("left out {unlabelled} files that {LIST} has no text for"));
    }
    ensure!(!pictures.is_empty(), "{} holds no labelled pictures", folder.display());
    Ok(pictures)
}

fn to_folder(records: &Path, out: &Path, overwrite: bool) -> Result<u64> {
    let file = File::open(records).with_context(|| format!("cannot read {}", records.display()))?;
    let progress = bar(file.metadata()?.len(), "bytes")?;
    crate::generate::prepare(out, overwrite)?;
    let mut taken = HashSet::new();
    let mut count = 0;
    for picture in Reader::new(progress.wrap_read(BufReader::new(file))) {
        let picture = picture.with_context(|| format!("in {}, after {count} pictures", records.display()))?;
        // Some file systems cannot tell names apart that differ in case alone.
        let is_taken = |name: &str| taken.contains(&name.to_lowercase());
        let name = match &picture.file_name {
            Some(name) if !is_plain(name) => {
                bail!("record {count} has the file name {name:?}, which leads out of the folder")
            }
            Some(name) if says(name, &picture.text) && !is_taken(name) => name.clone(),
            // In a folder the name is all that says the text.
            _ => {
                let format = picture.format();
                let format = format.with_context(|| format!("record {count} is no picture that is read"))?;
                let extension = if format == "jpeg" { "jpg" } else { format };
                let mut names =
                    (count..=u64::MAX).map(|n| format!("{}{NUMBER}{n}.{extension}", picture.text));
                names.find(|name| !is_taken(name)).context("no file name is left")?
            }
        };
        ensure!(is_plain(&name), "record {count} has the text {:?}, which makes no file name", picture.text);
        taken.insert(name.to_lowercase());
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
