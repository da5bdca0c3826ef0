//! Every error is an RFC 9457 problem with a type that stays. One table holds them all, and `/problems/NAME` shows it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use byecaptcha_queue::{BrokerError, Failure, ResultError};
use serde::Serialize;
use utoipa::ToSchema;

/// What can be wrong, in general.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The last part of the type's address.
    pub(crate) name: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    /// What to do about it, for a person.
    pub(crate) advice: &'static str,
}

impl Kind {
    /// The type's address.
    pub(crate) fn r#type(&self) -> String {
        format!("/problems/{}", self.name)
    }
}

macro_rules! kinds {
    ($($constant:ident: $name:literal, $status:ident, $title:literal, $advice:literal;)*) => {
        $(pub(crate) const $constant: &Kind =
            &Kind { name: $name, status: StatusCode::$status, title: $title, advice: $advice };)*
        /// Every kind there is.
        pub(crate) const ALL: &[&Kind] = &[$($constant),*];
    };
}

kinds! {
    NOT_FOUND: "not-found", NOT_FOUND, "There is nothing at this address",
        "Jobs are submitted to /v1/jobs and asked after at the address in the answer's Location header.";
    METHOD_NOT_ALLOWED: "method-not-allowed", METHOD_NOT_ALLOWED, "This address does not take this method",
        "The answer's Allow header names the methods that it takes.";
    HOST_NOT_ALLOWED: "host-not-allowed", MISDIRECTED_REQUEST, "The service is not known under this name",
        "It answers to the names in its setting --allowed-hosts; on a loopback address, to localhost and 127.0.0.1.";
    CROSS_SITE: "cross-site", FORBIDDEN, "A web page from elsewhere sent this",
        "Pages of other origins may use the API where the setting --cors-origins names them; programs send no Origin.";
    UNAUTHORIZED: "unauthorized", UNAUTHORIZED, "This needs a valid API key",
        "Send one in the header Authorization, as Bearer bc_..., or in X-API-Key. Whoever runs the service can make one.";
    FORBIDDEN: "forbidden", FORBIDDEN, "The API key does not open this",
        "POST and DELETE need a key with the scope submit, GET one with the scope read, and \
         /v1/feedback one with the scope admin. A key's scopes stay as they are.";
    RATE_LIMITED: "rate-limited", TOO_MANY_REQUESTS, "The API key is used more often than it may be",
        "Nothing was accepted. Try again after the seconds in the Retry-After header; RateLimit says how the key stands.";
    JOB_ID_MALFORMED: "job-id-malformed", BAD_REQUEST, "This is not the id of a job",
        "Ids are UUIDs. Use the address in the Location header as it is.";
    JOB_UNKNOWN: "job-unknown", NOT_FOUND, "No job has this id",
        "It was never accepted here, or it ended so long ago that even its id is forgotten.";
    JOB_EXPIRED: "job-expired", GONE, "The result was kept for its time and is gone",
        "Results are kept for a set time after the job has ended. Submit the picture again.";
    JOB_STARTED: "job-started", CONFLICT, "The job can no longer be taken back",
        "Only a job that waits can. GET shows how it stands, or how it has ended.";
    JOB_NOT_READ: "job-not-read", CONFLICT, "There is no reading that feedback could be about",
        "Give it once the job has succeeded or failed.";
    BATCH_ID_MALFORMED: "batch-id-malformed", BAD_REQUEST, "This is not the id of a batch",
        "Ids are UUIDs. Use the address in the Location header as it is.";
    BATCH_UNKNOWN: "batch-unknown", NOT_FOUND, "No batch has this id",
        "It was never submitted here, or its time ended so long ago that even its id is forgotten.";
    BATCH_EXPIRED: "batch-expired", GONE, "The batch was kept for its time and is gone",
        "A batch is kept with its results until the time in expires_at_ms. Submit the pictures again.";
    BATCH_CANCELED: "batch-canceled", CONFLICT, "The batch was taken back",
        "Nothing more is taken into it. Submit the pictures again, with a fresh Idempotency-Key.";
    OPTION_TOO_LATE: "option-too-late", UNPROCESSABLE_ENTITY, "An option comes after a picture",
        "Pictures of a form are accepted as they come, so what is asked for of all of them comes before the first.";
    BATCH_TOO_LARGE: "batch-too-large", PAYLOAD_TOO_LARGE, "The batch is larger than is taken",
        "Divide it into several. What of it was accepted is taken back, but where it came before under the same Idempotency-Key.";
    REQUEST_TIMEOUT: "request-timeout", REQUEST_TIMEOUT, "The body took too long to arrive",
        "Send it again, over a better connection or with a smaller picture. Nothing was accepted, but what had come of a \
         batch with an Idempotency-Key: under the same key, the rest is accepted.";
    BODY_TOO_LARGE: "body-too-large", PAYLOAD_TOO_LARGE, "The request is larger than is taken",
        "Cut the picture down to the part with the text. In JSON, base64 makes a picture larger by a third.";
    MEDIA_TYPE: "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of a type that is not taken",
        "Send the picture itself with an image type or application/octet-stream, a form as multipart/form-data with a \
         field called image or file, or application/json with the picture as base64 in a member called image.";
    MALFORMED_BODY: "malformed-body", BAD_REQUEST, "The body cannot be read",
        "It is not what its Content-Type says, or it lacks something or has something unknown in it.";
    MALFORMED_OPTION: "malformed-option", BAD_REQUEST, "An option cannot be understood",
        "The member called field says which. Options stand in the address, in a form's fields or in the JSON, each once.";
    CONTRADICTION: "contradictory-options", UNPROCESSABLE_ENTITY, "The options contradict one another or the model",
        "Each is understood, and no text can be what they ask for, or one is given twice. The member called field says \
         where that shows.";
    IDEMPOTENCY_KEY: "malformed-idempotency-key", BAD_REQUEST, "The Idempotency-Key cannot be used",
        "It is 1 to 255 visible ASCII characters without a quote, best a fresh UUID for each request that is meant.";
    IDEMPOTENCY_REUSED: "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key stands for another request",
        "A key is for one picture with its options. Send a retry as it was, and anything else with a fresh key.";
    MALFORMED_BASE64: "malformed-base64", BAD_REQUEST, "The picture in the body is not valid base64",
        "The member called image holds base64 (RFC 4648, section 4), alone or as a data: URL.";
    EMPTY_IMAGE: "empty-image", BAD_REQUEST, "There is no picture in the request",
        "The body, or the part of it that should hold the picture, is empty or missing.";
    UNSUPPORTED_IMAGE: "unsupported-image", UNSUPPORTED_MEDIA_TYPE, "The file is not a picture of a kind that is read",
        "PNG, JPEG, GIF, WebP and BMP are read. What counts is what the file is, not what it is called.";
    IMAGE_TOO_LARGE: "image-too-large", UNPROCESSABLE_ENTITY, "The picture has more pixels than are read",
        "Cut it down to the part with the text, or make it smaller.";
    IMAGE_TRUNCATED: "image-truncated", UNPROCESSABLE_ENTITY, "The file ends or is damaged before the picture is there",
        "Often an upload or a download that broke off. Get the file again.";
    UNKNOWN_MODEL: "unknown-model", UNPROCESSABLE_ENTITY, "No model has this name",
        "GET /v1/models lists those there are. Without a name, the default model reads.";
    QUEUE_FULL: "queue-full", SERVICE_UNAVAILABLE, "As many jobs are waiting as may wait",
        "Try again after the seconds in the Retry-After header. Nothing was accepted, but what found room of a batch with an \
         Idempotency-Key: under the same key, the rest is accepted.";
    TOO_MANY_UPLOADS: "too-many-uploads", SERVICE_UNAVAILABLE, "More large uploads are under way than there is room for",
        "Try again after the seconds in the Retry-After header; smaller pictures do not wait for room. Nothing was accepted, but \
         what had come of a batch with an Idempotency-Key: under the same key, the rest is accepted.";
    UNAVAILABLE: "unavailable", SERVICE_UNAVAILABLE, "A part of the service cannot be reached",
        "Try again after the seconds in the Retry-After header.";
    NOT_READY: "not-ready", SERVICE_UNAVAILABLE, "The service is not ready",
        "It is starting, or stopping. Try again after the seconds in the Retry-After header.";
    INTERNAL: "internal", INTERNAL_SERVER_ERROR, "Something went wrong here",
        "This is a fault of the program, not of the request. Its log says more.";
}

