//! Trains, evaluates and exports the networks; one readable loop in `train`, everything else around it.

pub mod active;
pub mod calibrate;
pub mod checkpoint;
mod command;
pub mod config;
pub mod data;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod environment;
pub mod errors;
pub mod evaluate;
pub mod export;
pub mod finetune;
pub mod folder;
mod grow;
pub mod leave_out;
pub mod locate;
pub mod metrics;
pub mod optimizer;
pub mod parallel;
mod progress;
pub mod schedule;
pub mod step;
pub mod stream;
pub mod table6;
pub mod train;
mod whole;
