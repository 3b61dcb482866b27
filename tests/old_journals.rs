//! A run that an earlier version recorded still opens, is offered, and can be undone: its lines
//! name their steps by text alone, and the time of an activation stands in words.

use oicx::model::{ItemIndex, StepIndex};
use oicx::restore;
use oicx::restore::{Journal, RunOutcome, RunProcess, StepKind};
use serde_json::{Value, json};

use crate::restore::{plan, run};
use crate::runs::{roll_back, two};
use crate::support::{World, context, retry_policy};

const OLD: &str = include_str!("fixtures/journal_without_indices.json");
const ID: &str = "2026-10-03T021500Z-restore-03dd10d8";

/// A world that was restored, whose record is the old journal alone. `edit` says how it ended.
async fn recorded(edit: impl FnOnce(&mut Value)) -> World {
    let (world, workspace) = two().await;
    let prod = world.client("prod");
    let (wanted, payloads) = plan(&workspace, &prod, "store:test/SYNC").await;
    let journal = run(&world, wanted, payloads, &prod).await;
    let runs = world.store_folder().join("runs");
    std::fs::remove_file(runs.join(format!("{}.json", journal.run))).unwrap();
    let mut old: Value = serde_json::from_str(OLD).unwrap();
    // The files that it kept are those of the run that was just made.
    old["items"][0]["file"] = json!(journal.items[0].file);
    old["items"][0]["safety"] = json!(journal.items[0].safety);
    edit(&mut old);
    write(&world, &old.to_string());
    world
}

fn write(world: &World, journal: &str) {
    let runs = world.store_folder().join("runs");
    std::fs::create_dir_all(&runs).unwrap();
    std::fs::write(runs.join(format!("{ID}.json")), journal).unwrap();
}

async fn found(world: &World) -> Journal {
    restore::find_run(&world.store().await, "2026-10-03").await.unwrap()
}

#[tokio::test]
async fn an_old_journal_says_which_line_is_of_which_step_and_how_long_it_took_to_activate() {
    let (world, workspace) = two().await;
    write(&world, OLD);
    let journal = found(&world).await;
    let steps: Vec<_> = journal.lines.iter().map(|l| l.index.unwrap()).collect();
    let twice = |i: usize| [StepIndex(i), StepIndex(i)];
    assert_eq!(steps, (0..6).flat_map(twice).collect::<Vec<_>>(), "each begins and ends");
    assert_eq!(journal.last_activation(), Some(7.4));
    let note = restore::incident_note(&journal, None, RunProcess::Gone);
    assert!(note.contains("| interrupted | for 0 s |"), "{note}");
    // The next plan tells from it how long the gap may last.
    let (next, _) = plan(&workspace, &world.client("prod"), "store:test/SYNC").await;
    let gap = "the last activation here took 7 s";
    assert!(next.checks.iter().any(|c| c.what.contains(gap)), "{:?}", next.checks);
}

#[tokio::test]
async fn an_old_journal_that_ended_can_be_rolled_back() {
    let world = recorded(|_| ()).await;
    let (store, prod) = (world.store().await, world.client("prod"));
    let undone = roll_back(&store, &prod, &found(&world).await).await;
    assert_eq!(undone.result, Some(RunOutcome::Restored), "{:?} {:?}", undone.error, undone.lines);
    assert_eq!(undone.plan.undoes, Some(ID.into()));
}

#[tokio::test]
async fn an_old_journal_that_was_cut_off_is_offered_and_can_be_undone() {
    let world = recorded(cut_off).await;
    let (store, prod) = (world.store().await, world.client("prod"));
    let open = restore::open_runs(&store).await.unwrap();
    assert_eq!(open.iter().map(|j| j.run.as_str()).collect::<Vec<_>>(), [ID]);
    assert_eq!(open[0].open_kind(ItemIndex(0)), Some(&StepKind::Activate));
    let undone = undo(&world, open[0].clone(), &prod).await;
    assert_eq!(undone.result, Some(RunOutcome::PutBack), "{:?} {:?}", undone.error, undone.lines);
    assert!(restore::open_runs(&store).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_step_that_a_newer_version_wrote_is_shown_and_can_be_undone() {
    let newer = |old: &mut Value| {
        cut_off(old);
        old["plan"]["steps"][3]["kind"] = json!("rewind");
    };
    let world = recorded(newer).await;
    let journal = found(&world).await;
    assert_eq!(journal.open_kind(ItemIndex(0)), Some(&StepKind::Other("rewind".into())));
    let undone = undo(&world, journal, &world.client("prod")).await;
    assert_eq!(undone.result, Some(RunOutcome::PutBack), "{:?} {:?}", undone.error, undone.lines);
}

/// The process ended while it activated.
fn cut_off(journal: &mut Value) {
    (journal["result"], journal["finished"], journal["proof"]) = Default::default();
    let item = &mut journal["items"][0];
    (item["outcome"], item["proof"]) = Default::default();
    (item["done"], item["open"]) = (json!([0, 1, 2]), json!(3));
    journal["lines"].as_array_mut().unwrap().truncate(7);
}

async fn undo(world: &World, journal: Journal, client: &oicx::oic::Client) -> Journal {
    let reopened = journal.reopen(Some("prod")).unwrap();
    let (store, retry_policy) = (world.store().await, retry_policy());
    let context = context(client, &store, &retry_policy);
    restore::undo(reopened, context).await.unwrap()
}
