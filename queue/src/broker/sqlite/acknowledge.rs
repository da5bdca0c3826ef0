//! How the SQLite broker takes the answer to a delivery, or its silence.

use std::future::Future;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    broker::{Acknowledge, BrokerError, DEAD_LETTERS_KEPT, QueueName},
    job::JobId,
    sqlite::{CommandError, SqliteDatabase, WeakDatabase, to_sql},
};

/// What tells one delivery of one job from all others.
#[derive(Clone, Copy)]
pub(super) struct Slip {
    pub(super) sequence: i64,
    pub(super) delivery: i64,
    pub(super) attempt: u32,
}

enum Answer {
    Ack,
    Reject(String),
    Release,
    Drop,
}

/// The way back for one delivery.
pub(super) struct SqliteAcknowledge {
    /// Weak, so that a forgotten delivery does not keep the file open.
    database: WeakDatabase,
    queue: QueueName,
    slip: Slip,
    delivery_limit: u32,
    answered: bool,
}

impl SqliteAcknowledge {
    pub(super) fn new(database: &SqliteDatabase, queue: QueueName, slip: Slip, delivery_limit: u32) -> Self {
        Self { database: database.downgrade(), queue, slip, delivery_limit, answered: false }
    }

    async fn answer(&mut self, answer: Answer) -> Result<(), BrokerError> {
        let Some(database) = self.database.upgrade() else { return Err(BrokerError::stale()) };
        let settled = self.hand_in(&database, answer);
        // From here on the answer is on its way, even if nobody waits for it any more.
        self.answered = true;
        match settled.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(BrokerError::stale()),
            Err(error) => {
                // Nothing was written: let the drop that follows try to return the job.
                self.answered = false;
                Err(error.into())
            }
        }
    }

    fn hand_in(
        &self,
        database: &SqliteDatabase,
        answer: Answer,
    ) -> impl Future<Output = Result<bool, CommandError>> + Send + use<> {
        let work = database.signals().work(self.queue);
        let (slip, delivery_limit) = (self.slip, self.delivery_limit);
        let returns = !matches!(answer, Answer::Ack);
        let settle = move |connection: &Connection| settle(connection, slip, &answer, delivery_limit);
        database.writes().write(settle, move |_| {
            if returns {
                work.notify_one();
            }
        })
    }
}

/// Ends a delivery; false where it no longer is its consumer's.
fn settle(
    connection: &Connection,
    slip: Slip,
    answer: &Answer,
    delivery_limit: u32,
) -> Result<bool, CommandError> {
    let own = "sequence = ? AND delivery = ? AND consumer IS NOT NULL";
    let give_back = |attempts: u32| -> Result<bool, CommandError> {
        let mut update = connection.prepare_cached(&format!(
            "UPDATE jobs SET attempts = ?, consumer = NULL, delivery = NULL WHERE {own}"
        ))?;
        Ok(update.execute(params![attempts, slip.sequence, slip.delivery])? > 0)
    };
    match answer {
        Answer::Release => return give_back(slip.attempt.saturating_sub(1)),
        Answer::Drop => return give_back(slip.attempt),
        Answer::Reject(_) if slip.attempt < delivery_limit => return give_back(slip.attempt),
        Answer::Reject(reason) => bury(connection, slip, reason)?,
        Answer::Ack => {}
    }
    // The picture goes with its job.
    let mut delete = connection.prepare_cached(&format!("DELETE FROM jobs WHERE {own}"))?;
    Ok(delete.execute([slip.sequence, slip.delivery])? > 0)
}

/// Copies a job that its consumer still holds to the dead letters.
fn bury(connection: &Connection, slip: Slip, reason: &str) -> Result<(), CommandError> {
    let buried: Option<([u8; 16], String)> = connection
        .prepare_cached(
            "INSERT INTO dead_letters (queue, id, submitted_at_ms, options, image, attempts, reason)
             SELECT queue, id, submitted_at_ms, options, image, attempts, ?
             FROM jobs JOIN images USING (sequence)
             WHERE sequence = ? AND delivery = ? AND consumer IS NOT NULL RETURNING id, queue",
        )?
        .query_row(params![reason, slip.sequence, slip.delivery], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, queue)) = buried else { return Ok(()) };
    tracing::warn!(job = %JobId::from_bytes(id), attempt = slip.attempt, reason, "the job is a dead letter now");
    connection
        .prepare_cached(
            "DELETE FROM dead_letters WHERE number IN
             (SELECT number FROM dead_letters WHERE queue = ? ORDER BY number DESC LIMIT -1 OFFSET ?)",
        )?
        .execute(params![queue, to_sql(DEAD_LETTERS_KEPT)])?;
    Ok(())
}

#[async_trait]
impl Acknowledge for SqliteAcknowledge {
    async fn ack(mut self: Box<Self>) -> Result<(), BrokerError> {
        self.answer(Answer::Ack).await
    }

    async fn reject(mut self: Box<Self>, reason: &str) -> Result<(), BrokerError> {
        self.answer(Answer::Reject(reason.to_owned())).await
    }

    async fn release(mut self: Box<Self>) -> Result<(), BrokerError> {
        self.answer(Answer::Release).await
    }
}

impl Drop for SqliteAcknowledge {
    fn drop(&mut self) {
        if !self.answered
            && let Some(database) = self.database.upgrade()
        {
            // Handed in here; nobody waits for the answer.
            drop(self.hand_in(&database, Answer::Drop));
        }
    }
}
