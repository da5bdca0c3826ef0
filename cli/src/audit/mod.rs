//! `byecaptcha audit`: reads a team's own labelled captchas as a program would, and writes one page on how strong they
//! are. Batch by batch, as `recognize` reads, so that memory does not grow with the number of pictures.

mod answers;
mod clock;
mod findings;
mod gallery;
mod labels;
mod page;
mod report;
pub(crate) mod settings;
mod summary;
mod tally;
mod verdict;
mod words;

use std::{
    fs,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use byecaptcha_models::{PreparedImage, Reading, Recognizer};
use byecaptcha_program::logging::{self, LogFormat};
use indicatif::ProgressBar;

use crate::{
    audit::{
        clock::Clock,
        findings::{Circumstances, Findings},
        gallery::{Shown, Spread},
        labels::Labelled,
        report::{LeftOut, Listed, Model, Report, Unknown},
        settings::{AuditSettings, CORE_HOUR_PRICE},
        tally::Tally,
        words::number,
    },
    inputs::{Failure, Input},
    model, stdout,
};

/// Pictures that go through the engine together. The page names it, and a core reads fastest so.
const BATCH: usize = 8;

/// Reads the folder and writes the page. What cannot be read is told and counted, and no failure.
pub(crate) fn audit(settings: &AuditSettings) -> Result<ExitCode> {
    logging::start(LogFormat::Text, "warn", None);
    let pictures = labels::pictures(&settings.folder, settings.labels.as_deref())?;
    let mut recognizer = settings.model.load()?;
    recognizer.warm_up(BATCH).context("the model does not run")?;
    let mut audit = Audit::new(settings, &recognizer);
    audit.read_all(&mut recognizer, pictures)?;
    audit.bar.finish_and_clear();
    audit.finish(settings, &recognizer)
}

/// An audit under way.
struct Audit {
    found: usize,
    tally: Tally,
    clock: Clock,
    unreadable: Listed<LeftOut>,
    unlabelled: Listed<LeftOut>,
    unknown: Listed<Unknown>,
    misread: Spread<Shown>,
    sample: Spread<Shown>,
    bar: ProgressBar,
}

/// A picture on its way through the engine.
struct Waiting {
    input: Input,
    truth: String,
}

impl Audit {
    fn new(settings: &AuditSettings, recognizer: &Recognizer) -> Self {
        let watched = io::stderr().is_terminal();
        Self {
            found: 0,
            tally: Tally::new(recognizer.card().charset.clone(), settings.ignore_case),
            clock: Clock::default(),
            unreadable: Listed::new(),
            unlabelled: Listed::new(),
            unknown: Listed::new(),
            misread: Spread::new(settings.show),
            sample: Spread::new(settings.show.div_ceil(2)),
            bar: if watched { ProgressBar::new_spinner() } else { ProgressBar::hidden() },
        }
    }

    fn read_all(
        &mut self,
        recognizer: &mut Recognizer,
        pictures: impl Iterator<Item = Result<Labelled>>,
    ) -> Result<()> {
        let (mut waiting, mut prepared) = (Vec::new(), Vec::new());
        for labelled in pictures {
            self.found += 1;
            if let Some((picture, image)) = self.prepare(recognizer, labelled?) {
                waiting.push(picture);
                prepared.push(Ok(image));
            }
            if waiting.len() == BATCH {
                self.read(recognizer, std::mem::take(&mut waiting), std::mem::take(&mut prepared));
            }
        }
        if !waiting.is_empty() {
            self.read(recognizer, waiting, prepared);
        }
        Ok(())
    }

    /// The picture ready for the engine; otherwise it is told why not.
    fn prepare(
        &mut self,
        recognizer: &Recognizer,
        Labelled { input, truth }: Labelled,
    ) -> Option<(Waiting, PreparedImage)> {
        if let Some(failure) = input.unreachable() {
            let failure = failure.clone();
            self.leave_out(&input, failure, false);
            return None;
        }
        let truth = match truth {
            Ok(truth) => truth,
            Err(failure) => {
                self.leave_out(&input, failure, true);
                return None;
            }
        };
        // The file is let go here: what waits for the engine is a small picture.
        let prepared =
            input.read().and_then(|encoded| self.clock.try_measure(|| model::prepare(recognizer, &encoded)));
        match prepared {
            Ok(image) => Some((Waiting { input, truth }, image)),
            Err(failure) => {
                self.leave_out(&input, failure, false);
                None
            }
        }
    }

    fn read(
        &mut self,
        recognizer: &mut Recognizer,
        waiting: Vec<Waiting>,
        prepared: Vec<Result<PreparedImage, Failure>>,
    ) {
        let readings = self.clock.measure(|| model::read(recognizer, prepared));
        for (picture, reading) in waiting.into_iter().zip(readings) {
            match reading {
                Ok(reading) => self.count(&picture, &reading),
                Err(failure) => self.leave_out(&picture.input, failure, false),
            }
        }
        self.bar.set_position(self.found as u64);
        self.bar.set_message(format!("{} pictures", number(self.found)));
    }

    fn count(&mut self, Waiting { input, truth }: &Waiting, reading: &Reading) {
        let right = self.tally.add(truth, reading);
        let unknown = self.tally.unknown(truth);
        if !unknown.is_empty() {
            let (file, label) = (input.name.clone(), truth.clone());
            self.unknown.add(Unknown { file, label, characters: unknown.into_iter().collect() });
        }
        let shown = || Shown {
            name: input.name.clone(),
            truth: truth.clone(),
            reading: reading.text.clone(),
            confidence: reading.confidence,
            right,
            // Read once more for the few that are shown, rather than held for the many that are not.
            source: input.read().ok().and_then(|encoded| gallery::source(&encoded)),
        };
        self.sample.offer(shown);
        if !right {
            self.misread.offer(shown);
        }
    }

    fn leave_out(&mut self, input: &Input, Failure { kind, detail }: Failure, unlabelled: bool) {
        let file = input.name.clone();
        // All of them are told here; the page has room for the first. A closed standard error has nobody to tell.
        self.bar.suspend(|| drop(writeln!(io::stderr(), "byecaptcha: {file}: {detail}")));
        let list = if unlabelled { &mut self.unlabelled } else { &mut self.unreadable };
        list.add(LeftOut { file, kind, detail });
    }

    fn finish(self, settings: &AuditSettings, recognizer: &Recognizer) -> Result<ExitCode> {
        let right = self.tally.judged().whole;
        let folder = settings.folder.display();
        if self.found == 0 {
            bail!("no pictures were found in {folder}: no PNG, JPEG, GIF, WebP or BMP files");
        }
        if right.of == 0 {
            bail!(
                "none of the {} pictures in {folder} can be audited: {} without a label (a name such as \
                 aB3d_num1.png, or a row in --labels), {} that cannot be read",
                number(self.found),
                number(self.unlabelled.count),
                number(self.unreadable.count)
            );
        }
        let price = (settings.core_hour_price.unwrap_or(CORE_HOUR_PRICE), settings.core_hour_price.is_none());
        let cost = self.clock.cost(right.of, right.value(), price, BATCH);
        let card = recognizer.card();
        let circumstances = Circumstances {
            folder: folder.to_string(),
            labels: settings.labels.as_ref().map(|file| file.display().to_string()),
            ignore_case: settings.ignore_case,
            model: Model {
                name: card.name.clone(),
                version: card.version.clone(),
                charset: card.charset.clone().into(),
            },
        };
        let Self { found, tally, unreadable, unlabelled, unknown, misread, sample, .. } = self;
        let findings = Findings { found, tally, unreadable, unlabelled, unknown };
        let report = Report::new(circumstances, findings, cost);

        let page = page::html(&report, &misread, &sample);
        fs::write(&settings.out, page)
            .with_context(|| format!("--out {}: it cannot be written", settings.out.display()))?;
        if let Some(file) = &settings.json {
            let mut json =
                serde_json::to_vec_pretty(&report).context("the figures cannot be written as JSON")?;
            json.push(b'\n');
            fs::write(file, json)
                .with_context(|| format!("--json {}: it cannot be written", file.display()))?;
        }
        let written = summary::write(io::stdout().lock(), &report, settings);
        stdout::unless_left(written).context("the summary cannot be written")?;
        Ok(ExitCode::SUCCESS)
    }
}
