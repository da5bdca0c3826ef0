//! Rows as text: lines of JSON with all of a result, or CSV (RFC 4180) with what a spreadsheet wants.

use axum::http::HeaderMap;
use bytes::Bytes;

use super::rows::Row;
use crate::accept::wish;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    JsonLines,
    Csv,
}

impl Format {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "jsonl" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The one that a client would rather have, where the address does not say; lines of JSON where it is all the same.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let [csv, lines] = ["text/csv", "application/jsonl"].map(|media_type| wish(headers, media_type));
        if csv > lines { Self::Csv } else { Self::JsonLines }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

const COLUMNS: [&str; 8] =
    ["number", "custom_id", "text", "confidence", "status", "error_kind", "error_detail", "job_id"];

/// Writes rows, piece by piece.
pub(crate) struct Table {
    format: Format,
    has_header: bool,
}

impl Table {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, has_header: false }
    }

    /// These rows, behind the header where it is due.
    pub(crate) fn write(&mut self, rows: &[Row]) -> std::io::Result<Bytes> {
        match self.format {
            Format::JsonLines => {
                let mut text = Vec::new();
                for row in rows {
                    serde_json::to_writer(&mut text, row)?;
                    text.push(b'\n');
                }
                Ok(text.into())
            }
            Format::Csv => {
                let mut table = csv::Writer::from_writer(Vec::new());
                if !std::mem::replace(&mut self.has_header, true) {
                    table.write_record(COLUMNS)?;
                }
                for row in rows {
                    table.write_record(columns(row))?;
                }
                table.into_inner().map(Bytes::from).map_err(|error| error.into_error())
            }
        }
    }
}

fn columns(row: &Row) -> [String; 8] {
    let Row { number, custom_id, status, job_id, result, error } = row;
    let (text, confidence) =
        result.as_ref().map(|result| (result.text.clone(), result.confidence.to_string())).unzip();
    let (kind, detail) = error.clone().map(|error| (error.kind, error.detail)).unzip();
    [
        number.to_string(),
        custom_id.clone(),
        text.unwrap_or_default(),
        confidence.unwrap_or_default(),
        (*status).to_owned(),
        kind.unwrap_or_default(),
        detail.unwrap_or_default(),
        job_id.map(|id| id.to_string()).unwrap_or_default(),
    ]
}
