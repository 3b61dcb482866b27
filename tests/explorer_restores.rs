//! The explorer under pressure: undo, hold, go on after a crash, the form of a connection, the
//! checklist, triage, promote, drift; by keys.

use crossterm::event::{KeyCode, KeyModifiers, MouseEventKind};
use oicx::model::{Status, Version};
use oicx::restore::{Journal, RunOwner};
use oicx::sim::ImportAs;

use crate::runs::two;
use crate::support::{id, screen::Screen};

const SYNC: &str = "SYNC|01.00.0000";

/// On the row of a code, in the column of an environment.
pub async fn at(screen: &mut Screen, code: &str, column: char) {
    screen.wait("SYNC").await.wait("versions").await.idle().await;
    screen.keys(&format!("/{code}")).enter().keys(&column.to_string());
    screen.idle().await;
}

/// Moves down until the cursor stands where it shall.
pub fn down_to(screen: &mut Screen, here: &str) {
    for _ in 0..20 {
        if screen.shows(here) {
            return;
        }
        screen.key(KeyCode::Down);
    }
    panic!("no {here:?} on\n{}", screen.text());
}

fn grade(world: &crate::support::World) -> bool {
    let prod = world.sim.with_instance("prod", |i| i.export(&id(SYNC)).unwrap()).unwrap();
    oicx::archive::Iar::read(&prod).unwrap().needs.lookups.contains("PAY_GRADE")
}

#[tokio::test]
async fn a_restore_is_proven_watched_written_down_and_undone_by_keys() {
    let (world, workspace) = two().await;
    let mut screen = Screen::start(workspace, (120, 40));
    at(&mut screen, "sync", '2').await;
    screen.keys("r").wait("which version?").await;
    // Of prod itself there is what runs; the one of test works.
    down_to(&mut screen, "▶ test");
    screen.enter().wait("type prod").await;
    screen.keys("prod").enter().wait("RESTORED: SYNC 01.00.0000 on prod as wanted, proven").await;
    assert!(grade(&world));
    screen.keys("k").wait("its first run is green").await;
    screen.wait("all of it was seen").await;
    // On a small screen it is scrolled, from its end.
    screen.resize((80, 12));
    let first = "✓ connection HCM works";
    assert!(screen.shows("all of it was seen") && !screen.shows(first), "{}", screen.text());
    screen.key(KeyCode::Home);
    assert!(screen.shows(first) && !screen.shows("all of it was seen"), "{}", screen.text());
    screen.mouse(MouseEventKind::ScrollDown, 10, 5);
    assert!(screen.shows("all of it was seen"), "{}", screen.text());
    screen.resize((120, 40));
    screen.esc().keys("u").wait("type prod").await;
    assert!(
        screen.shows("Undo SYNC 01.00.0000 on prod") && screen.shows("what was there before"),
        "{}",
        screen.text()
    );
    screen.keys("pro").enter();
    assert!(screen.shows("type prod exactly"), "{}", screen.text());
    screen.keys("d").enter().wait("UNDONE: prod is as it was before, proven").await;
    assert!(!grade(&world));
    screen.esc().esc().esc();
    screen.keys("o").wait("Runs, newest first").await;
    assert!(screen.line("undo SYNC").contains("done, proven"), "{}", screen.text());
}

#[tokio::test]
async fn what_is_held_waits_and_is_gone_on_with_or_undone() {
    let (world, workspace) = two().await;
    world.fault("latency=150ms env=prod");
    let mut screen = Screen::start(workspace, (120, 40));
    at(&mut screen, "sync", '2').await;
    screen.keys("r").wait("which version?").await;
    down_to(&mut screen, "▶ test");
    screen.enter().wait("type prod").await;
    screen.keys("prod").enter().wait("⠋ 2 deactivate").await;
    screen.keys("H").wait("HELD on prod").await;
    assert_eq!(
        world.client("prod").integration(&id(SYNC)).await.unwrap().state.status,
        Status::Configured
    );
    screen.esc();
    screen.keys("o").wait("held").await;
    assert!(
        screen.shows("g continue") && screen.shows("checks what took effect"),
        "{}",
        screen.text()
    );
    screen.keys("g").wait("type prod").await;
    assert!(screen.line("deactivate SYNC").contains('✓'), "{}", screen.text());
    screen.keys("prod").enter().wait("RESTORED").await;
    assert!(grade(&world));
}

/// What a process that was killed leaves: a journal without an end.
pub async fn cut_off(
    world: &crate::support::World,
    workspace: &oicx::workspace::Workspace,
) -> Journal {
    let prod = world.client("prod");
    let (plan, payloads) = crate::restore::plan(workspace, &prod, "store:test/SYNC").await;
    let journal = crate::restore::run(world, plan, payloads.clone(), &prod).await;
    let mut cut = journal.clone();
    (cut.result, cut.finished) = (None, None);
    cut.items[0].outcome = None;
    let prove = cut.items[0].done.pop();
    cut.items[0].open = prove;
    cut.by = RunOwner { process: 0x7fff_fff0, ..RunOwner::me() };
    let store = world.store().await;
    store.write_journal(&cut.run, &cut).await.unwrap();
    store.overwrite(&cut.items[0].file.as_ref().unwrap().path, payloads[0].clone()).await.unwrap();
    cut
}

