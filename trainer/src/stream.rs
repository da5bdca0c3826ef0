//! Batches drawn a few steps ahead of the network, on threads that give way to it.

use std::{ops::Range, sync::Arc, thread};

use anyhow::Result;
use crossbeam_channel::{Receiver, bounded};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::data::{LabelledBatch, Source};

/// Batches that may wait for the network.
const AHEAD: usize = 4;
/// How much the drawing threads are nicer than the network's. Those wait for one another many times in a step, and all of
/// them for the one that was put aside for a drawing; with this, a step takes a tenth less on two cores.
#[cfg(unix)]
const NICENESS: i32 = 10;

/// Starts drawing at a step; ends when the receiver is dropped.
pub fn stream(
    source: Arc<Source>,
    batch: usize,
    steps: Range<u64>,
) -> Result<Receiver<Result<LabelledBatch>>> {
    let (sender, receiver) = bounded(AHEAD);
    let pool = drawing_threads()?;
    thread::spawn(move || {
        for step in steps {
            if sender.send(pool.install(|| source.batch(step, batch))).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

fn drawing_threads() -> Result<ThreadPool> {
    let builder = ThreadPoolBuilder::new().thread_name(|index| format!("draw-{index}"));
    #[cfg(unix)]
    let builder = builder.start_handler(|_| {
        // On Linux this is of the thread alone. Where it is refused, drawing is in the way a little.
        let _refused = rustix::process::nice(NICENESS).is_err();
    });
    Ok(builder.build()?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn drawing_gives_way() {
        let here = || rustix::process::getpriority_process(None).unwrap();
        let before = here();
        assert_eq!(drawing_threads().unwrap().install(here), (before + NICENESS).min(19));
        assert_eq!(here(), before);
    }
}
