//! Feedback on Redis: pictures under keys of their own, whose time the server keeps, and the set as its order (a sorted
//! set of jobs by number) and its texts (a hash).

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use redis::AsyncCommands;

use super::{RedisResults, json, milliseconds, unreadable};
use crate::{
    feedback::{Feedback, FeedbackStore, Labelled},
    job::JobId,
    results::ResultError,
};

impl RedisResults {
    fn image_key(&self, job: &str) -> String {
        format!("{}:image:{job}", self.prefix)
    }

    fn order_key(&self) -> String {
        format!("{}:feedback", self.prefix)
    }

    fn texts_key(&self) -> String {
        format!("{}:feedback:texts", self.prefix)
    }
}

#[async_trait]
impl FeedbackStore for RedisResults {
    async fn keep_image(&self, job: JobId, image: &Bytes, time: Duration) -> Result<(), ResultError> {
        let (key, image, time) = (&self.image_key(&job.to_string()), image.as_ref(), milliseconds(time));
        self.commands.send(|mut connection| async move { connection.pset_ex(key, image, time).await }).await
    }

    async fn image(&self, job: JobId) -> Result<Option<Bytes>, ResultError> {
        let key = &self.image_key(&job.to_string());
        let image: Option<Vec<u8>> =
            self.commands.send(|mut connection| async move { connection.get(key).await }).await?;
        Ok(image.map(Bytes::from))
    }

    async fn record(&self, feedback: &Feedback) -> Result<(), ResultError> {
        let mut record = self.scripts.record_feedback.prepare_invoke();
        record.key(self.order_key()).key(self.texts_key()).key(format!("{}:last", self.order_key()));
        record.arg(feedback.job.to_string()).arg(json(feedback)?);
        self.run(&record).await
    }

    async fn labelled(&self, after: u64, limit: usize) -> Result<Vec<Labelled>, ResultError> {
        let (order, texts, limit) = (&self.order_key(), &self.texts_key(), limit.max(1) as isize);
        let later: Vec<(String, u64)> = self
            .commands
            .send(|mut connection| async move {
                connection.zrangebyscore_limit_withscores(order, format!("({after}"), "+inf", 0, limit).await
            })
            .await?;
        if later.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = &later.iter().map(|(job, _)| job.as_str()).collect::<Vec<_>>();
        let texts: Vec<Option<String>> =
            self.commands.send(|mut connection| async move { connection.hmget(texts, jobs).await }).await?;
        let one = |((_, number), text): (&(String, u64), Option<String>)| {
            let feedback = serde_json::from_str(text.as_deref()?).map_err(unreadable);
            Some(feedback.map(|feedback| Labelled { number: *number, feedback }))
        };
        later.iter().zip(texts).filter_map(one).collect()
    }
}
