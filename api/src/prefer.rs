//! `Prefer: wait=N` (RFC 7240): how long a client is willing to have its answer held.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header::HeaderName};

/// The longest wait that is granted. Browsers' extension workers are cut off at 30 seconds.
const LONGEST: u64 = 25;

/// The header of a granted preference.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The wait asked for, cut to the longest that is granted. A preference is not a demand: one that cannot be read is as
/// good as none.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok())
        .map(|seconds| Duration::from_secs(seconds.min(LONGEST)))
}

/// What the answer to a granted wait says.
pub(crate) fn applied(wait: Duration) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("wait={}", wait.as_secs())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &'static str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("prefer"), HeaderValue::from_static(value))]);
        wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn waits_are_read_cut_or_ignored() {
        assert_eq!(asked("wait=10"), Some(10));
        assert_eq!(asked("respond-async, Wait = \"3\""), Some(3));
        assert_eq!(asked("wait=3600"), Some(25));
        for nonsense in ["wait", "wait=", "wait=-1", "wait=soon", "waiting=4", ""] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
    }
}
