//! The planner as tables: what is wanted and what is there, against the strategy, the steps and
//! the order.

use rstest::rstest;

use crate::config::Smoke;
use crate::model::{Answer, ArtifactKey, FilePart, ItemIndex, Kind, ScheduleState, Scope, Status};
use crate::restore::{
    fixture::{Part, global, id, listed_integration, restore, restore_one, running, steps},
    plan::{PlanItem, RestorePlan, Strategy},
    request::{Goal, Verb},
    survey::Situation,
};

fn sync() -> Part {
    Part::integration("SYNC")
}

/// An integration of a project.
fn feed() -> Part {
    Part::integration("FEED|01.00.0000|HR")
}

/// It is kept as a part of the project's archive.
fn part_of_hr(part: Part) -> Part {
    part.file(|archive| {
        archive.part = FilePart::member(&id("FEED|01.00.0000|HR"));
        archive.project_file = b"the project".to_vec().into();
    })
}

const CANNOT_BE_SENT: &str =
    "HR/FEED 01.00.0000 is kept as a part of its project's archive, and cannot be sent alone";

fn inactive() -> Goal {
    Goal::Exactly { active: false, schedule: None }
}

fn lookup(code: &str) -> Part {
    Part::of(ArtifactKey::new(Kind::Lookup, code, None))
}

/// The codes of the items, in the order in which they are done.
fn order(situation: &Situation) -> Vec<String> {
    let plan = RestorePlan::of(situation);
    plan.items.into_iter().map(|item| item.key.code).collect()
}

#[rstest]
#[case::missing(sync(), Strategy::Import, "prod has no SYNC 01.00.0000")]
#[case::changed(sync().there(Status::Active, "2"), Strategy::Replace,
    "this version number was changed in place")]
#[case::changed_lookup(lookup("PAY").there(Status::Configured, "2"), Strategy::Replace,
    "it was changed in place")]
#[case::same_and_inactive(sync().there(Status::Configured, "1"), Strategy::Activate,
    "it is there unchanged and configured")]
#[case::same_and_active(sync().there(Status::Active, "1"), Strategy::Activate,
    "prod runs this very version already")]
#[case::same_lookup(lookup("PAY").there(Status::Configured, "1"), Strategy::Activate,
    "prod has the same already")]
#[case::same_but_to_be_inactive(sync().there(Status::Active, "1").goal(inactive()),
    Strategy::Deactivate, "it is there unchanged, but should be inactive")]
#[case::back_to_inactive(sync().there(Status::Active, "1").goal(inactive()).without_file(),
    Strategy::Deactivate, "it did not run before")]
#[case::back_to_active(sync().there(Status::Configured, "1").goal(running()).without_file(),
    Strategy::Activate, "it ran before")]
#[case::to_be_absent(sync().there(Status::Active, "1").goal(Goal::Absent), Strategy::Remove,
    "it was not there before")]
#[case::absent_already(sync().goal(Goal::Absent), Strategy::Remove,
    "prod has no SYNC 01.00.0000 already")]
#[case::export_failed(sync().there(Status::Active, "1")
    .with(|p| p.fingerprints = Some(Answer::unknown("locked"))), Strategy::Replace,
    "whether it changed is not known: locked")]
#[case::gone_from_a_project(feed(), Strategy::Import, "prod has no HR/FEED 01.00.0000")]
#[case::part_of_a_project_that_is_gone(part_of_hr(feed()), Strategy::ByHand, CANNOT_BE_SENT)]
#[case::part_of_a_project_that_was_changed(part_of_hr(feed().there(Status::Active, "2")),
    Strategy::ByHand, CANNOT_BE_SENT)]
#[case::part_of_a_project_that_is_unchanged(part_of_hr(feed().there(Status::Configured, "1")),
    Strategy::Activate, "it is there unchanged and configured")]
#[case::part_of_a_project_that_the_service_copies(
    part_of_hr(feed()).with(|p| p.wanted.copy_of = Some(id("FEED|01.00.0000|OPS"))),
    Strategy::Import, "prod has no HR/FEED 01.00.0000")]
#[case::changed_in_a_project_and_not_to_be_kept(feed().there(Status::Active, "2"),
    Strategy::ByHand, "prod exports no integration of a project alone: what is there now could \
        not be put back")]
