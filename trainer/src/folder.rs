//! Folders of labelled pictures: each file named after its text, or all of them with a list that says the texts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::labels::{self, LIST, NUMBER};
use walkdir::WalkDir;

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
    let Some(list) = labels::read(folder)? else {
        let texts = files(folder)?.into_iter().map(|path| text_of(&path).map(|text| (path, text)));
        return texts.collect();
    };
    // A text that nobody has filled in yet is no label.
    let filled = list.rows.into_iter().filter(|(_, text)| !text.is_empty());
    let pictures: Vec<(PathBuf, String)> = filled.map(|(file, text)| (folder.join(file), text)).collect();
    for (path, _) in &pictures {
        fs::metadata(path).with_context(|| format!("cannot read {}, which {LIST} lists", path.display()))?;
    }
    ensure!(!pictures.is_empty(), "{} holds no labelled pictures", folder.display());
    Ok(pictures)
}

/// The text that a file is named after.
fn text_of(path: &Path) -> Result<String> {
    let text = labels::named(path);
    Ok(text.with_context(|| format!("{} is not named TEXT{NUMBER}N in UTF-8", path.display()))?.to_owned())
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
        assert!(
            refusal(&[("ab_num1.png", ""), ("_num1.jpg", "")]).contains("_num1.jpg is not named TEXT_numN")
        );
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
