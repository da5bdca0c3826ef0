//! The result store on Redis: what many API processes read and many workers write.
//!
//! **One writer wins.** Every change is one Lua script, which Redis runs alone: a job that has ended stays as it is. A
//! command whose answer was lost is sent again, here and by a worker that got none, and since each carries the name of its call,
//! which the winner leaves behind, a repeated command is told what the first one was.
//!
//! **Times** are those of Redis, so that the clocks of the machines around it do not matter.
//!
//! **How durable a result is.** As durable as the server makes its writes. With `appendonly yes` and
//! `appendfsync everysec`, the kill of its process loses what it answered while the file was being synced, and a crash of its
//! machine up to a second of results or two, whose jobs are then `queued` or unknown, since their workers have acknowledged
//! them. Those who cannot have that set `appendfsync always`. Replicas follow a moment behind their primary, so a failover may lose as much; nothing here waits
//! for them (`WAIT`). `maxmemory-policy noeviction` is a must: with any other policy a full server forgets results
//! in silence, where with this one it refuses and workers wait.
//!
//! A job that never ends, because the API died between creating its record and publishing it, is forgotten after a week.
//! The scripts touch keys of several jobs, so a Redis Cluster with its slots is no place for them; a primary with
//! replicas is.

mod batches;
mod commands;
mod feedback;
mod scripts;
mod subscription;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::{AsyncCommands, Client, FromRedisValue, RedisError, ScriptInvocation};
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::value};

use self::{commands::Commands, scripts::Scripts, subscription::Subscription};
use super::{
    CallId, Cancellation, Claim, Fingerprint, Lookup, ResultError, ResultOptions, ResultStore, Waiters,
};
use crate::{
    batch::Membership,
    job::{JobId, JobRecord, JobStatus, Outcome},
};

/// For a connection, and for the answer to one command.
const ANSWER: Duration = Duration::from_secs(1);
/// How often a waiting client looks by itself: a notification is sent once, and nobody knows whether it arrives.
const RELOOK: Duration = Duration::from_secs(1);
/// The same while notifications are known not to arrive.
const RELOOK_UNTOLD: Duration = Duration::from_millis(200);
/// How long a record without an end is kept.
const UNFINISHED: Duration = Duration::from_hours(7 * 24);

/// A result store on a Redis server.
pub struct RedisResults {
    commands: Commands,
    prefix: String,
    options: ResultOptions,
    scripts: Scripts,
    waiters: Arc<Waiters>,
    subscription: Subscription,
}

impl RedisResults {
    /// The records under `PREFIX:` at an address such as `redis://user:password@host:6379/0`, or `rediss://…` for TLS.
    /// Connects when it is first needed. Called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the address cannot be understood. The message does not repeat it, since it may hold a password.
    pub fn new(url: &str, prefix: &str, options: ResultOptions) -> Result<Self, ResultError> {
        let address = |error: RedisError| ResultError::Unavailable(format!("its address: {error}"));
        let client = Client::open(url).map_err(address)?;
        let commands = Commands::new(client.clone()).map_err(address)?;
        let waiters = Arc::<Waiters>::default();
        let subscription = Subscription::start(client, format!("{prefix}:ended"), Arc::clone(&waiters));
        Ok(Self {
            commands,
            prefix: prefix.to_owned(),
            options,
            scripts: Scripts::default(),
            waiters,
            subscription,
        })
    }

    /// The hash with a job's record.
    fn job_key(&self, id: JobId) -> String {
        format!("{}:job:{id}", self.prefix)
    }

    /// What stays of a job that has ended, for longer than its record.
    fn ended_key(&self, id: JobId) -> String {
        format!("{}:ended:{id}", self.prefix)
    }

    /// The calls that noted that a job was alone with a worker.
    fn alone_key(&self, id: JobId) -> String {
        format!("{}:alone:{id}", self.prefix)
    }