#[tokio::test]
async fn at_the_start_a_run_that_was_cut_off_is_offered_with_what_each_choice_means() {
    for (key, end) in
        [("g", "RESTORED"), ("u", "NOT RESTORED: what was there before is there again")]
    {
        let (world, workspace) = two().await;
        cut_off(&world, &workspace).await;
        let mut screen = Screen::start(workspace, (120, 40));
        screen.wait("A run was cut off: choose how it ends").await;
        assert!(
            screen.shows("stopped in: prove")
                && screen.shows("changes nothing; what is there stays as it is"),
            "{}",
            screen.text()
        );
        screen.keys(key).wait("type prod").await;
        screen.keys("prod").enter().wait(end).await;
        assert_eq!(grade(&world), key == "g");
    }
    let (world, workspace) = two().await;
    cut_off(&world, &workspace).await;
    let mut screen = Screen::start(workspace.clone(), (80, 24));
    screen.wait("A run was cut off").await;
    screen.keys("l").wait("is left as it is; nothing was changed").await;
    let mut screen = Screen::start(workspace, (80, 24));
    screen.wait("SYNC").await.idle().await;
    assert!(!screen.shows("cut off"), "{}", screen.text());
}

/// Clicks on a line that the cursor is not on: it is drawn as the cursor's line then.
fn goes_to(screen: &mut Screen, (x, y): (u16, u16)) {
    let style = |s: &Screen| s.explorer.terminal().backend().buffer()[(x, y)].style();
    let before = style(screen);
    screen.click(x, y);
    assert_ne!(style(screen), before, "line {y} takes no click\n{}", screen.text());
}

#[tokio::test]
async fn a_click_on_a_line_of_a_list_goes_there() {
    let (_world, workspace) = two().await;
    let mut screen = Screen::start(workspace, (120, 40));
    let goes_to_text = |screen: &mut Screen, text: &str| goes_to(screen, screen.find(text));
    at(&mut screen, "", '2').await;
    goes_to_text(&mut screen, "PARENT");
    screen.keys("D").wait("Drift of").await;
    goes_to_text(&mut screen, "the base");
    screen.esc().keys("p").wait("╭ Projects").await;
    goes_to_text(&mut screen, "global");
    screen.esc().keys("/sync").enter().keys("2ee").idle().await;
    screen.keys("j").wait("╭ Jobs").await;
    goes_to_text(&mut screen, "export SYNC");
    screen.esc().keys("r").wait("which version?").await;
    goes_to_text(&mut screen, "test     01.00.0000");
    screen.esc().keys("t").wait("the first kept version").await;
    goes_to_text(&mut screen, "the first kept version");
    screen.esc().enter().wait("[Flow]").await;
    goes_to_text(&mut screen, "invoke putThing");
    screen.keys("5/project.xml").enter().enter().wait("lines").await;
    goes_to(&mut screen, (10, 5));
    screen.keys("q").esc().esc().keys("gputThing").enter().wait("invoke putThing").await;
    goes_to_text(&mut screen, "invoke putThing");
    screen.esc().keys("2b1c").wait("PAY_GRADE now used").await.idle().await;
    screen.keys("T").wait("connectionUrl").await;
    goes_to(&mut screen, (10, 3));
    screen.esc().esc().keys(":theme light");
    let (x, y) = screen.find("use the light colours");
    screen.click(x, y);
    assert!(!screen.shows("╭ Commands"), "a menu is taken by one click\n{}", screen.text());
}

#[tokio::test]
async fn what_can_be_done_with_a_run_that_was_cut_off_and_how_is_clicked() {
    for (choice, then) in [
        ("checks what took effect", "type prod"),
        ("u undo ", "type prod"),
        ("changes nothing; what is there", "is left as it is; nothing was changed"),
    ] {
        let (world, workspace) = two().await;
        cut_off(&world, &workspace).await;
        let mut screen = Screen::start(workspace, (120, 40));
        screen.wait("A run was cut off: choose how it ends").await;
        let (x, y) = screen.find(choice);
        screen.click(x, y);
        screen.wait(then).await;
    }
}

