//! The bodies of requests that are refused before anybody reads them.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;

/// Goes on reading for a moment, and throws it away. Closing at once would reset the connection, and a caller that is
/// still sending, a browser above all, would see that in place of the answer.
pub(crate) fn linger(mut body: Body) {
    const PATIENCE: Duration = Duration::from_secs(2);
    const MOST_BYTES: usize = 64 << 20;
    if body.is_end_stream() {
        return;
    }
    let discard = async move {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > MOST_BYTES {
                break;
            }
        }
    };
    tokio::spawn(tokio::time::timeout(PATIENCE, discard));
}
