//! How readings are written: for people, for programs, for tables.

use std::io::{self, BufWriter, Write};

use byecaptcha_models::Reading;
use serde::Serialize;

use crate::{inputs::Failure, settings::OutputFormat};

/// Writes one line for each input.
pub(crate) enum Output<W: Write> {
    /// Failures go to standard error.
    Text {
        out: BufWriter<W>,
        /// One input was named, and nobody needs to be told which.
        single: bool,
    },
    Jsonl(BufWriter<W>),
    Csv(Box<csv::Writer<W>>),
}

#[derive(Serialize)]
struct JsonReading<'a> {
    file: &'a str,
    text: &'a str,
    confidence: f32,
    characters: Vec<JsonCharacter>,
    alternatives: Vec<JsonAlternative<'a>>,
}

#[derive(Serialize)]
struct JsonCharacter {
    character: char,
    confidence: f32,
}

#[derive(Serialize)]
struct JsonAlternative<'a> {
    text: &'a str,
    confidence: f32,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    file: &'a str,
    error: JsonError<'a>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    kind: &'a str,
    detail: &'a str,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(out: W, format: OutputFormat, single: bool) -> io::Result<Self> {
        Ok(match format {
            OutputFormat::Text => Self::Text { out: BufWriter::new(out), single },
            OutputFormat::Jsonl => Self::Jsonl(BufWriter::new(out)),
            OutputFormat::Csv => {
                let mut table = csv::Writer::from_writer(out);
                table.write_record(["file", "text", "confidence", "error"]).map_err(io_error)?;
                Self::Csv(Box::new(table))
            }
        })
    }

    pub(crate) fn write(&mut self, file: &str, reading: &Result<Reading, Failure>) -> io::Result<()> {
        match (self, reading) {
            (Self::Text { out, single: true }, Ok(reading)) => writeln!(out, "{}", reading.text),
            (Self::Text { out, single: false }, Ok(reading)) => writeln!(out, "{file}\t{}", reading.text),
            (Self::Text { .. }, Err(Failure { detail, .. })) => {
                // Where standard error is closed there is nobody left to tell, and the texts go on.
                drop(writeln!(io::stderr(), "byecaptcha: {file}: {detail}"));
                Ok(())
            }
            (Self::Jsonl(out), Ok(reading)) => json_line(out, &json_reading(file, reading)),
            (Self::Jsonl(out), Err(Failure { kind, detail })) => {
                json_line(out, &JsonFailure { file, error: JsonError { kind, detail } })
            }
            (Self::Csv(table), Ok(reading)) => {
                let record = [file, &reading.text, &reading.confidence.to_string(), ""];
                table.write_record(record).map_err(io_error)
            }
            (Self::Csv(table), Err(Failure { kind, detail })) => {
                table.write_record([file, "", "", &format!("{kind}: {detail}")]).map_err(io_error)
            }
        }
    }

    /// Hands on what was written, so that whoever reads along need not wait for the end.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Text { out, .. } | Self::Jsonl(out) => out.flush(),
            Self::Csv(table) => table.flush(),
        }
    }
}

fn json_reading<'a>(file: &'a str, reading: &'a Reading) -> JsonReading<'a> {
    let characters = reading.characters.iter();
    let alternatives = reading.alternatives.iter();
    JsonReading {
        file,
        text: &reading.text,
        confidence: reading.confidence,
        characters: characters
            .map(|&(character, confidence)| JsonCharacter { character, confidence })
            .collect(),
        alternatives: alternatives
            .map(|(text, confidence)| JsonAlternative { text, confidence: *confidence })
            .collect(),
    }
}

/// With the kind that it came with, which csv's own conversion hides.
fn io_error(error: csv::Error) -> io::Error {
    let kind = match error.kind() {
        csv::ErrorKind::Io(cause) => cause.kind(),
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

fn json_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: OutputFormat, single: bool) -> String {
        let reading = Reading {
            text: "aB".to_owned(),
            confidence: 0.75,
            characters: vec![('a', 0.5), ('B', 1.0)],
            alternatives: vec![("ab".to_owned(), 0.25)],
        };
        let failure = Failure { kind: "image-truncated", detail: "too short".to_owned() };
        let mut bytes = Vec::new();
        let mut output = Output::new(&mut bytes, format, single).unwrap();
        output.write("one, \"two\".png", &Ok(reading)).unwrap();
        output.write("three.png", &Err(failure)).unwrap();
        output.flush().unwrap();
        drop(output);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_reader_who_has_left_is_known_as_such_before_the_batch_is_over() {
        for format in [OutputFormat::Text, OutputFormat::Jsonl, OutputFormat::Csv] {
            let (reader, writer) = io::pipe().unwrap();
            let mut output = Output::new(writer, format, false).unwrap();
            drop(reader);
            let long = "x".repeat(1 << 16);
            let reading =
                Reading { text: long, confidence: 1.0, characters: Vec::new(), alternatives: Vec::new() };
            let error = output.write("one.png", &Ok(reading)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{format:?}");
        }
    }

    #[test]
    fn each_format_is_as_documented() {
        assert_eq!(written(OutputFormat::Text, true), "aB\n");
        assert_eq!(written(OutputFormat::Text, false), "one, \"two\".png\taB\n");
        assert_eq!(
            written(OutputFormat::Jsonl, true),
            concat!(
                r#"{"file":"one, \"two\".png","text":"aB","confidence":0.75,"#,
                r#""characters":[{"character":"a","confidence":0.5},{"character":"B","confidence":1.0}],"#,
                r#""alternatives":[{"text":"ab","confidence":0.25}]}"#,
                "\n",
                r#"{"file":"three.png","error":{"kind":"image-truncated","detail":"too short"}}"#,
                "\n"
            )
        );
        assert_eq!(
            written(OutputFormat::Csv, true),
            "file,text,confidence,error\n\"one, \"\"two\"\".png\",aB,0.75,\nthree.png,,,image-truncated: too short\n"
        );
    }
}
