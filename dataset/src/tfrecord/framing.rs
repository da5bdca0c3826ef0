//! Records in a file, as TensorFlow's `record_writer.h` lays them out: length, its checksum, data, its checksum, all
//! little-endian. Checksums are CRC-32C, rotated and shifted so that a checksum of data that holds checksums stays one.

use std::io::{ErrorKind, Read};

use super::{MAX_RECORD, RecordError};

/// Bytes of the length and its checksum.
const HEAD: usize = 12;
/// Added to a rotated checksum.
const MASK: u32 = 0xa282_ead8;

fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

/// A record for this data, which is to be written at this offset.
pub(super) fn frame(data: &[u8], offset: u64) -> Result<Vec<u8>, RecordError> {
    let length = data.len() as u64;
    if length > MAX_RECORD {
        return Err(RecordError::TooLong { offset, length });
    }
    let length = length.to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + HEAD + 4);
    record.extend(length);
    record.extend(masked_checksum(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_checksum(data).to_le_bytes());
    Ok(record)
}

/// The data of each record and where the record begins, until the end or the first error.
pub(super) struct Records<R> {
    file: R,
    offset: u64,
    ended: bool,
}

impl<R: Read> Records<R> {
    pub(super) fn new(file: R) -> Self {
        Self { file, offset: 0, ended: false }
    }

    /// Gives nothing more.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    fn record(&mut self) -> Result<Option<(u64, Vec<u8>)>, RecordError> {
        let offset = self.offset;
        let io = |source| RecordError::Io { offset, source };
        let mut head = [0; HEAD];
        match read_up_to(&mut self.file, &mut head).map_err(io)? {
            0 => return Ok(None),
            HEAD => {}
            _ => return Err(RecordError::Truncated { offset }),
        }
        let (length, checksum) = head.split_at(8);
        if masked_checksum(length) != little_endian(checksum) as u32 {
            return Err(RecordError::Checksum { offset, part: "length" });
        }
        let length = little_endian(length);
        if length > MAX_RECORD {
            return Err(RecordError::TooLong { offset, length });
        }
        let mut data = vec![0; length as usize + 4];
        if read_up_to(&mut self.file, &mut data).map_err(io)? < data.len() {
            return Err(RecordError::Truncated { offset });
        }
        let checksum = little_endian(&data.split_off(length as usize)) as u32;
        if masked_checksum(&data) != checksum {
            return Err(RecordError::Checksum { offset, part: "data" });
        }
        self.offset += (HEAD + data.len() + 4) as u64;
        Ok(Some((offset, data)))
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<(u64, Vec<u8>), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.record();
        self.ended = !matches!(record, Ok(Some(_)));
        record.transpose()
    }
}

/// How many bytes there were, up to all that were asked for.
fn read_up_to(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}
