//! A folder of labelled pictures that grows, and in which a picture has one text: the last that it was given.

use std::{
    collections::HashMap,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::labels::{self, COLUMNS, LIST, NUMBER};
use sha2::{Digest, Sha256};

use crate::{partial::Partial, tell};

/// Bytes of a text that still leave room for the rest of a file's name.
const LONGEST: usize = 200;

/// What became of a picture that was added.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It was not there.
    New,
    /// It was there with another text.
    Changed,
    /// It was there with this text.
    Same,
}

/// The folder. Files are named after their texts. Where one of those makes no file name, the folder has a list of all.
pub(crate) struct Folder {
    path: PathBuf,
    /// The files that hold a picture, by the picture's checksum; those that lie there twice may be labelled in two ways.
    pictures: HashMap<[u8; 32], Vec<Labelled>>,
    /// Whether there is a list, or must be.
    is_listed: bool,
}

#[derive(Clone)]
struct Labelled {
    /// Below the folder.
    file: PathBuf,
    /// Empty where nobody has filled it in, none where nothing asks for it.
    text: Option<String>,
}

impl Folder {
    /// With what is there already; files that are neither pictures nor listed are left alone.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let list = labels::read(path)?;
        let is_listed = list.is_some();
        let (rows, is_plain) = list.map_or((Vec::new(), true), |list| (list.rows, list.is_plain));
        ensure!(
            is_plain,
            "{} has more columns than file and text, which would be lost: choose a folder of its own",
            path.join(LIST).display()
        );
        let mut folder = Self { path: path.to_owned(), pictures: HashMap::new(), is_listed };
        let mut listed: HashMap<PathBuf, String> = rows.into_iter().collect();
        for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
            let file = PathBuf::from(entry?.file_name());
            if !path.join(&file).is_file() || file.as_os_str() == LIST {
                continue;
            }
            let picture = folder.read(&file)?;
            let text = listed.remove(&file);
            if text.is_some() || image::guess_format(&picture).is_ok() {
                let text = text.or_else(|| labels::named(&file).map(str::to_owned));
                folder.know(&picture, Labelled { file, text });
            }
        }
        // In folders of this one, or gone.
        for (file, text) in listed {
            match fs::read(path.join(&file)) {
                Ok(picture) => folder.know(&picture, Labelled { file, text: Some(text) }),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    tell(format_args!("{} is not there, and is taken off {LIST}", path.join(file).display()));
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot read {}", path.join(file).display()));
                }
            }
        }
        Ok(folder)
    }

    fn read(&self, file: &Path) -> Result<Vec<u8>> {
        let path = self.path.join(file);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn know(&mut self, picture: &[u8], labelled: Labelled) {
        self.pictures.entry(Sha256::digest(picture).into()).or_default().push(labelled);
    }

    /// Adds a picture, or gives it this text where it is there. Its file is numbered from this number on.
    pub(crate) fn add(&mut self, text: &str, number: u64, extension: &str, picture: &[u8]) -> Result<Added> {
        let checksum: [u8; 32] = Sha256::digest(picture).into();
        let known = self.pictures.get(&checksum).cloned().unwrap_or_default();
        if !known.is_empty() && known.iter().all(|one| one.text.as_deref() == Some(text)) {
            return Ok(Added::Same);
        }
        let is_name = makes_name(text);
        let file = match known.first() {
            // Its name says no text, and the list will say the new one. Under another name it would have none until then.
            Some(first) if !is_name && labels::named(&first.file).is_none() => first.file.clone(),
            _ => self.free(if is_name { Some(text) } else { None }, number, extension)?.into(),
        };
        let path = self.path.join(&file);
        let cannot = || format!("cannot write {}", path.display());
        match known.split_first() {
            None => fs::write(&path, picture).with_context(cannot)?,
            Some((first, others)) => {
                fs::rename(self.path.join(&first.file), &path).with_context(cannot)?;
                for other in others {
                    let path = self.path.join(&other.file);
                    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
            }
        }
        self.is_listed |= !is_name;
        self.pictures.insert(checksum, vec![Labelled { file, text: Some(text.to_owned()) }]);
        Ok(if known.is_empty() { Added::New } else { Added::Changed })
    }

    /// A file's name that is not taken.
    fn free(&self, text: Option<&str>, number: u64, extension: &str) -> Result<String> {
        let name = |number| match text {
            Some(text) => format!("{text}{NUMBER}{number}.{extension}"),
            None => format!("{number}.{extension}"),
        };
        let mut names = (number..=u64::MAX).map(name);
        let free = names.find(|name| fs::symlink_metadata(self.path.join(name)).is_err());
        free.with_context(|| format!("no file name is left in {}", self.path.display()))
    }

    /// Writes the list where there must be one, and says whether there is.
    pub(crate) fn finish(&self) -> Result<bool> {
        if !self.is_listed {
            return Ok(false);
        }
        let all = self.pictures.values().flatten();
        let mut rows: Vec<(&Path, &str)> =
            all.filter_map(|one| Some((one.file.as_path(), one.text.as_deref()?))).collect();
        rows.sort_unstable();
        let mut list = csv::Writer::from_writer(Vec::new());
        list.write_record(COLUMNS)?;
        for (file, text) in rows {
            let file = file.to_str();
            let file =
                file.with_context(|| format!("a file's name in {} is not UTF-8", self.path.display()))?;
            list.write_record([file, text])?;
        }
        let (partial, mut file) = Partial::create(&self.path.join(LIST))?;
        let written = file.write_all(&list.into_inner()?);
        written.with_context(|| format!("cannot write {}", partial.path().display()))?;
        partial.keep(&file)?;
        Ok(true)
    }
}

/// Whether a file can be named after this text on any system, and is shown.
fn makes_name(text: &str) -> bool {
    let fits = |character: char| !character.is_control() && !"/\\:*?\"<>|".contains(character);
    text.chars().all(fits) && !text.starts_with('.') && text.len() <= LONGEST
}
