//! Pictures that people have labelled: read from a folder, by their names or by a list, and parted into those to learn from
//! and those to measure on.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_models::preprocess::{self, ImageLimits, Locator};
use image::RgbImage;
use sha2::{Digest, Sha256};

use crate::evaluate;

/// The list of a folder whose files are not named after their texts: `file,text` and anything after.
pub const LIST: &str = "labels.csv";
/// Fewest pictures that are held out to measure on.
const LEAST_HELD_OUT: usize = 20;

/// One picture and what it says.
#[derive(Clone)]
pub struct Labelled {
    /// The text.
    pub text: String,
    /// The file as it came.
    pub file: Vec<u8>,
    /// The picture in it, without what a reader's locator leaves out.
    pub picture: RgbImage,
}

impl Labelled {
    /// From a file's bytes.
    pub fn new(text: String, file: Vec<u8>, locator: &Locator) -> Result<Self> {
        let picture = preprocess::decode(&file, ImageLimits::default())?;
        let picture = locator.look(&picture)?.picture(&picture).unwrap_or(picture);
        Ok(Self { text, file, picture })
    }
}

/// All labelled pictures of a folder, in an order that depends on their contents alone. A file that cannot be read is
/// an error: a picture lost here would be lost in silence.
pub fn read(folder: &Path) -> Result<Vec<Labelled>> {
    let list = folder.join(LIST);
    let named: Vec<(PathBuf, String)> = if list.exists() {
        listed(&list)?.into_iter().map(|(file, text)| (folder.join(file), text)).collect()
    } else {
        evaluate::folder(folder)?
            .into_iter()
            .map(|path| evaluate::text_of(&path).map(|text| (path, text)))
            .collect::<Result<_>>()?
    };
    let locator = Locator::embedded()?;
    let mut pictures = named
        .into_iter()
        .map(|(path, text)| {
            ensure!(!text.is_empty(), "{} has an empty text", path.display());
            let file = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let order = Sha256::digest(&file);
            let labelled = Labelled::new(text, file, &locator).with_context(|| path.display().to_string())?;
            Ok((order, labelled))
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(!pictures.is_empty(), "{} holds no labelled pictures", folder.display());
    pictures.sort_by_key(|(order, _)| *order);
    // The same picture twice would be learned from and measured on.
    let mut seen = HashMap::new();
    for (order, labelled) in &pictures {
        if let Some(other) = seen.insert(*order, &labelled.text)
            && *other != labelled.text
        {
            bail!("one picture is labelled {other:?} and {:?}", labelled.text);
        }
    }
    pictures.dedup_by_key(|(order, _)| *order);
    Ok(pictures.into_iter().map(|(_, labelled)| labelled).collect())
}

/// The files and texts of a list: the columns `file` and `text`, wherever they stand.
fn listed(list: &Path) -> Result<Vec<(String, String)>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(list)?;
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

/// The pictures of [`read`] to learn from and those to measure on, about this share of all. By their contents, so that none which was
/// learned from is measured on when the folder has grown.
pub fn parted(pictures: Vec<Labelled>, held_out: f64) -> Result<(Vec<Labelled>, Vec<Labelled>)> {
    let place = |labelled: &Labelled| {
        let [first, second, ..]: [u8; 32] = Sha256::digest(&labelled.file).into();
        f64::from(u16::from_be_bytes([first, second])) / f64::from(1 << 16)
    };
    let count = pictures.partition_point(|labelled| place(labelled) < held_out).max(LEAST_HELD_OUT);
    ensure!(
        pictures.len() >= 2 * count,
        "{} labelled pictures are too few: {count} are held out to measure on, and at least as many are to be learned from",
        pictures.len()
    );
    let mut measured = pictures;
    let learned = measured.split_off(count);
    Ok((learned, measured))
}

#[cfg(test)]
mod tests {
    use byecaptcha_dataset::open;

    use super::*;

    fn folder(count: u64, named: bool) -> tempfile::TempDir {
        let (folder, style) = (tempfile::tempdir().unwrap(), open("hku", 3).unwrap());
        let mut list = "file,text,confidence\n".to_owned();
        for index in 0..count {
            let (text, file, extension) = style.encoded(index);
            let name =
                if named { format!("{text}_num{index}.{extension}") } else { format!("{index}.{extension}") };
            list += &format!("{name},{text},0.5\n");
            fs::write(folder.path().join(name), file).unwrap();
        }
        if !named {
            fs::write(folder.path().join(LIST), list).unwrap();
        }
        folder
    }

    #[test]
    fn names_and_lists_say_the_same() {
        let texts = |named| {
            let pictures = read(folder(50, named).path()).unwrap();
            pictures.into_iter().map(|labelled| labelled.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(true).len(), 50);
        assert_eq!(texts(true), texts(false));
    }

    #[test]
    fn a_list_without_a_head_is_refused() {
        let folder = folder(3, false);
        let list = folder.path().join(LIST);
        let rows = fs::read_to_string(&list).unwrap();
        fs::write(&list, rows.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
        let error = read(folder.path()).err().unwrap().to_string();
        assert!(error.contains("names no column \"file\""), "{error}");
    }

    #[test]
    fn what_is_measured_on_is_not_learned_from() {
        let (learned, measured) = parted(read(folder(60, true).path()).unwrap(), 0.2).unwrap();
        assert_eq!((learned.len(), measured.len()), (40, 20));
        assert!(measured.iter().all(|one| learned.iter().all(|other| other.file != one.file)));
        let error = parted(read(folder(30, true).path()).unwrap(), 0.2).err().unwrap().to_string();
        assert!(error.contains("30 labelled pictures are too few"), "{error}");
    }

    #[test]
    fn a_larger_folder_measures_on_nothing_that_was_learned_from() {
        let (learned, _) = parted(read(folder(120, true).path()).unwrap(), 0.2).unwrap();
        let (_, measured) = parted(read(folder(300, true).path()).unwrap(), 0.2).unwrap();
        assert!((40..80).contains(&measured.len()), "{}", measured.len());
        assert!(measured.iter().all(|one| learned.iter().all(|other| other.file != one.file)));
    }

    #[test]
    fn a_broken_file_and_two_minds_about_one_picture_are_refused() {
        let folder = folder(4, true);
        fs::write(folder.path().join("abc_num9.png"), b"no picture").unwrap();
        let error = format!("{:#}", read(folder.path()).err().unwrap());
        assert!(error.contains("abc_num9.png"), "{error}");
        fs::remove_file(folder.path().join("abc_num9.png")).unwrap();
        let some = evaluate::folder(folder.path()).unwrap().remove(0);
        fs::copy(&some, folder.path().join("other_num1.jpg")).unwrap();
        let error = format!("{:#}", read(folder.path()).err().unwrap());
        assert!(error.contains("\"other\""), "{error}");
    }
}
