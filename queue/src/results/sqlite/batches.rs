//! Batches in the SQLite file. The ends of their jobs are counted by a trigger, in the transaction that writes the end.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteResults;
use crate::{
    batch::{Appended, Batch, BatchCounts, BatchId, BatchItem, BatchLookup, BatchStore},
    job::now_ms,
    results::ResultError,
    sqlite::{CommandError, from_sql, to_sql, unreadable},
};

/// Throws away a bounded number of items of batches whose time is over, and the batches whose ids need no longer be known;
/// gives how many items.
pub(super) fn sweep(connection: &Connection, now: i64, forget: i64, limit: i64) -> rusqlite::Result<usize> {
    let items = connection
        .prepare_cached(
            "DELETE FROM batch_items WHERE (batch, number) IN
             (SELECT batch, number FROM batches JOIN batch_items ON batch = id WHERE expires_at_ms <= ? LIMIT ?)",
        )?
        .execute([now, limit])?;
    connection
        .prepare_cached(
            "DELETE FROM batches WHERE expires_at_ms <= ?
             AND NOT EXISTS (SELECT 1 FROM batch_items WHERE batch = id)",
        )?
        .execute([forget])?;
    Ok(items)
}

#[async_trait]
impl BatchStore for SqliteResults {
    async fn open_batch(&self, batch: &Batch) -> Result<(), ResultError> {
        let batch = batch.clone();
        let open = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO batches (id, owner, created_at_ms, expires_at_ms) VALUES (?, ?, ?, ?)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    batch.id.as_bytes(),
                    batch.owner,
                    to_sql(batch.created_at_ms),
                    to_sql(batch.expires_at_ms),
                ])?;
            Ok(())
        };
        Ok(self.database.writes().write(open, |()| {}).await?)
    }

    async fn append_items(
        &self,
        id: BatchId,
        first: u64,
        items: &[BatchItem],
    ) -> Result<Appended, ResultError> {
        let items = items.to_vec();
        let append = move |connection: &Connection| append(connection, id, first, &items);
        Ok(self.database.writes().write(append, |_| {}).await?)
    }

    async fn close_batch(&self, id: BatchId) -> Result<(), ResultError> {
        self.mark(id, "UPDATE batches SET closed = 1 WHERE id = ?").await
    }

    async fn cancel_batch(&self, id: BatchId) -> Result<(), ResultError> {
        self.mark(id, "UPDATE batches SET canceled = 1 WHERE id = ?").await
    }

    async fn batch(&self, id: BatchId) -> Result<BatchLookup, ResultError> {
        let remember = u64::try_from(self.options.remember.as_millis()).unwrap_or(u64::MAX);
        let look_up = move |connection: &Connection| {
            let found = connection
                .prepare_cached("SELECT * FROM batches WHERE id = ?")?
                .query_row([id.as_bytes()], |row| batch(row, id))
                .optional()?;
            Ok(found.map_or(BatchLookup::Unknown, |batch| batch.look_up(now_ms(), remember)))
        };
        Ok(self.database.read(look_up).await?)
    }

    async fn items(&self, id: BatchId, after: u64, limit: usize) -> Result<Vec<BatchItem>, ResultError> {
        let read = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT item FROM batch_items WHERE batch = ? AND number > ? ORDER BY number LIMIT ?",
            )?;
            let item = |row: &Row<'_>| -> rusqlite::Result<BatchItem> {
                serde_json::from_str(&row.get::<_, String>(0)?).map_err(|error| unreadable(0, error))
            };
            let rows =
                statement.query_map(params![id.as_bytes(), to_sql(after), to_sql(limit.max(1))], item)?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        Ok(self.database.read(read).await?)
    }
}

impl SqliteResults {
    async fn mark(&self, id: BatchId, statement: &'static str) -> Result<(), ResultError> {
        let mark = move |connection: &Connection| {
            connection.prepare_cached(statement)?.execute([id.as_bytes()])?;
            Ok(())
        };
        Ok(self.database.writes().write(mark, |()| {}).await?)
    }
}

fn append(
    connection: &Connection,
    id: BatchId,
    first: u64,
    items: &[BatchItem],
) -> Result<Appended, CommandError> {
    let batch = connection
        .prepare_cached("SELECT * FROM batches WHERE id = ?")?
        .query_row([id.as_bytes()], |row| batch(row, id))
        .optional()?;
    let Some(batch) = batch else { return Ok(Appended::Unknown) };
    if batch.canceled {
        return Ok(Appended::Canceled);
    }
    let mut known =
        connection.prepare_cached("SELECT item FROM batch_items WHERE batch = ? AND number = ?")?;
    let mut insert =
        connection.prepare_cached("INSERT INTO batch_items (batch, number, item) VALUES (?, ?, ?)")?;
    let (mut total, mut refused, mut differs) = (batch.counts.total, 0_i64, None);
    for (number, item) in (first..).zip(items) {
        let json = serde_json::to_string(item).map_err(|error| CommandError::Failed(error.to_string()))?;
        if number <= total {
            let known: String = known.query_row(params![id.as_bytes(), to_sql(number)], |row| row.get(0))?;
            if known == json {
                continue;
            }
        } else if number == total + 1 && !batch.closed {
            insert.execute(params![id.as_bytes(), to_sql(number), json])?;
            total = number;
            refused += i64::from(item.refused.is_some());
            continue;
        }
        differs = Some(number);
        break;
    }
    connection
        .prepare_cached("UPDATE batches SET total = ?, refused = refused + ? WHERE id = ?")?
        .execute(params![to_sql(total), refused, id.as_bytes()])?;
    Ok(match differs {
        Some(number) => Appended::Differs { number },
        None => Appended::Added { fresh: from_sql(to_sql(total - batch.counts.total)) },
    })
}

fn batch(row: &Row<'_>, id: BatchId) -> rusqlite::Result<Batch> {
    let count = |name: &str| row.get(name).map(from_sql::<u64>);
    Ok(Batch {
        id,
        owner: row.get("owner")?,
        created_at_ms: count("created_at_ms")?,
        expires_at_ms: count("expires_at_ms")?,
        closed: row.get("closed")?,
        canceled: row.get("canceled")?,
        last_end_ms: row.get::<_, Option<i64>>("last_end_ms")?.map(from_sql),
        counts: BatchCounts {
            total: count("total")?,
            pending: 0,
            succeeded: count("jobs_succeeded")?,
            failed: count("jobs_failed")?,
            canceled: count("jobs_canceled")?,
            expired: count("jobs_expired")?,
            refused: count("refused")?,
        },
    })
}
