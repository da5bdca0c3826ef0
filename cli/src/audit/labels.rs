//! The pictures of a folder with what they say, one after the other: by their names, or by a table.

use std::{
    collections::HashSet,
    fs::File,
    hash::{BuildHasher, RandomState},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use csv::{ErrorKind, ReaderBuilder, StringRecord, StringRecordsIntoIter, Trim};

use crate::inputs::{self, Failure, Input};

/// Parts the text of a file's name from its number.
const NUMBER: &str = "_num";
/// No captcha has as many, and comparing two texts takes time and memory by the product of their lengths.
const MOST_CHARACTERS: usize = 100;

/// A picture and what it says.
pub(crate) struct Labelled {
    pub(crate) input: Input,
    pub(crate) truth: Result<String, Failure>,
}

/// All pictures of the folder, each with its text or why it has none. An error ends it: the table cannot be read on.
pub(crate) fn pictures(
    folder: &Path,
    table: Option<&Path>,
) -> Result<Box<dyn Iterator<Item = Result<Labelled>>>> {
    Ok(match table {
        Some(file) => Box::new(Table::open(folder, file)?),
        None => Box::new(inputs::at(folder).map(|input| {
            let truth = named(input.path());
            Ok(Labelled { input, truth })
        })),
    })
}

/// The text in a picture's name.
fn named(path: &Path) -> Result<String, Failure> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.ok_or_else(|| no_label("its name is not Unicode, so no text can be found in it"))?;
    let (text, _) = stem.rsplit_once(NUMBER).ok_or_else(|| no_label("its name has no _num after a text"))?;
    checked(text)
}

fn checked(text: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Err(no_label("its text is empty"));
    }
    if text.chars().count() > MOST_CHARACTERS {
        let detail = format!("its text is longer than {MOST_CHARACTERS} characters");
        return Err(Failure { kind: "label-too-long", detail });
    }
    Ok(text.to_owned())
}

fn no_label(detail: &str) -> Failure {
    Failure { kind: "no-label", detail: detail.to_owned() }
}

/// First the rows in their order, then the pictures of the folder that no row names, so that none goes unnoticed. What
/// is held of a row meanwhile is eight bytes: a hash of its file's name.
struct Table {
    folder: PathBuf,
    /// The folder as names may have it before them: as it was given, without `.` in it, and where it really is.
    prefixes: [PathBuf; 2],
    file: PathBuf,
    /// Where in a row the file and its text stand.
    columns: (usize, usize),
    /// How many the first line names.
    width: usize,
    rows: StringRecordsIntoIter<File>,
    named: HashSet<u64>,
    hasher: RandomState,
    rest: Option<Box<dyn Iterator<Item = Input> + Send>>,
}

impl Table {
    fn open(folder: &Path, file: &Path) -> Result<Self> {
        let unreadable = || format!("--labels {}: it cannot be read", file.display());
        let opened = File::open(file).with_context(unreadable)?;
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(opened);
        let head = reader.headers().with_context(unreadable)?;
        let width = head.len();
        let column = |name: &str| head.iter().position(|head| head.eq_ignore_ascii_case(name));
        let (Some(of_file), Some(of_text)) = (column("file"), column("text")) else {
            bail!("--labels {}: its first line must name the columns file and text", file.display());
        };
        Ok(Self {
            folder: folder.to_owned(),
            prefixes: [without_dots(folder), folder.canonicalize().unwrap_or_else(|_| folder.to_owned())],
            file: file.to_owned(),
            columns: (of_file, of_text),
            width,
            rows: reader.into_records(),
            named: HashSet::new(),
            hasher: RandomState::new(),
            rest: None,
        })
    }

    /// The picture of a row. A table of `recognize` names files as they were named to it, with the folder before them.
    fn row(&mut self, row: &StringRecord) -> Labelled {
        if row.len() > self.width {
            // A text with a comma in it that is not in quotes would be cut short.
            let line = row.position().map(csv::Position::line);
            return self.broken(line, "has more columns than the first");
        }
        let cell = |column| row.get(column).unwrap_or_default();
        let (name, text) = (cell(self.columns.0), cell(self.columns.1));
        if name.is_empty() {
            return self.broken(row.position().map(csv::Position::line), "names no file");
        }
        let picture = self.folder.join(self.below(name.as_ref()));
        let truth = if self.named.insert(self.hash(&picture)) {
            checked(text)
        } else {
            let detail = "an earlier row of the table names it, too".to_owned();
            Err(Failure { kind: "labelled-twice", detail })
        };
        Labelled { input: Input::file(&picture), truth }
    }

    fn broken(&self, line: Option<u64>, what: &str) -> Labelled {
        let line = line.map_or_else(|| "a line".to_owned(), |line| format!("line {line}"));
        Labelled { input: Input::file(&self.file), truth: Err(no_label(&format!("{line} {what}"))) }
    }

    /// The path from the folder on.
    fn below(&self, name: &Path) -> PathBuf {
        let [given, real] = &self.prefixes;
        let name = without_dots(name);
        if let Ok(below) = name.strip_prefix(given) {
            return below.to_owned();
        }
        // What is there by its path from the folder on is meant so.
        if name.is_relative() && self.folder.join(&name).exists() {
            return name;
        }
        really(&name).strip_prefix(real).map(Path::to_owned).unwrap_or(name)
    }

