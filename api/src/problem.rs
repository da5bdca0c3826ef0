//! Every error is an RFC 9457 problem with a type that stays. One table holds them all, and `/problems/NAME` shows it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use byecaptcha_queue::{BrokerError, ResultError};
use serde::Serialize;

/// What can be wrong, in general.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The last part of the type's address.
    pub(crate) name: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
}

macro_rules! kinds {
    ($($constant:ident $name:literal $status:ident $title:literal;)*) => {
        $(pub(crate) const $constant: &Kind = &Kind { name: $name, status: StatusCode::$status, title: $title };)*
        /// Every kind there is.
        pub(crate) const ALL: &[&Kind] = &[$($constant),*];
    };
}

kinds! {
    NOT_FOUND "not-found" NOT_FOUND "There is nothing at this address";
    METHOD_NOT_ALLOWED "method-not-allowed" METHOD_NOT_ALLOWED "This address does not take this method";
    JOB_UNKNOWN "job-unknown" NOT_FOUND "No job has this id";
    JOB_EXPIRED "job-expired" GONE "The result was kept for its time and is gone";
    BODY_TOO_LARGE "body-too-large" PAYLOAD_TOO_LARGE "The request is larger than is taken";
    MEDIA_TYPE "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body is of a type that is not taken";
    MALFORMED_BODY "malformed-body" BAD_REQUEST "The body cannot be read";
    MALFORMED_BASE64 "malformed-base64" BAD_REQUEST "The picture in the body is not valid base64";
    EMPTY_IMAGE "empty-image" BAD_REQUEST "There is no picture in the request";
    UNSUPPORTED_IMAGE "unsupported-image" UNSUPPORTED_MEDIA_TYPE "The file is not a picture of a kind that is read";
    IMAGE_TOO_LARGE "image-too-large" UNPROCESSABLE_ENTITY "The picture has more pixels than are read";
    IMAGE_TRUNCATED "image-truncated" UNPROCESSABLE_ENTITY "The file ends before the picture does";
    UNKNOWN_MODEL "unknown-model" UNPROCESSABLE_ENTITY "No model has this name";
    QUEUE_FULL "queue-full" SERVICE_UNAVAILABLE "More jobs are waiting than may wait";
    UNAVAILABLE "unavailable" SERVICE_UNAVAILABLE "A part of the service cannot be reached";
    NOT_READY "not-ready" SERVICE_UNAVAILABLE "The service is not ready";
    INTERNAL "internal" INTERNAL_SERVER_ERROR "Something went wrong here";
}

/// Seconds after which a client should try again, where that helps.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// What is wrong with one request.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: String,
    /// The part of the request that is at fault, where it has a name.
    field: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl Problem {
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), field: None }
    }

    pub(crate) fn in_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Kind { name, status, title } = *self.kind;
        if status.is_server_error() {
            tracing::warn!(problem = name, detail = self.detail, "request not served");
        }
        let body = Body {
            r#type: format!("/problems/{name}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            field: self.field,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

impl From<BrokerError> for Problem {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Full { .. } => Self::new(QUEUE_FULL, error.to_string()),
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
