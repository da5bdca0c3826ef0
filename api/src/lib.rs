//! The HTTP face: jobs in, results out, and the web page. It knows the queue and the result store and no engine, so any
//! number of these can stand before any number of workers.

mod accept;
mod acceptance;
pub mod access;
mod batches;
mod body;
mod connections;
mod idempotency;
mod linger;
mod members;
mod metrics;
mod min_confidence;
mod observe;
mod openapi;
mod options;
mod prefer;
mod problem;
mod request_id;
mod room;
mod routes;
mod state;
mod upload;

use std::{future::Future, io};

use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};

pub use state::{
    ApiSettings, ApiState, DEFAULT_KEEP_BATCHES, DEFAULT_MAX_SIDE, DEFAULT_MAX_UPLOAD_BYTES, ModelInfo,
};

/// All routes, over this state.
pub fn router(state: ApiState) -> Router {
    routes::router(state)
}

/// Serves until `shutdown` ends. Then nothing new is accepted, held answers are given as things stand, and requests
/// under way get the settings' grace to finish.
///
/// # Errors
///
/// Only what the listener's socket says; a connection that fails is that connection's business.
pub async fn serve<F>(listener: TcpListener, state: ApiState, shutdown: F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let closing = state.closing.clone();
    let told = closing.clone();
    // Both end with this function, however it ends.
    let mut beside = JoinSet::new();
    beside.spawn(state.access.clone().watch());
    beside.spawn(async move {
        shutdown.await;
        told.cancel();
    });
    let (header_timeout, grace) = (state.settings.header_timeout, state.settings.grace);
    let serving = connections::serve(listener, router(state), header_timeout, closing.clone());
    let overdue = async {
        closing.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        () = serving => {}
        // A client that stalls half-way through its request must not keep the program alive.
        () = overdue => tracing::warn!("requests still under way were cut off"),
    }
    Ok(())
}