    fn hash(&self, picture: &Path) -> u64 {
        self.hasher.hash_one(really(picture).components().map(Component::as_os_str).collect::<Vec<_>>())
    }

    fn unnamed(&mut self) -> Option<Labelled> {
        let mut rest = self.rest.take().unwrap_or_else(|| inputs::at(&self.folder));
        let unnamed = rest.find(|input| !self.named.contains(&self.hash(input.path())));
        self.rest = Some(rest);
        let truth = Err(no_label(&format!("{} has no row for it", self.file.display())));
        unnamed.map(|input| Labelled { input, truth })
    }
}

/// The same for a/b.png and ./a/b.png.
fn without_dots(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

/// The file's name in the folder that it is really in, however that is spelled; as it is where there is no such folder.
fn really(file: &Path) -> PathBuf {
    let folder =
        file.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let folder = folder.and_then(|folder| folder.canonicalize().ok());
    folder.zip(file.file_name()).map_or_else(|| file.to_owned(), |(folder, name)| folder.join(name))
}

impl Iterator for Table {
    type Item = Result<Labelled>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_some() {
            return self.unnamed().map(Ok);
        }
        match self.rows.next() {
            None => self.unnamed().map(Ok),
            Some(Ok(row)) => Some(Ok(self.row(&row))),
            Some(Err(error)) => match error.kind() {
                ErrorKind::Utf8 { pos, .. } => {
                    let line = pos.as_ref().map(csv::Position::line);
                    Some(Ok(self.broken(line, "is not UTF-8")))
                }
                _ => {
                    let file = self.file.display();
                    Some(Err(error).with_context(|| format!("--labels {file}: it cannot be read on")))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn text(path: &str) -> Result<String, &'static str> {
        named(Path::new(path)).map_err(|failure| failure.kind)
    }

    #[test]
    fn a_text_is_what_stands_before_the_last_num() {
        assert_eq!(text("a/aB3d_num17.png"), Ok("aB3d".to_owned()));
        assert_eq!(text("a_num1_num2.png"), Ok("a_num1".to_owned()));
        assert_eq!(text("<b>&\"_num.png"), Ok("<b>&\"".to_owned()));
        assert_eq!(text("aB3d.png"), Err("no-label"));
        assert_eq!(text("_num3.png"), Err("no-label"));
        assert_eq!(text(&format!("{}_num3.png", "a".repeat(101))), Err("label-too-long"));
    }

    #[test]
    fn a_table_gives_its_rows_and_then_what_it_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("pictures");
        fs::create_dir_all(root.join("deep")).unwrap();
        for name in ["a.png", "b.png", "deep/c.png", "left.png"] {
            fs::write(root.join(name), name).unwrap();
        }
        let table = folder.path().join("labels.csv");
        let rows = format!(
            "\u{feff}text, file ,note\nAA, a.png,\n\"B,\"\"B\",{}\nCC,./deep/c.png\nCC,deep/c.png\n,d.png\nEE,\nF",
            root.join("b.png").display()
        );
        fs::write(&table, [rows.as_bytes(), b"\xff,f.png\nGG,gone.png\nH,I,h.png,\n"].concat()).unwrap();
        let found: Vec<Labelled> = pictures(&root, Some(&table)).unwrap().map(Result::unwrap).collect();
        let found: Vec<(String, String)> = found
            .into_iter()
            .map(|Labelled { input, truth }| {
                let name = input.name.replace(&format!("{}/", root.display()), "");
                let name = name.replace(&format!("{}", table.display()), "labels.csv");
                (name, truth.unwrap_or_else(|failure| format!("{}: {}", failure.kind, failure.detail)))
            })
            .collect();
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "a.png",
                "b.png",
                "deep/c.png",
                "deep/c.png",
                "d.png",
                "labels.csv",
                "labels.csv",
                "gone.png",
                "labels.csv",
                "left.png"
            ]
        );
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts[..3], ["AA", "B,\"B", "CC"]);
        assert!(texts[3].starts_with("labelled-twice"), "{}", texts[3]);
        assert_eq!(texts[4], "no-label: its text is empty");
        assert_eq!(texts[5], "no-label: line 7 names no file");
        assert_eq!(texts[6], "no-label: line 8 is not UTF-8");
        assert_eq!(texts[7], "GG");
        assert_eq!(texts[8], "no-label: line 10 has more columns than the first");
        assert!(texts[9].starts_with("no-label") && texts[9].contains("labels.csv"), "{}", texts[9]);
    }

    #[test]
    fn a_table_without_the_columns_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("labels.csv");
        for content in ["", "a.png,AA\n", "file,label\na.png,AA\n"] {
            fs::write(&table, content).unwrap();
            let error = pictures(folder.path(), Some(&table)).err().unwrap().to_string();
            assert!(error.contains("columns file and text"), "{error}");
        }
        assert!(pictures(folder.path(), Some(&folder.path().join("none.csv"))).is_err());
    }
}
