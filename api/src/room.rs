//! Room in memory for pictures on their way to the broker, and on the disk for archives: many large ones at once wait for one
//! another, and do not take more than there is.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{self, Problem};

/// Bytes of a body that need no room, about as many as its connection holds anyway. Nearly all captchas are smaller, so
/// they do not wait for large pictures.
pub(crate) const FREE: usize = 64 << 10;

/// So many bytes, for all who share it.
pub(crate) struct Room {
    bytes: Arc<Semaphore>,
    size: usize,
    patience: Duration,
}

impl Room {
    /// Room for so many bytes, and for the largest that is ever asked for in any case.
    pub(crate) fn new(size: usize, largest: usize, patience: Duration) -> Self {
        let size = size.max(largest).min(u32::MAX as usize);
        Self { bytes: Arc::new(Semaphore::new(size)), size, patience }
    }

    /// Takes room for so many bytes, once there is some. Whoever has taken some gives it back before it takes more, or the
    /// two of them might wait for one another.
    pub(crate) async fn take(&self, bytes: usize) -> Result<Place, Problem> {
        let bytes = u32::try_from(bytes.min(self.size)).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.bytes).acquire_many_owned(bytes);
        match tokio::time::timeout(self.patience, taken).await {
            Ok(Ok(permit)) => Ok(Place(permit)),
            // It is never closed.
            Ok(Err(_)) | Err(_) => {
                let seconds = self.patience.as_secs_f32();
                let detail = format!("There was no room for {bytes} bytes within {seconds} seconds.");
                Err(Problem::new(problem::TOO_MANY_UPLOADS, detail))
            }
        }
    }
}

/// Room that is taken, and given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Place(OwnedSemaphorePermit);

impl Place {
    /// Takes over what was taken of the same room.
    pub(crate) fn add(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// Gives back what is not needed for so many bytes.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        drop(self.0.split(self.0.num_permits().saturating_sub(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_given_back_is_there_for_others() {
        let room = Room::new(100, 60, Duration::ZERO);
        let mut first = room.take(60).await.unwrap();
        let refused = room.take(60).await.unwrap_err();
        assert_eq!(refused.status(), 503);
        first.shrink(40);
        first.shrink(50);
        let second = room.take(60).await.unwrap();
        drop((first, second));
        // Whoever waits has it as soon as it is there; who went away leaves nothing taken.
        let room = Room { patience: Duration::from_secs(60), ..room };
        let all = room.take(100).await.unwrap();
        let (left, waits) = (room.take(1), room.take(1_000));
        drop(left);
        let (waited, ()) = tokio::join!(waits, async { drop(all) });
        assert_eq!(waited.unwrap().0.num_permits(), 100, "no more than there is");
        // The largest has room, whatever the size.
        assert!(Room::new(1, 60, Duration::ZERO).take(60).await.is_ok());
    }
}
