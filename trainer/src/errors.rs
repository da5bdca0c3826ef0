//! The pictures that were misread, for eyes: one HTML page with each of them, what it says, what was read, and how sure
//! the network was.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Enough of them to see what they have in common.
const MOST: usize = 400;

/// One misread picture.
pub struct Misread {
    /// The file.
    pub picture: Vec<u8>,
    /// Its text.
    pub truth: String,
    /// What was read.
    pub reading: String,
    /// How sure of it the network was, 0 to 1.
    pub confidence: f32,
    /// Whether the truth was among the alternatives.
    pub was_second: bool,
}

/// Writes the page.
pub fn write(misread: &[Misread], file: &Path) -> Result<()> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Misread</title>\n<style>body{{font:15px \
         monospace}}figure{{display:inline-block;margin:6px;border:1px solid #ccc;padding:4px}}img{{height:72px;\
         display:block}}b{{color:#b00}}</style>\n<h1>{} misread, the surest first</h1>\n",
        misread.len()
    );
    let mut order: Vec<&Misread> = misread.iter().collect();
    order.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    for Misread { picture, truth, reading, confidence, was_second } in order.into_iter().take(MOST) {
        let kind = image::guess_format(picture).map_or("image/png", |format| format.to_mime_type());
        writeln!(
            page,
            "<figure><img alt=\"\" src=\"data:{kind};base64,{}\"><figcaption>{}<br>{} {:.0}%{}</figcaption></figure>",
            STANDARD.encode(picture),
            escaped(truth),
            marked(truth, reading),
            confidence * 100.0,
            if *was_second { " (in the alternatives)" } else { "" }
        )?;
    }
    page += "</html>\n";
    fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))
}

/// The reading, with what is wrong in it in bold; all of it, where its length is.
fn marked(truth: &str, reading: &str) -> String {
    if truth.chars().count() != reading.chars().count() {
        return format!("<b>{}</b>", escaped(reading));
    }
    let mark = |(truth, read): (char, char)| {
        let read_escaped = escaped(&read.to_string());
        if truth == read { read_escaped } else { format!("<b>{read_escaped}</b>") }
    };
    truth.chars().zip(reading.chars()).map(mark).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_marked_and_the_surest_comes_first() {
        let misread = |truth: &str, reading: &str, confidence| Misread {
            picture: vec![1, 2, 3],
            truth: truth.into(),
            reading: reading.into(),
            confidence,
            was_second: false,
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("errors.html");
        write(&[misread("aBc1", "abc1", 0.5), misread("xyz", "xy", 0.9)], &file).unwrap();
        let page = fs::read_to_string(file).unwrap();
        let (short, cased) = (page.find("<b>xy</b> 90%").unwrap(), page.find("a<b>b</b>c1 50%").unwrap());
        assert!(short < cased);
        assert!(page.contains("data:image/png;base64,AQID"));
    }
}
