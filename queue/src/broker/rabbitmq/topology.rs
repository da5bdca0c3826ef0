//! The queues and how they are declared: once for each connection, by whoever comes first, always the same.
//! A queue's arguments cannot be changed by declaring it again, so what an operator may want to tune (lengths, times to
//! live) belongs in a policy on the server and not here.

use std::sync::Arc;

use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio::sync::Mutex;

use crate::broker::{DEAD_LETTERS_KEPT, QueueName};

/// Deliveries after which the server itself makes a dead letter. Far above the attempts that a worker makes, which ends
/// the job and says why: this one is for jobs that no worker lives long enough to look at. Named, since servers before
/// 4.0 know no limit.
pub(super) const DELIVERY_LIMIT: i32 = 20;

/// The server refuses jobs beyond that, whatever the producers believe.
const LENGTH_LIMIT: i32 = 1_000_000;

/// Looking at dead letters returns them to their queue, which since 4.0 counts towards a limit of 20 where none is
/// given.
const ENDLESS: i32 = i32::MAX;

/// A queue and the one for its dead letters.
#[derive(Clone)]
pub(super) struct Topology {
    queue: ShortString,
    dead: ShortString,
    /// Clones share it, so that their connections declare one after the other.
    declaring: Arc<Mutex<()>>,
}

impl Topology {
    pub(super) fn new(prefix: &str, queue: QueueName) -> Self {
        let queue = format!("{prefix}.{}", queue.as_str());
        Self { dead: format!("{queue}.dead").into(), queue: queue.into(), declaring: Arc::default() }
    }

    /// Jobs that wait.
    pub(super) fn queue(&self) -> &ShortString {
        &self.queue
    }

    /// Jobs that used up their attempts.
    pub(super) fn dead(&self) -> &ShortString {
        &self.dead
    }

    pub(super) async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        // Of two that declare a new queue at once, older servers answer the second before the queue's processes run,
        // and whoever consumes from it then loses the connection (rabbitmq-server's PR 13625).
        let _turn = self.declaring.lock().await;
        declare(
            channel,
            &self.dead,
            [
                ("x-delivery-limit", AMQPValue::LongInt(ENDLESS)),
                // A worker that fails everything must not fill the disk with pictures.
                ("x-max-length", AMQPValue::LongInt(i32::try_from(DEAD_LETTERS_KEPT).unwrap_or(i32::MAX))),
                ("x-overflow", text("drop-head")),
            ],
        )
        .await?;
        declare(
            channel,
            &self.queue,
            [
                ("x-delivery-limit", AMQPValue::LongInt(DELIVERY_LIMIT)),
                ("x-dead-letter-exchange", text("")), // the default one, which routes by the queue's name
                ("x-dead-letter-routing-key", text(self.dead.as_str())),
                // The server's own dead-lettering loses messages in a crash unless told otherwise, and this strategy
                // wants the overflow behaviour below it.
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-overflow", text("reject-publish")),
                ("x-max-length", AMQPValue::LongInt(LENGTH_LIMIT)),
            ],
        )
        .await
    }
}

async fn declare<const N: usize>(
    channel: &Channel,
    name: &ShortString,
    arguments: [(&str, AMQPValue); N],
) -> lapin::Result<()> {
    let mut table = FieldTable::default();
    // Replicated on a cluster, synced to disk before a confirm, and the only kind that counts deliveries.
    table.insert("x-queue-type".into(), text("quorum"));
    for (key, value) in arguments {
        table.insert(key.into(), value);
    }
    // Durable: it is there after a restart of the server. Neither exclusive nor auto-deleted, which quorum queues
    // cannot be.
    channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), table).await.map(drop)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
