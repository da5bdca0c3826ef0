//! What the command-line programs say on standard output.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

/// Writes a line to standard output. A reader that has seen enough, such as `head`, may go away: the work that the line
/// tells of is done all the same.
///
/// # Errors
/// What standard output says, but that nobody reads it any more.
pub fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
