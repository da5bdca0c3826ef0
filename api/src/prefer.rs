//! `Prefer: wait=N` (RFC 7240): how long a client is willing to have its answer held.

use std::time::Duration;

use axum::http::{
    HeaderMap, HeaderValue,
    header::{HeaderName, InvalidHeaderValue},
};

/// The longest wait that is granted, in seconds. Browsers cut the requests of an extension's worker at 30.
const LONGEST: u64 = 25;

/// The header of a granted preference.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The wait asked for, cut to the longest that is granted. A preference is not a demand: one that cannot be read is as
/// good as none (RFC 7240, section 2).
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    // Where a preference is named twice, the first counts.
    let seconds = lines.flat_map(preferences).find_map(|preference| {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    })?;
    if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Digits that do not fit are a wait longer than any that is granted.
    Some(Duration::from_secs(seconds.parse().unwrap_or(LONGEST).min(LONGEST)))
}

/// The preferences on one line, each without its parameters. Commas and semicolons in quoted values separate nothing.
fn preferences(line: &str) -> impl Iterator<Item = &str> {
    outside_quotes(line, ',').map(|preference| outside_quotes(preference, ';').next().unwrap_or_default())
}

/// What stands between separators, of which those in quoted values separate nothing.
pub(crate) fn outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        character == separator && !quoted
    })
}

/// What the answer to a granted wait says.
pub(crate) fn applied(wait: Duration) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::try_from(format!("wait={}", wait.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[&'static str]) -> Option<u64> {
        let prefer = HeaderName::from_static("prefer");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(prefer.clone(), HeaderValue::from_static(line));
        }
        wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_found_among_other_preferences() {
        assert_eq!(asked(&["wait=10"]), Some(10));
        assert_eq!(asked(&["respond-async, Wait = \"3\""]), Some(3));
        assert_eq!(asked(&["respond-async", "wait=4; strictly"]), Some(4));
        assert_eq!(asked(&["note=\"a, wait=9\", wait=5"]), Some(5));
        assert_eq!(asked(&["note=\"\\\", wait=9\", wait=6"]), Some(6));
        assert_eq!(asked(&["wait=0"]), Some(0));
    }

    #[test]
    fn the_first_counts_and_none_is_longer_than_allowed() {
        assert_eq!(asked(&["wait=7, wait=8"]), Some(7));
        assert_eq!(asked(&["wait=7", "wait=8"]), Some(7));
        assert_eq!(asked(&["wait=3600"]), Some(25));
        assert_eq!(asked(&["wait=99999999999999999999999999"]), Some(25));
    }

    #[test]
    fn what_cannot_be_read_is_ignored() {
        for nonsense in
            ["", "wait", "wait=", "wait=-1", "wait=+1", "wait=1.5", "wait=soon", "waiting=4", "x; wait=4"]
        {
            assert_eq!(asked(&[nonsense]), None, "{nonsense}");
        }
        assert_eq!(asked(&["wait=soon, wait=4"]), None, "the first counts, also where it is nonsense");
        assert_eq!(asked(&[]), None);
    }
}
