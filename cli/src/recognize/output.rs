//! Readings as text, JSON lines or CSV.

use std::io::{self, Write};

use anyhow::Result;
use byecaptcha_models::Reading;
use serde::Serialize;

use crate::settings::Format;

/// Why a picture could not be read.
#[derive(Serialize)]
pub(super) struct Failed {
    /// A stable, hyphenated word for programs.
    pub(super) kind: &'static str,
    /// A sentence for people.
    pub(super) detail: String,
}

#[derive(Serialize)]
struct ReadLine<'a> {
    file: &'a str,
    text: String,
    confidence: f32,
    characters: Vec<Character>,
    alternatives: Vec<Alternative>,
}

#[derive(Serialize)]
struct Character {
    character: char,
    confidence: f32,
}

#[derive(Serialize)]
struct Alternative {
    text: String,
    confidence: f32,
}

#[derive(Serialize)]
struct FailedLine<'a> {
    file: &'a str,
    error: &'a Failed,
}

/// Prints results one by one.
pub(super) struct Printer<W: Write> {
    format: Format,
    several: bool,
    output: W,
    header_due: bool,
}

impl<W: Write> Printer<W> {
    /// `several` puts the file's name before each text.
    pub(super) fn new(format: Format, several: bool, output: W) -> Self {
        Self { format, several, output, header_due: format == Format::Csv }
    }

    pub(super) fn reading(&mut self, file: &str, reading: Reading) -> Result<()> {
        match self.format {
            Format::Text if self.several => writeln!(self.output, "{file}\t{}", reading.text)?,
            Format::Text => writeln!(self.output, "{}", reading.text)?,
            Format::Jsonl => {
                let characters = reading.characters.into_iter();
                let alternatives = reading.alternatives.into_iter();
                self.json_line(&ReadLine {
                    file,
                    text: reading.text,
                    confidence: reading.confidence,
                    characters: characters.map(|(character, confidence)| Character { character, confidence }).collect(),
                    alternatives: alternatives.map(|(text, confidence)| Alternative { text, confidence }).collect(),
                })?;
            }
            Format::Csv => self.csv_row(&[file, &reading.text, &format!("{:.4}", reading.confidence), ""])?,
        }
        Ok(())
    }

    pub(super) fn failure(&mut self, file: &str, failed: &Failed) -> Result<()> {
        match self.format {
            // Text goes to stdout alone, so that it can be piped on; what went wrong is for the person.
            Format::Text => writeln!(io::stderr(), "{file}: {}", failed.detail)?,
            Format::Jsonl => self.json_line(&FailedLine { file, error: failed })?,
            Format::Csv => self.csv_row(&[file, "", "", failed.kind])?,
        }
        Ok(())
    }

    fn json_line(&mut self, line: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.output, line)?;
        Ok(writeln!(self.output)?)
    }

    fn csv_row(&mut self, row: &[&str]) -> Result<()> {
        let mut writer = csv::Writer::from_writer(&mut self.output);
        if std::mem::take(&mut self.header_due) {
            writer.write_record(["file", "text", "confidence", "error"])?;
        }
        writer.write_record(row)?;
        Ok(writer.flush()?)
    }
}
