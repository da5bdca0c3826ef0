//! TFRecord, TensorFlow's file of records, with labelled pictures in it: a `tf.train.Example` each, as the report kept
//! its training set in `train.tfrecords`.
//!
//! A record has these features:
//!
//! | feature | kind | what |
//! |---|---|---|
//! | `image/encoded` | bytes | the picture's file, byte for byte |
//! | `image/format` | bytes | what it is: `jpeg`, `png`, `webp`, `gif` or `bmp` |
//! | `image/width`, `image/height` | int64 | in pixels |
//! | `image/text` | bytes | what it says |
//! | `image/filename` | bytes | its file's name |
//! | `label` | int64, several | places of the text's characters among `0-9A-Za-z`; missing where one is not there |
//!
//! Records of others are read where they have `image/encoded` and `image/text`.

mod example;
mod framing;

use std::io::{Read, Write};

pub use example::Picture;

/// A file that cannot be read or written, with the place of the record it went wrong at, in bytes from the start.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system failed.
    #[error("it cannot be read or written at byte {offset}")]
    Io {
        /// Where the record begins.
        offset: u64,
        /// What it said.
        source: std::io::Error,
    },
    /// The file ends within a record.
    #[error("the file ends within the record at byte {offset}")]
    Truncated {
        /// Where the record begins.
        offset: u64,
    },
    /// The checksum of a record's length or of its contents is another.
    #[error("the record at byte {offset} is damaged: the checksum of its {part} does not match")]
    Checksum {
        /// Where the record begins.
        offset: u64,
        /// `length` or `data`.
        part: &'static str,
    },
    /// A record is longer than any picture.
    #[error("the record at byte {offset} is {length} bytes long, more than the {MAX_RECORD} that are read")]
    TooLong {
        /// Where the record begins.
        offset: u64,
        /// What it says of itself, or what was to be written.
        length: u64,
    },
    /// The record is whole, and no labelled picture.
    #[error("the record at byte {offset} holds no labelled picture: {reason}")]
    NotAPicture {
        /// Where the record begins.
        offset: u64,
        /// What is missing or wrong.
        reason: String,
    },
}

/// Bytes that a record may have; a length beyond that is damage or malice, and nothing is allocated for it.
pub const MAX_RECORD: u64 = 64 * 1024 * 1024;

/// Reads labelled pictures one by one; memory holds one record at a time. Ends after the first error.
pub struct Reader<R> {
    records: framing::Records<R>,
}

impl<R: Read> Reader<R> {
    /// From the start of a file; a buffered one.
    pub fn new(file: R) -> Self {
        Self { records: framing::Records::new(file) }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Picture, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        let picture = record.and_then(|(offset, data)| {
            Picture::decode(&data).map_err(|reason| RecordError::NotAPicture { offset, reason })
        });
        if picture.is_err() {
            self.records.end();
        }
        Some(picture)
    }
}

/// Writes labelled pictures one behind the other.
pub struct Writer<W> {
    file: W,
    offset: u64,
}

impl<W: Write> Writer<W> {
    /// To the start of a file; a buffered one.
    pub fn new(file: W) -> Self {
        Self { file, offset: 0 }
    }

    /// Appends a picture.
    ///
    /// # Errors
    /// [`RecordError::TooLong`] for what the reader would refuse, and what the file says.
    pub fn write(&mut self, picture: &Picture) -> Result<(), RecordError> {
        let record = framing::frame(&picture.encode(), self.offset)?;
        self.file.write_all(&record).map_err(|source| RecordError::Io { offset: self.offset, source })?;
        self.offset += record.len() as u64;
        Ok(())
    }

    /// Flushes, and gives the file back.
    ///
    /// # Errors
    /// What the file says.
    pub fn finish(mut self) -> Result<W, RecordError> {
        self.file.flush().map_err(|source| RecordError::Io { offset: self.offset, source })?;
        Ok(self.file)
    }
}
