//! Every screen as a picture of letters, at 80×24 and 120×32. What is of the moment (clock, ages,
//! ids, ports) is replaced by `¤¤¤`, so that a picture changes only when a screen does.
//! `INSTA_UPDATE=always cargo test screens::` writes them anew; each is looked at before it is
//! kept.

use crossterm::event::{KeyCode, KeyModifiers};
use oicx::sim::ServiceInstance;
use oicx::tui::Appearance;
use ratatui::layout::Rect;

use crate::explorer_restores::{at, cut_off, down_to};
use crate::runs::two_with_many_runs;
use crate::store::take_backup;
use crate::support::{World, id, screen::Screen, shuffle::compiled};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 32)];

/// What is of the moment, each by what it looks like.
const OF_THE_MOMENT: &[&str] = &[
    r"\d{4}-\d{2}-\d{2}T\d{6}Z(-restore|-promote|-rollback)?(-[0-9a-f]{1,8})?…?",
    r"store \d+( versions)?",
    r"\d+( of |/)\d+( runs)? failed",
    r"\b\d+ failed",
    r"\d+ × ",
    r"✗ \d{1,3}\b",
    r"record \d+",
    r"1/\d{2,} ",
    r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}",
    r"\d{2}:\d{2}:\d{2}",
    r"\b\d{2}:\d{2}\b",
    r"127\.0\.0\.1:\d+",
    r"\b(just n(ow)?|\d+[smhdw]( ago)?)\b…?",
    r"Resubmit \d+ runs",
    r"newest (now|\d+[smhdw]) *",
    r"\d+\.\d s",
    r"\d+\.\d/s|\d+/s",
    r"\b\d+ KB\b",
    r"[▁▂▃▄▅▆▇█·]{8,}",
    r" +▲ *",
    r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]",
    r"on [a-z0-9-]+ (still|goes)",
    r"ago by [a-z]+ ",
];

fn picture(screen: &Screen) -> String {
    let mut text = screen.text();
    for pattern in OF_THE_MOMENT {
        let dots = |found: &regex::Captures<'_>| "¤".repeat(found[0].chars().count());
        text = compiled(pattern).replace_all(&text, dots).into_owned();
    }
    // An age of another length moves what stands behind it.
    let text = compiled(r"¤+ *").replace_all(&text, "¤¤¤ ").into_owned();
    // What stands before the first of them keeps its columns.
    let gap = compiled(r" {2,}");
    let line = |l: &str| match l.find("¤¤¤") {
        Some(at) => {
            let before = l[..at].trim_end();
            let apart = if l[..at].len() - before.len() > 1 { "  " } else { &l[before.len()..at] };
            format!("{before}{apart}{}", gap.replace_all(&l[at..], "  "))
        }
        None => l.to_owned(),
    };
    // How many runs there were in a day is of the moment, too.
    let mut lines: Vec<String> = text.lines().map(line).collect();
    for end in ["completed", "✗ ¤¤¤ failed"] {
        lines.dedup_by(|a, b| a.contains(end) && b.contains(end));
    }
    lines.join("\n")
}

/// Screens that name keys of elsewhere, or whose lines are chosen by a click of their own.
const LISTS_OF_KEYS: [&str; 2] = ["help", "palette"];

/// The keys that the topmost screen names, each with its place: what is drawn as the keys of the
/// footer are.
fn keys_on_top(screen: &Screen) -> Vec<(String, u16, u16)> {
    let buffer = screen.explorer.terminal().backend().buffer();
    let (width, height) = (buffer.area.width, buffer.area.height);
    let cell = |x: u16, y: u16| &buffer[(x, y)];
    let foot = height - 1;
    let key = (0..width).map(|x| cell(x, foot)).find(|c| c.symbol() != " ").unwrap().style();
    let inside = box_on_top(screen).unwrap_or(buffer.area);
    let mut found: Vec<(String, u16, u16)> = Vec::new();
    for y in inside.y..inside.bottom() {
        let mut word = None;
        for x in inside.x..inside.right() {
            let drawn = cell(x, y).symbol();
            if cell(x, y).style() != key || drawn == " " {
                word = None;
                continue;
            }
            let at = *word.get_or_insert_with(|| {
                found.push((String::new(), x, y));
                found.len() - 1
            });
            found[at].0.push_str(drawn);
        }
    }
    found
}

/// The box in the middle, where the topmost screen is one: its corners are as far from the left as
/// from the right.
fn box_on_top(screen: &Screen) -> Option<Rect> {
    let buffer = screen.explorer.terminal().backend().buffer();
    let (width, height) = (buffer.area.width, buffer.area.height);
    let is = |x: u16, y: u16, corner: &str| buffer[(x, y)].symbol() == corner;
    let left = (1..width / 2).find(|x| (0..height).any(|y| is(*x, y, "╭")))?;
    let corner = |what: &str| (0..height).find(|y| is(left, *y, what));
    let (top, bottom) = (corner("╭")?, corner("╰")?);
    let wide = (left + 1..width).find(|x| is(*x, top, "╮"))? - left + 1;
    Some(Rect { x: left, y: top, width: wide, height: bottom - top + 1 })
}

