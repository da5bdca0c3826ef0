//! How often a key may be used: a rate, the limiter that holds a key to it, and the headers that tell the caller.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use serde::{Deserialize, Serialize};

// draft-ietf-httpapi-ratelimit-headers-11: the quota policy, and how a caller stands under it.
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// So many requests in so many seconds, on average; and so many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members")]
pub struct Rate {
    requests: NonZeroU32,
    seconds: NonZeroU32,
    burst: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    requests: u32,
    seconds: u32,
    burst: u32,
}

/// A limit beyond this is none; and its nanoseconds times a day's still fit into 64 bits.
const MOST: u32 = 100_000;
const DAY: u32 = 86_400;
const FORM: &str = "a rate is N/s, N/m or N/h, as in 5/s";

impl Rate {
    /// Requests, in so many seconds, and the most at once.
    ///
    /// # Errors
    ///
    /// A sentence about the number that is nothing, or too much.
    pub fn new(requests: u32, seconds: u32, burst: u32) -> Result<Self, &'static str> {
        if requests.max(burst) > MOST || seconds > DAY {
            return Err("a rate is at most 100000 requests, in at most a day");
        }
        let nothing = "a rate of nothing is no rate: revoke the key";
        let positive = |number| NonZeroU32::new(number).ok_or(nothing);
        Ok(Self { requests: positive(requests)?, seconds: positive(seconds)?, burst: positive(burst)? })
    }

    /// The same, with so many at once.
    ///
    /// # Errors
    ///
    /// As of [`Rate::new`].
    pub fn with_burst(self, burst: u32) -> Result<Self, &'static str> {
        Self::new(self.requests.get(), self.seconds.get(), burst)
    }

    /// The time in which one request more becomes possible.
    fn period(self) -> Duration {
        Duration::from_secs(self.seconds.get().into()) / self.requests.get()
    }
}

impl TryFrom<Members> for Rate {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        Self::new(members.requests, members.seconds, members.burst)
    }
}

/// `5/s`: the burst is then as many as the requests.
impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (requests, unit) = text.split_once('/').ok_or(FORM)?;
        let requests = requests.parse().map_err(|_| FORM)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(FORM),
        };
        Self::new(requests, seconds, requests)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, seconds, burst } = self;
        match seconds.get() {
            1 => write!(formatter, "{requests}/s"),
            60 => write!(formatter, "{requests}/m"),
            3600 => write!(formatter, "{requests}/h"),
            seconds => write!(formatter, "{requests}/{seconds}s"),
        }?;
        if burst == requests { Ok(()) } else { write!(formatter, ", {burst} at once") }
    }
}

type Gcra = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// Holds one key to its rate, in this process.
pub(super) struct Limiter {
    pub(super) rate: Rate,
    gcra: Gcra,
    clock: DefaultClock,
}

/// How a key stands after a request.
pub(super) struct Standing {
    rate: Rate,
    left: u32,
    /// Whole seconds until the next request, where this one was too many.
    pub(super) retry_after: Option<u64>,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Self {
        // A period is never nothing: a rate has bounds.
        let quota = Quota::with_period(rate.period()).unwrap_or_else(|| Quota::per_second(rate.requests));
        let gcra = RateLimiter::direct(quota.allow_burst(rate.burst))
            .with_middleware::<StateInformationMiddleware>();
        Self { rate, gcra, clock: DefaultClock::default() }
    }

    /// Counts a request.
    pub(super) fn count(&self) -> Standing {
        let rate = self.rate;
        match self.gcra.check() {
            Ok(state) => Standing { rate, left: state.remaining_burst_capacity(), retry_after: None },
            Err(too_many) => {
                let wait = whole_seconds(too_many.wait_time_from(self.clock.now()));
                Standing { rate, left: 0, retry_after: Some(wait.max(1)) }
            }
        }
    }
}

impl Standing {
    /// Tells the caller: the whole quota `q` comes back in `w` seconds; `r` requests are left for `t` seconds, at whose
    /// end all are back or, where none is left, one is, so that no `Retry-After` ends before `t` does.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let Self { rate, left, retry_after } = self;
        let burst = rate.burst.get();
        let window = whole_seconds(rate.period().saturating_mul(burst)).max(1);
        let used = if *left == 0 { 1 } else { burst.saturating_sub(*left) };
        let back = retry_after.unwrap_or_else(|| whole_seconds(rate.period().saturating_mul(used)));
        let values = [
            (POLICY, Some(format!("\"key\";q={burst};w={window}"))),
            (LIMIT, Some(format!("\"key\";r={left};t={back}"))),
            (header::RETRY_AFTER, retry_after.map(|seconds| seconds.to_string())),
        ];
        for (name, value) in values {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                headers.insert(name, value);
            }
        }
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_read_and_shown() {
        for text in ["5/s", "30/m", "1/h"] {
            assert_eq!(rate(text).to_string(), text);
        }
        assert_eq!(rate("5/s").with_burst(1).unwrap().to_string(), "5/s, 1 at once");
        for text in ["", "5", "0/s", "-1/s", "5/d", "5/", "/s", "1.5/s", "100001/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_longest_rate_can_be_held_to() {
        let slow: Rate = serde_json::from_str(r#"{"requests":1,"seconds":86400,"burst":100000}"#).unwrap();
        assert_eq!(Limiter::new(slow).count().left, 99_999);
        assert!(serde_json::from_str::<Rate>(r#"{"requests":1,"seconds":86401,"burst":1}"#).is_err());
    }

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let limiter = Limiter::new(rate("2/h").with_burst(3).unwrap());
        let mut headers = HeaderMap::new();
        for left in ["2", "1", "0"] {
            let standing = limiter.count();
            assert_eq!(standing.retry_after, None);
            standing.tell(&mut headers);
            assert_eq!(headers[POLICY], "\"key\";q=3;w=5400");
            assert!(headers[LIMIT].to_str().unwrap().starts_with(&format!("\"key\";r={left};t=")));
            assert!(!headers.contains_key(header::RETRY_AFTER));
        }
        let standing = limiter.count();
        assert!(standing.retry_after.is_some_and(|seconds| (1700..=1800).contains(&seconds)));
        standing.tell(&mut headers);
        let wait = standing.retry_after.unwrap();
        assert_eq!(headers[LIMIT], format!("\"key\";r=0;t={wait}"));
        assert_eq!(headers[header::RETRY_AFTER], *wait.to_string());
    }
}
