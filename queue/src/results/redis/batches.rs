//! Batches on Redis: what a batch is and the counts of its jobs' ends in a hash, its items in a list, both gone at the time
//! that the batch says. The script that ends a job counts it.

use std::collections::HashMap;

use async_trait::async_trait;
use redis::AsyncCommands;

use super::{RedisResults, json, milliseconds, unreadable};
use crate::{
    batch::{Appended, Batch, BatchCounts, BatchId, BatchItem, BatchLookup, BatchStore, Membership},
    job::now_ms,
    results::ResultError,
};

impl RedisResults {
    /// The hash with a batch.
    pub(super) fn batch_key(&self, id: BatchId) -> String {
        format!("{}:batch:{id}", self.prefix)
    }

    fn items_key(&self, id: BatchId) -> String {
        format!("{}:batch:{id}:items", self.prefix)
    }

    /// The batch that this key is one's, with the end of its time.
    pub(super) fn membership(&self, key: &str, expires_at_ms: Option<u64>) -> Option<Membership> {
        let id = key.strip_prefix(&self.prefix)?.strip_prefix(":batch:")?;
        Some(Membership { batch: id.parse().ok()?, expires_at_ms: expires_at_ms? })
    }

    async fn mark(&self, id: BatchId, mark: &str) -> Result<(), ResultError> {
        let mut script = self.scripts.mark_batch.prepare_invoke();
        script.key(self.batch_key(id)).arg(mark);
        self.run(&script).await
    }
}

#[async_trait]
impl BatchStore for RedisResults {
    async fn open_batch(&self, batch: &Batch) -> Result<(), ResultError> {
        let mut open = self.scripts.open_batch.prepare_invoke();
        let forgotten = batch.expires_at_ms.saturating_add(milliseconds(self.options.remember));
        open.key(self.batch_key(batch.id)).arg(batch.owner.as_deref().unwrap_or_default());
        open.arg(batch.created_at_ms).arg(batch.expires_at_ms).arg(forgotten.min(i64::MAX as u64 / 4));
        self.run(&open).await
    }

    async fn append_items(
        &self,
        id: BatchId,
        first: u64,
        items: &[BatchItem],
    ) -> Result<Appended, ResultError> {
        let mut append = self.scripts.append_items.prepare_invoke();
        append.key(self.batch_key(id)).key(self.items_key(id)).arg(first);
        for item in items {
            append.arg(json(item)?).arg(u8::from(item.refused.is_some()));
        }
        let (what, number): (String, u64) = self.run(&append).await?;
        match what.as_str() {
            "added" => Ok(Appended::Added { fresh: usize::try_from(number).unwrap_or(usize::MAX) }),
            "differs" => Ok(Appended::Differs { number }),
            "canceled" => Ok(Appended::Canceled),
            "unknown" => Ok(Appended::Unknown),
            other => Err(ResultError::Storage(format!("an answer that nothing is known of: {other}"))),
        }
    }

    async fn close_batch(&self, id: BatchId) -> Result<(), ResultError> {
        self.mark(id, "closed").await
    }

    async fn cancel_batch(&self, id: BatchId) -> Result<(), ResultError> {
        self.mark(id, "taken_back").await
    }

    async fn batch(&self, id: BatchId) -> Result<BatchLookup, ResultError> {
        let key = self.batch_key(id);
        let get = |mut connection: redis::aio::ConnectionManager| {
            let key = key.clone();
            async move { connection.hgetall(key).await }
        };
        let fields: HashMap<String, String> = self.commands.send(get).await?;
        if fields.is_empty() {
            return Ok(BatchLookup::Unknown);
        }
        let number = |name: &str| fields.get(name).and_then(|text| text.parse::<u64>().ok());
        let count = |name: &str| number(name).unwrap_or_default();
        let batch = Batch {
            id,
            owner: fields.get("owner").filter(|owner| !owner.is_empty()).cloned(),
            created_at_ms: count("created"),
            expires_at_ms: count("expires"),
            closed: fields.contains_key("closed"),
            canceled: fields.contains_key("taken_back"),
            last_end_ms: number("finished"),
            counts: BatchCounts {
                total: count("total"),
                pending: 0,
                succeeded: count("succeeded"),
                failed: count("failed"),
                canceled: count("canceled"),
                expired: count("expired"),
                refused: count("refused"),
            },
        };
        Ok(batch.look_up(now_ms(), milliseconds(self.options.remember)))
    }

    async fn items(&self, id: BatchId, after: u64, limit: usize) -> Result<Vec<BatchItem>, ResultError> {
        let key = self.items_key(id);
        let first = isize::try_from(after).unwrap_or(isize::MAX);
        let last = first.saturating_add_unsigned(limit.max(1) - 1);
        let get = |mut connection: redis::aio::ConnectionManager| {
            let key = key.clone();
            async move { connection.lrange(key, first, last).await }
        };
        let items: Vec<String> = self.commands.send(get).await?;
        items.iter().map(|item| serde_json::from_str(item).map_err(unreadable)).collect()
    }
}
