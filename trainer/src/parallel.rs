//! Work for all cores, on plain threads. One of rayon's takes up other work while it waits; where each picture waits for the
//! locator's own pool, picture upon picture would come to lie on one stack, until it overflows.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

/// Cores that this process may use.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What `of` makes of each number, in their order. The threads are as nice as the one that waits for them.
pub fn map<T: Send>(numbers: Range<u64>, of: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(numbers.start);
    let work = || {
        let taken = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        taken
            .take_while(|number| *number < numbers.end)
            .map(|number| (number, of(number)))
            .collect::<Vec<_>>()
    };
    let threads = cores();
    let mut made: Vec<(u64, T)> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(made) => made,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        running.into_iter().flat_map(join).collect()
    });
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_comes_once_and_in_order() {
        assert_eq!(map(7..1007, |number| number * 2), (7..1007).map(|number| number * 2).collect::<Vec<_>>());
        assert!(map(3..3, |number| number).is_empty());
    }

    #[test]
    #[should_panic(expected = "the fifth")]
    fn a_panic_is_not_lost() {
        map(0..10, |number| assert!(number != 5, "the fifth"));
    }
}
