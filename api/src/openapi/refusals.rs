//! The problem types that each route answers with. A response is named by its types, so that routes with the same ones
//! share it, and [`super::around`] can add to them.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use utoipa::{
    IntoResponses,
    openapi::{
        ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
        schema::{AllOfBuilder, Type},
    },
};

use super::around::{RATE_LIMIT, RATE_LIMIT_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, header};
use crate::problem::{self, Kind};

/// Responses by their status.
pub(crate) type Responses = BTreeMap<String, RefOr<Response>>;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($kind:ident)*;)*) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> Responses {
                let mut responses = Responses::new();
                add(&mut responses, &[$(problem::$kind),*]);
                responses
            }
        }
    )*};
}

refusals! {
    /// Of a submission.
    OfSubmission:
        MALFORMED_BODY MALFORMED_OPTION MALFORMED_BASE64 EMPTY_IMAGE IDEMPOTENCY_KEY
        REQUEST_TIMEOUT JOB_EXPIRED BODY_TOO_LARGE MEDIA_TYPE UNSUPPORTED_IMAGE
        IMAGE_TOO_LARGE IMAGE_TRUNCATED UNKNOWN_MODEL CONTRADICTION IDEMPOTENCY_REUSED
        QUEUE_FULL TOO_MANY_UPLOADS UNAVAILABLE;
    /// Of a question after one job.
    OfJob: JOB_ID_MALFORMED JOB_UNKNOWN JOB_EXPIRED UNAVAILABLE;
    /// Of taking a job back.
    OfCancellation: JOB_ID_MALFORMED JOB_UNKNOWN JOB_EXPIRED JOB_STARTED UNAVAILABLE;
    /// Of a batch that is submitted.
    OfBatch:
        MALFORMED_BODY MALFORMED_OPTION EMPTY_IMAGE IDEMPOTENCY_KEY REQUEST_TIMEOUT BATCH_CANCELED BATCH_EXPIRED
        BATCH_TOO_LARGE MEDIA_TYPE CONTRADICTION UNKNOWN_MODEL OPTION_TOO_LATE IDEMPOTENCY_REUSED QUEUE_FULL
        TOO_MANY_UPLOADS UNAVAILABLE NOT_READY;
    /// Of a question after one batch.
    OfOneBatch: BATCH_ID_MALFORMED BATCH_UNKNOWN BATCH_EXPIRED UNAVAILABLE;
    /// Of a batch's rows.
    OfBatchRows: BATCH_ID_MALFORMED MALFORMED_OPTION BATCH_UNKNOWN BATCH_EXPIRED UNAVAILABLE;
    /// Of feedback that is given.
    OfFeedback:
        JOB_ID_MALFORMED MALFORMED_BODY MALFORMED_OPTION JOB_UNKNOWN REQUEST_TIMEOUT JOB_NOT_READ JOB_EXPIRED
        BODY_TOO_LARGE MEDIA_TYPE UNAVAILABLE;
    /// Of the labelled set.
    OfLabelledSet: MALFORMED_OPTION UNAVAILABLE;
    /// Of the question whether work can be taken.
    OfReadiness: NOT_READY UNAVAILABLE;
    /// Of an address at which there may be nothing.
    OfNothing: NOT_FOUND;
}

/// Between the types in a response's name.
const AND: char = '.';
const COMPONENTS: &str = "#/components/responses/";

/// Adds these to the types that the responses have already.
pub(super) fn add(responses: &mut Responses, kinds: &[&'static Kind]) {
    for kind in kinds {
        let status = kind.status.as_str();
        let mut names: BTreeSet<&str> = responses.get(status).into_iter().flat_map(names).collect();
        names.insert(kind.name);
        let name = names.into_iter().collect::<Vec<_>>().join(&AND.to_string());
        responses.insert(status.to_owned(), Ref::from_response_name(name).into());
    }
}

/// The names of the types in a response.
fn names(response: &RefOr<Response>) -> std::str::Split<'_, char> {
    let name = match response {
        RefOr::Ref(reference) => reference.ref_location.strip_prefix(COMPONENTS).unwrap_or_default(),
        RefOr::T(_) => "",
    };
    name.split(AND)
}

/// The responses that these refer to, for the components.
pub(super) fn referred_to(responses: &Responses) -> impl Iterator<Item = (String, RefOr<Response>)> {
    responses.values().filter_map(|response| {
        let kinds: Vec<&Kind> = names(response)
            .filter_map(|name| problem::ALL.iter().copied().find(|kind| kind.name == name))
            .collect();
        let status = kinds.first()?.status;
        let name = kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(&AND.to_string());
        Some((name, refusal(status, &kinds).into()))
    })
}

/// A refusal with one of these types, which all have this status.
fn refusal(status: StatusCode, kinds: &[&Kind]) -> Response {
    let types = kinds.iter().map(|kind| kind.r#type());
    let bounds = ObjectBuilder::new()
        .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(types)))
        .property(
            "status",
            ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status.as_u16()])),
        );
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(bounds);
    let titles = kinds.iter().map(|kind| format!("{} (`{}`).", kind.title, kind.r#type()));
    let response = ResponseBuilder::new()
        .description(titles.collect::<Vec<_>>().join(" "))
        .content(problem::CONTENT_TYPE, ContentBuilder::new().schema(Some(Schema::from(schema))).build());
    let headers: &[&str] = match status {
        StatusCode::UNAUTHORIZED => &[WWW_AUTHENTICATE],
        StatusCode::FORBIDDEN => &[WWW_AUTHENTICATE, RATE_LIMIT, RATE_LIMIT_POLICY],
        StatusCode::TOO_MANY_REQUESTS => &[RETRY_AFTER, RATE_LIMIT, RATE_LIMIT_POLICY],
        StatusCode::SERVICE_UNAVAILABLE => &[RETRY_AFTER],
        _ => &[],
    };
    headers.iter().fold(response, |response, name| response.header_ref(*name, header(name))).build()
}
