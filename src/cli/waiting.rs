//! What a person is told who waits, and what Ctrl-C does meanwhile.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    args::Global,
    output::{self, CommandError, Exit},
};
use crate::config::Config;
use crate::oic::{Client, Silence, TOLD_AFTER};
use crate::workspace::{Workspace, events::StopSignal};

/// How often a silence is told again.
const TOLD_AGAIN: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_secs(1);

/// What Ctrl-C does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CtrlC {
    /// The command only reads: it ends.
    Ends,
    /// The work stops, and what was done so far is kept.
    Stops,
    /// A run stops and puts back what was there.
    PutsBack,
    /// A run that is stopping is held where it is.
    Holds,
    /// The program ends.
    Quits,
}

static CTRL_C: AtomicU8 = AtomicU8::new(CtrlC::Ends as u8);

impl CtrlC {
    /// Notes that this is what it does from now on.
    fn set(self) {
        CTRL_C.store(self as u8, Ordering::SeqCst);
    }

    fn now() -> Self {
        let all = [Self::Ends, Self::Stops, Self::PutsBack, Self::Holds, Self::Quits];
        let now = CTRL_C.load(Ordering::SeqCst);
        all.into_iter().find(|c| *c as u8 == now).unwrap_or(Self::Quits)
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Ends => "Ctrl-C ends this",
            Self::Stops => "Ctrl-C stops; what was taken so far is kept",
            Self::PutsBack => "Ctrl-C stops the run and puts back what was there",
            Self::Holds => "the run stops after that; Ctrl-C again holds it now",
            Self::Quits => "Ctrl-C again ends at once",
        }
    }
}

/// Opens the workspace of a command, and from then on tells whom the command waits for.
pub(super) async fn open(config: &Config, global: &Global) -> Result<Workspace, CommandError> {
    let workspace = Workspace::open(config).await?;
    tell_silences(workspace.environments.clone(), global);
    Ok(workspace)
}

/// Tells on standard error of each environment that has not answered for a while.
pub(super) fn tell_silences(clients: Vec<Client>, global: &Global) {
    if global.quiet {
        return;
    }
    tokio::spawn(async move {
        // By environment, the call that was told and when.
        let mut told: BTreeMap<usize, (String, Instant)> = BTreeMap::new();
        loop {
            tokio::time::sleep(LOOK).await;
            for (at, client) in clients.iter().enumerate() {
                let Some(silence) = client.silence(TOLD_AFTER) else { continue };
                let again = told.get(&at).is_some_and(|(call, when)| {
                    *call == silence.call && when.elapsed() < TOLD_AGAIN
                });
                if !again {
                    output::tell(sentence(&silence, CtrlC::now()));
                    told.insert(at, (silence.call, Instant::now()));
                }
            }
        }
    });
}

fn sentence(silence: &Silence, ctrl_c: CtrlC) -> String {
    format!("{}; {}", silence.describe(), ctrl_c.describe())
}

/// A token that Ctrl-C cancels; a second Ctrl-C ends the program at once.
pub(super) fn on_interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    CtrlC::Stops.set();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            CtrlC::Quits.set();
            output::tell("stopping; what was taken so far is kept (Ctrl-C again ends at once)");
            cancel.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Interrupted.code());
        }
    });
    token
}

/// How a run is stopped: Ctrl-C puts back, a second one holds everything where it is, a third ends
/// the program, whose journal is whole at any time.
pub(super) fn on_stop(client: &Client) -> StopSignal {
    let stop = StopSignal::default();
    let (asked, client) = (stop.clone(), client.clone());
    CtrlC::PutsBack.set();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            CtrlC::Holds.set();
            let sent = client.silence(Duration::ZERO).filter(|silence| silence.changes);
            output::tell(match sent {
                Some(silence) => format!("{} (Ctrl-C again holds it now)", silence.stops_after()),
                None => "stopping at the next safe point; what was there is put back (Ctrl-C \
                         again holds it where it is)"
                    .to_owned(),
            });
            asked.undo();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            CtrlC::Quits.set();
            output::tell(
                "holding it where it is; oicx resume continues or undoes it (Ctrl-C again ends at once)",
            );
            asked.hold();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Interrupted.code());
        }
    });
    stop
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_says_who_is_waited_for_and_what_ctrl_c_does() {
        let silence = Silence {
            environment: "prod".parse().unwrap(),
            call: "replace SYNC|01.00.0000".into(),
            changes: true,
            waited: Duration::from_secs(12),
            at_most: Duration::from_secs(120),
            asked: false,
        };
        assert_eq!(
            sentence(&silence, CtrlC::PutsBack),
            "prod has not answered replace SYNC|01.00.0000 for 12 s, at most 120 s; Ctrl-C stops \
             the run and puts back what was there"
        );
        let asked = Silence { asked: true, ..silence };
        assert_eq!(
            sentence(&asked, CtrlC::Ends),
            "prod asked to wait 120 s before replace SYNC|01.00.0000: 12 s so far; Ctrl-C ends this"
        );
    }
}
