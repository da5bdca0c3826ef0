//! Standard output, whose reader may leave before everything is written.

use std::io::{self, ErrorKind};

/// Nothing is wrong where the reader has left: `head` has all that it wants.
pub(crate) fn unless_left(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if has_left(&error) => Ok(()),
        written => written,
    }
}

/// Whether writing failed for want of a reader.
pub(crate) fn has_left(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}
