//! From what was counted to what is reported.

use std::time::SystemTime;

use byecaptcha_models::metrics::Share;

use crate::audit::{
    clock::Cost,
    report::{
        Bar, ByCharacter, ByLength, LeftOut, Listed, Mistake, Model, Pictures, Report, Threshold, Unknown,
        UnknownCharacter,
    },
    tally::Tally,
    verdict,
};

/// Most kinds of mistakes in the report; beyond that all of them are rare.
const MISTAKES: usize = 500;

/// What the report is made of.
pub(crate) struct Findings {
    pub(crate) found: usize,
    pub(crate) tally: Tally,
    pub(crate) unreadable: Listed<LeftOut>,
    pub(crate) unlabelled: Listed<LeftOut>,
    pub(crate) unknown: Listed<Unknown>,
}

/// What is known before the first picture is read.
pub(crate) struct Circumstances {
    pub(crate) folder: String,
    pub(crate) labels: Option<String>,
    pub(crate) ignore_case: bool,
    pub(crate) model: Model,
}

impl Report {
    pub(crate) fn new(circumstances: Circumstances, findings: Findings, cost: Cost) -> Self {
        let Findings { found, tally, unreadable, unlabelled, unknown } = findings;
        let judged = tally.judged().whole;
        let table = tally.answers.table();
        let mut by_character: Vec<ByCharacter> = tally
            .by_character
            .iter()
            .map(|(&character, &share)| ByCharacter { character, right: share.into() })
            .collect();
        // The worst first, and among equals the more frequent.
        by_character
            .sort_by(|a, b| a.right.share.total_cmp(&b.right.share).then(b.right.of.cmp(&a.right.of)));
        let histogram = tally.answers.histogram();
        let width = 1.0 / histogram.len().max(1) as f64;
        let bar = |(from, share): (f64, Share)| Bar {
            from,
            to: from + width,
            answers: share.of,
            right: share.count,
        };
        let mistakes = tally.mistakes().into_iter().filter_map(|(edit, times)| Mistake::of(edit, times));
        Self {
            program: format!("ByeCaptcha {}", env!("CARGO_PKG_VERSION")),
            made_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            folder: circumstances.folder,
            labels: circumstances.labels,
            model: circumstances.model,
            ignore_case: circumstances.ignore_case,
            pictures: Pictures {
                found,
                counted: judged.of,
                unreadable: unreadable.count,
                unlabelled: unlabelled.count,
                with_unknown_characters: unknown.count,
                without_answer: tally.answers.without(),
                wrong_length: tally.wrong_length,
            },
            case_counted: tally.case_counted.into(),
            ignoring_case: tally.ignoring_case.into(),
            writable: tally.writable.into(),
            by_length: tally
                .by_length
                .iter()
                .map(|(&length, &share)| ByLength { length, right: share.into() })
                .collect(),
            doubled: tally.doubled.into(),
            not_doubled: tally.plain.into(),
            by_character,
            verdict: verdict::judge(judged, &table),
            thresholds: table.into_iter().map(Threshold::from).collect(),
            curve: tally.answers.curve().into_iter().map(Threshold::from).collect(),
            histogram: histogram.into_iter().map(bar).collect(),
            mistakes: mistakes.take(MISTAKES).collect(),
            cost,
            unreadable,
            unlabelled,
            unknown_characters: unknown,
            unknown: tally
                .foreign
                .iter()
                .map(|(&character, &labels)| UnknownCharacter { character, labels })
                .collect(),
        }
    }
}
