//! A job as an AMQP message: the picture is the body, everything else is in properties and headers.

use bytes::Bytes;
use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable, ShortString},
};

use super::topology::DELIVERY_LIMIT;
use crate::{
    broker::DeadLetter,
    job::{Job, JobOptions},
    trace::TRACEPARENT,
};

/// The form of the message. A worker that meets another does not guess.
const TYPE: &str = "byecaptcha.job.v1";
/// When the job was accepted, in milliseconds since the Unix epoch; AMQP's own timestamp counts seconds.
const SUBMITTED_AT: &str = "submitted-at-ms";
/// [`JobOptions`] as JSON.
const OPTIONS: &str = "options";
/// Attempts made before this message was published: the server counts only those since.
const ATTEMPTS: &str = "attempts";
/// Why it is a dead letter.
const REASON: &str = "reason";
/// Written by the server: how often this message came back to its queue.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// Written by the server on what it dead-lettered itself.
const FIRST_DEATH: &str = "x-first-death-reason";
/// What it writes there of a message that came back too often.
const DELIVERY_LIMIT_REACHED: &str = "delivery_limit";
/// Survives a restart of the server. Quorum queues store everything, but the flag costs nothing and says so.
const PERSISTENT: u8 = 2;
/// Headers stay well below a frame, whatever an engine has to say.
const LONGEST_REASON: usize = 1_000;

/// The properties of a job that was tried so often already.
pub(super) fn properties(job: &Job, attempts: u32) -> Result<BasicProperties, serde_json::Error> {
    let options = serde_json::to_string(&job.options)?;
    let mut headers = FieldTable::default();
    headers.insert(
        SUBMITTED_AT.into(),
        AMQPValue::LongLongInt(i64::try_from(job.submitted_at_ms).unwrap_or(i64::MAX)),
    );
    headers.insert(OPTIONS.into(), AMQPValue::LongString(options.into()));
    headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(i64::from(attempts)));
    if let Some(traceparent) = &job.options.traceparent {
        // Where tools that follow traces through brokers look for it.
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(traceparent.as_str().into()));
    }
    Ok(BasicProperties::default()
        .with_message_id(job.id.to_string().into())
        .with_type(TYPE.into())
        .with_content_type("application/octet-stream".into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers))
}

/// The properties of a dead letter.
pub(super) fn dead_properties(
    job: &Job,
    attempts: u32,
    reason: &str,
) -> Result<BasicProperties, serde_json::Error> {
    let properties = properties(job, attempts)?;
    let mut headers = properties.headers().clone().unwrap_or_default();
    let reason: String = reason.chars().take(LONGEST_REASON).collect();
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    Ok(properties.with_headers(headers))
}

/// The job in a message, and which attempt this delivery is. The error says what is wrong with the message.
pub(super) fn job(delivery: &mut Delivery) -> Result<(Job, u32), String> {
    let properties = &delivery.properties;
    let kind = properties.kind().as_ref().map(ShortString::as_str);
    if kind != Some(TYPE) {
        return Err(format!("a message of the type {kind:?}, where {TYPE:?} is known here"));
    }
    let id = properties.message_id().as_ref().ok_or("a message without an id")?;
    let id = id.as_str().parse().map_err(|error| format!("a message with a malformed id: {error}"))?;
    let headers = properties.headers().clone().unwrap_or_default();
    let options: JobOptions = match string(&headers, OPTIONS) {
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| format!("a message with unreadable options: {error}"))?,
        None => JobOptions::default(),
    };
    let submitted_at_ms = integer(&headers, SUBMITTED_AT).unwrap_or_default();
    let earlier = integer(&headers, ATTEMPTS).unwrap_or_default();
    let returned = integer(&headers, DELIVERY_COUNT).unwrap_or_default();
    let attempt = u32::try_from(earlier.saturating_add(returned).saturating_add(1)).unwrap_or(u32::MAX);
    let image = Bytes::from(std::mem::take(&mut delivery.data));
    Ok((Job { id, submitted_at_ms, options, image }, attempt))
}

/// The dead letter in a message, also in one that the server made.
pub(super) fn dead_letter(delivery: &mut Delivery) -> Result<DeadLetter, String> {
    let headers = delivery.properties.headers().clone().unwrap_or_default();
    let (job, _) = job(delivery)?;
    let death = string(&headers, FIRST_DEATH).map(|death| format!("given up by the broker: {death}"));
    let reason = string(&headers, REASON);
    // The server gives a message up when it comes back once more than it may, and counts anew where it puts it.
    let given_up =
        reason.is_none() && string(&headers, FIRST_DEATH).as_deref() == Some(DELIVERY_LIMIT_REACHED);
    let uncounted = if given_up { u64::from(DELIVERY_LIMIT.unsigned_abs()).saturating_add(1) } else { 0 };
    let earlier = integer(&headers, ATTEMPTS).unwrap_or_default();
    let attempts = u32::try_from(earlier.saturating_add(uncounted)).unwrap_or(u32::MAX);
    let reason = reason.or(death).unwrap_or_default();
    Ok(DeadLetter { job, attempts, reason })
}

fn string(headers: &FieldTable, key: &str) -> Option<String> {
    match headers.inner().get(key)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn integer(headers: &FieldTable, key: &str) -> Option<u64> {
    let number = match *headers.inner().get(key)? {
        AMQPValue::LongLongInt(number) => number,
        AMQPValue::LongInt(number) => i64::from(number),
        AMQPValue::LongUInt(number) => i64::from(number),
        AMQPValue::ShortInt(number) => i64::from(number),
        AMQPValue::ShortUInt(number) => i64::from(number),
        AMQPValue::ShortShortInt(number) => i64::from(number),
        AMQPValue::ShortShortUInt(number) => i64::from(number),
        _ => return None,
    };
    u64::try_from(number).ok()
}
