//! The worker's part of each job's trace: how long it waited, its batch, the writing of its result. These are written
//! once they are over, since a job's way through the worker is no one task's. A batch belongs to many traces, so it has
//! one of its own, linked with theirs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use byecaptcha_queue::{Job, trace};
use opentelemetry::{
    Context, KeyValue, global,
    trace::{Link, Span, SpanBuilder, SpanKind, TraceContextExt},
};

const NAME: &str = "byecaptcha-worker";

/// When something went on.
#[derive(Clone, Copy)]
pub(crate) struct Interval {
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
}

/// A batch went through the engine.
pub(crate) fn batch<'a>(jobs: impl Iterator<Item = &'a Job>, engine: Interval) {
    let traced: Vec<(&Job, Context)> = jobs.filter_map(|job| Some((job, parent(job)?))).collect();
    if traced.is_empty() {
        return;
    }
    let links = traced.iter().map(|(_, parent)| Link::with_context(parent.span().span_context().clone()));
    let span = SpanBuilder::from_name("batch")
        .with_links(links.collect())
        .with_attributes([KeyValue::new("batch.size", traced.len() as i64)]);
    let batch = record(span, &Context::new(), engine);
    for (job, parent) in &traced {
        let submitted = UNIX_EPOCH + Duration::from_millis(job.submitted_at_ms);
        let wait = Interval { start: submitted.min(engine.start), end: engine.start };
        record(SpanBuilder::from_name("queue wait").with_kind(SpanKind::Consumer), parent, wait);
        let inference = SpanBuilder::from_name("inference").with_links(vec![batch.clone()]);
        record(inference, parent, engine);
    }
}

/// The result of a job was written.
pub(crate) fn written(job: &Job, writing: Interval) {
    if let Some(parent) = parent(job) {
        record(SpanBuilder::from_name("write result").with_kind(SpanKind::Client), &parent, writing);
    }
}

fn parent(job: &Job) -> Option<Context> {
    let context = trace::context(job.options.traceparent.as_deref()?);
    context.span().span_context().is_sampled().then_some(context)
}

fn record(span: SpanBuilder, parent: &Context, interval: Interval) -> Link {
    let tracer = global::tracer(NAME);
    let mut span = span.with_start_time(interval.start).start_with_context(&tracer, parent);
    span.end_with_timestamp(interval.end);
    Link::with_context(span.span_context().clone())
}