    /// What an owner's idempotency key stands for. The owner's length parts it from the key, whatever they hold.
    fn claim_key(&self, owner: &str, key: &str) -> String {
        format!("{}:claim:{}:{owner}:{key}", self.prefix, owner.len())
    }

    fn keys<'a>(&self, invocation: &mut ScriptInvocation<'a>, id: JobId) {
        invocation.key(self.job_key(id)).key(self.ended_key(id));
    }

    /// What all scripts that end jobs begin their arguments with.
    fn ending(&self, invocation: &mut ScriptInvocation<'_>, call: CallId) {
        invocation
            .arg(call.to_string())
            .arg(milliseconds(self.options.keep))
            .arg(milliseconds(self.options.keep.saturating_add(self.options.remember)))
            .arg(format!("{}:ended", self.prefix));
    }

    /// Runs a script, again and again while that may help. Sent twice, a script does what it does once.
    async fn run<T: FromRedisValue>(&self, invocation: &ScriptInvocation<'_>) -> Result<T, ResultError> {
        let invoke = |mut connection| async move { invocation.invoke_async(&mut connection).await };
        self.commands.send(invoke).await
    }

    fn record(&self, id: JobId, fields: &HashMap<String, String>) -> Result<JobRecord, ResultError> {
        let text = |name: &str| fields.get(name).map(String::as_str);
        let number = |name: &str| text(name).and_then(|text| text.parse().ok());
        let status = text("status").unwrap_or_default();
        Ok(JobRecord {
            id,
            status: JobStatus::deserialize(value::StrDeserializer::<value::Error>::new(status))
                .map_err(unreadable)?,
            submitted_at_ms: number("submitted").unwrap_or_default(),
            finished_at_ms: number("finished"),
            result: from_json(text("result"))?,
            error: from_json(text("error"))?,
            owner: text("owner").filter(|owner| !owner.is_empty()).map(str::to_owned),
            batch: text("batch").and_then(|key| self.membership(key, number("until"))),
            confirmed: fields.contains_key("confirmed"),
        })
    }
}

#[async_trait]
impl ResultStore for RedisResults {
    async fn create(&self, record: &JobRecord) -> Result<(), ResultError> {
        let mut create = self.scripts.create.prepare_invoke();
        self.keys(&mut create, record.id);
        let owner = record.owner.as_deref().unwrap_or_default();
        create
            .arg(record.submitted_at_ms)
            .arg(milliseconds(UNFINISHED))
            .arg(owner)
            .arg(CallId::new().to_string());
        if let Some(Membership { batch, expires_at_ms }) = record.batch {
            create.arg(self.batch_key(batch)).arg(expires_at_ms);
        }
        self.run(&create).await
    }

    async fn discard(&self, id: JobId) -> Result<(), ResultError> {
        let mut discard = self.scripts.discard.prepare_invoke();
        self.keys(&mut discard, id);
        discard.arg(format!("{}:ended", self.prefix)).arg(id.to_string()).arg(CallId::new().to_string());
        self.run(&discard).await
    }

