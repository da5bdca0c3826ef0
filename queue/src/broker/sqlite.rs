//! The broker in a SQLite file: what `byecaptcha serve` keeps its accepted jobs in. See [`crate::sqlite`] for how it
//! survives a kill and why one process owns the file.

mod acknowledge;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, Row, params};
use tokio::sync::Notify;

use self::acknowledge::{Slip, SqliteAcknowledge};
use super::{Broker, BrokerError, BrokerOptions, Consumer, DeadLetter, Delivery, QueueName};
use crate::{
    job::{Job, JobId},
    sqlite::{CommandError, SqliteDatabase, WriteQueue, from_sql, to_sql, unreadable},
};

/// A broker in a SQLite file. All brokers on one database share its queues.
#[derive(Clone)]
pub struct SqliteBroker {
    database: SqliteDatabase,
    queue: QueueName,
    options: BrokerOptions,
}

impl SqliteBroker {
    /// The interactive queue in this file, with these limits.
    pub fn new(database: SqliteDatabase, options: BrokerOptions) -> Self {
        Self { database, queue: QueueName::Interactive, options }
    }

    /// Another queue in the same file.
    #[must_use]
    pub fn on(self, queue: QueueName) -> Self {
        Self { queue, ..self }
    }
}

#[async_trait]
impl Broker for SqliteBroker {
    async fn publish(&self, job: &Job) -> Result<(), BrokerError> {
        let (queue, limit) = (self.queue, self.options.capacity);
        let job = job.clone();
        let options =
            serde_json::to_string(&job.options).map_err(|error| BrokerError::Storage(error.to_string()))?;
        let work = self.database.signals().work(queue);
        let insert = move |connection: &Connection| {
            if waiting(connection, queue)? >= limit {
                return Ok(false);
            }
            connection
                .prepare_cached("INSERT INTO jobs (queue, id, submitted_at_ms, options) VALUES (?, ?, ?, ?)")?
                .execute(params![queue.as_str(), job.id.as_bytes(), to_sql(job.submitted_at_ms), options])?;
            connection
                .prepare_cached("INSERT INTO images (sequence, image) VALUES (?, ?)")?
                .execute(params![connection.last_insert_rowid(), job.image.as_ref()])?;
            Ok(true)
        };
        let accepted = self.database.writes().write(insert, move |accepted| {
            if *accepted {
                work.notify_one();
            }
        });
        if accepted.await? { Ok(()) } else { Err(BrokerError::Full { limit }) }
    }

    async fn consumer(&self) -> Result<Box<dyn Consumer>, BrokerError> {
        let consumer = self.database.next_number();
        let (database, delivery_limit) = (self.database.clone(), self.options.delivery_limit);
        Ok(Box::new(SqliteConsumer { database, queue: self.queue, consumer, delivery_limit }))
    }

    async fn depth(&self) -> Result<usize, BrokerError> {
        let queue = self.queue;
        Ok(self.database.read(move |connection| waiting(connection, queue)).await?)
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, BrokerError> {
        let queue = self.queue;
        let letters = self.database.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, submitted_at_ms, options, image, attempts, reason FROM dead_letters
                 WHERE queue = ? ORDER BY number",
            )?;
            let letter = |row: &Row<'_>| {
                Ok(DeadLetter { job: job(row)?, attempts: from_sql(row.get(4)?), reason: row.get(5)? })
            };
            Ok(statement.query_map([queue.as_str()], letter)?.collect::<rusqlite::Result<_>>()?)
        });
        Ok(letters.await?)
    }

    async fn remove_dead_letters(&self, ids: &[JobId]) -> Result<usize, BrokerError> {
        let (queue, ids) = (self.queue, ids.to_vec());
        let remove = move |connection: &Connection| {
            let mut delete =
                connection.prepare_cached("DELETE FROM dead_letters WHERE id = ? AND queue = ?")?;
            let mut removed = 0;
            for id in &ids {
                removed += delete.execute(params![id.as_bytes(), queue.as_str()])?;
            }
            Ok(removed)
        };
        Ok(self.database.writes().write(remove, |_| {}).await?)
    }

    async fn ready(&self) -> Result<(), BrokerError> {
        self.database.writes().probe().await?;
        self.depth().await?;
        Ok(())
    }
}

fn waiting(connection: &Connection, queue: QueueName) -> Result<usize, CommandError> {
    let mut select = connection.prepare_cached("SELECT waiting FROM depth WHERE queue = ?")?;
    let waiting = select.query_row([queue.as_str()], |row| row.get(0))?;
    Ok(from_sql(waiting))
}

