//! A batch as lines of JSON: `{"custom_id": "…", "image": "base64", …}`, each with the options that it needs beside those
//! of the whole batch.

use bytes::{Buf, Bytes, BytesMut};
use tokio::sync::mpsc::Sender;

use super::{Entry, Picture, Stop, checked_name, too_large, upload::Upload};
use crate::{
    body::Pace,
    members::{Member, Members},
    options::Options,
    problem::{self, Problem},
    room::{FREE, Place, Room},
    state::ApiSettings,
    upload::members_of_job,
};

/// Bytes in a line beside its picture.
const BESIDE: usize = 16 << 10;

/// Most bytes in a line, where a picture has no more than these. In base64 it is larger by a third.
pub(super) fn longest(largest: usize) -> usize {
    largest / 3 * 4 + BESIDE
}

/// Sends an entry for each line that holds something.
pub(super) async fn read(
    mut upload: Upload,
    options: Options,
    settings: &ApiSettings,
    room: &Room,
    entries: &Sender<Entry>,
) -> Result<(), Stop> {
    let largest = settings.max_upload_bytes;
    let mut lines = Lines::new(longest(largest));
    // Of a line that has not come to its end.
    let mut taken: Option<(Place, Pace)> = None;
    loop {
        let next = upload.next();
        let piece = match &taken {
            None => next.await?,
            Some((_, pace)) => pace.next(lines.kept.len(), next).await.map_err(Stop::of_connection)??,
        };
        let is_last = piece.is_none();
        lines.add(&piece.unwrap_or_default());
        while let Some(line) = lines.next(is_last) {
            let mut place = taken.take().map(|(place, _)| place);
            let entry = match line {
                Line::Whole(line) if line.iter().all(u8::is_ascii_whitespace) => continue,
                Line::Whole(line) => {
                    if place.is_none() && line.len() > FREE {
                        place = Some(room.take(line.len()).await?);
                    }
                    entry(line, &options, place)
                }
                Line::TooLong => Entry { custom_id: String::new(), picture: Err(too_large(largest)) },
            };
            if entries.send(entry).await.is_err() {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
        if taken.is_none() && lines.kept.len() > FREE {
            let place = room.take(lines.longest).await?;
            taken = Some((place, Pace::new(settings.body_timeout, lines.longest)));
            lines.kept.reserve(lines.longest.saturating_sub(lines.kept.len()));
        }
    }
}

/// What a line says. Where it is wrong, only its own item is refused.
fn entry(line: Bytes, options: &Options, mut place: Option<Place>) -> Entry {
    let mut members: Members = match serde_json::from_slice(&line) {
        Ok(members) => members,
        Err(error) => {
            let problem =
                Problem::new(problem::MALFORMED_BODY, format!("The line is no JSON object: {error}."));
            return Entry { custom_id: String::new(), picture: Err(problem.into_failure()) };
        }
    };
    // Before the picture is decoded: each of the three is as large as an upload.
    drop(line);
    let custom_id = match &*members.take("custom_id") {
        [] | [Member::Null] => Ok(String::new()),
        [Member::Text(name)] => checked_name(name),
        [Member::Number(number)] => Ok(number.to_string()),
        [_] => Err(Problem::new(problem::MALFORMED_OPTION, "custom_id: it is a text.").into_failure()),
        _ => Err(Problem::new(problem::CONTRADICTION, "custom_id is given twice.").into_failure()),
    };
    match custom_id {
        Err(failure) => Entry { custom_id: String::new(), picture: Err(failure) },
        Ok(custom_id) => {
            let mut own = Options::default();
            let image = members_of_job(members, &mut own);
            let picture = image.and_then(|image| {
                if let Some(place) = &mut place {
                    place.shrink(image.len());
                }
                Ok(Picture { image, options: own.or(options).bulk()?, place })
            });
            Entry { custom_id, picture: picture.map_err(Problem::into_failure) }
        }
    }
}

enum Line {
    Whole(Bytes),
    /// It was thrown away.
    TooLong,
}

/// Takes pieces and gives lines, of which it never keeps more than one and a piece.
struct Lines {
    longest: usize,
    kept: BytesMut,
    /// How much of what is kept is known to hold no end of line.
    searched: usize,
    /// Whether the line that comes was too long already.
    skipping: bool,
}

impl Lines {
    fn new(longest: usize) -> Self {
        Self { longest, kept: BytesMut::new(), searched: 0, skipping: false }
    }

    fn add(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
    }

    /// The next line; at the end, also one that is not ended.
    fn next(&mut self, is_last: bool) -> Option<Line> {
        let end = self.kept[self.searched..].iter().position(|&byte| byte == b'\n');
        let Some(end) = end.map(|end| self.searched + end) else {
            if self.kept.len() > self.longest {
                self.skipping = true;
            }
            if self.skipping {
                self.kept.clear();
            }
            self.searched = self.kept.len();
            if !is_last || (self.kept.is_empty() && !self.skipping) {
                return None;
            }
            self.searched = 0;
            let line = self.kept.split().freeze();
            return Some(self.line(line));
        };
        let line = self.kept.split_to(end).freeze();
        self.kept.advance(1);
        if line.len() > FREE {
            // What follows would keep all of a long line's memory.
            self.kept = BytesMut::from(&self.kept[..]);
        }
        self.searched = 0;
        Some(self.line(line))
    }

    fn line(&mut self, line: Bytes) -> Line {
        let too_long = std::mem::take(&mut self.skipping) || line.len() > self.longest;
        if too_long { Line::TooLong } else { Line::Whole(line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(longest: usize, pieces: &[&str]) -> Vec<Option<String>> {
        let mut lines = Lines::new(longest);
        let mut found = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            lines.add(piece.as_bytes());
            while let Some(line) = lines.next(index + 1 == pieces.len()) {
                found.push(match line {
                    Line::Whole(line) => Some(String::from_utf8(line.to_vec()).unwrap()),
                    Line::TooLong => None,
                });
            }
        }
        found
    }

    #[test]
    fn lines_are_found_however_they_come() {
        let some = |text: &str| Some(text.to_owned());
        let expected = vec![some("one"), some(""), some("two"), None, some("four"), some("end")];
        let text = "one\n\ntwo\nmuch longer than that\nfour\nend";
        for size in 1..=text.len() {
            let pieces: Vec<&str> =
                text.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            assert_eq!(lines(8, &pieces), expected, "pieces of {size}");
        }
        assert_eq!(lines(8, &["one\n"]), [some("one")]);
        assert_eq!(lines(8, &["one", " line that never", " ends"]), [None]);
        assert!(lines(8, &[""]).is_empty());
    }
}
