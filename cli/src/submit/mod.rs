//! `byecaptcha submit`: has a server read pictures, so many at once and however many in all, and writes a row for each.
//! One loop does all writing; what is under way at a time are errands, and they tell it how they fare.

mod errand;
mod feed;
mod journal;
mod key;
mod patience;
mod progress;
mod records;
pub(crate) mod settings;
mod table;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use byecaptcha_program::{
    logging::{self, LogFormat},
    signals,
};
use tokio::{
    runtime,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Queue, Server, connections},
    inputs::Input,
    stdout,
    submit::{
        errand::{Errand, Errands, Event, Stop},
        patience::Patience,
        progress::{Progress, TICK, say},
        records::{Records, Standing},
        settings::SubmitSettings,
    },
};

/// All is done, and some pictures have no text.
const SOME_FAILED: u8 = 3;

/// What a shell shows for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Most pictures that are read from the disk at once.
const READERS: usize = 512;

/// How long answers to what was sent are waited for once nothing more is sent.
const GRACE: Duration = Duration::from_secs(5);

/// Sends what is to be sent; the status says how far it came.
pub(crate) fn submit(settings: &SubmitSettings) -> Result<ExitCode> {
    logging::start(LogFormat::Text, "warn", None);
    match run(settings) {
        // What is with the server by now is read there, and nobody wants to see it.
        Err(error) if settings.to_stdout() && error.downcast_ref().is_some_and(stdout::has_left) => {
            Ok(ExitCode::SUCCESS)
        }
        ended => ended,
    }
}

fn run(settings: &SubmitSettings) -> Result<ExitCode> {
    // Each may have its picture open, as far as there are threads that read.
    connections::allowed("--in-flight", settings.in_flight, READERS)?;
    let server = Server::new(&settings.server, settings.in_flight)?;
    let records = Records::open(settings)?;
    // A thread beside this one: signals are heard while this one waits for whoever reads the rows.
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .max_blocking_threads(READERS)
        .build()
        .context("no runtime")?;
    let ended = runtime.block_on(Run::new(settings, records).go(server));
    // A read of a file that is far away is not waited for.
    runtime.shutdown_background();
    ended
}

struct Run<'a> {
    settings: &'a SubmitSettings,
    records: Records,
    progress: Progress,
    stop: CancellationToken,
    /// The reason, where it is not a signal.
    stopped: Option<String>,
    /// Whether the server has served nobody.
    denied: bool,
    /// Files whose errand ended without a row.
    left: usize,
}

impl<'a> Run<'a> {
    fn new(settings: &'a SubmitSettings, records: Records) -> Self {
        let progress = Progress::new(records.earlier);
        let stop = CancellationToken::new();
        Self { settings, records, progress, stop, stopped: None, denied: false, left: 0 }
    }

    async fn go(mut self, server: Server) -> Result<ExitCode> {
        signals::watch(self.stop.clone()).context("signals cannot be caught")?;
        let (events, mut heard) = mpsc::channel(64);
        let errands = Arc::new(Errands {
            server,
            queue: if self.settings.interactive { Queue::Interactive } else { Queue::Bulk },
            patience: Patience::new(self.settings.patience),
            stop: self.stop.clone(),
            events,
        });
        let mut found = feed::start(&self.settings.inputs).context("no thread")?;
        let mut total = feed::count(&self.settings.inputs).context("no thread")?;
        let (mut walked, mut counted, mut deadline) = (false, false, None);
        let mut under_way = JoinSet::new();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !(under_way.is_empty() && (walked || deadline.is_some())) {
            let room = !walked && deadline.is_none() && under_way.len() < self.settings.in_flight;
            tokio::select! {
                Some(event) = heard.recv() => self.hear(event, &errands.patience)?,
                Some(ended) = under_way.join_next() => ended.context("a fault of the program")?,
                input = found.recv(), if room => match input.transpose().context("the list on standard input")? {
                    Some(input) => {
                        if let Some(errand) = self.errand(input) {
                            if under_way.is_empty() {
                                // While there was nothing to do there was nothing to get on with.
                                errands.patience.progress();
                            }
                            under_way.spawn(Arc::clone(&errands).carry(errand));
                        }
                    }
                    None => walked = true,
                },
                count = &mut total, if !counted => {
                    counted = true;
                    if let Ok(count) = count {
                        self.progress.set_total(count);
                    }
                }
                () = self.stop.cancelled(), if deadline.is_none() => deadline = Some(Instant::now() + GRACE),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => break,
                _ = ticks.tick() => self.progress.tick(self.records.counts),
            }
        }
        self.left += under_way.len();
        drop(under_way);
        while let Ok(event) = heard.try_recv() {
            self.hear(event, &errands.patience)?;
        }
        self.end(walked)
    }

    fn errand(&mut self, input: Input) -> Option<Errand> {
        let key = self.records.key(input.path());
        match self.records.take(key) {
            Standing::Done => None,
            Standing::New => Some(Errand { input, key, accepted: None }),
            Standing::Accepted(accepted) => Some(Errand { input, key, accepted: Some(accepted) }),
        }
    }

    fn hear(&mut self, event: Event, patience: &Patience) -> Result<()> {
        match event {
            Event::Accepted(file, job) => return self.records.note_accepted(file, job),
            Event::Row(file, row) => {
                patience.progress();
                self.records.write(file, &row)?;
                self.progress.rows(self.records.counts);
            }
            Event::Waiting(why) => self.progress.waiting(why),
            Event::Left(stop) => {
                self.left += 1;
                let reason = match stop {
                    Stop::Asked => return Ok(()),
                    Stop::Denied(why) => {
                        self.denied = true;
                        format!("{}: {why}", self.settings.server.server)
                    }
                    Stop::OutOfPatience(why) => {
                        let patience = humantime::format_duration(self.settings.patience);
                        format!(
                            "{}: no progress within --patience {patience}: {why}",
                            self.settings.server.server
                        )
                    }
                };
                // The first reason is the reason; the others' follow from it.
                self.stopped.get_or_insert(reason);
                self.stop.cancel();
            }
        }
        Ok(())
    }

    fn end(self, walked: bool) -> Result<ExitCode> {
        let counts = self.records.counts;
        if walked && self.left == 0 {
            if counts.rows == 0 {
                self.progress.clear();
                self.records.abandon()?;
                bail!("no pictures were found");
            }
            self.progress.summary(counts);
            self.records.finish()?;
            return Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_FAILED) });
        }
        self.progress.clear();
        // With nothing done there is nothing to go on with, and the command may well change.
        if self.denied && self.records.is_untouched() {
            self.records.abandon()?;
        } else {
            self.progress.summary(counts);
            if self.records.is_resumable() {
                say(match self.settings.overwrite {
                    true => "unfinished; the same command without --overwrite goes on from here",
                    false => "unfinished; the same command goes on from here",
                });
            }
        }
        match self.stopped {
            Some(reason) => Err(anyhow!(reason)),
            None => Ok(ExitCode::from(INTERRUPTED)),
        }
    }
}