fn the_least_disruptive_strategy_is_chosen(
    #[case] part: Part,
    #[case] strategy: Strategy,
    #[case] reason: &str,
) {
    let plan = RestorePlan::of(&restore_one(part));
    assert_eq!((plan.strategy, plan.reason.as_str()), (strategy, reason));
}

#[rstest]
#[case::import(sync(), &["import", "activate", "prove"])]
#[case::import_of_what_was_inactive(sync().goal(Goal::AsTaken(Some(Status::Configured))),
    &["import", "prove"])]
#[case::replace_what_runs(sync().there(Status::Active, "2"),
    &["safety_export", "deactivate", "replace", "activate", "prove"])]
#[case::replace_what_is_busy(sync().there(Status::Busy, "2"),
    &["safety_export", "deactivate", "replace", "activate", "prove"])]
#[case::replace_what_does_not_run(sync().there(Status::Configured, "2"),
    &["safety_export", "replace", "activate", "prove"])]
#[case::what_runs_stays_active(
    sync().there(Status::Active, "2").goal(Goal::AsTaken(Some(Status::Configured))),
    &["safety_export", "deactivate", "replace", "activate", "prove"])]
#[case::activate(sync().there(Status::Configured, "1"), &["activate", "prove"])]
#[case::as_wanted(sync().there(Status::Active, "1"), &["prove"])]
#[case::deactivate(sync().there(Status::Active, "1").goal(inactive()), &["deactivate", "prove"])]
#[case::deactivate_without_a_file(
    sync().there(Status::Active, "1").goal(inactive()).without_file(),
    &["safety_export", "deactivate", "prove"])]
#[case::remove(sync().there(Status::Active, "1").goal(Goal::Absent),
    &["safety_export", "deactivate", "delete", "prove"])]
#[case::remove_what_is_not_there(sync().goal(Goal::Absent), &["prove"])]
#[case::schedule_as_it_was(
    sync().there(Status::Active, "2").with(|p| p.before.schedule = Some(ScheduleState::Running).into()),
    &["safety_export", "deactivate", "replace", "activate", "schedule", "prove"])]
#[case::stopped_schedule_stays(
    sync().there(Status::Active, "2").with(|p| p.before.schedule = Some(ScheduleState::Stopped).into()),
    &["safety_export", "deactivate", "replace", "activate", "prove"])]
#[case::only_the_schedule_differs(
    sync().there(Status::Active, "1").goal(running()).without_file(),
    &["safety_export", "schedule", "prove"])]
#[case::lookup(lookup("PAY").there(Status::Configured, "2"),
    &["safety_export", "replace", "prove"])]
#[case::certificate_is_never_exported(
    Part::of(ArtifactKey::new(Kind::Certificate, "CA", None)), &["import", "prove"])]
#[case::certificate_is_deleted_without_a_safety_export(
    Part::of(ArtifactKey::new(Kind::Certificate, "CA", None))
        .there(Status::Configured, "1").goal(Goal::Absent).without_file(), &["delete", "prove"])]
#[case::by_hand(part_of_hr(feed()), &["by_hand", "by_hand"])]
#[case::by_hand_what_runs(part_of_hr(feed().there(Status::Active, "2")),
    &["by_hand", "by_hand", "by_hand", "by_hand", "by_hand"])]
#[case::by_hand_what_does_not_run(part_of_hr(feed().there(Status::Configured, "2")),
    &["by_hand", "by_hand", "by_hand", "by_hand"])]
fn each_strategy_has_its_steps(#[case] part: Part, #[case] wanted: &[&str]) {
    assert_eq!(steps(&restore_one(part)), wanted);
}

fn smoke(integration: &str, path: &str) -> Smoke {
    let text = format!("integration = {integration:?}\npath = {path:?}");
    toml::from_str(&text).unwrap()
}

