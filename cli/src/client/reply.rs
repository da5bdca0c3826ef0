//! What a server's answer means to whoever asked: the job, a reason to come again, or a reason not to.

use std::{fmt, time::Duration};

use byecaptcha_queue::JobRecord;
use hyper::{
    StatusCode,
    header::{LOCATION, RETRY_AFTER},
    http::response::Parts,
};
use serde::Deserialize;

/// No server's word keeps anyone waiting for longer, and sums of times stay within their range.
const LATEST: u64 = 24 * 60 * 60;

/// An answer.
pub(crate) enum Reply {
    /// The job as it stands.
    Job {
        /// What the server says of it.
        record: Box<JobRecord>,
        /// When to ask again, where it has not ended.
        retry_after: Option<Duration>,
    },
    /// The server cannot do it now, and says so.
    Busy {
        /// When to try again, by its word.
        retry_after: Option<Duration>,
        /// Why.
        refusal: Refusal,
    },
    /// The server failed at it, perhaps because of what was asked.
    Broken(Refusal),
    /// Asking again changes nothing.
    Refused(Refusal),
    /// This is no ByeCaptcha server, or not the address of one.
    Foreign(String),
    /// No answer, or none that is whole.
    Unreachable(String),
}

/// Why a server did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// A stable, hyphenated word: the end of the problem's type where the answer was a problem (RFC 9457).
    pub(crate) kind: String,
    /// A sentence.
    pub(crate) detail: String,
}

impl Refusal {
    /// Whether it is the caller who is refused, and not what was asked.
    pub(crate) fn is_denial(&self) -> bool {
        // The latter two: the name by which the server was asked, and a proxy before it.
        let of_the_way = [StatusCode::MISDIRECTED_REQUEST, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        self.is_of_key() || of_the_way.contains(&self.status)
    }

    /// Whether it is so for want of a key, or of a better one.
    pub(crate) fn is_of_key(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// Whether there is no such thing, or no longer.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self.status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }

    /// Whether there was such a job, whose result was kept for its time.
    pub(crate) fn is_expiry(&self) -> bool {
        self.kind == "job-expired"
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}): {}", self.status, self.kind, self.detail)
    }
}

/// RFC 9457, as far as it is used.
#[derive(Deserialize)]
struct Problem {
    r#type: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

/// Reads an answer.
pub(crate) fn read(parts: &Parts, body: &[u8]) -> Reply {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    // The other form, a date, is not what such a server sends; without seconds the caller's own pace is as good.
    let seconds: Option<u64> = header(RETRY_AFTER).and_then(|value| value.parse().ok());
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds.min(LATEST)));
    let status = parts.status;
    if status.is_success() {
        return match serde_json::from_slice(body) {
            Ok(record) => Reply::Job { record: Box::new(record), retry_after },
            Err(error) => Reply::Foreign(format!("its answer is no job: {error}")),
        };
    }
    if status.is_redirection() {
        // A body is not sent on to wherever an answer points, and neither is a key.
        let target = header(LOCATION).unwrap_or("another address");
        return Reply::Foreign(format!(
            "it answers {status} and points to {target}; give that server's address"
        ));
    }
    let refusal = refusal(status, body);
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::BAD_GATEWAY
        | StatusCode::GATEWAY_TIMEOUT => Reply::Busy { retry_after, refusal },
        // Another request with the same key is under way.
        StatusCode::CONFLICT if retry_after.is_some() => Reply::Busy { retry_after, refusal },
        _ if status.is_client_error() => Reply::Refused(refusal),
        _ => Reply::Broken(refusal),
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => {
            let kind = problem.r#type.rsplit('/').next().unwrap_or_default().to_owned();
            let detail = if problem.detail.is_empty() { problem.title } else { problem.detail };
            Refusal { status, kind, detail }
        }
        // Something between here and the server.
        Err(_) => Refusal {
            status,
            kind: format!("http-{}", status.as_u16()),
            detail: status.canonical_reason().unwrap_or("no reason was given").to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use hyper::{Response, header::HeaderName};

    use super::*;

    fn reply(status: u16, headers: &[(HeaderName, &str)], body: &str) -> Reply {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, *value);
        }
        read(&response.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    const PROBLEM: &str = r#"{"type":"/problems/queue-full","title":"Full","detail":"9 jobs wait."}"#;

    #[test]
    fn the_servers_word_is_taken() {
        let Reply::Busy { retry_after, refusal } = reply(503, &[(RETRY_AFTER, "7")], PROBLEM) else {
            panic!("not busy");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(7)));
        assert_eq!(refusal.to_string(), "503 Service Unavailable (queue-full): 9 jobs wait.");
        let soon = reply(429, &[(RETRY_AFTER, "Fri, 31 Dec 1999 23:59:59 GMT")], "<html>");
        assert!(matches!(soon, Reply::Busy { retry_after: None, refusal } if refusal.kind == "http-429"));
        let never = reply(503, &[(RETRY_AFTER, "18446744073709551615")], PROBLEM);
        let day = Duration::from_secs(86_400);
        assert!(matches!(never, Reply::Busy { retry_after: Some(time), .. } if time == day));
        assert!(matches!(reply(502, &[], ""), Reply::Busy { .. }));
        assert!(matches!(reply(409, &[(RETRY_AFTER, "1")], ""), Reply::Busy { .. }));
        assert!(matches!(reply(409, &[], ""), Reply::Refused(_)));
    }

    #[test]
    fn faults_of_the_picture_the_caller_the_server_and_the_address_are_told_apart() {
        assert!(matches!(reply(422, &[], PROBLEM), Reply::Refused(refusal) if !refusal.is_denial()));
        for (status, of_key) in [(401, true), (403, true), (407, false), (421, false)] {
            let Reply::Refused(refusal) = reply(status, &[], "") else { panic!("not refused") };
            assert_eq!((refusal.is_denial(), refusal.is_of_key()), (true, of_key), "{status}");
        }
        assert!(matches!(reply(410, &[], ""), Reply::Refused(refusal) if refusal.is_absence()));
        assert!(matches!(reply(500, &[], ""), Reply::Broken(_)));
        assert!(matches!(reply(200, &[], "<html>Welcome"), Reply::Foreign(_)));
        let moved = reply(301, &[(LOCATION, "https://new/")], "");
        assert!(matches!(moved, Reply::Foreign(why) if why.contains("https://new/")));
    }
}