/// Most characters of a detail: it may tell what a sender wrote, of any length, and is kept with each refused picture of a
/// batch.
const LONGEST_DETAIL: usize = 1_000;
/// Most characters of what a sender wrote that a detail repeats.
const SHOWN: usize = 40;

/// What a sender wrote, as far as a detail repeats it.
pub(crate) fn shown(text: &str) -> &str {
    first(text, SHOWN)
}

fn first(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// What a problem is sent as.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";
/// Seconds after which a client should try again, where that helps.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");
/// How a caller without a key can show one (RFC 6750).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");

/// What is wrong with one request.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: String,
    /// The part of the request that is at fault, where it has a name.
    field: Option<&'static str>,
}

/// What is wrong with one request (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// What is wrong in general, for programs: an address here, which says more, and which stays.
    #[schema(format = "uri-reference")]
    r#type: String,
    /// The same in words.
    title: &'a str,
    /// The answer's status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time.
    detail: &'a str,
    /// The part of the request that is at fault, where it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<&'a str>,
}

impl Problem {
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        detail.truncate(first(&detail, LONGEST_DETAIL).len());
        // What was longer may have been as large as an upload.
        detail.shrink_to_fit();
        Self { kind, detail, field: None }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.kind.status
    }

    /// The same as the reason why one item of many is not taken.
    pub(crate) fn into_failure(self) -> Failure {
        Failure { kind: self.kind.name.to_owned(), detail: self.detail }
    }

    pub(crate) fn in_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Kind { name, status, title, .. } = *self.kind;
        let r#type = self.kind.r#type();
        if status.is_server_error() {
            tracing::warn!(problem = name, detail = self.detail, "request not served");
        }
        let body = Body { r#type, title, status: status.as_u16(), detail: &self.detail, field: self.field };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        if status == StatusCode::REQUEST_TIMEOUT {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<BrokerError> for Problem {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Full { limit } => {
                Self::new(QUEUE_FULL, format!("{limit} jobs are waiting already."))
            }
            // Where the storage is and how it failed is for the log, not for callers.
            error => {
                tracing::error!(%error, "broker failed");
                Self::new(UNAVAILABLE, "The queue cannot take jobs now.")
            }
        }
    }
}

impl From<ResultError> for Problem {
    fn from(error: ResultError) -> Self {
        tracing::error!(%error, "result store failed");
        Self::new(UNAVAILABLE, "The result store cannot be reached now.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_cut_where_what_a_sender_wrote_is_long() {
        let long = "ü".repeat(5_000);
        let detail = Problem::new(MALFORMED_BODY, format!("no {long}")).into_failure().detail;
        assert_eq!((detail.chars().count(), detail.starts_with("no üü")), (LONGEST_DETAIL, true));
        assert!(detail.capacity() < 2 * LONGEST_DETAIL + 8);
        assert_eq!((shown(&long).chars().count(), shown("short")), (SHOWN, "short"));
    }

    #[test]
    fn names_are_unique_and_fit_an_address() {
        for (index, kind) in ALL.iter().enumerate() {
            assert!(
                kind.name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert!(kind.status.is_client_error() || kind.status.is_server_error(), "{}", kind.name);
            assert!(ALL[..index].iter().all(|other| other.name != kind.name), "{} is there twice", kind.name);
        }
    }
}