/// A job from columns that begin with its id, time, options and image.
fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let options: String = row.get(2)?;
    Ok(Job {
        id: JobId::from_bytes(row.get(0)?),
        submitted_at_ms: from_sql(row.get(1)?),
        options: serde_json::from_str(&options).map_err(|error| unreadable(2, error))?,
        image: Bytes::from(row.get::<_, Vec<u8>>(3)?),
    })
}

struct SqliteConsumer {
    database: SqliteDatabase,
    queue: QueueName,
    /// The number that marks the jobs it holds.
    consumer: i64,
    delivery_limit: u32,
}

#[async_trait]
impl Consumer for SqliteConsumer {
    async fn receive(&mut self, max: usize) -> Result<Vec<Delivery>, BrokerError> {
        let work = self.database.signals().work(self.queue);
        loop {
            let taken = self.take(max).await?.accept();
            if !taken.is_empty() {
                return Ok(taken.into_iter().map(|(slip, job)| self.delivery(slip, job)).collect());
            }
            // A ring between the look above and this line is stored and ends the wait at once.
            work.notified().await;
        }
    }
}

impl SqliteConsumer {
    /// Takes what waits, its attempts counted on the disk before anyone sees it: a picture that kills the process
    /// must not come back as if nothing had happened.
    async fn take(&self, max: usize) -> Result<Handout, CommandError> {
        let (queue, consumer, delivery) = (self.queue, self.consumer, self.database.next_number());
        let writes = self.database.writes().clone();
        let work = self.database.signals().work(queue);
        let bell = Arc::clone(&work);
        let take = move |connection: &Connection| {
            let mut handout = Handout { taken: Vec::new(), more: false, writes, work: bell };
            let mut select = connection.prepare_cached(
                "SELECT id, submitted_at_ms, options, image, sequence, attempts
                 FROM jobs JOIN images USING (sequence)
                 WHERE queue = ? AND consumer IS NULL ORDER BY sequence LIMIT ?",
            )?;
            let slip = |row: &Row<'_>| {
                let attempt = from_sql::<u32>(row.get(5)?).saturating_add(1);
                Ok((Slip { sequence: row.get(4)?, delivery, attempt }, job(row)?))
            };
            let taken: Vec<_> = select
                .query_map(params![queue.as_str(), to_sql(max.max(1))], slip)?
                .collect::<Result<_, _>>()?;
            let mut hold = connection.prepare_cached(
                "UPDATE jobs SET consumer = ?, delivery = ?, attempts = ? WHERE sequence = ?",
            )?;
            for (slip, _) in &taken {
                hold.execute(params![consumer, delivery, slip.attempt, slip.sequence])?;
            }
            handout.more = !taken.is_empty() && waiting(connection, queue)? > 0;
            handout.taken = taken;
            Ok(handout)
        };
        let taken = self.database.writes().write(take, move |handout: &Handout| {
            if handout.more {
                work.notify_one();
            }
        });
        taken.await
    }

    fn delivery(&self, slip: Slip, job: Job) -> Delivery {
        let attempt = slip.attempt;
        let acknowledge = SqliteAcknowledge::new(&self.database, self.queue, slip, self.delivery_limit);
        Delivery { job, attempt, acknowledge: Box::new(acknowledge) }
    }
}

impl Drop for SqliteConsumer {
    fn drop(&mut self) {
        let work = self.database.signals().work(self.queue);
        let consumer = self.consumer;
        let give_back = move |connection: &Connection| {
            let mut update =
                connection.prepare_cached("UPDATE jobs SET consumer = NULL WHERE consumer = ?")?;
            Ok(update.execute([consumer])?)
        };
        // Handed in here; nobody waits for the answer.
        drop(self.database.writes().write(give_back, move |_| work.notify_one()));
    }
}

/// Jobs on their way to a consumer. Where it has stopped waiting for them, they go back as if never taken.
struct Handout {
    taken: Vec<(Slip, Job)>,
    /// Whether others still wait.
    more: bool,
    writes: WriteQueue,
    work: Arc<Notify>,
}

impl Handout {
    fn accept(mut self) -> Vec<(Slip, Job)> {
        std::mem::take(&mut self.taken)
    }
}

impl Drop for Handout {
    fn drop(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let taken: Vec<Slip> = self.taken.drain(..).map(|(slip, _)| slip).collect();
        let work = Arc::clone(&self.work);
        let give_back = move |connection: &Connection| {
            // The consumer may be gone and have returned them already: then they wait with an attempt too many.
            let mut update = connection.prepare_cached(
                "UPDATE jobs SET consumer = NULL, attempts = attempts - 1, delivery = NULL
                 WHERE sequence = ? AND delivery = ?",
            )?;
            for slip in taken {
                update.execute([slip.sequence, slip.delivery])?;
            }
            Ok(())
        };
        // Handed in here; nobody waits for the answer.
        drop(self.writes.write(give_back, move |()| work.notify_one()));
    }
}
