//! The calls of an environment that are under way: how long each may still take, and which of them
//! nobody has answered yet. A person who waits is told of it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::request_spec::{Idempotency, Payload, RequestSpec};
use crate::config::Deadlines;
use crate::model::{EnvironmentName, visible};

/// After how long a person is told that a call has had no answer.
pub const TOLD_AFTER: Duration = Duration::from_secs(10);

/// How slow an upload may be, in bytes a second, before its deadline counts against it.
const SLOW_UPLOAD: u64 = 128 << 10;

/// A call that has had no answer for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    pub environment: EnvironmentName,
    /// What was asked for: `replace SYNC|01.00.0000`.
    pub call: String,
    /// Whether it changes something: then it is open whether that happened.
    pub changes: bool,
    pub waited: Duration,
    /// How long it is waited for in all.
    pub at_most: Duration,
    /// Whether the service asked to wait that long.
    pub asked: bool,
}

impl Silence {
    /// When a run stops whose change this is: one that is sent may take effect at any time, so
    /// nothing is put back under it.
    pub fn stops_after(&self) -> String {
        let left = self.at_most.saturating_sub(self.waited).as_secs_f64().ceil();
        format!(
            "stopping when {} is answered, in {left} s at the latest; what was there is put back",
            self.call
        )
    }

    /// Who is waited for, how long already, and how long at most.
    pub fn describe(&self) -> String {
        let Self { environment, call, waited, at_most, .. } = self;
        let (waited, at_most) = (waited.as_secs(), at_most.as_secs_f64().ceil());
        match self.asked {
            true => {
                format!("{environment} asked to wait {at_most} s before {call}: {waited} s so far")
            }
            false => {
                format!("{environment} has not answered {call} for {waited} s, at most {at_most} s")
            }
        }
    }
}

/// The calls of one environment.
#[derive(Debug, Default)]
pub(super) struct PendingCalls(Mutex<CallList>);

#[derive(Debug, Default)]
struct CallList {
    last: u64,
    calls: BTreeMap<u64, CallUnderWay>,
    /// When any call was last answered.
    heard: Option<Instant>,
}

#[derive(Debug)]
struct CallUnderWay {
    name: String,
    changes: bool,
    stage: Stage,
    since: Instant,
    until: Instant,
}

/// Who said how long a call pauses before it is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PausedBy {
    /// The service asked for it, so the wait does not count against the deadline.
    Service,
    Client,
}

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// For its turn: it was not sent.
    Queued,
    /// For an answer, or for the rest of one.
    Sent,
    /// Until it is sent again.
    Paused { wait: Duration, by: PausedBy },
}

/// One call under way, for as long as this lives.
#[derive(Debug)]
pub(super) struct PendingCall<'a> {
    pending: &'a PendingCalls,
    number: u64,
    most: Duration,
    reads: bool,
    idle: Duration,
}

