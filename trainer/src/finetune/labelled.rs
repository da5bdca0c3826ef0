//! Pictures that people have labelled: read from a folder, and parted into those to learn from and those to measure on.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_models::preprocess::{self, ImageLimits, Locator};
use image::RgbImage;
use sha2::{Digest, Sha256};

use crate::folder;

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
    let locator = Locator::embedded()?;
    let mut pictures = folder::labelled(folder)?
        .into_iter()
        .map(|(path, text)| {
            let file = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let order = Sha256::digest(&file);
            let labelled = Labelled::new(text, file, &locator).with_context(|| path.display().to_string())?;
            Ok((order, labelled))
        })
        .collect::<Result<Vec<_>>>()?;
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

/// The pictures of [`read`] to learn from and those to measure on, about this share of all. By their contents, so that none which was
/// learned from is measured on when the folder has grown.
pub fn parted(pictures: Vec<Labelled>, held_out: f64) -> Result<(Vec<Labelled>, Vec<Labelled>)> {
    let place = |labelled: &Labelled| {
        let [first, second, ..]: [u8; 32] = Sha256::digest(&labelled.file).into();
        f64::from(u16::from_be_bytes([first, second])) / f64::from(1 << 16)
    };
    ensure!(
        pictures.len() >= 2 * LEAST_HELD_OUT,
        "{} labelled pictures are too few: {LEAST_HELD_OUT} at least are held out to measure on, and as many are to be learned from",
        pictures.len()
    );
    let place = pictures.partition_point(|labelled| place(labelled) < held_out);
    // Where half is asked for, it is half by chance, a little more or less.
    let count = place.clamp(LEAST_HELD_OUT, pictures.len() / 2);
    let mut measured = pictures;
    let learned = measured.split_off(count);
    Ok((learned, measured))
}

#[cfg(test)]
mod tests {
    use byecaptcha_dataset::{labels::LIST, open};

    use super::*;
    use crate::folder::files;

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
    fn what_is_measured_on_is_not_learned_from() {
        let (learned, measured) = parted(read(folder(60, true).path()).unwrap(), 0.2).unwrap();
        assert_eq!((learned.len(), measured.len()), (40, 20));
        assert!(measured.iter().all(|one| learned.iter().all(|other| other.file != one.file)));
        // About a half by chance is half of them at most.
        for count in [60, 61, 70, 84] {
            let (learned, measured) = parted(read(folder(count, true).path()).unwrap(), 0.5).unwrap();
            assert!(learned.len() >= measured.len() && measured.len() >= 20, "{}", measured.len());
        }
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
        let some = files(folder.path()).unwrap().remove(0);
        fs::copy(&some, folder.path().join("other_num1.jpg")).unwrap();
        let error = format!("{:#}", read(folder.path()).err().unwrap());
        assert!(error.contains("\"other\""), "{error}");
    }
}