    async fn confirm(&self, ids: &[JobId]) -> Result<(), ResultError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut confirm = self.scripts.confirm.prepare_invoke();
        for id in ids {
            confirm.key(self.job_key(*id));
        }
        self.run(&confirm).await
    }

    async fn claim(
        &self,
        owner: &str,
        key: &str,
        fingerprint: &Fingerprint,
        id: JobId,
    ) -> Result<Claim, ResultError> {
        let mut claim = self.scripts.claim.prepare_invoke();
        let fingerprint: String = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        claim.key(self.claim_key(owner, key)).arg(id.to_string()).arg(&fingerprint);
        claim.arg(milliseconds(self.options.remember));
        let (job, known): (String, String) = self.run(&claim).await?;
        let job: JobId = job.parse().map_err(unreadable)?;
        Ok(match known == fingerprint {
            // The script may have been sent twice, and have found what it left the first time.
            true if job == id => Claim::New,
            true => Claim::Same(job),
            false => Claim::Other,
        })
    }

    async fn start(&self, ids: &[JobId]) -> Result<Vec<bool>, ResultError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut start = self.scripts.start.prepare_invoke();
        for id in ids {
            self.keys(&mut start, *id);
        }
        self.run(&start).await
    }

    async fn begin_alone_as(&self, call: CallId, id: JobId) -> Result<Option<u32>, ResultError> {
        let mut begin = self.scripts.begin_alone.prepare_invoke();
        begin.key(self.ended_key(id)).key(self.alone_key(id));
        begin.arg(call.to_string()).arg(milliseconds(UNFINISHED));
        let before: i64 = self.run(&begin).await?;
        Ok(u32::try_from(before).ok())
    }

    async fn finish_as(&self, call: CallId, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError> {
        if outcomes.is_empty() {
            return Ok(Vec::new());
        }
        let mut finish = self.scripts.finish.prepare_invoke();
        self.ending(&mut finish, call);
        for (id, outcome) in outcomes {
            self.keys(&mut finish, *id);
            let (result, error) = match outcome {
                Outcome::Succeeded(recognition) => (json(recognition)?, String::new()),
                Outcome::Failed(failure) => (String::new(), json(failure)?),
                Outcome::Canceled | Outcome::Expired => (String::new(), String::new()),
            };
            finish.arg(id.to_string()).arg(outcome.status().name()).arg(result).arg(error);
        }
        self.run(&finish).await
    }

    async fn cancel(&self, id: JobId) -> Result<Cancellation, ResultError> {
        let mut cancel = self.scripts.cancel.prepare_invoke();
        self.ending(&mut cancel, CallId::new());
        self.keys(&mut cancel, id);
        cancel.arg(id.to_string());
        let answer: String = self.run(&cancel).await?;
        match answer.as_str() {
            "canceled" => Ok(Cancellation::Canceled),
            "started" => Ok(Cancellation::Started),
            "ended" => Ok(Cancellation::Ended),
            "unknown" => Ok(Cancellation::Unknown),
            other => Err(ResultError::Storage(format!("an answer that nothing is known of: {other}"))),
        }
    }

    async fn get(&self, id: JobId) -> Result<Lookup, ResultError> {
        let mut both = redis::pipe();
        // No transaction, since a server that is full refuses even to read in one. In this order a job that ends, or
        // whose record expires, between the two is seen as it was before or after, and never as unknown.
        both.exists(self.ended_key(id)).hgetall(self.job_key(id));
        let both = &both;
        let look = |mut connection| async move { both.query_async(&mut connection).await };
        let (ended, fields): (bool, HashMap<String, String>) = self.commands.send(look).await?;
        match (fields.is_empty(), ended) {
            (false, _) => self.record(id, &fields).map(Lookup::Found),
            (true, true) => Ok(Lookup::Expired),
            (true, false) => Ok(Lookup::Unknown),
        }
    }

    async fn wait(&self, id: JobId, patience: Duration) -> Result<Lookup, ResultError> {
        let relook = if self.subscription.is_listening() { RELOOK } else { RELOOK_UNTOLD };
        self.waiters.wait(id, patience, relook, || self.get(id)).await
    }

    async fn ready(&self) -> Result<(), ResultError> {
        // A write, since a server that is full or has become a replica still answers questions.
        let key = format!("{}:ready", self.prefix);
        self.commands
            .send(async |mut connection| connection.pset_ex(&key, 1, milliseconds(ANSWER)).await)
            .await
    }
}

fn milliseconds(time: Duration) -> u64 {
    // Redis refuses to expire anything later than its integers can say.
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 4)
}

fn json<T: Serialize>(value: &T) -> Result<String, ResultError> {
    serde_json::to_string(value).map_err(unreadable)
}

fn from_json<T: DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, ResultError> {
    text.filter(|text| !text.is_empty()).map(serde_json::from_str).transpose().map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> ResultError {
    ResultError::Storage(error.to_string())
}
