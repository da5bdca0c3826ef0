//! The pictures of a run, one after the other as there is room for them. Looking for them, or waiting for a list on
//! standard input, stops a thread, so it has one of its own; at the program's end it is left where it is.

use std::{
    ffi::OsString,
    io::{self, BufRead},
    path::PathBuf,
    thread,
};

use tokio::sync::{mpsc, oneshot};

use crate::inputs::{self, Input};

/// Found ahead of being asked for.
const AHEAD: usize = 16;

/// Starts to look. An error is standard input's, and the last.
pub(crate) fn start(arguments: &[PathBuf]) -> io::Result<mpsc::Receiver<io::Result<Input>>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let arguments = arguments.to_vec();
    thread::Builder::new().name("inputs".to_owned()).spawn(move || {
        let found = arguments.iter().flat_map(|argument| -> Box<dyn Iterator<Item = io::Result<Input>>> {
            if argument.as_os_str() == "-" {
                Box::new(listed(io::stdin().lock()))
            } else {
                Box::new(inputs::at(argument).map(Ok))
            }
        });
        for input in found {
            // Nobody wants more.
            if sender.blocking_send(input).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

/// How many there are, once they are counted; a list that is still being written cannot be.
pub(crate) fn count(arguments: &[PathBuf]) -> io::Result<oneshot::Receiver<u64>> {
    let (sender, receiver) = oneshot::channel();
    if arguments.iter().all(|argument| argument.as_os_str() != "-") {
        let arguments = arguments.to_vec();
        thread::Builder::new().name("count".to_owned()).spawn(move || {
            let count = arguments.iter().flat_map(|argument| inputs::at(argument)).count();
            // The run may be over.
            sender.send(count as u64).ok();
        })?;
    }
    Ok(receiver)
}

fn listed(lines: impl BufRead) -> impl Iterator<Item = io::Result<Input>> {
    lines.split(b'\n').flat_map(|line| -> Box<dyn Iterator<Item = io::Result<Input>>> {
        match line.and_then(path) {
            Ok(path) if path.as_os_str().is_empty() => Box::new(std::iter::empty()),
            Ok(path) => Box::new(inputs::at(&path).map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    })
}

fn path(mut line: Vec<u8>) -> io::Result<PathBuf> {
    if line.ends_with(b"\r") {
        line.pop();
    }
    os_string(line).map(PathBuf::from)
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> io::Result<OsString> {
    Ok(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> io::Result<OsString> {
    String::from_utf8(bytes).map(OsString::from).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_one_path_a_line() {
        let list: &[u8] = b"a b.png\n\nno such folder/c.png\r\n-\nlast.gif";
        let names: Vec<String> = listed(list).map(|input| input.unwrap().name).collect();
        assert_eq!(names, ["a b.png", "no such folder/c.png", "-", "last.gif"]);
    }
}
