//! The result store in a SQLite file: what `byecaptcha serve` keeps its answers in. See [`crate::sqlite`] for how it
//! survives a kill and why one process owns the file.

mod batches;

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::value};

use super::{Age, CallId, Cancellation, Claim, Fingerprint, Lookup, ResultError, ResultOptions, ResultStore};
use crate::{
    batch::{BatchId, Membership},
    job::{JobId, JobRecord, JobStatus, Outcome, now_ms},
    sqlite::{CommandError, Signals, SqliteDatabase, from_sql, to_sql, unreadable},
};

/// How many rows one sweep changes at most, so that writers wait only briefly behind it.
const SWEPT_AT_ONCE: i64 = 500;

/// Which calls had a job alone is of no use once it has ended.
const FORGET_ALONE: &str = "DELETE FROM alone WHERE id = ?";

/// A result store in a SQLite file. All stores on one database share its records.
#[derive(Clone)]
pub struct SqliteResults {
    database: SqliteDatabase,
    options: ResultOptions,
}

impl SqliteResults {
    /// The records in this file, kept for as long as the options say.
    pub fn new(database: SqliteDatabase, options: ResultOptions) -> Self {
        // What is expired is answered so at once; the sweep only frees the space, so it may take its time.
        let every = (options.keep / 4).clamp(Duration::from_secs(1), Duration::from_secs(60));
        database.writes().sweep(every, move |connection| sweep(connection, options, now_ms()));
        Self { database, options }
    }
}

/// Throws away a bounded number of expired results and forgotten ids; true where more are left.
fn sweep(connection: &Connection, options: ResultOptions, now: u64) -> rusqlite::Result<bool> {
    let before = |age: Duration| to_sql(now.saturating_sub(from_sql(to_sql(age.as_millis()))));
    let expired = connection
        .prepare_cached(
            "UPDATE results SET expired = 1, result = NULL, error = NULL WHERE id IN
             (SELECT id FROM results WHERE finished_at_ms IS NOT NULL
              AND expired = 0 AND max(finished_at_ms, kept_from_ms) <= ? LIMIT ?)",
        )?
        .execute([before(options.keep), SWEPT_AT_ONCE])?;
    let forgotten = connection
        .prepare_cached(
            "DELETE FROM results WHERE id IN
             (SELECT id FROM results WHERE finished_at_ms IS NOT NULL
              AND expired = 1 AND max(finished_at_ms, kept_from_ms) <= ? LIMIT ?)",
        )?
        .execute([before(options.keep.saturating_add(options.remember)), SWEPT_AT_ONCE])?;
    let unclaimed = connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE (owner, key) IN
             (SELECT owner, key FROM idempotency WHERE claimed_at_ms <= ? LIMIT ?)",
        )?
        .execute([before(options.remember), SWEPT_AT_ONCE])?;
    let pictures = connection
        .prepare_cached(
            "DELETE FROM kept_images WHERE job IN (SELECT job FROM kept_images WHERE until_ms <= ? LIMIT ?)",
        )?
        .execute([to_sql(now), SWEPT_AT_ONCE])?;
    let items = batches::sweep(connection, to_sql(now), before(options.remember), SWEPT_AT_ONCE)?;
    Ok(to_sql(expired.max(forgotten).max(unclaimed).max(pictures).max(items)) == SWEPT_AT_ONCE)
}

