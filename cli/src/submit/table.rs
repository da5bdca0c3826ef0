//! The rows, and how they are written. A row goes out in one piece and at once, so that whoever reads along sees whole
//! rows, and a journal can say how far the table is good.

use std::io::{self, Write};

use byecaptcha_queue::{JobRecord, JobStatus};
use serde::Serialize;

use crate::{client::Refusal, inputs::Failure, submit::settings::TableFormat};

/// What became of one picture.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f32>,
    /// How the job ended; `refused` where the server took none, `unreadable` where there was no file to send.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RowError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
struct RowError {
    kind: String,
    detail: String,
}

const COLUMNS: [&str; 7] = ["file", "text", "confidence", "status", "error_kind", "error_detail", "job_id"];

impl Row {
    /// The end of a job.
    pub(crate) fn ended(file: &str, record: JobRecord) -> Self {
        let (text, confidence) = record.result.map(|result| (result.text, result.confidence)).unzip();
        Self {
            text,
            confidence,
            error: record.error.map(|failure| RowError { kind: failure.kind, detail: failure.detail }),
            job_id: Some(record.id.to_string()),
            ..Self::without_job(file, record.status.name())
        }
    }

    /// A picture that the server does not take.
    pub(crate) fn refused(file: &str, refusal: Refusal, job: Option<String>) -> Self {
        let error = RowError { kind: refusal.kind, detail: refusal.detail };
        Self { error: Some(error), job_id: job, ..Self::without_job(file, "refused") }
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(file: &str, failure: Failure) -> Self {
        let error = RowError { kind: failure.kind.to_owned(), detail: failure.detail };
        Self { error: Some(error), ..Self::without_job(file, "unreadable") }
    }

    fn without_job(file: &str, status: &'static str) -> Self {
        Self { file: file.to_owned(), text: None, confidence: None, status, error: None, job_id: None }
    }

    /// Whether there is no text: a picture without one is read, too.
    pub(crate) fn is_failure(&self) -> bool {
        self.status != JobStatus::Succeeded.name() || self.text.as_deref() == Some("")
    }
}

/// A table that is written to.
pub(crate) struct Table<W> {
    out: W,
    format: TableFormat,
    /// In bytes.
    length: u64,
}

impl<W: Write> Table<W> {
    /// A table that has so many bytes already; one without any gets its header.
    pub(crate) fn new(out: W, format: TableFormat, length: u64) -> io::Result<Self> {
        let mut table = Self { out, format, length };
        if length == 0 {
            table.append(&header(format)?)?;
        }
        Ok(table)
    }

    /// Writes a row, and gives the table's length with it.
    pub(crate) fn write(&mut self, row: &Row) -> io::Result<u64> {
        let line = match self.format {
            TableFormat::Csv => csv_line(row)?,
            TableFormat::Jsonl => {
                let mut line = serde_json::to_vec(row)?;
                line.push(b'\n');
                line
            }
        };
        self.append(&line)?;
        Ok(self.length)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// What a table of this format begins with.
pub(crate) fn header(format: TableFormat) -> io::Result<Vec<u8>> {
    match format {
        TableFormat::Csv => record(&COLUMNS),
        TableFormat::Jsonl => Ok(Vec::new()),
    }
}

fn csv_line(row: &Row) -> io::Result<Vec<u8>> {
    let confidence = row.confidence.map(|confidence| confidence.to_string());
    let (kind, detail) = row.error.as_ref().map(|error| (&*error.kind, &*error.detail)).unzip();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    record(&[
        &row.file,
        &text(&row.text),
        &text(&confidence),
        row.status,
        kind.unwrap_or_default(),
        detail.unwrap_or_default(),
        &text(&row.job_id),
    ])
}

fn record(fields: &[&str]) -> io::Result<Vec<u8>> {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(fields)?;
    line.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    fn written(format: TableFormat) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out, format, 0).unwrap();
        let record = serde_json::from_value(serde_json::json!({
            "id": "019ab000-0000-7000-8000-000000000000", "status": "succeeded", "submitted_at_ms": 1,
            "result": {"text": "aB", "confidence": 0.75, "characters": [], "alternatives": [], "model": "lean",
                       "model_version": "1", "queue_ms": 1.0, "engine_ms": 1.0},
        }));
        table.write(&Row::ended("one, \"two\".png", record.unwrap())).unwrap();
        let refusal = Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            kind: "image-too-large".to_owned(),
            detail: "Too large.".to_owned(),
        };
        table.write(&Row::refused("three.png", refusal, None)).unwrap();
        let failure = Failure { kind: "unreadable-file", detail: "gone".to_owned() };
        let length = table.write(&Row::unreadable("four.png", failure)).unwrap();
        assert_eq!(length, out.len() as u64);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_is_as_documented() {
        assert_eq!(
            written(TableFormat::Csv),
            "file,text,confidence,status,error_kind,error_detail,job_id\n\
             \"one, \"\"two\"\".png\",aB,0.75,succeeded,,,019ab000-0000-7000-8000-000000000000\n\
             three.png,,,refused,image-too-large,Too large.,\n\
             four.png,,,unreadable,unreadable-file,gone,\n"
        );
        assert_eq!(
            written(TableFormat::Jsonl),
            concat!(
                r#"{"file":"one, \"two\".png","text":"aB","confidence":0.75,"status":"succeeded","#,
                r#""job_id":"019ab000-0000-7000-8000-000000000000"}"#,
                "\n",
                r#"{"file":"three.png","status":"refused","#,
                r#""error":{"kind":"image-too-large","detail":"Too large."}}"#,
                "\n",
                r#"{"file":"four.png","status":"unreadable","#,
                r#""error":{"kind":"unreadable-file","detail":"gone"}}"#,
                "\n"
            )
        );
    }
}
