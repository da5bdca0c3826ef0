//! `byecaptcha bench`: how many pictures a server reads in a second, and how long a client waits for one, from
//! submission to text.

mod figures;
mod load;
pub(crate) mod settings;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow, ensure};
use byecaptcha_program::{
    logging::{self, LogFormat},
    signals,
};
use bytes::Bytes;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{figures::Figures, load::Load, settings::BenchSettings},
    client::{Server, connections},
    inputs, stdout,
};

/// What a shell shows for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Four of the pictures that the tests read.
const PICTURES: [&[u8]; 4] = [
    include_bytes!("../../tests/fixtures/BSTd5_num75345.jpg"),
    include_bytes!("../../tests/fixtures/EBMq6_num71862.jpg"),
    include_bytes!("../../tests/fixtures/kuEr_num5412.jpg"),
    include_bytes!("../../tests/fixtures/zSkVB_num15321.jpg"),
];

/// Measures, and writes the figures.
pub(crate) fn bench(settings: &BenchSettings) -> Result<ExitCode> {
    logging::start(LogFormat::Text, "warn", None);
    connections::allowed("--clients", settings.clients, 0)?;
    let stop = CancellationToken::new();
    let load = Load {
        server: Server::new(&settings.server, settings.clients)?,
        pictures: pictures(settings)?,
        clients: settings.clients,
        length: settings.length(),
        rate: settings.rate,
        stop: stop.clone(),
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let server = settings.server.server.to_string();
    let tally = runtime.block_on(async {
        signals::watch(stop.clone()).context("signals cannot be caught")?;
        load::run(load).await.with_context(|| server.clone())
    })?;
    let (read, answered) = (tally.succeeded, tally.answered());
    let figures = Figures::new(server, settings.clients, settings.rate, tally);
    let mut out = io::stdout().lock();
    let written = figures.write(&mut out, settings.format).and_then(|()| out.flush());
    stdout::unless_left(written).context("the figures cannot be written")?;
    if stop.is_cancelled() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    ensure!(answered > 0, "{}: nothing was answered", settings.server.server);
    ensure!(read > 0, "no picture was read");
    Ok(ExitCode::SUCCESS)
}

/// All of them in memory: what is measured is the server, and not this machine's disk.
fn pictures(settings: &BenchSettings) -> Result<Vec<Bytes>> {
    if settings.pictures.is_empty() {
        return Ok(PICTURES.map(Bytes::from_static).to_vec());
    }
    let pictures = inputs::walk(&settings.pictures)
        .map(|input| {
            let read = input.read().map(Bytes::from);
            read.map_err(|failure| anyhow!("{}: {}", input.name, failure.detail))
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(!pictures.is_empty(), "no pictures were found");
    Ok(pictures)
}