#[async_trait]
impl ResultStore for SqliteResults {
    async fn create(&self, record: &JobRecord) -> Result<(), ResultError> {
        let record = record.clone();
        let kept_from = self.options.kept_from(0, record.batch);
        let insert = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO results (id, status, submitted_at_ms, finished_at_ms, result, error, owner, batch,
                                          kept_from_ms)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                     ON CONFLICT (id) DO UPDATE SET creators = creators + 1 WHERE finished_at_ms IS NULL",
                )?
                .execute(params![
                    record.id.as_bytes(),
                    record.status.name(),
                    to_sql(record.submitted_at_ms),
                    record.finished_at_ms.map(to_sql),
                    json(record.result.as_ref())?,
                    json(record.error.as_ref())?,
                    record.owner,
                    record.batch.map(|batch| *batch.batch.as_bytes()),
                    to_sql(kept_from),
                ])?;
            Ok(())
        };
        Ok(self.database.writes().write(insert, |()| {}).await?)
    }

    async fn discard(&self, id: JobId) -> Result<(), ResultError> {
        let Signals { ended, .. } = self.database.signals().clone();
        let delete = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE results SET creators = creators - 1 WHERE id = ? AND finished_at_ms IS NULL",
                )?
                .execute([id.as_bytes()])?;
            connection
                .prepare_cached("DELETE FROM results WHERE id = ? AND status = 'queued' AND creators <= 0")?
                .execute([id.as_bytes()])?;
            Ok(())
        };
        Ok(self.database.writes().write(delete, move |()| ended.wake([&id])).await?)
    }

    async fn confirm(&self, ids: &[JobId]) -> Result<(), ResultError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = ids.to_vec();
        let confirm = move |connection: &Connection| {
            let mut update = connection
                .prepare_cached("UPDATE results SET confirmed = 1 WHERE id = ? AND status = 'queued'")?;
            for id in ids {
                update.execute([id.as_bytes()])?;
            }
            Ok(())
        };
        Ok(self.database.writes().write(confirm, |()| {}).await?)
    }

    async fn claim(
        &self,
        owner: &str,
        key: &str,
        fingerprint: &Fingerprint,
        id: JobId,
    ) -> Result<Claim, ResultError> {
        let (owner, key, fingerprint) = (owner.to_owned(), key.to_owned(), *fingerprint);
        let over = to_sql(now_ms().saturating_sub(from_sql(to_sql(self.options.remember.as_millis()))));
        let claim = move |connection: &Connection| {
            // The sweep may not have come by yet.
            connection
                .prepare_cached("DELETE FROM idempotency WHERE owner = ? AND key = ? AND claimed_at_ms <= ?")?
                .execute(params![owner, key, over])?;
            let claimed = connection
                .prepare_cached(
                    "INSERT INTO idempotency (owner, key, fingerprint, job, claimed_at_ms) VALUES (?, ?, ?, ?, ?)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![owner, key, fingerprint, id.as_bytes(), to_sql(now_ms())])?;
            if claimed > 0 {
                return Ok(Claim::New);
            }
            let (known, job): (Vec<u8>, _) = connection
                .prepare_cached("SELECT fingerprint, job FROM idempotency WHERE owner = ? AND key = ?")?
                .query_row([owner, key], |row| Ok((row.get(0)?, JobId::from_bytes(row.get(1)?))))?;
            Ok(if known == fingerprint { Claim::Same(job) } else { Claim::Other })
        };
        Ok(self.database.writes().write(claim, |_| {}).await?)
    }

    async fn start(&self, ids: &[JobId]) -> Result<Vec<bool>, ResultError> {
        let ids = ids.to_vec();
        let start = move |connection: &Connection| {
            let mut update =
                connection.prepare_cached("UPDATE results SET status = ? WHERE id = ? AND status = ?")?;
            let mut ended =
                connection.prepare_cached("SELECT finished_at_ms IS NOT NULL FROM results WHERE id = ?")?;
            let (from, to) = (JobStatus::Queued.name(), JobStatus::Processing.name());
            let mut to_do = Vec::with_capacity(ids.len());
            for id in ids {
                let started = update.execute(params![to, id.as_bytes(), from])? > 0;
                let is_over = !started
                    && ended.query_row([id.as_bytes()], |row| row.get(0)).optional()?.unwrap_or(false);
                to_do.push(!is_over);
            }
            Ok(to_do)
        };
        Ok(self.database.writes().write(start, |_| {}).await?)
    }

    async fn begin_alone_as(&self, call: CallId, id: JobId) -> Result<Option<u32>, ResultError> {
        let begin = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO alone (id, call)
                     SELECT ?1, ?2 WHERE NOT EXISTS
                     (SELECT 1 FROM results WHERE id = ?1 AND finished_at_ms IS NOT NULL)
                     ON CONFLICT DO NOTHING",
                )?
                .execute([id.as_bytes(), call.as_bytes()])?;
            let calls: u32 = connection
                .prepare_cached("SELECT count(*) FROM alone WHERE id = ?")?
                .query_row([id.as_bytes()], |row| row.get(0).map(from_sql))?;
            Ok(calls.checked_sub(1))
        };
        Ok(self.database.writes().write(begin, |_| {}).await?)
    }

    async fn finish_as(&self, call: CallId, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError> {
        let Signals { ended, .. } = self.database.signals().clone();
        let ids: Vec<JobId> = outcomes.iter().map(|(id, _)| *id).collect();
        let outcomes = outcomes.to_vec();
        let finish = move |connection: &Connection| {
            let now = to_sql(now_ms());
            (0_u32..)
                .zip(&outcomes)
                .map(|(place, (id, outcome))| {
                    // The same job may be there twice; only its first outcome is the winner's.
                    let ended_by = [&call.as_bytes()[..], &place.to_be_bytes()].concat();
                    finish_one(connection, *id, outcome, now, &ended_by)
                })
                .collect()
        };
        Ok(self.database.writes().write(finish, move |_: &Vec<bool>| ended.wake(&ids)).await?)
    }

    async fn cancel(&self, id: JobId) -> Result<Cancellation, ResultError> {
        let Signals { ended, .. } = self.database.signals().clone();
        let cancel = move |connection: &Connection| {
            let (from, to) = (JobStatus::Queued.name(), JobStatus::Canceled.name());
            let canceled = connection
                .prepare_cached(
                    "UPDATE results SET status = ?, finished_at_ms = ? WHERE id = ? AND status = ?",
                )?
                .execute(params![to, to_sql(now_ms()), id.as_bytes(), from])?;
            if canceled > 0 {
                connection.prepare_cached(FORGET_ALONE)?.execute([id.as_bytes()])?;
                return Ok(Cancellation::Canceled);
            }
            let is_over = connection
                .prepare_cached("SELECT finished_at_ms IS NOT NULL FROM results WHERE id = ?")?
                .query_row([id.as_bytes()], |row| row.get(0))
                .optional()?;
            Ok(match is_over {
                None => Cancellation::Unknown,
                Some(false) => Cancellation::Started,
                Some(true) => Cancellation::Ended,
            })
        };
        Ok(self.database.writes().write(cancel, move |_| ended.wake([&id])).await?)
    }

    async fn get(&self, id: JobId) -> Result<Lookup, ResultError> {
        let options = self.options;
        Ok(self.database.read(move |connection| look_up(connection, id, &options)).await?)
    }

    async fn wait(&self, id: JobId, patience: Duration) -> Result<Lookup, ResultError> {
        self.database.signals().ended.wait(id, patience, Duration::MAX, || self.get(id)).await
    }

    async fn ready(&self) -> Result<(), ResultError> {
        // Since a full disk still answers questions.
        self.database.writes().probe().await?;
        self.get(JobId::new()).await?;
        Ok(())
    }
}

