//! What stands around all routes, as `routes::router` puts it there: keys and their limits, the names that are answered
//! to, request ids.

use byecaptcha_queue::{JobRecord, QueueName};
use utoipa::openapi::{
    Components, Header, HeaderBuilder, ObjectBuilder, OpenApi, PathItem, Ref, RefOr,
    path::Operation,
    schema::Type,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use super::{hold, refusals};
use crate::{
    batches::rows::Row,
    problem::{self, Kind},
    routes::{batches::BatchBody, feedback::Line, models::Models},
};

pub(super) const LOCATION: &str = "Location";
pub(super) const PREFERENCE_APPLIED: &str = "Preference-Applied";
pub(super) const RATE_LIMIT: &str = "RateLimit";
pub(super) const RATE_LIMIT_POLICY: &str = "RateLimit-Policy";
pub(super) const RETRY_AFTER: &str = "Retry-After";
pub(super) const WWW_AUTHENTICATE: &str = "WWW-Authenticate";
const REQUEST_ID: &str = "X-Request-Id";

/// Headers of answers: name, the form of the value as a regular expression, and what it says.
const HEADERS: &[(&str, &str, &str)] = &[
    (LOCATION, "^/v1/", "Where the job is asked after."),
    (PREFERENCE_APPLIED, "^wait=[0-9]+$", "The wait that was granted."),
    (
        RATE_LIMIT,
        "^\"key\";r=[0-9]+;t=[0-9]+$",
        "How the key stands: `r` requests are left for `t` seconds, at whose end all are back or, of none, one.",
    ),
    (
        RATE_LIMIT_POLICY,
        "^\"key\";q=[0-9]+;w=[0-9]+$",
        "What the key may: `q` requests at once, which come back in `w` seconds.",
    ),
    (RETRY_AFTER, "^[0-9]+$", "After how many seconds to ask again."),
    (WWW_AUTHENTICATE, "^Bearer", "How to show a key, and which scope this one lacks."),
    (
        REQUEST_ID,
        "^[!-~]{1,64}$",
        "The id by which caller and log mean this request: the caller's own, or a new one.",
    ),
];

/// A reference to one of the headers.
pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

fn headers() -> impl Iterator<Item = (String, RefOr<Header>)> {
    HEADERS.iter().map(|(name, form, description)| {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(*form));
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(*description)).build();
        ((*name).to_owned(), header.into())
    })
}

const BEARER: &str = "bearer";
const API_KEY: &str = "apiKey";

/// Completes a document that has its routes.
pub(super) fn complete(document: &mut OpenApi) {
    let mut components = document.components.take().unwrap_or_default();
    components.headers.extend(headers());
    hold::<problem::Body<'static>>(&mut components);
    hold::<Line<'static>>(&mut components);
    hold::<JobRecord>(&mut components);
    hold::<Models>(&mut components);
    hold::<QueueName>(&mut components);
    hold::<Row>(&mut components);
    hold::<BatchBody>(&mut components);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "Everything under `/v1` needs a key where the server has any, as `byecaptcha keys create` makes them: \
         `Authorization: Bearer KEY`. POST and DELETE need its scope `submit`, GET needs `read`, and `admin` is both and \
         opens `GET /v1/feedback`, which no other does.",
    ));
    let api_key = ApiKeyValue::with_description(
        "X-API-Key",
        "Where `Authorization` is taken, the key may stand in `X-API-Key`.",
    );
    for (name, scheme) in [
        (BEARER, SecurityScheme::Http(bearer.build())),
        (API_KEY, SecurityScheme::ApiKey(ApiKey::Header(api_key))),
    ] {
        components.security_schemes.insert(name.to_owned(), scheme.into());
    }
    for (path, item) in &mut document.paths.paths {
        let keyed = path.starts_with("/v1/");
        let PathItem { get, post, delete, .. } = item;
        for (operation, safe) in [(get, true), (post, false), (delete, false)] {
            if let Some(operation) = operation {
                surround(operation, keyed, safe, &mut components);
            }
        }
    }
    document.components = Some(components);
}

fn surround(operation: &mut Operation, keyed: bool, safe: bool, components: &mut Components) {
    let mut kinds: Vec<&'static Kind> = vec![problem::HOST_NOT_ALLOWED, problem::INTERNAL];
    if keyed {
        kinds.extend([problem::UNAUTHORIZED, problem::FORBIDDEN, problem::RATE_LIMITED]);
        operation.security =
            Some(vec![SecurityRequirement::default(), requirement(BEARER), requirement(API_KEY)]);
    }
    if keyed && !safe {
        kinds.push(problem::CROSS_SITE);
    }
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        let limits: &[&str] = if keyed { &[RATE_LIMIT, RATE_LIMIT_POLICY] } else { &[] };
        for name in limits.iter().chain([&REQUEST_ID]) {
            response.headers.insert((*name).to_owned(), RefOr::Ref(header(name)));
        }
    }
    refusals::add(&mut operation.responses.responses, &kinds);
    let mut referred_to: Vec<_> = refusals::referred_to(&operation.responses.responses).collect();
    for (_, response) in &mut referred_to {
        if let RefOr::T(response) = response {
            response.headers.insert(REQUEST_ID.to_owned(), RefOr::Ref(header(REQUEST_ID)));
        }
    }
    components.responses.extend(referred_to);
}

/// Says of a complete document that its keys are not optional.
pub(super) fn demand_key(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
            if let Some(security) = &mut operation.security {
                security.retain(|requirement| *requirement != SecurityRequirement::default());
            }
        }
    }
}

fn requirement(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, [] as [&str; 0])
}
