//! The connections: taken, held to their times, and ended. Whoever opens many and says nothing, or says it drop by drop,
//! is cut off and keeps nobody else waiting.

use std::time::Duration;

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Serves until `closing`, and then until the last request under way is answered. Dropped, it cuts all off.
pub(crate) async fn serve(
    mut listener: TcpListener,
    router: Router,
    header_timeout: Duration,
    closing: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Where the system has no more to give, this waits a moment instead of failing.
            (stream, _) = Listener::accept(&mut listener) => {
                connections.spawn(connection(http.clone(), stream, router.clone(), closing.clone()));
            }
            // So that ended ones do not pile up.
            Some(_) = connections.join_next() => {}
            () = closing.cancelled() => break,
        }
    }
    // From here on nobody gets in.
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, from its first request to its end. What goes wrong on it is its client's business.
async fn connection(http: http1::Builder, stream: TcpStream, router: Router, closing: CancellationToken) {
    let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = closing.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection has failed");
    }
}
