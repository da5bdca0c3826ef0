//! The pictures that are sent: those of the trainer's tests, as the programs' users would send them, and the same
//! picture in other forms.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;

/// Captchas as JPEG files, in the order of their names.
pub(crate) fn captchas() -> Result<Vec<Bytes>> {
    let pictures = folder("trainer/tests/fixtures/var456")?;
    ensure!(!pictures.is_empty(), "there are no pictures to send");
    Ok(pictures)
}

/// Pictures in every format that is read: PNG, GIF, WebP, BMP, and JPEG in other colours.
pub(crate) fn forms() -> Result<Vec<Bytes>> {
    folder("cli/tests/fixtures/forms")
}

fn folder(name: &str) -> Result<Vec<Bytes>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let files = fs::read_dir(&folder).with_context(|| format!("the pictures in {}", folder.display()))?;
    let mut paths = files.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    paths.into_iter().map(|path| Ok(fs::read(path)?.into())).collect()
}
