//! What the programs share: how they log, count, trace, hear signals, listen, keep many connections, ask each other how they are, and find their broker and result store.

pub mod address;
#[cfg(feature = "servers")]
pub mod backends;
pub mod descriptors;
pub mod healthcheck;
pub mod logging;
pub mod metrics;
pub mod signals;
#[cfg(feature = "traces")]
pub mod traces;
