//! What the pictures of a folder say: by their names, TEXT_numN.jpg or the like, or by a list `labels.csv` beside them.

use std::{
    ffi::OsStr,
    fs::File,
    io::ErrorKind,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// The list's name; what learns from such folders looks for it, too.
pub(crate) const LIST: &str = "labels.csv";
/// Parts the text of a file's name from its number.
pub(crate) const NUMBER: &str = "_num";
/// The columns of a list.
pub(crate) const COLUMNS: [&str; 2] = ["file", "text"];

/// A list as it is read.
pub(crate) struct List {
    /// Files, below the folder and without `.` in their paths, with their texts; one that nobody has filled in is empty.
    pub(crate) rows: Vec<(PathBuf, String)>,
    /// Whether it has nothing but those two columns.
    pub(crate) is_plain: bool,
}

/// The text that a file is named after, if it is.
pub(crate) fn named(path: &Path) -> Option<&str> {
    let (text, _) = path.file_stem().and_then(OsStr::to_str)?.rsplit_once(NUMBER)?;
    (!text.is_empty()).then_some(text)
}

/// The folder's list, where it has one.
pub(crate) fn read(folder: &Path) -> Result<Option<List>> {
    let path = folder.join(LIST);
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    let head = reader.headers().with_context(|| format!("in {}", path.display()))?.clone();
    let places = COLUMNS.map(|name| head.iter().position(|field| field.eq_ignore_ascii_case(name)));
    let [Some(of_file), Some(of_text)] = places else {
        anyhow::bail!("{}: its first line must name the columns file and text", path.display());
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("in {}", path.display()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let file = record.get(of_file).filter(|file| !file.is_empty());
        let file = file.with_context(|| format!("{}: line {line} names no file", path.display()))?;
        let is_below =
            Path::new(file).components().all(|part| matches!(part, Component::CurDir | Component::Normal(_)));
        ensure!(is_below, "{}: line {line} names {file:?}, which is not in the folder", path.display());
        let parts = Path::new(file).components().filter(|part| *part != Component::CurDir);
        rows.push((parts.collect(), record.get(of_text).unwrap_or_default().to_owned()));
    }
    Ok(Some(List { rows, is_plain: head.len() == COLUMNS.len() }))
}
