//! Files that are replaced whole: a stop at any moment leaves the old one or the new one.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Has a file written beside where it is to be, and then puts it there.
///
/// # Errors
/// Where either cannot be done; what was there is there still.
pub(crate) fn with(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    write(&partial).with_context(|| format!("cannot write {}", partial.display()))?;
    File::open(&partial)?.sync_all().with_context(|| format!("cannot write {}", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("cannot replace {}", path.display()))
}

/// The same with contents that are at hand.
///
/// # Errors
/// As [`with`].
pub(crate) fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    with(path, |partial| Ok(fs::write(partial, contents)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_to_its_end_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.json");
        write(&file, "old").unwrap();
        let cut_short = |partial: &Path| {
            fs::write(partial, "ne")?;
            anyhow::bail!("the disk is full")
        };
        let error = format!("{:#}", with(&file, cut_short).unwrap_err());
        assert!(error.contains("own.json.partial: the disk is full"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        write(&file, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
