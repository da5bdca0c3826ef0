//! Feedback in the SQLite file of `byecaptcha serve`. Its result store throws away the pictures whose time is over.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Feedback, FeedbackStore, Labelled};
use crate::{
    job::{JobId, now_ms},
    results::ResultError,
    sqlite::{SqliteDatabase, from_sql, to_sql, unreadable},
};

/// Feedback in a SQLite file.
#[derive(Clone)]
pub struct SqliteFeedback {
    database: SqliteDatabase,
}

impl SqliteFeedback {
    /// The set in this file.
    pub fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

#[async_trait]
impl FeedbackStore for SqliteFeedback {
    async fn keep_image(&self, job: JobId, image: &Bytes, time: Duration) -> Result<(), ResultError> {
        let image = image.clone();
        let until = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_add(now_ms());
        let keep = move |connection: &Connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO kept_images (job, image, until_ms) VALUES (?, ?, ?)")?
                .execute(params![job.as_bytes(), image.as_ref(), to_sql(until)])?;
            Ok(())
        };
        Ok(self.database.writes().write(keep, |()| {}).await?)
    }

    async fn image(&self, job: JobId) -> Result<Option<Bytes>, ResultError> {
        let image = self.database.read(move |connection| {
            let mut select =
                connection.prepare_cached("SELECT image FROM kept_images WHERE job = ? AND until_ms > ?")?;
            let image = select.query_row(params![job.as_bytes(), to_sql(now_ms())], |row| row.get(0));
            Ok(image.optional()?)
        });
        Ok(image.await?.map(|image: Vec<u8>| image.into()))
    }

    async fn record(&self, feedback: &Feedback) -> Result<(), ResultError> {
        let job = feedback.job;
        let json =
            serde_json::to_string(feedback).map_err(|error| ResultError::Storage(error.to_string()))?;
        let record = move |connection: &Connection| {
            // Which gives the row a new number.
            connection
                .prepare_cached("INSERT OR REPLACE INTO feedback (job, feedback) VALUES (?, ?)")?
                .execute(params![job.as_bytes(), json])?;
            Ok(())
        };
        Ok(self.database.writes().write(record, |()| {}).await?)
    }

    async fn labelled(&self, after: u64, limit: usize) -> Result<Vec<Labelled>, ResultError> {
        let labelled = self.database.read(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT number, feedback FROM feedback WHERE number > ? ORDER BY number LIMIT ?",
            )?;
            let one = |row: &Row<'_>| {
                let feedback: String = row.get(1)?;
                Ok(Labelled {
                    number: from_sql(row.get(0)?),
                    feedback: serde_json::from_str(&feedback).map_err(|error| unreadable(1, error))?,
                })
            };
            let rows = select.query_map([to_sql(after), to_sql(limit.max(1))], one)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        });
        Ok(labelled.await?)
    }
}