/// Holds the screen against its picture, and every key that it offers against the mouse.
fn looks(screen: &Screen, name: &str, size: (u16, u16)) {
    // Without glyphs a box has no corners by which it is found.
    if !LISTS_OF_KEYS.contains(&name) && !name.starts_with("ascii") {
        for (word, x, y) in keys_on_top(screen) {
            let pressed = screen.explorer.pressed_at(x, y);
            assert!(pressed.is_some(), "{name}: a click on {word} is lost\n{}", screen.text());
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture(screen));
    });
}

fn ctrl(screen: &mut Screen, key: char) -> &mut Screen {
    screen.key_with(KeyCode::Char(key), KeyModifiers::CONTROL)
}

#[tokio::test]
async fn the_rows_and_what_narrows_them() {
    for size in SIZES {
        let (_world, workspace) = two_with_many_runs(false).await;
        let mut screen = Screen::start(workspace, size);
        at(&mut screen, "", '2').await;
        looks(&screen, "matrix", size);
        screen.keys("/chi");
        looks(&screen, "find", size);
        screen.esc().keys("?");
        looks(&screen, "help", size);
        screen.esc().keys(":").keys("the");
        looks(&screen, "palette", size);
        screen.esc().keys("K");
        looks(&screen, "connections", size);
        screen.keys("KKKKKKKKK").keys("p");
        looks(&screen, "projects", size);
        screen.esc().keys("z");
        looks(&screen, "grouped", size);
        screen.keys("z").keys("D").wait("Drift of").await;
        looks(&screen, "drift", size);
        screen.esc().keys("L");
        looks(&screen, "log", size);
        screen.esc().keys("j");
        looks(&screen, "jobs_none", size);
    }
}

#[tokio::test]
async fn what_is_in_an_archive() {
    for size in SIZES {
        let (_world, workspace) = two_with_many_runs(false).await;
        let mut screen = Screen::start(workspace, size);
        at(&mut screen, "parent", '1').await;
        screen.enter().wait("[Flow]").await;
        screen.keys("1").wait("no secret was found").await;
        looks(&screen, "inspector_overview", size);
        screen.keys("2");
        looks(&screen, "inspector_flow", size);
        screen.keys("3");
        looks(&screen, "inspector_mappings", size);
        screen.keys("4").wait("is needed by").await.idle().await;
        looks(&screen, "inspector_dependencies", size);
        screen.keys("5");
        looks(&screen, "inspector_files", size);
        screen.keys("/project.xml").enter().enter().wait("of").await;
        screen.wait("lines").await;
        looks(&screen, "viewer", size);
        screen.keys("q").esc().keys("6");
        looks(&screen, "inspector_history", size);
    }
}

#[tokio::test]
async fn what_changed_and_what_fails() {
    for size in SIZES {
        let (world, workspace) = two_with_many_runs(false).await;
        let mut screen = Screen::start(workspace, size);
        at(&mut screen, "sync", '1').await;
        screen.keys("2b1c").wait("PAY_GRADE now used").await.idle().await;
        looks(&screen, "compare", size);
        screen.keys("T").wait("connectionUrl").await;
        looks(&screen, "compare_files", size);
        screen.esc().esc().keys("2t").wait("live now").await;
        screen.wait("every run fails").await.wait("= the same").await.idle().await;
        looks(&screen, "timeline", size);
        screen.esc().enter().wait("[Flow]").await;
        screen.keys("1").wait("no secret was found").await;
        screen.keys("7").wait("errors; open one").await;
        looks(&screen, "inspector_runs", size);
        screen.keys("R").wait("type prod").await;
        looks(&screen, "recover", size);
        screen.esc();
        let stop = |i: &mut ServiceInstance| i.deactivate(&id("SYNC|01.00.0000")).unwrap();
        world.sim.with_instance("prod", stop).unwrap();
        screen.keys("R").wait("activate or restore it first").await;
        looks(&screen, "recover_blocked", size);
        screen.esc().esc().keys("gputThing").enter().wait("invoke putThing").await.idle().await;
        looks(&screen, "search", size);
    }
}

#[tokio::test]
async fn a_project_and_what_belongs_to_it() {
    for size in SIZES {
        let world = World::of(&crate::project_page::landscape("")).await;
        take_backup(&world, "prod").await;
        let mut screen = Screen::start(world.workspace().await, size);
        screen.wait("PEOPLE/PAY_FEED").await.idle().await;
        screen.keys(":projects").enter().wait("╭ Projects").await;
        screen.keys("/people").enter().enter().wait("2 active").await;
        screen.wait("administrators").await.wait("newest backups know").await;
        screen.wait("projects/PEOPLE · ").await;
        looks(&screen, "project_page", size);
        screen.esc().esc().keys(":integrations").enter().wait("╭ Integrations").await;
        screen.keys("p").wait("╭ Projects").await.keys("peo").enter();
        screen.keys(":certificates").enter();
        screen.wait("are in no project").await;
        looks(&screen, "no_such_kind_in_a_project", size);
    }
}

