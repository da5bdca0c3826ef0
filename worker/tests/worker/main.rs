//! A whole worker on memory backends, with an engine that does as it is told.
// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod batches;
mod doubles;
mod failures;
mod script;
mod setting;
mod shutdown;
