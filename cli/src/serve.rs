//! `byecaptcha serve`: the API, the page and one worker in one process, on one SQLite file.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use byecaptcha_api::{ApiSettings, ApiState, ModelInfo};
use byecaptcha_models::ModelCard;
use byecaptcha_program::{address, descriptors, logging, metrics, signals};
use byecaptcha_queue::{
    Broker, BrokerOptions, QueueName, ResultOptions, ResultStore, SqliteBroker, SqliteDatabase,
    SqliteFeedback, SqliteResults,
};
use byecaptcha_worker::{Drained, Worker, WorkerError, WorkerSettings};
use tokio::{runtime, task::JoinError, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::settings::ServeSettings;

/// For what hangs on to the runtime after everything has ended, which nothing should.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Serves until a signal says otherwise. Returns once everything is on the disk.
pub(crate) fn serve(settings: &ServeSettings) -> Result<()> {
    logging::start(settings.log_format, "info", None);
    descriptors::raise();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let served = runtime.block_on(run(settings));
    runtime.shutdown_timeout(LEFTOVERS);
    served
}

fn open(settings: &ServeSettings) -> Result<SqliteDatabase> {
    let path = settings.database();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("--data: the folder {} cannot be created", folder.display()))?;
    }
    tracing::info!(path = %path.display(), "jobs and results are kept here");
    SqliteDatabase::open(&path).context("--data")
}

async fn run(settings: &ServeSettings) -> Result<()> {
    let shutdown = CancellationToken::new();
    // However this function ends, what it has started ends too.
    let _guard = shutdown.clone().drop_guard();
    // Before all else: process 1 of a container is not ended by a signal that it does not catch.
    signals::watch(shutdown.clone()).context("signals cannot be caught")?;
    let recognizer = settings.model.load()?;
    let database = open(settings)?;
    let access = settings.access.open(settings.listen, Some(&settings.usual_keys())).context("--keys")?;
    let has_keys = access.needs_keys();
    let (listener, address) = address::bind(settings.listen).await?;

    let worker_settings = WorkerSettings {
        max_batch: settings.batch,
        prefetch: 2 * settings.batch,
        drain: settings.drain,
        ..Default::default()
    };
    let broker_options =
        BrokerOptions { capacity: settings.queue_capacity, delivery_limit: worker_settings.delivery_limit };
    let result_options = ResultOptions { keep: settings.keep, ..Default::default() };
    let broker = SqliteBroker::new(database.clone(), broker_options);
    let bulk: Arc<dyn Broker> = Arc::new(broker.clone().on(QueueName::Bulk));
    let broker: Arc<dyn Broker> = Arc::new(broker);
    let feedback = Arc::new(SqliteFeedback::new(database.clone()));
    let records = Arc::new(SqliteResults::new(database, result_options));
    let results: Arc<dyn ResultStore> = records.clone();

    let models = vec![describe(recognizer.card())?];
    let (keep_batches, grace) = (settings.keep_batches, settings.drain);
    let limits = ApiSettings { keep_batches, grace, ..ApiSettings::default() };
    let state = ApiState::new(Arc::clone(&broker), Arc::clone(&results), models, limits)
        .with_bulk(Arc::clone(&bulk))
        .with_batches(records)
        .with_feedback(feedback, settings.keep_images)
        .with_access(access)
        .with_metrics(metrics::start()?);
    let worker = Worker::new(broker, results, recognizer, worker_settings).with_bulk(bulk);
    let mut ready = worker.ready();
    let mut working = tokio::spawn(worker.run(shutdown.clone()));
    tokio::select! {
        // An error means that the worker is gone, and then it is the other branch that says why.
        Ok(_) = ready.wait_for(|ready| *ready) => {}
        ended = &mut working => return check_worker(ended).map(drop),
    }
    state.set_ready(true);
    let closed = shutdown.clone().cancelled_owned();
    let mut serving = tokio::spawn(byecaptcha_api::serve(listener, state, closed));
    announce(address, settings, has_keys);

    tokio::select! {
        // Looked at first, since the other two end soon after it.
        biased;
        () = shutdown.cancelled() => {}
        ended = &mut working => {
            check_worker(ended)?;
            bail!("the worker has stopped by itself");
        }
        ended = &mut serving => {
            ended.context("the HTTP server has failed")?.context("the HTTP server has failed")?;
            bail!("the HTTP server has stopped by itself");
        }
    }
    // Both have the same time. A client that is slow to send or to read is cut off at its end.
    let (served, worked) = tokio::join!(timeout(settings.drain, &mut serving), working);
    if served.is_err() {
        tracing::warn!("some connections were cut off");
        serving.abort();
    }
    let drained = check_worker(worked)?;
    tracing::info!(released = drained.released, abandoned = drained.abandoned, "stopped");
    Ok(())
}

fn describe(card: &ModelCard) -> Result<ModelInfo> {
    Ok(ModelInfo {
        name: card.name.clone(),
        version: card.version.clone(),
        default: true,
        charset: card.charset.clone().into(),
        figures: serde_json::to_value(&card.figures).context("the model's figures cannot be shown")?,
        recommended_min_confidence: card
            .calibration
            .as_ref()
            .and_then(|calibration| calibration.abstain_below),
    })
}

fn check_worker(ended: Result<Result<Drained, WorkerError>, JoinError>) -> Result<Drained> {
    ended.context("the worker has failed")?.context("the worker has failed")
}

/// Says on standard output that it serves, and how to use it. A closed standard output is no reason not to serve.
fn announce(address: SocketAddr, settings: &ServeSettings, has_keys: bool) {
    if !address.ip().is_loopback() && !has_keys {
        tracing::warn!(%address, "other machines can reach this address, and there are no API keys");
    }
    let key = if has_keys { "-H \"Authorization: Bearer $KEY\" " } else { "" };
    let mut out = io::stdout().lock();
    let said = writeln!(
        out,
        "ByeCaptcha is listening on http://{address}\n\
         Open it in a browser, or: curl --data-binary @captcha.jpg -H 'Content-Type: image/jpeg' \
         -H 'Prefer: wait=10' {key}http://{address}/v1/jobs\n\
         Ctrl-C stops it."
    );
    drop(said.and_then(|()| out.flush()));
    tracing::info!(%address, batch = settings.batch, "serving");
}