/// Whether this is what ended the job, now or when the same call was made before.
fn finish_one(
    connection: &Connection,
    id: JobId,
    outcome: &Outcome,
    now: i64,
    ended_by: &[u8],
) -> Result<bool, CommandError> {
    let (result, error) = match outcome {
        Outcome::Succeeded(recognition) => (json(Some(recognition))?, None),
        Outcome::Failed(failure) => (None, json(Some(failure))?),
        Outcome::Canceled | Outcome::Expired => (None, None),
    };
    let changed = connection
        .prepare_cached(
            "INSERT INTO results (id, status, submitted_at_ms, finished_at_ms, result, error, ended_by)
             VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET status = ?2, finished_at_ms = ?3, result = ?4, error = ?5, ended_by = ?6
             WHERE finished_at_ms IS NULL",
        )?
        .execute(params![id.as_bytes(), outcome.status().name(), now, result, error, ended_by])?;
    connection.prepare_cached(FORGET_ALONE)?.execute([id.as_bytes()])?;
    if changed > 0 {
        return Ok(true);
    }
    let mut winner = connection.prepare_cached("SELECT 1 FROM results WHERE id = ? AND ended_by = ?")?;
    Ok(winner.exists(params![id.as_bytes(), ended_by])?)
}

fn look_up(connection: &Connection, id: JobId, options: &ResultOptions) -> Result<Lookup, CommandError> {
    let found = connection
        .prepare_cached(
            "SELECT status, submitted_at_ms, finished_at_ms, result, error, results.owner, batches.id, expires_at_ms,
                    expired, kept_from_ms, confirmed
             FROM results LEFT JOIN batches ON batches.id = results.batch WHERE results.id = ?",
        )?
        .query_row([id.as_bytes()], |row| Ok((record(row, id)?, row.get(8)?, row.get(9)?)))
        .optional()?;
    let Some((record, expired, kept_from)) = found else { return Ok(Lookup::Unknown) };
    let kept_from: u64 = from_sql(kept_from);
    Ok(match record.finished_at_ms.map(|ended| options.age(ended.max(kept_from), now_ms())) {
        Some(Age::Forgotten) => Lookup::Unknown,
        Some(Age::Remembered) => Lookup::Expired,
        Some(Age::Kept) if expired => Lookup::Expired,
        Some(Age::Kept) | None => Lookup::Found(record),
    })
}

fn record(row: &Row<'_>, id: JobId) -> rusqlite::Result<JobRecord> {
    let status: String = row.get(0)?;
    Ok(JobRecord {
        id,
        status: status_named(&status).map_err(|error| unreadable(0, error))?,
        submitted_at_ms: from_sql(row.get(1)?),
        finished_at_ms: row.get::<_, Option<i64>>(2)?.map(from_sql),
        result: from_json(row, 3)?,
        error: from_json(row, 4)?,
        owner: row.get(5)?,
        batch: match row.get::<_, Option<_>>(6)? {
            Some(id) => {
                Some(Membership { batch: BatchId::from_bytes(id), expires_at_ms: from_sql(row.get(7)?) })
            }
            None => None,
        },
        confirmed: row.get(10)?,
    })
}

fn json<T: Serialize>(value: Option<&T>) -> Result<Option<String>, CommandError> {
    value.map(serde_json::to_string).transpose().map_err(|error| CommandError::Failed(error.to_string()))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| unreadable(column, error))
}

fn status_named(name: &str) -> Result<JobStatus, value::Error> {
    JobStatus::deserialize(value::StrDeserializer::new(name))
}