#[tokio::test]
async fn a_missing_connection_is_given_its_values_in_a_form_that_shows_no_secret() {
    let (world, workspace) = two().await;
    let mut screen = Screen::start(workspace, (120, 40));
    at(&mut screen, "parent", '3').await;
    screen.keys("r").wait("which version?").await;
    screen.enter().wait("it cannot be done as things are").await;
    assert!(
        screen.shows("Ctrl-F restores CHILD 01.01.0000 first")
            || screen.shows("Ctrl-F asks for the values"),
        "{}",
        screen.text()
    );
    // The first fix is the connection, the next the child; a click on its key takes it, too.
    let (x, y) = screen.find("Ctrl-F asks for the values");
    screen.click(x, y);
    screen.wait("connectionUrl").await;
    screen.keys("https://secret.example");
    down_to(&mut screen, "▶ password");
    screen.keys("right");
    assert!(screen.shows("••••••••") && !screen.shows("right"), "{}", screen.text());
    screen.enter().wait("Ctrl-F restores CHILD").await;
    screen.key_with(KeyCode::Char('f'), KeyModifiers::CONTROL).wait("Enter starts it").await;
    assert!(
        screen.shows("test connection SECRET_REST") && screen.shows("import"),
        "{}",
        screen.text()
    );
    screen.enter().wait("RESTORED").await;
    let empty = world.client("empty");
    for which in ["CHILD|01.01.0000", "PARENT|02.00.0000"] {
        assert_eq!(
            empty.integration(&id(which)).await.unwrap().state.status,
            Status::Active,
            "{which}"
        );
    }
    let log = std::fs::read_dir(world.store_folder().join("runs")).unwrap();
    for file in log.flatten().filter(|f| f.path().is_file()) {
        assert!(!std::fs::read_to_string(file.path()).unwrap().contains("\"right\""));
    }
}

#[tokio::test]
async fn a_failure_leads_to_its_step_and_failed_runs_are_sent_again_after_the_restore() {
    let (world, workspace) = two().await;
    let mut screen = Screen::start(workspace, (120, 40));
    at(&mut screen, "sync", '2').await;
    // Cause and effect on one axis.
    screen.keys("t").wait("runs failed in the last day").await;
    screen.wait("by j.doe").await;
    assert!(screen.shows("▲") && screen.shows("every run fails since"), "{}", screen.text());
    screen.esc().enter().wait("[Flow]").await;
    screen.keys("7").wait("× no grade (at putThing)").await;
    for _ in 0..5 {
        screen.key(KeyCode::Down);
    }
    screen.enter();
    assert!(screen.shows("[Flow]") && screen.shows("invoke putThing"), "{}", screen.text());
    screen.keys("7R").wait("type prod").await;
    assert!(screen.shows("they may fail again"), "{}", screen.text());
    screen.esc();
    // Once it is mended they go through.
    let mut flow = world.sim.with_instance("test", |i| i.export(&id(SYNC)).unwrap()).unwrap();
    world.sim.with_instance("prod", |i| {
        i.deactivate(&id(SYNC)).unwrap();
        i.import(&std::mem::take(&mut flow), &oicx::model::Scope::Global, ImportAs::Replacement)
            .unwrap();
        i.activate(&id(SYNC)).unwrap();
    });
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    screen.keys("R").wait("type prod").await;
    screen.wait("after the last of them failed").await;
    screen.keys("prod").enter().wait("runs accepted").await;
    screen.wait("0 of").await;
    assert!(!screen.shows("errors; Enter"), "{}", screen.text());
}

#[tokio::test]
async fn drift_is_told_in_numbers_and_leads_to_the_rows_and_promote_goes_to_the_next_column() {
    let (world, workspace) = two().await;
    let mut screen = Screen::start(workspace, (120, 40));
    at(&mut screen, "", '1').await;
    screen.keys("2b").keys("D").wait("Drift of integrations against prod").await;
    assert!(screen.shows("no drill of prod is known"), "{}", screen.text());
    screen.key(KeyCode::Up);
    screen.enter();
    assert!(!screen.shows("Drift of"), "{}", screen.text());
    screen.esc();
    at(&mut screen, "child", '1').await;
    screen.keys("P").wait("type prod").await;
    assert!(
        screen.shows("Promote CHILD 01.01.0000 to prod")
            && screen.shows("swaps out CHILD|01.00.0000"),
        "{}",
        screen.text()
    );
    screen.keys("prod").enter().wait("PROMOTED").await;
    let version: Version = "01.01.0000".parse().unwrap();
    let live = world.client("prod").integrations().await.unwrap();
    assert!(live.iter().any(|i| i.id.code == "CHILD"
        && i.id.version == version
        && i.state.status == Status::Active));
    let index = world.store().await.index().await.unwrap();
    let kept = index
        .snapshots()
        .iter()
        .filter(|s| s.before.as_deref() == Some("before promote to prod"))
        .count();
    assert_eq!(kept, 2, "what went, and what it took the place of");
    let before = index
        .history(
            &crate::support::name("prod"),
            &oicx::model::ArtifactName::new(oicx::model::Kind::Integration, "CHILD"),
        )
        .count();
    assert_eq!(before, 1, "01.00.0000 is kept as it was");
}
