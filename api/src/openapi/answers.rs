//! Good answers, with their headers, their examples and the routes that lead on from them.

use byecaptcha_queue::{JobRecord, JobStatus};
use serde::Serialize;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Ref, ResponseBuilder,
        link::LinkBuilder,
        schema::{SchemaFormat, Type},
    },
};

use super::{
    around::{LOCATION, PREFERENCE_APPLIED, RETRY_AFTER, header},
    examples,
    refusals::Responses,
};
use crate::{
    routes::{batches::BatchBody, models::Models},
    state::ModelInfo,
};

/// What leads on from a job: operation, and what for.
const FROM_A_JOB: &[(&str, &str)] = &[
    ("getJob", "How the job stands, at once or, with `Prefer: wait=10`, as it ends."),
    ("followJob", "The same as events."),
    ("cancelJob", "Takes it back, while it waits."),
    ("giveFeedback", "What its picture says."),
];

fn json<T: ToSchema>(description: &str, example: &impl Serialize) -> ResponseBuilder {
    // By way of its text, in which a number of 32 bits has no digits that are not its own.
    let example = serde_json::to_string(example).and_then(|text| serde_json::from_str(&text)).ok();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name()))).example(example);
    ResponseBuilder::new().description(description).content("application/json", content.build())
}

fn job(description: &str, example: &JobRecord, headers: &[&str]) -> ResponseBuilder {
    let response = json::<JobRecord>(description, example);
    let response = headers.iter().fold(response, |response, name| response.header_ref(*name, header(name)));
    FROM_A_JOB.iter().fold(response, |response, (operation, what_for)| {
        let link = LinkBuilder::new().operation_id(*operation).parameter("id", "$response.body#/id");
        response.link(*operation, link.description(*what_for).build())
    })
}

/// What leads on from a batch.
const FROM_A_BATCH: &[(&str, &str)] = &[
    ("getBatch", "How the batch stands."),
    ("cancelBatch", "Takes it back."),
    ("getBatchResults", "What became of its pictures."),
];

fn batch(description: &str, example: &BatchBody, headers: &[&str]) -> ResponseBuilder {
    let response = json::<BatchBody>(description, example);
    let response = headers.iter().fold(response, |response, name| response.header_ref(*name, header(name)));
    FROM_A_BATCH.iter().fold(response, |response, (operation, what_for)| {
        let link = LinkBuilder::new().operation_id(*operation).parameter("id", "$response.body#/id");
        response.link(*operation, link.description(*what_for).build())
    })
}

fn rows(description: &str) -> ResponseBuilder {
    let lines = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A line of JSON for each item, a `BatchRow`."));
    let lines = ContentBuilder::new().schema(Some(lines)).build();
    let table = ObjectBuilder::new().schema_type(Type::String).description(Some("RFC 4180, with a header."));
    text("text/csv", description)
        .content("text/csv", ContentBuilder::new().schema(Some(table)).build())
        .content("application/jsonl", lines)
}

fn text(media_type: &str, description: &str) -> ResponseBuilder {
    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(media_type, content)
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident: $($status:literal $response:expr),+;)*) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> Responses {
                [$(($status.to_owned(), $response.build().into())),+].into()
            }
        }
    )*};
}

answers! {
    /// To a submission.
    Submitted:
        "202" job("It is queued, and stays so through a restart.", &examples::queued(),
            &[LOCATION, RETRY_AFTER, PREFERENCE_APPLIED]),
        "200" job("It has ended, within the wait or, sent again under its `Idempotency-Key`, before.",
            &examples::succeeded(), &[LOCATION, PREFERENCE_APPLIED]);
    /// To a question after one job.
    Job:
        "200" job("The job. Where it has not ended, `Retry-After` says when to ask again.", &examples::succeeded(),
            &[RETRY_AFTER, PREFERENCE_APPLIED]);
    /// To a job that is taken back.
    Canceled:
        "200" json::<JobRecord>("It is taken back, now or before.", &examples::canceled());
    /// Server-sent events.
    Events:
        "200" ResponseBuilder::new()
            .description("An event for each status that the job comes to, named by it, with the job as its data; after \
                the last the stream ends.")
            .content("text/event-stream", ContentBuilder::new().schema(Some(event())).build());
    /// To a batch that is submitted.
    SubmittedBatch:
        "202" batch("All of it was taken.", &examples::batch(), &[LOCATION, RETRY_AFTER]);
    /// To a question after one batch, or the wish to take it back.
    BatchShown:
        "200" batch("The batch. Where it has not ended, `Retry-After` says when to ask again.", &examples::batch(),
            &[RETRY_AFTER, PREFERENCE_APPLIED]);
    /// What became of a batch's items.
    BatchRows:
        "200" rows("A row for each item, in their order. `Link` leads to the next page.");
    /// To feedback.
    Given:
        "204" ResponseBuilder::new().description("It is kept; what was given before for this job is replaced.");
    /// The labelled set.
    LabelledSet:
        "200" text("application/jsonl", "A line of JSON for each text that was given, a `FeedbackLine`, in their \
            order.");
    /// The models.
    ModelList:
        "200" json::<Models>("All models there are.", &Models { models: vec![ModelInfo::example()] });
    /// A process that lives.
    Alive:
        "200" text("text/plain", "The process answers.");
    /// A process that can take work.
    Ready:
        "200" text("text/plain", "A job can be taken now.");
    /// Counts.
    Metrics:
        "200" text("text/plain", "Counts and durations in Prometheus' text format.");
    /// What a problem type means.
    Explained:
        "200" text("text/plain", "What it means and what to do about it.");
}

/// One event of a stream, as its fields are.
fn event() -> ObjectBuilder {
    let job = ObjectBuilder::new()
        .schema_type(Type::String)
        .content_media_type("application/json")
        .description(Some("The job, as `GET /v1/jobs/{id}` shows it."));
    ObjectBuilder::new()
        .property("event", Ref::from_schema_name(<JobStatus as ToSchema>::name()))
        .property("data", job)
        .required("event")
        .required("data")
}

/// A string that holds a file.
pub(super) fn binary() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom("binary".to_owned())))
}
