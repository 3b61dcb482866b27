//! The explorer in memory: what a person sees and does.

use std::sync::{Arc, Mutex};

use crossterm::event::{KeyCode, KeyModifiers, MouseEventKind};
use oicx::tui::{Appearance, Event, Keymap, Setup};

use crate::store::incident;
use crate::support::{World, screen::Screen};

#[tokio::test]
async fn the_story_is_told_by_keys_alone() {
    let (world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/syn");
    assert!(screen.line("▶").contains("SYNC"), "{}", screen.text());
    screen.enter().wait("≠").await;
    screen.keys("e").wait("1 exported").await.wait("2 versions").await;
    screen.keys("r").wait("which version?").await;
    assert!(
        !screen.line("▶ prod").contains("= here now") && screen.text().contains("= here now"),
        "{}",
        screen.text()
    );
    screen.enter().wait("type prod").await;
    assert!(screen.shows("replace in place: this version number was changed in place by j.doe"));
    screen.enter();
    assert!(screen.shows("type prod exactly"), "{}", screen.text());
    screen.keys("prod").enter().wait("RESTORED").await;
    assert!(screen.shows("wanted") && screen.shows("found"));
    screen.esc().idle().await;
    assert!(!screen.line("SYNC").contains('≠'), "{}", screen.text());
    assert_eq!(world.sim.calls("prod PUT"), 1);
}

#[tokio::test]
async fn esc_leaves_everything_as_it_is_at_every_point() {
    let (world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    let changes = || world.sim.calls("prod POST") + world.sim.calls("prod PUT");
    screen.keys("/sync").enter().keys("r").esc();
    screen.keys("r").enter().wait("type prod").await;
    screen.keys("pro").esc();
    assert!(screen.shows("nothing was changed"));
    for _ in 0..5 {
        screen.esc();
    }
    assert!(!screen.explorer.is_over(), "esc never leaves the program");
    assert_eq!(changes(), 0);
}

#[tokio::test]
async fn an_environment_that_is_down_is_told_with_its_reason_and_the_others_work() {
    let (world, mut workspace) = incident().await;
    let nobody = oicx::config::EnvironmentConfig {
        url: "http://127.0.0.1:9".parse().unwrap(),
        ..world.environment("dev")
    };
    workspace.environments[0] = world.client_of(nobody);
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("dev ✗ cannot connect").await;
    screen.wait("ORDERS").await;
    screen.keys("1");
    assert!(screen.shows("cannot connect: Connection refused"), "{}", screen.text());
    screen.keys("2/ord").enter().keys("e").wait("exported").await;
}

#[tokio::test]
async fn what_was_seen_last_time_shows_at_once_and_dimmed_with_its_age_while_nothing_answers() {
    let (world, workspace) = incident().await;
    let mut first = Screen::start(workspace, (120, 32));
    first.wait("SYNC").await.idle().await;
    first.explorer.remember();
    drop(first);
    world.fault("hang");
    let second = Screen::start(world.workspace().await, (120, 32));
    assert!(second.shows("SYNC") && second.shows("ORDERS"), "{}", second.text());
}

#[tokio::test]
async fn selection_filter_and_sort_are_remembered() {
    let (world, workspace) = incident().await;
    let state = world.folder.path().join("state.json");
    let mut first =
        Screen::start_with(workspace, (120, 32), Appearance::default(), Some(state.clone()));
    first.wait("SYNC").await.idle().await;
    first.keys("s1/o").enter();
    first.explorer.remember();
    let mut second =
        Screen::start_with(world.workspace().await, (120, 32), Appearance::default(), Some(state));
    second.wait("/ o").await.idle().await;
    assert!(second.shows("by failures"), "{}", second.text());
    assert!(second.line("╭ dev").contains("dev ·"), "{}", second.text());
}

#[tokio::test]
async fn only_differences_and_only_failing_narrow_and_the_title_counts() {
    let (_world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("!");
    assert!(screen.shows("only differences") && screen.shows("SYNC"), "{}", screen.text());
    screen.keys("!x");
    assert!(screen.shows("only failing") && !screen.shows("ORDERS"), "{}", screen.text());
    screen.esc();
    assert!(screen.shows("ORDERS"));
}

#[tokio::test]
async fn marks_gather_rows_for_one_export_and_kinds_switch() {
    let (_world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("a");
    assert!(screen.shows("marked"));
    screen.keys("e").wait("exported").await;
    assert!(screen.shows("skipped LOCKED"), "{}", screen.text());
    screen.keys("K");
    assert!(screen.shows("Connections ▾") && screen.shows("PAYROLL"), "{}", screen.text());
    screen.keys("r");
    assert!(screen.shows("a connection is a description"), "{}", screen.text());
    screen.keys("K");
    assert!(screen.shows("Lookups ▾") && screen.shows("PAY_GRADE"));
}

#[tokio::test]
async fn help_and_palette_are_made_from_the_keymap() {
    let (_world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 40));
    screen.wait("SYNC").await.idle().await;
    screen.keys("?");
    assert!(screen.shows("choose a stored version of this row"), "{}", screen.text());
    screen.esc().keys(":look");
    assert!(screen.shows("show lookups"), "{}", screen.text());
    screen.enter();
    assert!(screen.shows("Lookups ▾"));
    screen.key_with(KeyCode::Char('p'), KeyModifiers::CONTROL).keys("theme light").enter();
    screen.keys(":zzzz");
    assert!(screen.shows("nothing matches"));
}

#[tokio::test]
async fn the_mouse_selects_rows_and_columns_and_presses_keys_of_the_footer() {
    let (_world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    let (x, y) = screen.find("SYNC ");
    screen.click(x, y);
    assert!(screen.line("▶").contains("SYNC"));
    let (x, y) = screen.find("dev  ");
    screen.click(x, y);
    assert!(screen.shows("╭ dev · SYNC"), "{}", screen.text());
    screen.mouse(MouseEventKind::ScrollUp, 10, 10);
    assert!(!screen.line("▶").contains("SYNC"));
    let (x, y) = screen.find("? help");
    screen.click(x, y);
    assert!(screen.shows("Help"));
}

#[tokio::test]
async fn every_size_is_drawn_and_one_too_small_says_so() {
    let (world, _) = incident().await;
    for size in [(80, 24), (120, 32), (200, 60), (50, 12), (49, 12), (20, 5), (1, 1)] {
        let mut screen = Screen::start(world.workspace().await, size);
        if size.0 < 50 {
            assert!(size.0 < 20 || screen.shows("oicx needs"), "{size:?}: {}", screen.text());
        } else {
            screen.wait("SYNC").await.idle().await;
            assert!(screen.text().lines().all(|l| l.chars().count() <= usize::from(size.0)));
        }
        screen.keys("?").esc();
        screen.keys(":").esc();
        screen.keys("jL").esc();
        screen.keys("/x");
    }
}

#[tokio::test]
async fn a_resize_to_almost_nothing_and_back_loses_nothing() {
    let (_world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter();
    for size in [(20, 5), (1, 1), (120, 32)] {
        screen.resize(size);
    }
    assert!(screen.line("▶").contains("SYNC"), "{}", screen.text());
}

#[tokio::test]
async fn a_pasted_megabyte_does_no_harm() {
    let (_world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.explorer.handle(Event::Paste("SYNC\u{1b}[31m\n".repeat(100_000)));
    screen.draw();
    assert!(screen.shows("nothing matches"), "{}", screen.text());
    screen.esc();
    assert!(screen.shows("ORDERS"));
}

#[tokio::test]
async fn a_job_is_cancelled_from_the_jobs_pane_and_what_it_took_is_kept() {
    let (world, workspace) = incident().await;
    world.fault("latency=900ms path=/archive env=dev after=1");
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await;
    screen.keys("1B").keys("j").wait("backup of dev").await.wait("of 8").await;
    screen.keys("c");
    assert!(screen.shows("stopping; what was taken is kept"), "{}", screen.text());
    screen.wait("cancelled").await;
    assert!(
        screen.line("backup of dev").contains('!') || screen.line("backup of dev").contains('✗'),
        "{}",
        screen.text()
    );
    assert!(world.store().await.index().await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn all_that_a_backup_tells_is_read_in_its_job() {
    let (world, workspace) = incident().await;
    world.fault("status=500 path=/archive env=dev");
    let mut screen = Screen::start(workspace, (80, 14));
    screen.wait("SYNC").await.idle().await;
    screen.keys("1B").idle().await;
    screen.keys("j").wait("backup of dev").await.enter();
    assert!(screen.shows("╭ Backup of dev"), "{}", screen.text());
    let (first, last) = ("8 of 8 ·", "`attachments = true`");
    assert!(screen.shows(first) && !screen.shows(last), "{}", screen.text());
    screen.key(KeyCode::End);
    assert!(screen.shows(last) && !screen.shows(first), "{}", screen.text());
}

#[tokio::test]
async fn a_text_is_scrolled_back_from_its_end_at_once() {
    let (_world, workspace) = incident().await;
    let mut screen = Screen::start(workspace, (80, 24));
    screen.wait("SYNC").await.idle().await;
    screen.keys("?").key(KeyCode::End);
    let end = screen.text();
    screen.key(KeyCode::Up);
    assert_ne!(screen.text(), end);
}

#[tokio::test]
async fn a_log_is_read_to_its_beginning_a_page_at_a_time() {
    let (_world, workspace) = incident().await;
    let said = (1..=100).map(|n| format!("line {n} {}", "and what belongs to it ".repeat(5)));
    let log = Arc::new(Mutex::new(said.collect::<Vec<_>>()));
    let setup = Setup { log, ..Setup::new(workspace, Keymap::built_in().unwrap()) };
    let mut screen = Screen::of(setup, (80, 24));
    screen.keys("L");
    assert!(screen.shows("line 100 "), "{}", screen.text());
    screen.key(KeyCode::Home);
    let first = screen.text();
    assert!(first.contains("line 1 ") && first.contains("line 5 "), "{first}");
    // A line of the log takes two of the box: a page of 18 goes from line 1 to line 10.
    screen.key(KeyCode::PageDown);
    assert!(!screen.shows("line 9 ") && screen.shows("line 10 "), "{}", screen.text());
}

#[tokio::test]
async fn quitting_asks_only_while_something_changes_an_environment() {
    let (world, workspace) = incident().await;
    world.fault("latency=400ms method=PUT");
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter().keys("r").enter().wait("type prod").await;
    screen.keys("prod").enter().wait("deactivate SYNC").await;
    screen.esc().keys("q");
    assert!(
        screen.shows("Something changes an environment") && !screen.explorer.is_over(),
        "{}",
        screen.text()
    );
    screen.esc().wait("is restored on prod").await;
    screen.keys("q");
    assert!(screen.explorer.is_over());
}

/// Clicks on the first place of a text: a box stands above the words of the footer.
fn click_on(screen: &mut Screen, text: &str) {
    let (x, y) = screen.find(text);
    screen.click(x, y);
}

#[tokio::test]
async fn the_answers_in_a_box_are_clicked() {
    let (world, workspace) = incident().await;
    world.fault("latency=400ms method=PUT");
    let mut screen = Screen::start(workspace, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter();
    click_on(&mut screen, "restore a version");
    screen.wait("which version?").await;
    screen.enter().wait("type prod").await;
    click_on(&mut screen, "to start it");
    assert!(screen.shows("type prod exactly"), "{}", screen.text());
    screen.keys("prod");
    click_on(&mut screen, "Enter to start it");
    screen.wait("deactivate SYNC").await;
    for answer in ["stay", "leave now"] {
        screen.esc().keys("q");
        assert!(screen.shows("Something changes an environment"), "{}", screen.text());
        click_on(&mut screen, answer);
        assert!(!screen.shows("Something changes an environment") || screen.explorer.is_over());
    }
    assert!(screen.explorer.is_over());
}

#[tokio::test]
async fn names_from_a_server_cannot_move_the_cursor_or_hide_what_they_say() {
    let evil =
        crate::support::LANDSCAPE.replace("name = \"Sync\"", "name = \"ev\\u001b[2Jil\\u202e\"");
    let world = World::of(&evil).await;
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("SYNC").await.idle().await;
    screen.keys("/sync").enter();
    let text = screen.text();
    assert!(text.contains("ev␛[2Jil"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
}

#[tokio::test]
async fn without_glyphs_everything_is_ascii() {
    let (_world, workspace) = incident().await;
    let look = Appearance { theme: None, ascii: true };
    let mut screen = Screen::start_with(workspace, (120, 32), look, None);
    screen.wait("SYNC").await.idle().await;
    assert!(screen.text().is_ascii(), "{}", screen.text());
}
