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
        let keys = &jobs.iter().map(|job| self.image_key(job)).collect::<Vec<_>>();
        let mut both = redis::pipe();
        both.hmget(texts, jobs).mget(keys);
        let both = &both;
        type Found = (Vec<Option<String>>, Vec<Option<Vec<u8>>>);
        let (texts, images): Found = self
            .commands
            .send(|mut connection| async move { both.query_async(&mut connection).await })
            .await?;
        let numbers = later.iter().map(|(_, number)| *number);
        let one = |((number, text), image): ((u64, Option<String>), Option<Vec<u8>>)| {
            let feedback = serde_json::from_str(text.as_deref()?).map_err(unreadable);
            Some(feedback.map(|feedback| Labelled { number, feedback, image: image.map(Bytes::from) }))
        };
        numbers.zip(texts).zip(images).filter_map(one).collect()
    }
}