/// A twin's call says nothing of an integration.
#[rstest]
#[case::its_path("FEED", "/ic/api/integration/v2/flows/rest/project/HR/FEED/1.0/x", true)]
#[case::the_path_of_its_global_twin("FEED", "/ic/api/integration/v1/flows/rest/FEED/1.0/x", false)]
#[case::the_path_of_another_project("FEED", "/x/flows/rest/project/OPS/FEED/1.0/x", false)]
#[case::no_path_of_a_flow("FEED", "/health", true)]
#[case::named("HR/FEED", "/health", true)]
#[case::another_named("global/FEED", "/health", false)]
fn a_smoke_call_is_of_one_scope(#[case] integration: &str, #[case] path: &str, #[case] of: bool) {
    let mut situation = restore_one(feed());
    situation.smoke.push(smoke(integration, path));
    assert_eq!(steps(&situation).contains(&"smoke".to_owned()), of);
}

/// What is kept in a project serves that project alone.
#[test]
fn an_item_waits_for_what_its_own_scope_needs() {
    let grades =
        |scope: Scope| Part::of(ArtifactKey::new(Kind::Lookup, "GRADES", None).within(scope));
    let hr = Scope::of_project("HR");
    let of_project = feed().needs(Kind::Lookup, "GRADES");
    let global = Part::integration("FEED").needs(Kind::Lookup, "GRADES");
    let parts = [grades(Scope::Global), grades(hr.clone()), global, of_project];
    let plan = RestorePlan::of(&restore(parts));
    for item in plan.items.iter().filter(|i| i.key.kind == Kind::Integration) {
        let needed: Vec<&Scope> = item.after.iter().map(|at| &plan.items[*at].key.scope).collect();
        assert_eq!(needed, [&item.key.scope], "{}", item.key);
    }
}

#[test]
fn a_smoke_call_follows_the_activation() {
    let mut situation = restore_one(sync());
    situation.smoke.push(smoke("SYNC", "/ic/api/integration/v1/flows/rest/SYNC/1.0/x"));
    assert_eq!(steps(&situation), ["import", "activate", "smoke", "prove"]);
}

#[test]
fn a_connection_with_given_values_is_set_and_tested_once_by_its_first_user() {
    let user = |code: &str| Part::integration(code).needs(Kind::Connection, "HCM");
    let mut situation = restore([user("A"), user("B")]);
    situation.values.insert("HCM".into(), vec!["password".into()]);
    let one = ["import", "configure", "test", "activate", "prove"];
    assert_eq!(steps(&situation), [&one[..], &["import", "activate", "prove"]].concat());
    // The other one uses what is set: it begins once the first has ended.
    let plan = RestorePlan::of(&situation);
    let waits: Vec<&[ItemIndex]> = plan.items.iter().map(|i| i.waits_for.as_slice()).collect();
    assert_eq!(waits, [&[][..], &[ItemIndex(0)]]);
    assert!(plan.items.iter().all(|i| i.after.is_empty()));
}

/// What is as wanted already sets nothing: the next one that uses the connection does.
#[test]
fn a_connection_is_set_by_the_first_that_is_not_as_wanted_already() {
    let user = |code: &str| Part::integration(code).needs(Kind::Connection, "HCM");
    let mut situation = restore([user("A").there(Status::Active, "1"), user("B")]);
    situation.values.insert("HCM".into(), vec!["password".into()]);
    let plan = RestorePlan::of(&situation);
    let sets: Vec<usize> = plan.items.iter().map(|i| i.sets.len()).collect();
    assert_eq!((plan.items[0].as_wanted, sets), (true, vec![0, 1]));
}

#[test]
fn an_activation_names_the_version_that_it_swaps_out() {
    let part = sync().with(|p| p.before.swapped = Some(id("SYNC|01.01.0000")));
    let plan = RestorePlan::of(&restore_one(part));
    let texts: Vec<_> = plan.steps.iter().map(|s| s.text.as_str()).collect();
    let activate = "activate SYNC|01.00.0000, which swaps out SYNC|01.01.0000";
    assert!(texts.contains(&activate), "{texts:?}");
    assert!(plan.if_it_fails.iter().any(|l| l == "SYNC|01.01.0000 is activated again"));
}

#[rstest]
#[case::what_is_needed_comes_first(
    vec![
        Part::integration("PARENT").needs(Kind::Integration, "CHILD").needs(Kind::Lookup, "PAY"),
        lookup("PAY"),
        Part::integration("CHILD"),
    ],
    &["PAY", "CHILD", "PARENT"])]
