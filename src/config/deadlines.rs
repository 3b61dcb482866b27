//! How long a person waits for an environment at most.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

/// How long each sort of waiting may last. What takes longer is told as an error or held, and never
/// waited for in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until a call that only reads is answered, all its tries together.
    pub read: Duration,
    /// Until a call that changes something is answered.
    pub change: Duration,
    /// Between two pieces of an answer that has begun.
    pub idle: Duration,
    /// One list, with all its pages.
    pub listing: Duration,
    /// All that a plan asks.
    pub plan: Duration,
    /// How long a change whose answer is lost is tried again.
    pub step: Duration,
    /// How long putting back is tried again.
    pub put_back: Duration,
    /// A whole run; then it is held at once.
    pub run: Duration,
}

/// The table `deadlines` of an environment, in seconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DeadlinesTable {
    connect: Option<Spanned<u64>>,
    read: Option<Spanned<u64>>,
    change: Option<Spanned<u64>>,
    idle: Option<Spanned<u64>>,
    listing: Option<Spanned<u64>>,
    plan: Option<Spanned<u64>>,
    step: Option<Spanned<u64>>,
    put_back: Option<Spanned<u64>>,
    run: Option<Spanned<u64>>,
}

/// A day: what waits longer waits for ever.
const LONGEST: u64 = 86_400;

impl Default for Deadlines {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            read: seconds(30),
            change: seconds(120),
            idle: seconds(30),
            listing: seconds(60),
            plan: seconds(90),
            step: seconds(300),
            put_back: seconds(600),
            run: seconds(7_200),
        }
    }
}

impl DeadlinesTable {
    /// The deadlines that a config gives, the defaults where it gives none; or the place of a
    /// number that is none, and what is wrong with it.
    pub fn read(self) -> Result<Deadlines, (std::ops::Range<usize>, String)> {
        let mut read = Deadlines::default();
        let given = [
            (self.connect, &mut read.connect),
            (self.read, &mut read.read),
            (self.change, &mut read.change),
            (self.idle, &mut read.idle),
            (self.listing, &mut read.listing),
            (self.plan, &mut read.plan),
            (self.step, &mut read.step),
            (self.put_back, &mut read.put_back),
            (self.run, &mut read.run),
        ];
        for (given, deadline) in given {
            let Some(given) = given else { continue };
            if !(1..=LONGEST).contains(given.get_ref()) {
                return Err((given.span(), format!("a deadline is from 1 to {LONGEST} seconds")));
            }
            *deadline = Duration::from_secs(given.into_inner());
        }
        Ok(read)
    }
}