impl PendingCalls {
    /// Notes a call that is about to be made.
    pub fn begin(&self, call: &RequestSpec, deadlines: &Deadlines) -> PendingCall<'_> {
        let reads = call.idempotency == Idempotency::None;
        // An export is made before its first byte is sent.
        let most = if reads && !call.file { deadlines.read } else { deadlines.change };
        let most = most + upload_time(call);
        let (changes, stage, since) = (!reads, Stage::Queued, Instant::now());
        let name = match &call.subject {
            Some(subject) => format!("{} {}", call.action, visible(subject)),
            None => call.action.to_owned(),
        };
        let mut list = self.list();
        list.last += 1;
        let number = list.last;
        let under_way = CallUnderWay { name, changes, stage, since, until: since + most };
        list.calls.insert(number, under_way);
        PendingCall { pending: self, number, most, reads, idle: deadlines.idle }
    }

    /// The call that has had no answer for longest, where that is longer than `after`; one that
    /// changes something comes before those that only read.
    pub fn silence(&self, environment: &EnvironmentName, after: Duration) -> Option<Silence> {
        let list = self.list();
        let silent = list
            .calls
            .values()
            .filter(|call| call.stage != Stage::Queued && call.since.elapsed() >= after);
        let call = silent.max_by_key(|call| (call.changes, call.since.elapsed()))?;
        Some(Silence {
            environment: environment.clone(),
            call: call.name.clone(),
            changes: call.changes,
            waited: call.since.elapsed(),
            at_most: match call.stage {
                Stage::Paused { wait, .. } => wait,
                _ => call.until.saturating_duration_since(call.since),
            },
            asked: matches!(call.stage, Stage::Paused { by: PausedBy::Service, .. }),
        })
    }

    /// Whether any call was answered within this time.
    pub fn heard_within(&self, time: Duration) -> bool {
        self.list().heard.is_some_and(|heard| heard.elapsed() < time)
    }

    fn list(&self) -> MutexGuard<'_, CallList> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingCall<'_> {
    /// How long the call may take in all.
    pub fn most(&self) -> Duration {
        self.most
    }

    /// When it is given up.
    pub fn until(&self) -> Instant {
        self.with(|call| call.until).unwrap_or_else(Instant::now)
    }

    /// Whether the deadline is past. Each try of a change has its own: it is sent again only
    /// where it surely did nothing.
    pub fn is_over(&self) -> bool {
        self.reads && self.until() <= Instant::now()
    }

    /// Waits for its turn. False where it never came, because the environment answered nothing at
    /// all for as long as the call may take.
    pub async fn turn<T>(&self, turn: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let mut turn = std::pin::pin!(turn);
        let mut until = began + self.most;
        loop {
            tokio::select! {
                came = &mut turn => {
                    self.with(|call| {
                        call.until += began.elapsed();
                        (call.stage, call.since) = (Stage::Sent, Instant::now());
                    });
                    return Some(came);
                }
                () = tokio::time::sleep_until(until) => {
                    let list = self.pending.list();
                    // A change that was sent may rightly take its time.
                    let changes = list.calls.values().filter(|call| call.changes);
                    let sent = changes.filter(|call| call.stage == Stage::Sent);
                    let busy = sent.map(|call| call.until).max().unwrap_or(began);
                    let heard = list.heard.unwrap_or(began) + self.most;
                    if heard.max(busy) <= Instant::now() {
                        return None;
                    }
                    until = heard.max(busy);
                }
            }
        }
    }

    /// Notes that the call goes out now; what came before it, such as a sign-in, does not count.
    pub fn sent(&self) {
        let (reads, most) = (self.reads, self.most);
        self.with(|call| {
            let before = call.since.elapsed();
            (call.stage, call.since) = (Stage::Sent, Instant::now());
            call.until = if reads { call.until + before } else { call.since + most };
        });
    }

    /// Notes that an answer came, or a piece of it, and gives until when the next one is waited
    /// for.
    pub fn heard(&self) -> Instant {
        let now = Instant::now();
        self.pending.list().heard = Some(now);
        let until = now + self.idle;
        self.with(|call| (call.stage, call.since, call.until) = (Stage::Sent, now, until));
        until
    }

    /// Waits before the call is sent again. What the service asked for does not count against the
    /// deadline.
    pub async fn pause(&self, wait: Duration, by: PausedBy) {
        let now = Instant::now();
        self.with(|call| {
            (call.stage, call.since) = (Stage::Paused { wait, by }, now);
            if by == PausedBy::Service {
                call.until = call.until.max(now) + wait;
            }
        });
        tokio::time::sleep(wait).await;
        self.with(|call| (call.stage, call.since) = (Stage::Queued, Instant::now()));
    }

    fn with<T>(&self, look: impl FnOnce(&mut CallUnderWay) -> T) -> Option<T> {
        self.pending.list().calls.get_mut(&self.number).map(look)
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        self.pending.list().calls.remove(&self.number);
    }
}

/// What sending a file may take beside the service's own time.
fn upload_time(call: &RequestSpec) -> Duration {
    match &call.body {
        Payload::Archive { bytes, .. } => Duration::from_secs(bytes.0.len() as u64 / SLOW_UPLOAD),
        _ => Duration::ZERO,
    }
}
