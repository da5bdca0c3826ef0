//! The programs `byecaptcha-api` and `byecaptcha-worker` on real servers: nothing accepted is lost, whoever dies.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at the first surprise")]

mod collector;
mod deaths;
mod jobs;
mod observability;
mod poison;
mod stack;
