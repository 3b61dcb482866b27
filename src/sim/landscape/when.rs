//! Times in a landscape are told from now, so that the story is always fresh: `now-3d`, `now+12d`,
//! `01:30` (the last one that is past, in the person's time zone), `01:30-20h`, or a full RFC 3339
//! time.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use serde::Deserialize;

/// A time that was resolved when the landscape was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct When(Timestamp);

impl When {
    /// A time cut to whole seconds; the service's times have milliseconds at the most.
    pub fn at(time: Timestamp) -> Self {
        Self(Timestamp::from_second(time.as_second()).unwrap_or(time))
    }

    /// The time now, cut to the millisecond, as the service tells when something was saved.
    pub fn now() -> Self {
        let now = Timestamp::now();
        Self(Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now))
    }

    /// When things were last saved of which a landscape tells no time: months before the first
    /// question, and the same for all of them from then on.
    pub fn long_ago() -> Self {
        static LONG_AGO: LazyLock<When> =
            LazyLock::new(|| When::at(Timestamp::now() - SignedDuration::from_hours(24 * 90)));
        *LONG_AGO
    }

    /// The point in time; one that a landscape tells has whole seconds.
    pub fn time(self) -> Timestamp {
        self.0
    }
}

/// A text that tells no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; use now-3d, now+3d, 01:30, 01:30-20h or 2026-01-31T00:00:00Z")]
pub struct WhenError(String);

impl TryFrom<String> for When {
    type Error = WhenError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = resolve(&text, Timestamp::now(), &TimeZone::system());
        time.map(Self::at).ok_or(WhenError(text))
    }
}

fn resolve(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let (anchor, back) = match (text.split_once('-'), text.split_once('+')) {
        (Some((anchor, back)), _) => (anchor, seconds(back)?),
        (None, Some((anchor, ahead))) => (anchor, -seconds(ahead)?),
        (None, None) => (text, 0),
    };
    let anchor = if anchor == "now" { now } else { last_clock_time(anchor, now, zone)? };
    anchor.checked_sub(back.seconds()).ok()
}

/// `3d`, `20h`, `90m`, `10s`.
fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit)
}

fn last_clock_time(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (hour, minute) = text.split_once(':')?;
    let time = jiff::civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
    // A few minutes must have passed, or the story would not have happened yet.
    let latest = now.checked_sub(10.minutes()).ok()?;
    let today = zone.to_datetime(latest).date();
    [today, today.yesterday().ok()?]
        .into_iter()
        .filter_map(|day| zone.to_timestamp(day.to_datetime(time)).ok())
        .find(|t| *t <= latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now() {
        let now: Timestamp = "2026-03-05T12:00:00Z".parse().unwrap();
        let at = |text: &str| resolve(text, now, &TimeZone::UTC).map(|t| t.to_string());
        assert_eq!(at("now-3d").as_deref(), Some("2026-03-02T12:00:00Z"));
        assert_eq!(at("now+2d").as_deref(), Some("2026-03-07T12:00:00Z"));
        assert_eq!(at("01:30").as_deref(), Some("2026-03-05T01:30:00Z"));
        assert_eq!(at("23:30").as_deref(), Some("2026-03-04T23:30:00Z"));
        assert_eq!(
            at("11:55").as_deref(),
            Some("2026-03-04T11:55:00Z"),
            "too fresh: the day before"
        );
        assert_eq!(at("01:30-20h").as_deref(), Some("2026-03-04T05:30:00Z"));
        assert_eq!(at("2026-01-31T00:00:00Z").as_deref(), Some("2026-01-31T00:00:00Z"));
        assert_eq!((at("soon"), at("25:00"), at("now-3x"), at("now-")), (None, None, None, None));
    }
}
