//! The API as a client meets it: a real server on a port of its own, over the queue in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end by a panic")]

mod access;
mod app;
mod batches;
#[cfg(unix)]
mod connections;
mod events;
mod failures;
mod feedback;
mod idempotency;
mod jobs;
mod names;
mod openapi;
mod options;
mod page;
mod pictures;
mod prefer;
mod shutdown;
mod uploads;
