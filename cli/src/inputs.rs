//! Arguments as a stream of pictures, found as they are needed: a tree of a million files is never listed as a whole.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

/// Why there is no text for an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// A stable, hyphenated word.
    pub(crate) kind: &'static str,
    /// A sentence.
    pub(crate) detail: String,
}

/// The most that is read of one input; no picture within the limits of decoding is nearly as large.
const MAX_BYTES: u64 = 128 << 20;

/// Names of pictures in folders end so. A file that is named itself is tried whatever it is called.
const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "webp", "bmp"];

/// One thing to read.
pub(crate) struct Input {
    /// As it appears in the output.
    pub(crate) name: String,
    origin: Origin,
}

enum Origin {
    Stdin,
    File(PathBuf),
    /// A part of a folder that cannot be entered.
    Unreachable(Failure),
}

/// All inputs that these arguments stand for: files in their order, the pictures of a folder in the order of their
/// names, `-` for standard input.
pub(crate) fn walk(arguments: &[PathBuf]) -> Box<dyn Iterator<Item = Input> + '_> {
    Box::new(arguments.iter().flat_map(|argument| -> Box<dyn Iterator<Item = Input> + Send> {
        if argument.as_os_str() == "-" {
            Box::new(std::iter::once(Input { name: "-".to_owned(), origin: Origin::Stdin }))
        } else {
            at(argument)
        }
    }))
}

/// The file at this path, or the pictures of the folder.
pub(crate) fn at(path: &Path) -> Box<dyn Iterator<Item = Input> + Send> {
    if path.is_dir() { Box::new(folder(path)) } else { Box::new(std::iter::once(Input::file(path))) }
}

fn folder(path: &Path) -> impl Iterator<Item = Input> + use<> {
    let entries = WalkDir::new(path).follow_links(true).sort_by_file_name();
    entries.into_iter().filter_map(|entry| match entry {
        Ok(entry) => is_picture(&entry).then(|| Input::file(entry.path())),
        Err(error) => {
            let path = error.path().unwrap_or(Path::new("")).to_owned();
            let failure = Failure { kind: UNREADABLE, detail: error.to_string() };
            Some(Input { name: path.display().to_string(), origin: Origin::Unreachable(failure) })
        }
    })
}

fn is_picture(entry: &DirEntry) -> bool {
    let extension = entry.path().extension().and_then(OsStr::to_str).unwrap_or_default();
    entry.file_type().is_file() && EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

const UNREADABLE: &str = "unreadable-file";

impl Input {
    /// A file that is tried whatever it is called.
    pub(crate) fn file(path: &Path) -> Self {
        Self { name: path.display().to_string(), origin: Origin::File(path.to_owned()) }
    }

    /// The file that it is, or would be.
    pub(crate) fn path(&self) -> &Path {
        match &self.origin {
            Origin::File(path) => path,
            Origin::Stdin | Origin::Unreachable(_) => Path::new(&self.name),
        }
    }

    /// Why there is nothing to be tried.
    pub(crate) fn unreachable(&self) -> Option<&Failure> {
        match &self.origin {
            Origin::Unreachable(failure) => Some(failure),
            Origin::Stdin | Origin::File(_) => None,
        }
    }

    /// The bytes.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Failure> {
        let read = match &self.origin {
            Origin::Stdin => limited(io::stdin().lock()),
            Origin::File(path) => File::open(path).and_then(limited),
            Origin::Unreachable(failure) => return Err(failure.clone()),
        };
        let bytes = read.map_err(|error| Failure { kind: UNREADABLE, detail: error.to_string() })?;
        if bytes.len() as u64 > MAX_BYTES {
            let detail = format!("it is larger than {} MiB", MAX_BYTES >> 20);
            return Err(Failure { kind: "file-too-large", detail });
        }
        Ok(bytes)
    }
}

fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_give_their_pictures_in_order_and_named_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("b/deep")).unwrap();
        for name in ["c.PNG", "a.jpeg", "notes.txt", "b/deep/z.gif", "b/y.webp", "odd"] {
            fs::write(root.join(name), name).unwrap();
        }
        let arguments = [root.join("odd"), root.to_owned(), "-".into(), root.join("missing.png")];
        let found: Vec<Input> = walk(&arguments).collect();
        let names: Vec<String> = found
            .iter()
            .map(|input| {
                input.name.replace(&root.display().to_string(), "").trim_start_matches('/').to_owned()
            })
            .collect();
        assert_eq!(names, ["odd", "a.jpeg", "b/deep/z.gif", "b/y.webp", "c.PNG", "-", "missing.png"]);
        assert_eq!(found[1].read().unwrap(), b"a.jpeg");
        assert_eq!(found[6].read().unwrap_err().kind, "unreadable-file");
    }
}
