//! Folders of labelled pictures: each file named after its text, or all of them with a list that says the texts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use walkdir::WalkDir;

/// The list of a folder whose files are not named after their texts: `file,text` and anything after.
pub const LIST: &str = "labels.csv";
/// Parts the text of a file's name from its number, as the report names files.
const NUMBER: &str = "_num";

/// The files below a folder, in the order of their names; links are followed.
///
/// # Errors
/// Where it cannot be read, a link leads nowhere or into a circle, or there is no file.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let files: Vec<PathBuf> = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_map(|entry| {
            entry.map(|entry| entry.file_type().is_file().then(|| entry.into_path())).transpose()
        })
        .collect::<Result<_, _>>()?;
    ensure!(!files.is_empty(), "{} holds no files", folder.display());
    Ok(files)
}

/// The labelled pictures of a folder, each with its text: those of its list, where it has one, or all of its files by
/// their names.
///
/// # Errors
/// Where there is none, a file cannot be found or is named after no text, or the list is none.
pub fn labelled(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let list = folder.join(LIST);
    if !list.exists() {
        let texts = files(folder)?.into_iter().map(|path| text_of(&path).map(|text| (path, text)));
        return texts.collect();
    }
    let mut pictures = Vec::new();
    for (file, text) in listed(&list)? {
        let path = folder.join(file);
        fs::metadata(&path)
            .with_context(|| format!("cannot read {}, which {} lists", path.display(), list.display()))?;
        pictures.push((path, text));
    }
    ensure!(!pictures.is_empty(), "{} holds no labelled pictures", folder.display());
    Ok(pictures)
}

/// The text that a file is named after.
fn text_of(path: &Path) -> Result<String> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.with_context(|| format!("the name of {} is not UTF-8", path.display()))?;
    let (text, _) =
        stem.rsplit_once(NUMBER).with_context(|| format!("{} is not named TEXT{NUMBER}N", path.display()))?;
    ensure!(!text.is_empty(), "{} has an empty text, and should be named TEXT{NUMBER}N", path.display());
    Ok(text.to_owned())
}

/// The files and texts of a list: the columns `file` and `text`, wherever they stand.
fn listed(list: &Path) -> Result<Vec<(String, String)>> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_path(list)
        .with_context(|| list.display().to_string())?;
    let head = reader.headers().with_context(|| list.display().to_string())?.clone();
    // A list without a head would lose its first line in silence.
    let column = |name: &str| {
        let place = head.iter().position(|field| field.trim().eq_ignore_ascii_case(name));
        place.with_context(|| format!("{}: the first line names no column {name:?}", list.display()))
    };
    let (file, text) = (column("file")?, column("text")?);
    let rows = reader.records().map(|record| {
        let record = record.with_context(|| list.display().to_string())?;
        match (record.get(file), record.get(text)) {
            (Some(file), Some(text)) => Ok((file.to_owned(), text.trim().to_owned())),
            _ => bail!("{}: a line has no file and text: {record:?}", list.display()),
        }
    });
    // A text that nobody has filled in yet is no label.
    Ok(rows.collect::<Result<Vec<_>>>()?.into_iter().filter(|(_, text)| !text.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, contents) in files {
            fs::write(folder.path().join(name), contents).unwrap();
        }
        folder
    }

    fn refusal(files: &[(&str, &str)]) -> String {
        format!("{:#}", labelled(folder(files).path()).unwrap_err())
    }

    #[test]
    fn a_file_without_a_text_is_refused_by_its_name() {
        assert!(refusal(&[("ab_num1.png", ""), ("_num1.jpg", "")]).contains("_num1.jpg has an empty text"));
        assert!(refusal(&[("ab.png", "")]).contains("ab.png is not named TEXT_numN"));
        assert!(refusal(&[]).contains("holds no files"));
    }

    #[test]
    fn a_list_takes_the_place_of_names() {
        let listed = folder(&[(LIST, "text,file\nab,1.png\n,2.png\n"), ("1.png", ""), ("2.png", "")]);
        assert_eq!(labelled(listed.path()).unwrap(), [(listed.path().join("1.png"), "ab".to_owned())]);
        assert!(refusal(&[(LIST, "1.png,ab\n2.png,cd\n")]).contains("names no column \"file\""));
        assert!(refusal(&[(LIST, "file,text\n1.png,ab\n")]).contains("1.png, which"));
        assert!(refusal(&[(LIST, "file,text\n1.png,\n")]).contains("holds no labelled pictures"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_not_around_in_circles() {
        use std::os::unix::fs::symlink;

        let (there, here) = (folder(&[("ab_num1.png", "")]), folder(&[]));
        symlink(there.path(), here.path().join("more")).unwrap();
        symlink(there.path().join("ab_num1.png"), here.path().join("cd_num2.png")).unwrap();
        let texts: Vec<String> = labelled(here.path()).unwrap().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["cd", "ab"]);
        symlink(here.path(), here.path().join("round")).unwrap();
        assert!(labelled(here.path()).is_err(), "a circle");
        fs::remove_file(here.path().join("round")).unwrap();
        symlink("nowhere.png", here.path().join("ef_num3.png")).unwrap();
        assert!(format!("{:#}", labelled(here.path()).unwrap_err()).contains("ef_num3.png"));
    }
}
