//! Times: the service's way of writing them, the store's, and a person's.

use std::sync::LazyLock;

use jiff::{Timestamp, tz::TimeZone};

/// How many days before the end of a certificate people are told of it: soon enough to order a new
/// one.
pub const EXPIRES_SOON_DAYS: i64 = 30;

/// Whole days from now until a time; below zero where it has passed.
pub fn days_until(time: Timestamp, now: Timestamp) -> i64 {
    time.duration_since(now).as_hours().div_euclid(24)
}

/// `2026-08-15T013012Z`: sorts as text, and is a file name on every platform.
pub fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H%M%SZ").to_string()
}

/// Reads a time as the service writes it: `2025-08-06T08:23:54.159+0000`, RFC 3339, or milliseconds
/// since 1970 as a number.
pub fn parse_service_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(time) = Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text) {
        return Some(time);
    }
    text.parse::<i64>().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

/// How long ago, in one short word: `now`, `40s`, `5m`, `3h`, `2d`, `7w`.
pub fn age(time: Timestamp) -> String {
    age_between(time, Timestamp::now())
}

/// `just now`, `5m ago`.
pub fn ago(time: Timestamp) -> String {
    ago_between(time, Timestamp::now())
}

/// [`ago`] as seen at `now`.
pub fn ago_between(time: Timestamp, now: Timestamp) -> String {
    match now.as_second() - time.as_second() {
        ..NOW => "just now".into(),
        _ => format!("{} ago", age_between(time, now)),
    }
}

/// Seconds within which something is now.
const NOW: i64 = 5;

/// [`age`] as seen at `now`. A time in the future is `now`: clocks differ by seconds.
pub fn age_between(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - time.as_second();
    match seconds {
        ..NOW => "now".into(),
        NOW..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        86_400..2_419_200 => format!("{}d", seconds / 86_400),
        _ => format!("{}w", seconds / 604_800),
    }
}

/// The person's own time zone, found out once: what is drawn asks the system nothing.
static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

/// `01:30` in the person's own time zone.
pub fn clock_time(time: Timestamp) -> String {
    time.to_zoned_datetime(ZONE.clone()).strftime("%H:%M").to_string()
}

/// `2026-11-22 01:30` in the person's own time zone.
pub fn short_date(time: Timestamp) -> String {
    time.to_zoned_datetime(ZONE.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `01:30:07` in the person's own time zone.
pub fn clock_with_seconds(time: Timestamp) -> String {
    time.to_zoned_datetime(ZONE.clone()).strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_times_are_read() {
        let expected: Timestamp = "2025-08-06T08:23:54.159Z".parse().unwrap();
        assert_eq!(parse_service_time("2025-08-06T08:23:54.159+0000"), Some(expected));
        assert_eq!(parse_service_time("2025-08-06T08:23:54.159Z"), Some(expected));
        assert_eq!(parse_service_time("1754468634159"), Some(expected));
        assert_eq!(parse_service_time("yesterday"), None);
    }

    #[test]
    fn ages_are_one_word() {
        let now: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        let ago = |s: i64| age_between(Timestamp::from_second(now.as_second() - s).unwrap(), now);
        assert_eq!(
            [ago(-9), ago(2), ago(59), ago(61), ago(7200), ago(90_000)],
            ["now", "now", "59s", "1m", "2h", "1d"]
        );
        assert_eq!(stamp(now), "2026-01-10T000000Z");
    }
}
