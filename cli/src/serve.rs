//! API, page and worker in one process, on one SQLite file: an accepted job survives whatever ends the process.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_api::{ApiSettings, ApiState, ModelInfo};
use byecaptcha_models::{ModelCard, Recognizer};
use byecaptcha_queue::{
    Broker, BrokerOptions, ResultOptions, ResultStore, SqliteBroker, SqliteDatabase, SqliteResults,
};
use byecaptcha_worker::{Worker, WorkerSettings};
use tokio::{net::TcpListener, runtime::Runtime, signal};
use tokio_util::sync::CancellationToken;

use crate::settings::ServeSettings;

/// Serves until SIGTERM or Ctrl-C.
pub(crate) fn serve(settings: &ServeSettings) -> Result<()> {
    ensure!(
        settings.listen.ip().is_loopback() || settings.allow_public,
        "--listen {}: others could reach this address, and there is no access control yet; say --allow-public if \
         something in front keeps them out",
        settings.listen
    );
    let path = data_path(settings)?;
    let recognizer = load(settings.model.as_deref())?;
    let models = vec![model_info(recognizer.card())?];
    let broker_options = BrokerOptions { capacity: settings.queue_capacity as usize, ..BrokerOptions::default() };
    let result_options = ResultOptions { keep: settings.keep, ..ResultOptions::default() };
    let worker_settings = WorkerSettings {
        max_batch: usize::from(settings.batch),
        delivery_limit: broker_options.delivery_limit,
        drain: settings.drain,
    };
    Runtime::new()?.block_on(async {
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
        let database = SqliteDatabase::open(&path)?;
        let broker: Arc<dyn Broker> = Arc::new(SqliteBroker::new(database.clone(), broker_options));
        let results: Arc<dyn ResultStore> = Arc::new(SqliteResults::new(database, result_options));
        let state = ApiState::new(Arc::clone(&broker), Arc::clone(&results), models, ApiSettings::default());
        let worker = Worker::new(broker, results, recognizer, worker_settings);
        run(listener, state, worker).await
    })
}

async fn run(listener: TcpListener, state: ApiState, worker: Worker) -> Result<()> {
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let mut ready = worker.ready();
    let watched = state.clone();
    // Ends with the worker, which holds the other end.
    tokio::spawn(async move {
        while ready.changed().await.is_ok() {
            watched.set_ready(*ready.borrow_and_update());
        }
    });
    let working = tokio::spawn(worker.run(stop.clone()));
    announce(address);

    let ending = stop.clone();
    tokio::spawn(async move {
        ended().await;
        tracing::info!("shutting down; a second signal ends at once");
        ending.cancel();
        ended().await;
        std::process::exit(130);
    });
    // A worker that gives up takes the server along: a queue that nobody reads is no service.
    let failed = stop.clone();
    let working = async move {
        let outcome = working.await;
        failed.cancel();
        outcome
    };
    let serving = byecaptcha_api::serve(listener, state, stop.cancelled_owned());
    let (served, worked) = tokio::join!(serving, working);
    served?;
    let drained = worked??;
    tracing::info!(released = drained.released, abandoned = drained.abandoned, "stopped");
    Ok(())
}

/// The line that tells where to go, and the only one on stdout.
#[allow(clippy::print_stdout)]
fn announce(address: SocketAddr) {
    println!("ByeCaptcha is listening on http://{address}");
}

/// SIGTERM or Ctrl-C.
async fn ended() {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                interrupted = signal::ctrl_c() => drop(interrupted),
            }
            return;
        }
    }
    drop(signal::ctrl_c().await);
}

/// The database file; a folder means the file of the usual name in it. The folders above it are made.
fn data_path(settings: &ServeSettings) -> Result<PathBuf> {
    const FILE: &str = "byecaptcha.db";
    let path = match &settings.data {
        Some(path) if path.is_dir() => path.join(FILE),
        Some(path) => path.clone(),
        None => match dirs::data_local_dir() {
            Some(folder) => folder.join("byecaptcha").join(FILE),
            None => bail!("--data: there is no user's data folder here, so a file must be named"),
        },
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("--data: cannot make the folder {}", folder.display()))?;
    }
    Ok(path)
}

/// The model that was asked for, or the one that ships.
pub(crate) fn load(model: Option<&std::path::Path>) -> Result<Recognizer> {
    match model {
        Some(path) => Recognizer::load(path).with_context(|| format!("--model {}", path.display())),
        None => Recognizer::embedded().context("the model that ships"),
    }
}

fn model_info(card: &ModelCard) -> Result<ModelInfo> {
    Ok(ModelInfo {
        name: card.name.clone(),
        version: card.version.clone(),
        default: true,
        charset: card.charset.clone().into(),
        figures: serde_json::to_value(&card.figures)?,
    })
}
