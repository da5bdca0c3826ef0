//! Which pictures were meant by the names on the command line.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use walkdir::WalkDir;

/// Endings of the files that are taken from a folder; a file that is named is taken whatever its ending.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "webp", "bmp"];
/// Most bytes that are read of one picture, as the server takes them.
const MAX_BYTES: u64 = 10 << 20;

/// Where a picture comes from.
pub(super) enum Input {
    File(PathBuf),
    StandardInput,
}

impl Input {
    /// The name in the output.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match self {
            Self::File(path) => path.to_string_lossy(),
            Self::StandardInput => "-".into(),
        }
    }

    /// The bytes.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let mut source: Box<dyn Read> = match self {
            Self::File(path) => Box::new(File::open(path)?),
            Self::StandardInput => Box::new(io::stdin().lock()),
        };
        let mut bytes = Vec::new();
        source.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
        }
        Ok(bytes)
    }
}

/// Files as they were named, folders replaced by the pictures below them in the order of their names.
pub(super) fn find(named: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in named {
        if path.as_os_str() == "-" {
            inputs.push(Input::StandardInput);
        } else if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            for entry in WalkDir::new(path).sort_by_file_name() {
                let entry = entry.with_context(|| format!("cannot search {}", path.display()))?;
                if entry.file_type().is_file() && is_picture(entry.path()) {
                    inputs.push(Input::File(entry.into_path()));
                }
            }
        } else {
            // One that is not there fails when it is read, and the others are still done.
            inputs.push(Input::File(path.clone()));
        }
    }
    Ok(inputs)
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}
