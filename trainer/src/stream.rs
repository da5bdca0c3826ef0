//! Batches drawn a few steps ahead of the network, on threads that give way to it.

use std::{ops::Range, sync::Arc, thread};

use anyhow::Result;
use crossbeam_channel::{Receiver, bounded};
use rand::{SeedableRng, seq::SliceRandom};
use rand_pcg::Pcg64Mcg;

use crate::data::{LabelledBatch, Source, WINDOW};

/// How much the drawing threads are nicer than the network's. Those wait for one another many times in a step, and all of
/// them for the one that was put aside for a drawing; with this, a step takes a tenth less on two cores.
#[cfg(unix)]
const NICENESS: i32 = 10;

/// Starts drawing at a step; ends when the receiver is dropped. The source is made on the thread that gives way, since the threads
/// of its locator are as nice as the one that starts them.
pub fn stream(
    source: impl FnOnce() -> Result<Source> + Send + 'static,
    batch: usize,
    echo: usize,
    steps: Range<u64>,
) -> Receiver<Result<Arc<LabelledBatch>>> {
    // As many may wait for the network as come of those that are drawn together, so that it need not wait for the next ones.
    let window = WINDOW * echo;
    let (sender, receiver) = bounded(window);
    thread::spawn(move || {
        give_way();
        let source = match source() {
            Ok(source) => source,
            Err(error) => {
                let _gone = sender.send(Err(error));
                return;
            }
        };
        let window = window as u64;
        for number in steps.start / window..steps.end.div_ceil(window) {
            let drawn = match source.window(number, batch) {
                Ok(drawn) => echoed(drawn, echo, number),
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

/// All batches so many times, each time in another order.
fn echoed(drawn: Vec<LabelledBatch>, echo: usize, number: u64) -> Vec<Arc<LabelledBatch>> {
    let mut drawn: Vec<_> = drawn.into_iter().map(Arc::new).collect();
    let mut rng = Pcg64Mcg::seed_from_u64(number);
    let mut all = drawn.clone();
    for _ in 1..echo {
        drawn.shuffle(&mut rng);
        all.extend(drawn.iter().cloned());
    }
    all
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
    use crate::{config::Config, parallel};

    #[test]
    fn an_echo_brings_each_batch_again_and_a_stop_changes_nothing() {
        let config = Config::small("hku", 2);
        let texts = |echo, steps| -> Vec<Vec<String>> {
            let config = config.clone();
            let batches = stream(move || Source::new(&config, 1), 2, echo, steps);
            batches.iter().map(|batch| batch.unwrap().texts.clone()).collect()
        };
        let window = WINDOW as u64;
        let (once, echoed) = (texts(1, 0..2 * window), texts(3, 0..6 * window));
        for (drawn, echoed) in once.chunks(WINDOW).zip(echoed.chunks(3 * WINDOW)) {
            let times = |batch| echoed.iter().filter(|other| *other == batch).count();
            assert!(drawn.iter().all(|batch| times(batch) == 3));
            assert_ne!(echoed[..WINDOW], echoed[WINDOW..2 * WINDOW], "in another order");
        }
        assert_eq!(texts(3, 5 * window - 7..6 * window), echoed[5 * WINDOW - 7..]);
    }

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
