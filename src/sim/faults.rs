//! Faults on demand: what goes wrong, where, how often.

use std::{str::FromStr, sync::Mutex, time::Duration};

/// What happens instead of the ordinary answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Every matching answer comes later.
    Latency(Duration),
    /// An HTTP status with an error body.
    Status(u16),
    /// The connection breaks before anything was done.
    Reset,
    /// The connection breaks after the call was carried out.
    Lost,
    /// The connection breaks after half of the body.
    Truncate,
    /// A proxy's HTML page with status 200.
    Html,
    /// The token is refused as expired.
    ExpiredToken,
    /// An activation that never ends.
    StuckActivation,
    /// An activation that fails.
    FailActivation,
    /// The list changes while it is paged.
    Drift,
    /// The call is neither carried out nor answered.
    Hang,
    /// The call is carried out and never answered.
    Stall,
    /// An activation that succeeds and fails a moment later.
    FlipActivation,
    /// A word of the answer, a field's name or a value, is another one: `items`, `STARTING`.
    Say { word: String, instead: String },
}

/// One fault and where it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub what: FaultKind,
    /// An environment's name; none: all.
    pub environment: Option<String>,
    pub method: Option<String>,
    /// A part of the path, or with `^` before it how the path begins.
    pub path: Option<String>,
    /// How many matching calls pass before the first that fails.
    pub after: u32,
    /// How many fail; none: all from then on.
    pub times: Option<u32>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
}

/// A text that is no fault, and why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a fault: {why}\n  a fault is a word (latency=150ms, status=503, reset, lost, \
     truncate, html, hang, stall, expired-token, stuck-activation, fail-activation, \
     flip-activation, drift, say=items:elements)\n  and where it applies: env=prod method=GET \
     path=/archive (path=^/projects: how it begins) after=2 times=3 retry-after=1"
)]
pub struct FaultError {
    text: String,
    why: String,
}

impl FromStr for Fault {
    type Err = FaultError;

    /// Reads `status=503 env=prod path=/archive times=2`. Blanks or commas stand between.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why: String| FaultError { text: text.to_owned(), why };
        let mut words = text.split([' ', ',']).filter(|w| !w.is_empty());
        let first = words.next().ok_or_else(|| fail("it is empty".into()))?;
        let what = what(first).ok_or_else(|| fail(format!("`{first}` is not known")))?;
        let mut fault = Self {
            what,
            environment: None,
            method: None,
            path: None,
            after: 0,
            times: None,
            retry_after: None,
        };
        for word in words {
            let (key, value) =
                word.split_once('=').ok_or_else(|| fail(format!("`{word}` has no value")))?;
            let number = || value.parse().map_err(|_| fail(format!("`{value}` is not a number")));
            match key {
                "env" => fault.environment = Some(value.into()),
                "method" => fault.method = Some(value.to_ascii_uppercase()),
                "path" => fault.path = Some(value.into()),
                "after" => fault.after = number()?,
                "times" => fault.times = Some(number()?),
                "retry-after" => fault.retry_after = Some(number()?),
                _ => return Err(fail(format!("`{key}` is not known"))),
            }
        }
        Ok(fault)
    }
}

fn what(word: &str) -> Option<FaultKind> {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    Some(match (key, value) {
        ("latency", v) => FaultKind::Latency(duration(v)?),
        ("status", v) => FaultKind::Status(v.parse().ok().filter(|s| (400..600).contains(s))?),
        ("reset", "") => FaultKind::Reset,
        ("lost", "") => FaultKind::Lost,
        ("truncate", "") => FaultKind::Truncate,
        ("html", "") => FaultKind::Html,
        ("hang", "") => FaultKind::Hang,
        ("stall", "") => FaultKind::Stall,
        ("flip-activation", "") => FaultKind::FlipActivation,
        ("expired-token", "") => FaultKind::ExpiredToken,
        ("stuck-activation", "") => FaultKind::StuckActivation,
        ("fail-activation", "") => FaultKind::FailActivation,
        ("drift", "") => FaultKind::Drift,
        ("say", v) => {
            let (word, instead) = v.split_once(':')?;
            FaultKind::Say { word: word.into(), instead: instead.into() }
        }
        _ => return None,
    })
}

fn duration(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(ms) => ms.parse().ok().map(Duration::from_millis),
        None => text.strip_suffix('s')?.parse().ok().map(Duration::from_secs),
    }
}

/// The faults in force, and how often each has matched.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<(Fault, u32)>>);

/// A call, as faults see it.
#[derive(Debug, Clone, Copy)]
pub struct FaultedCall<'a> {
    pub environment: &'a str,
    pub method: &'a str,
    pub path: &'a str,
}

impl Faults {
    /// Puts a fault in force, with no matching call counted yet.
    pub fn add(&self, fault: Fault) {
        self.lock().push((fault, 0));
    }

    /// Removes all faults and what was counted of them.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Fault, u32)>> {
        // A poisoned list of faults is still a list of faults.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The faults that hit this call. The call is counted here, so a caller asks once for each
    /// call.
    pub fn count_and_match(&self, call: FaultedCall<'_>) -> Vec<Fault> {
        let mut hits = Vec::new();
        for (fault, count) in self.lock().iter_mut().filter(|(f, _)| f.matches(call)) {
            *count += 1;
            let nth = *count - 1;
            if nth >= fault.after && fault.times.is_none_or(|times| nth - fault.after < times) {
                hits.push(fault.clone());
            }
        }
        hits
    }
}

impl Fault {
    fn matches(&self, call: FaultedCall<'_>) -> bool {
        self.environment.as_deref().is_none_or(|e| e == call.environment)
            && self.method.as_deref().is_none_or(|m| m == call.method)
            && self.path.as_deref().is_none_or(|p| match p.strip_prefix('^') {
                Some(begin) => call.path.starts_with(begin),
                None => call.path.contains(p),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_and_strikes_where_it_says() {
        let faults = Faults::default();
        faults.add("status=503 env=prod method=get path=/archive after=1 times=2".parse().unwrap());
        let call = |environment, path| {
            faults.count_and_match(FaultedCall { environment, method: "GET", path }).len()
        };
        assert_eq!(call("dev", "/x/archive"), 0);
        assert_eq!(call("prod", "/x"), 0);
        let hits: Vec<_> = (0..5).map(|_| call("prod", "/x/archive")).collect();
        assert_eq!(hits, [0, 1, 1, 0, 0]);
    }

    #[test]
    fn what_is_no_fault_says_why() {
        for bad in
            ["", "boom", "status=99", "latency=fast", "reset env", "reset x=1", "reset times=many"]
        {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }
}
