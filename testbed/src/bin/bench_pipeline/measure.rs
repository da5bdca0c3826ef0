//! The measurements, one after the other on the same servers.

use std::{cell::Cell, sync::Arc, thread::available_parallelism, time::Duration};

use anyhow::{Context, Result};
use byecaptcha_models::Recognizer;
use bytes::Bytes;

use crate::{
    engine_alone::{self, Alone},
    instant,
    load::{Way, Work, load},
    pictures,
    settings::{MeasureSettings, Part},
    stack::{Reader, Seconds, Stack},
    table::{self, Row},
};

pub(crate) async fn run(settings: &MeasureSettings) -> Result<()> {
    let bench = Bench { settings, captchas: pictures::captchas()?, cores: available_parallelism()?.get() };
    let mut stack = Stack::start(&[]).await?;
    table::head()?;
    for _ in 0..settings.rounds.max(1) {
        if bench.wants(Part::Idle) {
            bench.measure(&mut stack, "idle, instant", Reader::Instant, Way::Wait, 1).await?;
            bench.measure(&mut stack, "idle, model", Reader::Model, Way::Wait, 1).await?;
        }
        if bench.wants(Part::Overhead) {
            let clients = settings.clients;
            bench.measure(&mut stack, "instant, held answers", Reader::Instant, Way::Wait, clients).await?;
        }
        if bench.wants(Part::Poll) {
            let clients = settings.clients;
            bench.measure(&mut stack, "instant, polled", Reader::Instant, Way::Poll, clients).await?;
        }
        if bench.wants(Part::Model) {
            bench.share(&mut stack).await?;
        }
    }
    Ok(())
}

struct Bench<'a> {
    settings: &'a MeasureSettings,
    captchas: Vec<Bytes>,
    cores: usize,
}

impl Bench<'_> {
    fn wants(&self, part: Part) -> bool {
        self.settings.only.is_empty() || self.settings.only.contains(&part)
    }

    async fn measure(
        &self,
        stack: &mut Stack,
        name: &str,
        reader: Reader,
        way: Way,
        clients: usize,
    ) -> Result<()> {
        stack.serve(reader, &self.captchas[0]).await?;
        stack.join(self.cores)?;
        let row = self.loaded(stack, name, reader, way, clients).await?;
        table::row(&row)
    }

    /// The pipeline with the model, its worker alone on one core, against the engine alone on that core: before and
    /// after, since a machine's speed drifts.
    async fn share(&self, stack: &mut Stack) -> Result<()> {
        let MeasureSettings { worker_core: core, seconds, clients, .. } = *self.settings;
        stack.serve(Reader::Model, &self.captchas[0]).await?;
        stack.part(core)?;
        let before = engine_alone::measured(core, seconds).await?;
        let name = format!("model, worker on core {core}");
        let row = self.loaded(stack, &name, Reader::Model, Way::Wait, clients).await?;
        let after = engine_alone::measured(core, seconds).await?;
        stack.join(self.cores)?;
        table::row(&row)?;
        let alone = [before, after];
        let mean = |of: fn(&Alone) -> f64| alone.iter().map(of).sum::<f64>() / alone.len() as f64;
        let share = |of: fn(&Seconds) -> f64| row.took(of) / row.seconds * 100.0;
        let (worker, all) = (share(|of| of.worker), share(|of| of.core));
        table::print(&format!(
            "\nThe engine alone on core {core}, in batches of 8: {:.0} pictures/s before and {:.0} after. The pipeline, \
             whose worker had that core\nand nothing else: {:.0} jobs/s, which is {:.1}%. Meanwhile the worker took \
             {worker:.0}% of the core, and other processes {:.0}%.\nBy processor time: {:.3} s for 1,000 pictures alone, \
             {:.3} s for 1,000 jobs in the worker, which is {:.1}%.\n",
            before.rate,
            after.rate,
            row.rate(),
            row.rate() / mean(|alone| alone.rate) * 100.0,
            (all - worker).max(0.0),
            mean(|alone| alone.seconds),
            row.each(|of| of.worker),
            mean(|alone| alone.seconds) / row.each(|of| of.worker) * 100.0,
        ))
    }

    async fn loaded(
        &self,
        stack: &mut Stack,
        name: &str,
        reader: Reader,
        way: Way,
        clients: usize,
    ) -> Result<Row> {
        let pictures = self.captchas.iter().cloned().zip(self.texts(reader)?).collect();
        let work = Arc::new(Work { api: stack.api, pictures, way });
        let time = Duration::from_secs(self.settings.seconds);
        let (before, after) = (Cell::<Seconds>::default(), Cell::<Seconds>::default());
        let stack = std::cell::RefCell::new(stack);
        let look = |at: &Cell<Seconds>| at.set(stack.borrow_mut().seconds(self.settings.worker_core));
        let latencies = load(work, clients, time, || look(&before), || look(&after)).await?;
        Ok(Row {
            name: name.to_owned(),
            clients,
            seconds: time.as_secs_f64(),
            latencies,
            before: before.get(),
            after: after.get(),
        })
    }

    /// What must be read in each picture.
    fn texts(&self, reader: Reader) -> Result<Vec<Option<String>>> {
        if reader == Reader::Instant {
            return Ok(vec![Some(instant::TEXT.to_owned()); self.captchas.len()]);
        }
        let mut recognizer = Recognizer::embedded()?;
        let texts = self.captchas.iter().map(|picture| {
            let prepared = recognizer.prepare(picture)?;
            let reading = recognizer.recognize(&[prepared])?.pop().context("no reading")?;
            Ok(Some(reading.text))
        });
        texts.collect()
    }
}
