//! The HTTP face: jobs in, results out, and the web page. It knows the queue and the result store and no engine, so any
//! number of these can stand before any number of workers.

mod prefer;
mod problem;
mod routes;
mod state;
mod upload;

use std::{future::Future, io};

use axum::Router;
use tokio::net::TcpListener;

pub use state::{ApiSettings, ApiState, ModelInfo};

/// All routes, over this state.
pub fn router(state: ApiState) -> Router {
    routes::router(state)
}

/// Serves until `shutdown` ends. Then nothing new is accepted, held answers are given as things stand, and requests
/// under way are finished.
pub async fn serve(
    listener: TcpListener,
    state: ApiState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let closing = state.closing.clone();
    let shutdown = async move {
        shutdown.await;
        closing.cancel();
    };
    axum::serve(listener, router(state)).with_graceful_shutdown(shutdown).await
}
