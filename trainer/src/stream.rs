//! Batches drawn a few steps ahead of the network, on threads that give way to it.

use std::{ops::Range, thread};

use anyhow::Result;
use crossbeam_channel::{Receiver, bounded};

use crate::data::{LabelledBatch, Source, WINDOW};

/// Batches that may wait for the network: as many as are drawn together, so that it need not wait for the next ones.
const AHEAD: usize = WINDOW;
/// How much the drawing threads are nicer than the network's. Those wait for one another many times in a step, and all of
/// them for the one that was put aside for a drawing; with this, a step takes a tenth less on two cores.
#[cfg(unix)]
const NICENESS: i32 = 10;

/// Starts drawing at a step; ends when the receiver is dropped. The source is made on the thread that gives way, since the threads
/// of its locator are as nice as the one that starts them.
pub fn stream(
    source: impl FnOnce() -> Result<Source> + Send + 'static,
    batch: usize,
    steps: Range<u64>,
) -> Receiver<Result<LabelledBatch>> {
    let (sender, receiver) = bounded(AHEAD);
    thread::spawn(move || {
        give_way();
        let source = match source() {
            Ok(source) => source,
            Err(error) => {
                let _gone = sender.send(Err(error));
                return;
            }
        };
        let window = WINDOW as u64;
        for number in steps.start / window..steps.end.div_ceil(window) {
            let drawn = match source.window(number, batch) {
                Ok(drawn) => drawn,
                Err(error) => {
                    // Where no one listens any more, no one is told.
                    let _gone = sender.send(Err(error));
                    return;
                }
            };
            let wanted = (number * window..).zip(drawn).filter(|(step, _)| steps.contains(step));
            for (_, batch) in wanted {
                if sender.send(Ok(batch)).is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

/// Makes the calling thread nicer, and those that it starts from then on.
fn give_way() {
    // On Linux this is of the thread alone. Where it is refused, drawing is in the way a little.
    #[cfg(unix)]
    let _refused = rustix::process::nice(NICENESS).is_err();
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::parallel;

    #[test]
    fn drawing_gives_way() {
        let here = || rustix::process::getpriority_process(None).unwrap();
        let before = here();
        let drawing = thread::spawn(move || {
            give_way();
            parallel::map(0..4, |_| here())
        });
        assert_eq!(drawing.join().unwrap(), [(before + NICENESS).min(19); 4]);
        assert_eq!(here(), before);
    }
}
