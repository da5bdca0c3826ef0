//! The program as a user runs it: started, spoken to over its arguments, standard streams, HTTP and signals, and killed.
// Helpers of tests may fail as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod access;
mod audit;
mod bench;
mod clients;
mod conformance;
mod forms;
mod program;
mod recognize;
#[cfg(unix)]
mod resume;
mod scripted;
mod serve;
mod settings;
#[cfg(unix)]
mod stop;
mod submit;
mod unread;
