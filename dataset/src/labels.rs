//! What the pictures of a folder say: by their names, TEXT_numN.jpg or the like, or by a list `labels.csv` beside them.

use std::{
    collections::HashMap,
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

/// The list's name.
pub const LIST: &str = "labels.csv";
/// Parts the text of a file's name from its number.
pub const NUMBER: &str = "_num";
/// The columns of a list, which may have more.
pub const COLUMNS: [&str; 2] = ["file", "text"];

/// A list as it is read.
#[derive(Debug)]
pub struct List {
    /// Files, below the folder and without `.` in their paths, with their texts; one that nobody has filled in is empty.
    pub rows: Vec<(PathBuf, String)>,
    /// Whether it has nothing but those two columns.
    pub is_plain: bool,
}

/// Why a list is none.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ListError {
    #[error("cannot read {}", .path.display())]
    Read { path: PathBuf, source: csv::Error },
    #[error("{}: the first line names no column {column:?}", .path.display())]
    NoColumn { path: PathBuf, column: &'static str },
    #[error("{}: line {line} names no file", .path.display())]
    NoFile { path: PathBuf, line: u64 },
    #[error("{}: line {line} names {file:?}, which is not in the folder", .path.display())]
    Outside { path: PathBuf, line: u64, file: String },
    #[error(
        "{}: line {line} has more columns than the first: a text with a comma stands in quotes", .path.display()
    )]
    TooLong { path: PathBuf, line: u64 },
    #[error("{}: line {line} gives {file:?} another text than a line before it", .path.display())]
    Contradiction { path: PathBuf, line: u64, file: String },
}

/// The text that a file is named after, if it is.
pub fn named(path: &Path) -> Option<&str> {
    let (text, _) = path.file_stem().and_then(OsStr::to_str)?.rsplit_once(NUMBER)?;
    (!text.is_empty()).then_some(text)
}

/// The folder's list, where it has one.
///
/// # Errors
/// Where it cannot be read, its first line does not name the columns, since a list without a head would lose its first line in
/// silence, a line names no file of the folder or has more columns than the first, or two give one file two texts.
pub fn read(folder: &Path) -> Result<Option<List>, ListError> {
    let path = folder.join(LIST);
    if !path.exists() {
        return Ok(None);
    }
    let cannot = |source| ListError::Read { path: path.clone(), source };
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_path(&path).map_err(cannot)?;
    let head = reader.headers().map_err(cannot)?.clone();
    let column = |column| {
        let place = head.iter().position(|field| field.eq_ignore_ascii_case(column));
        place.ok_or_else(|| ListError::NoColumn { path: path.clone(), column })
    };
    let [of_file, of_text] = COLUMNS;
    let (of_file, of_text) = (column(of_file)?, column(of_text)?);
    let (mut rows, mut texts) = (Vec::new(), HashMap::new());
    for record in reader.records() {
        let record = record.map_err(cannot)?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() > head.len() {
            return Err(ListError::TooLong { path, line });
        }
        let Some(file) = record.get(of_file).filter(|file| !file.is_empty()) else {
            return Err(ListError::NoFile { path, line });
        };
        let parts = Path::new(file).components().filter(|part| *part != Component::CurDir);
        if parts.clone().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(ListError::Outside { file: file.to_owned(), path, line });
        }
        let row: (PathBuf, String) = (parts.collect(), record.get(of_text).unwrap_or_default().to_owned());
        match texts.insert(row.0.clone(), row.1.clone()) {
            None => rows.push(row),
            Some(text) if text == row.1 => {}
            Some(_) => return Err(ListError::Contradiction { file: file.to_owned(), path, line }),
        }
    }
    Ok(Some(List { rows, is_plain: head.len() == COLUMNS.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(lines: &str) -> Result<Vec<(PathBuf, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LIST), lines).unwrap();
        read(folder.path()).map(|list| list.unwrap().rows).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_has_one_text_whole() {
        let row = |file: &str, text: &str| (PathBuf::from(file), text.to_owned());
        let twice = listed("file,text\n1.png,ab\n./1.png,ab\n2.png,\"3,5\"\n3.png\n").unwrap();
        assert_eq!(twice, [row("1.png", "ab"), row("2.png", "3,5"), row("3.png", "")]);
        let error = listed("file,text\n1.png,ab\n./1.png,ad\n").unwrap_err();
        assert!(error.contains("line 3 gives \"./1.png\" another text"), "{error}");
        let error = listed("file,text\n1.png,3,5\n").unwrap_err();
        assert!(error.contains("line 2 has more columns"), "{error}");
    }
}
