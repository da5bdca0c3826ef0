//! Trains, evaluates and exports the networks; one readable loop in `train`, everything else around it.
// What evaluation finds and how a run in the background goes is this program's output.
#![allow(clippy::print_stdout)]

pub mod active;
pub mod calibrate;
pub mod checkpoint;
pub mod config;
pub mod data;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod environment;
pub mod errors;
pub mod evaluate;
pub mod export;
pub mod finetune;
pub mod leave_out;
pub mod locate;
pub mod metrics;
pub mod optimizer;
pub mod parallel;
pub mod schedule;
pub mod step;
pub mod stream;
pub mod table6;
pub mod train;