#[case::libraries_before_lookups(
    vec![sync(), lookup("PAY"), Part::of(ArtifactKey::new(Kind::Library, "LIB", None))],
    &["LIB", "PAY", "SYNC"])]
#[case::a_circle_is_cut_where_it_is_entered(
    vec![
        Part::integration("A").needs(Kind::Integration, "B"),
        Part::integration("B").needs(Kind::Integration, "A"),
    ],
    &["B", "A"])]
#[case::room_is_made_first(
    vec![
        lookup("PAY"),
        sync(),
        Part::integration("OLD").there(Status::Active, "1").goal(inactive()).without_file(),
    ],
    &["OLD", "PAY", "SYNC"])]
#[case::a_member_follows_its_package(
    vec![
        Part::of(ArtifactKey::new(Kind::Package, "PKG", None)),
        sync().with(|p| p.within = Some(0)),
    ],
    &["PKG", "SYNC"])]
fn each_artifact_comes_after_what_it_needs(#[case] parts: Vec<Part>, #[case] wanted: &[&str]) {
    assert_eq!(order(&restore(parts)), wanted);
}

#[test]
fn the_items_before_one_are_named_by_their_places_in_the_plan() {
    let parent = Part::integration("PARENT").needs(Kind::Lookup, "PAY");
    let plan = RestorePlan::of(&restore([parent, lookup("PAY")]));
    assert_eq!(plan.items[1].after, [ItemIndex(0)]);
    assert!(plan.items[0].after.is_empty());
}

#[rstest]
#[case::together(true, vec![vec![], vec![0], vec![1]])]
#[case::each_for_itself(false, vec![vec![], vec![], vec![0, 1]])]
fn an_undo_keeps_the_order_that_it_is_given(
    #[case] together: bool,
    #[case] after: Vec<Vec<usize>>,
) {
    let mut situation = restore([sync(), Part::integration("OTHER"), lookup("PAY")]);
    (situation.request.verb, situation.request.together) = (Verb::Rollback, together);
    assert_eq!(order(&situation), ["SYNC", "OTHER", "PAY"]);
    let plan = RestorePlan::of(&situation);
    let indices = |item: PlanItem| item.after.into_iter().map(|i| i.0).collect::<Vec<_>>();
    let found: Vec<_> = plan.items.into_iter().map(indices).collect();
    assert_eq!(found, after);
}

#[test]
fn of_several_artifacts_the_most_disruptive_strategy_is_the_plans() {
    let changed = Part::integration("A").there(Status::Active, "2");
    let as_wanted = Part::integration("B").there(Status::Active, "1");
    let plan = RestorePlan::of(&restore([changed, as_wanted, Part::integration("C")]));
    assert_eq!(plan.strategy, Strategy::Replace);
    assert_eq!(plan.reason, "1 to import, 1 to replace in place, 1 there already");
}

#[test]
fn a_library_that_is_known_by_its_function_alone_is_not_looked_for_afterwards() {
    let part = sync().needs(Kind::Library, "LIB").needs(Kind::Library, "someFunction");
    let mut situation = restore_one(part);
    global(&mut situation).libraries = Answer::Known([("LIB".to_owned(), None)].into());
    global(&mut situation).integrations = vec![listed_integration("SYNC", Status::Active)];
    let plan = RestorePlan::of(&situation);
    assert_eq!(plan.items[0].needs, [ArtifactKey::new(Kind::Library, "LIB", None)]);
}

/// What does not run in a project that is imported makes no room for anything: only what is brought
/// for that is waited for.
#[test]
fn an_inactive_member_of_a_project_is_waited_for_by_nobody() {
    let project = Part::of(ArtifactKey::new(Kind::Project, "PEOPLE", None));
    let idle = Part::integration("IDLE|01.00.0000|PEOPLE").without_file();
    let idle = idle.goal(inactive()).with(|part| part.within = Some(0));
    let plan = RestorePlan::of(&restore([project, idle, Part::integration("GLOBAL")]));
    let global = plan.items.iter().find(|item| item.key.code == "GLOBAL").unwrap();
    assert!(global.after.is_empty(), "{:?}", global.after);
    let idle = plan.items.iter().find(|item| item.key.code == "IDLE").unwrap();
    assert!(idle.within.is_some());
}
