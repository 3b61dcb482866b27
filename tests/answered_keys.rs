//! A key that the keymap binds for a place does something there, in one of the states of the place:
//! a name in the keymap alone is no action.

use std::collections::BTreeSet;

use oicx::tui::{Action, Context, Event, Keymap};
use rstest::rstest;

use crate::explorer_restores::at;
use crate::runs::two_with_many_runs;
use crate::support::screen::Screen;

const UNANSWERED: &str = "does nothing here";

/// Goes from the matrix to a place, in each of its states in which keys mean something.
#[derive(Clone, Copy)]
struct State {
    keys: &'static str,
    shows: &'static str,
}

const fn state(keys: &'static str, shows: &'static str) -> State {
    State { keys, shows }
}

const EXPLORER: &[State] = &[state("", "SYNC")];
const INSPECTOR: &[State] = &[
    state("2\n2", "[Flow]"),
    state("2\n7", "errors; open one"),
    state("2\n5", "[Files]"),
    state("2\n2/put\n", "[Flow]"),
];
const COMPARE: &[State] = &[state("2b1c", "PAY_GRADE now used")];
const TIMELINE: &[State] = &[state("2t", "live now")];
const VIEWER: &[State] =
    &[state("2\n5/project.xml\n\n", "lines"), state("2\n5/project.xml\n\n/name\n", "lines")];
const FOUND: &[State] = &[state("gputThing\n", "invoke putThing")];

async fn go(screen: &mut Screen, to: State) {
    for c in to.keys.chars() {
        match c {
            '\n' => screen.enter(),
            c => screen.keys(&c.to_string()),
        };
        screen.idle().await;
    }
    screen.wait(to.shows).await.idle().await;
}

#[rstest]
#[case(Context::Explorer, EXPLORER)]
#[case(Context::Inspector, INSPECTOR)]
#[case(Context::Compare, COMPARE)]
#[case(Context::Timeline, TIMELINE)]
#[case(Context::Viewer, VIEWER)]
#[case(Context::Found, FOUND)]
#[tokio::test]
async fn every_key_of_a_place_is_answered(#[case] place: Context, #[case] states: &[State]) {
    let (world, _) = two_with_many_runs(false).await;
    let keys = Keymap::built_in().unwrap();
    // What closes the program or leaves the terminal is tried elsewhere.
    let all = keys.of(place).into_iter().filter(|(action, _)| *action != Action::Quit);
    let bound: Vec<(Action, _)> = all.map(|(action, keys)| (action, keys[0])).collect();
    let mut answered: BTreeSet<&str> = BTreeSet::new();
    for to in states {
        let mut screen = Screen::start(world.workspace().await, (120, 32));
        at(&mut screen, "sync", '1').await;
        for (action, key) in &bound {
            go(&mut screen, *to).await;
            screen.explorer.handle(Event::Key(*key));
            screen.draw();
            if !screen.shows(UNANSWERED) {
                answered.insert(action.label());
            }
            // Back to the rows, as they were.
            screen = Screen::start(world.workspace().await, (120, 32));
            at(&mut screen, "sync", '1').await;
        }
    }
    let dead: Vec<&str> =
        bound.iter().map(|(a, _)| a.label()).filter(|name| !answered.contains(name)).collect();
    assert!(dead.is_empty(), "{place:?}: nothing answers {dead:?}");
}
