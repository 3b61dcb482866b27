//! What the headers of an answer say: where it redirects to, how long to wait, when it was given.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Response,
    header::{self, HeaderMap},
};
use url::Url;

/// Where an answer redirects to; none where it does not.
pub(super) fn redirect_target(from: &Url, response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    from.join(header_text(response.headers(), header::LOCATION.as_str())).ok()
}

/// A header's text; empty where it is none.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// The longest that an answer can ask to wait: a clock that is off may ask for years.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// `Retry-After`: seconds or a date, an hour at most.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let until = parse_http_date(text)?;
    let wait = Duration::try_from(until.duration_since(Timestamp::now())).ok()?;
    Some(wait.min(LONGEST_WAIT))
}

/// The time of a `Date` header.
pub(super) fn parse_http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp())
}

/// How far this machine's clock is ahead of the one that gave an answer; none where the answer has
/// no date. A date has whole seconds.
pub(super) fn clock_ahead(headers: &HeaderMap) -> Option<SignedDuration> {
    let there = parse_http_date(header_text(headers, header::DATE.as_str()))?;
    let ahead = Timestamp::now().duration_since(there);
    // A difference within the call's own time is none.
    let apart = ahead.abs() > SignedDuration::from_secs(5);
    Some(if apart { ahead } else { SignedDuration::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("18446744073709551615"), Some(LONGEST_WAIT));
        let later = Timestamp::now().as_second() + 30;
        let date = Timestamp::from_second(later)
            .unwrap()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        let seconds = wait(&date).unwrap().as_secs();
        assert!((28..=30).contains(&seconds), "{date}: {seconds}");
    }
}