#[tokio::test]
async fn a_restore_from_the_choice_to_the_proof() {
    for size in SIZES {
        let (_world, workspace) = two_with_many_runs(true).await;
        let mut screen = Screen::start(workspace, size);
        at(&mut screen, "sync", '2').await;
        screen.keys("r").wait("which version?").await;
        looks(&screen, "versions", size);
        down_to(&mut screen, "▶ test");
        screen.enter().wait("type prod").await;
        screen.keys("pro").enter();
        looks(&screen, "plan_refused", size);
        screen.keys("d").enter().wait("RESTORED").await.idle().await;
        looks(&screen, "running_restored", size);
        screen.keys("k").wait("all of it was seen").await;
        looks(&screen, "checklist", size);
        screen.esc().esc().keys("j");
        looks(&screen, "jobs", size);
        screen.esc().keys("o").wait("Runs, newest first").await;
        looks(&screen, "runs", size);
    }
}

#[tokio::test]
async fn steps_that_a_person_does_by_hand() {
    for size in SIZES {
        let world = World::of(crate::projects::LANDSCAPE).await;
        take_backup(&world, "prod").await;
        crate::projects::change_pay_feed(&world);
        let mut screen = Screen::start(world.workspace().await, size);
        screen.wait("PEOPLE/PAY_FEED").await.wait("store 2").await.idle().await;
        let told = if size.0 > 100 { "1 endpoint" } else { "differs in meaning" };
        screen.keys("/pay").enter().wait(told).await.idle().await;
        screen.keys("r").wait("which version?").await;
        screen.enter().wait("do by hand").await.idle().await;
        looks(&screen, "plan_by_hand", size);
    }
}

#[tokio::test]
async fn what_was_cut_off_is_offered_and_taken_up() {
    for size in SIZES {
        let (world, workspace) = two_with_many_runs(false).await;
        cut_off(&world, &workspace).await;
        let mut screen = Screen::start(workspace, size);
        screen
            .wait("A run was cut off")
            .await
            .wait("PARENT")
            .await
            .wait("store 2")
            .await
            .idle()
            .await;
        looks(&screen, "runs_waiting", size);
        screen.keys("g").wait("type prod").await;
        looks(&screen, "reopen_continue", size);
    }
}

#[tokio::test]
async fn values_for_a_connection() {
    for size in SIZES {
        let (_world, workspace) = two_with_many_runs(false).await;
        let mut screen = Screen::start(workspace, size);
        at(&mut screen, "parent", '3').await;
        screen.keys("r").wait("which version?").await;
        screen.enter().wait("it cannot be done as things are").await;
        looks(&screen, "plan_blocked", size);
        while !screen.shows("Ctrl-F asks for the values") {
            ctrl(&mut screen, 'f').wait("it cannot be done as things are").await;
        }
        ctrl(&mut screen, 'f').wait("connectionUrl").await;
        looks(&screen, "connection_form", size);
    }
}

#[tokio::test]
async fn what_waits_what_is_held_and_the_question_at_the_end() {
    for size in SIZES {
        let (world, workspace) = two_with_many_runs(false).await;
        let mut screen = Screen::start(workspace, size);
        at(&mut screen, "sync", '2').await;
        world.fault("latency=300ms env=prod");
        screen.keys("r").wait("which version?").await;
        down_to(&mut screen, "▶ test");
        screen.enter();
        looks(&screen, "waiting_for_a_plan", size);
        screen.wait("type prod").await;
        screen.keys("prod").enter().wait("⠋ 2 deactivate").await;
        screen.esc().keys("q");
        looks(&screen, "quit", size);
        screen.esc().keys("j").wait("SYNC").await;
        screen.enter().wait("deactivate").await;
        screen.keys("H").wait("HELD on prod").await.idle().await;
        looks(&screen, "running_held", size);
    }
}

#[tokio::test]
async fn letters_alone_where_a_terminal_has_no_glyphs() {
    for size in SIZES {
        let (_world, workspace) = two_with_many_runs(false).await;
        let appearance = Appearance { theme: None, ascii: true };
        let mut screen = Screen::start_with(workspace, size, appearance, None);
        at(&mut screen, "sync", '2').await;
        looks(&screen, "ascii_matrix", size);
        screen.enter().wait("[Flow]").await;
        looks(&screen, "ascii_flow", size);
        screen.esc().keys("r").wait("which version?").await;
        down_to(&mut screen, "> test");
        screen.enter().wait("type prod").await;
        looks(&screen, "ascii_plan", size);
        assert!(screen.text().is_ascii(), "{}", screen.text());
    }
}
