//! What is in no figure, and what the model could not have read: nothing that was found goes without a word.

use maud::{Markup, html};

use crate::audit::{
    report::{LISTED, LeftOut, Listed, Report},
    words::{number, visible},
};

/// Characters that the model does not know, by name.
const UNKNOWN: usize = 40;

/// Files that are in no figure, and those that the model could not have read.
pub(super) fn section(report: &Report) -> Markup {
    let unknown = &report.unknown_characters;
    html! {
        section aria-labelledby="left-out" {
            h2 id="left-out" { "What was left out" }
            p {
                "Of " (number(report.pictures.found)) " pictures that were found, " (number(report.pictures.counted))
                " are in the figures, " (number(report.unreadable.count)) " cannot be read, and "
                (number(report.unlabelled.count)) " have no label."
            }
            (files("Cannot be read", &report.unreadable))
            (files("Without a label", &report.unlabelled))
            @if unknown.count > 0 {
                h3 { "Labels with characters that the model does not know" }
                p {
                    "The model cannot write these at all: "
                    @for (index, row) in report.unknown.iter().take(UNKNOWN).enumerate() {
                        @if index > 0 { ", " }
                        code { (visible(row.character)) } " in " (number(row.labels))
                    }
                    @if report.unknown.len() > UNKNOWN { ", and " (number(report.unknown.len() - UNKNOWN)) " more" }
                    ". Their pictures are in the figures, as misread. The model knows "
                    code { (report.model.charset) } "."
                }
                details {
                    summary { (number(unknown.count)) " files" }
                    div.wide { table {
                        thead { tr {
                            th scope="col" { "File" } th scope="col" { "Label" } th scope="col" { "Unknown in it" }
                        } }
                        tbody { @for file in &unknown.first { tr {
                            th scope="row" { code { (file.file) } }
                            td { code { (file.label) } }
                            td { @for character in file.characters.chars() { code { (visible(character)) } " " } }
                        } } }
                    } }
                    (more(unknown.count))
                }
            }
        }
    }
}

fn files(what: &str, list: &Listed<LeftOut>) -> Markup {
    html! {
        @if list.count > 0 {
            h3 { (what) }
            details open[list.count <= 20] {
                summary { (number(list.count)) @if list.count == 1 { " file" } @else { " files" } }
                div.wide { table {
                    thead { tr { th scope="col" { "File" } th scope="col" { "Reason" } } }
                    tbody { @for file in &list.first { tr {
                        th scope="row" { code { (file.file) } }
                        td { (file.detail) }
                    } } }
                } }
                (more(list.count))
            }
        }
    }
}

fn more(count: usize) -> Markup {
    html! {
        @if count > LISTED {
            p.quiet { "These are the first " (number(LISTED)) " of " (number(count)) "." }
        }
    }
}
