//! `Accept` (RFC 9110, section 12.5.1): how much a client would like each of several media types.

use axum::http::{HeaderMap, header};

use crate::prefer::outside_quotes;

/// How much a client would like the media type: its weight, 0 to 1, and how closely it was named, for those of one weight.
/// `media_type` is in small letters and without parameters, and those of the ranges are not looked at.
pub(crate) fn wish(headers: &HeaderMap, media_type: &str) -> (f32, usize) {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges = lines.flat_map(|line| outside_quotes(line, ',')).filter_map(|range| {
        let mut parts = outside_quotes(range, ';').map(str::trim);
        let closeness = closeness(&parts.next()?.to_ascii_lowercase(), media_type)?;
        Some((closeness, weight(parts)?))
    });
    // The closest range says it, whatever wider ones say.
    let closest = ranges.max_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    match closest {
        Some((closeness, weight)) if weight > 0.0 => (weight, closeness),
        _ => (0.0, 0),
    }
}

/// How closely a range names the type; nothing where it does not.
fn closeness(range: &str, media_type: &str) -> Option<usize> {
    let of_kind =
        || range.strip_suffix('*').is_some_and(|kind| kind.ends_with('/') && media_type.starts_with(kind));
    match range {
        "*/*" => Some(1),
        _ if range == media_type => Some(3),
        _ if of_kind() => Some(2),
        _ => None,
    }
}

/// The weight among a range's parameters; nothing where it is none.
fn weight<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<f32> {
    let value = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find_map(|(name, value)| name.eq_ignore_ascii_case("q").then_some(value));
    match value {
        None => Some(1.0),
        Some(value)
            if value.len() <= "0.000".len()
                && value.starts_with(['0', '1'])
                && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            value.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn wished(lines: &[&'static str]) -> (f32, usize) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        wish(&headers, "text/csv")
    }

    #[test]
    fn the_closest_range_gives_the_weight() {
        assert_eq!(wished(&["text/csv"]), (1.0, 3));
        assert_eq!(wished(&["Text/CSV ; header=absent; Q=0.5"]), (0.5, 3));
        assert_eq!(wished(&["*/*;q=0.9, text/*;q=0.3"]), (0.3, 2));
        assert_eq!(wished(&["text/csv;q=0.2", "text/*, */*"]), (0.2, 3));
        assert_eq!(wished(&["*/*"]), (1.0, 1));
        assert_eq!(wished(&["a/b;c=\"d, text/csv;\";q=0.1, */*;q=0.125"]), (0.125, 1));
    }

    #[test]
    fn what_is_not_wished_for_has_no_weight() {
        for none in
            ["", "application/json", "text/csv;q=0", "text/csv;q=0.000, */*", "text/csvx", "text*", "*"]
        {
            assert_eq!(wished(&[none]), (0.0, 0), "{none}");
        }
        assert_eq!(wished(&[]), (0.0, 0));
        for unreadable in [
            "text/csv;q=",
            "text/csv;q=2",
            "text/csv;q=-1",
            "text/csv;q=.5",
            "text/csv;q=0.0001",
            "text/csv;q=1e0",
        ] {
            let wished = wished(&[unreadable]);
            assert_eq!(wished, (0.0, 0), "{unreadable}");
        }
    }
}
