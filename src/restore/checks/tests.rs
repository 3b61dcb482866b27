//! Every check as a table: the situation, and what a person reads.

use jiff::{Timestamp, ToSpan};
use rstest::rstest;
use serde_json::Value;

use crate::archive::CalledScope;
use crate::model::{
    Answer, ArtifactKey, EXPIRES_SOON_DAYS, Finding, InstanceCounts, Kind, Level, ScheduleState,
    Scope, Status,
};
use crate::restore::{
    fixture::{
        Part, findings, global, id, instances, listed, listed_connection, listed_integration,
        restore, restore_one,
    },
    live::ProjectCompanion,
    plan::RestorePlan,
    remedy::{Remedy, RemedyTaken},
    request::{Goal, PayloadArchive, PlanOptions, ScheduleChoice},
    survey::{Likeness, ScopeLists, Situation},
};

fn sync() -> Part {
    Part::integration("SYNC")
}

fn project() -> Part {
    Part::of(ArtifactKey::new(Kind::Project, "HR", None))
}

/// A restore of one integration that needs something.
fn needing(kind: Kind, code: &str) -> Situation {
    restore_one(sync().needs(kind, code))
}

/// The remedy that is offered first.
fn remedy(situation: &Situation) -> Option<Remedy> {
    RestorePlan::of(situation).checks.into_iter().find_map(|c| c.remedy)
}

/// Whether a finding that begins so is among them.
fn says(situation: &Situation, beginning: &str) -> bool {
    findings(situation).iter().any(|f| f.starts_with(beginning))
}

#[rstest]
#[case::one_file(sync(), "✓ archive whole, SYNC|01.00.0000")]
#[case::no_file(sync().there(Status::Configured, "1").without_file(), "✓ no file is needed")]
#[case::as_wanted(sync().there(Status::Active, "1"),
    "✓ nothing to restore: only the proof is made")]
#[case::not_running(sync().there(Status::Configured, "2"),
    "✓ nothing of it runs now, so nothing is interrupted")]
#[case::swap(sync().with(|p| p.before.swapped = Some(id("SYNC|01.01.0000"))),
    "✓ no gap: the service swaps versions in one step")]
#[case::gap(sync().there(Status::Active, "2"),
    "✓ a gap from deactivation to activation; 0 runs in flight")]
#[case::gap_with_instances(sync().there(Status::Active, "2").with(|p| p.in_flight = Some(3)),
    "! a gap from deactivation to activation; 3 runs in flight")]
#[case::gap_unknown(sync().there(Status::Active, "2").with(|p| p.in_flight = None),
    "! a gap from deactivation to activation; runs in flight are not known")]
#[case::removed(sync().there(Status::Active, "1").goal(Goal::Absent),
    "✓ SYNC 01.00.0000 stops; 0 runs in flight")]
#[case::locked(sync().there(Status::Active, "2")
    .with(|p| p.there.as_mut().unwrap().state.locked_by = Some("j.doe".into())),
    "✗ SYNC|01.00.0000 is locked by j.doe")]
#[case::unsaved(sync().there(Status::Active, "2")
    .with(|p| p.there.as_mut().unwrap().state.unsaved_by = Some("k.l".into())),
    "! SYNC|01.00.0000: unsaved changes by k.l are in the console")]
#[case::parameters(sync().there(Status::Active, "2")
    .with(|p| p.before.parameters = [("lastRun".to_owned(), "2026".to_owned())].into()),
    "✓ its schedule's parameters: lastRun = 2026")]
#[case::prebuilt(sync().there(Status::Active, "2")
    .with(|p| p.there.as_mut().unwrap().state.prebuilt = true),
    "✗ SYNC|01.00.0000 is prebuilt")]
#[case::cannot_be_kept(sync().there(Status::Active, "2")
    .with(|p| p.fingerprints = Some(Answer::unknown("it is locked"))),
    "✗ SYNC|01.00.0000 cannot be exported: it is locked")]
#[case::project_exists(project().there(Status::Configured, "2"),
    "✗ project HR is on prod already")]
#[case::schedule_stays_stopped(sync().file(|a| a.scheduled = true),
    "! it has a schedule, and none ran before: it stays stopped")]
#[case::schedule_was_stopped_by_a_deactivation(
    sync().there(Status::Configured, "1").file(|a| a.scheduled = true)
        .with(|p| p.before.schedule = Some(ScheduleState::Stopped).into()),
    "! it has a schedule, and none ran before: it stays stopped")]
fn one_artifact(#[case] part: Part, #[case] finding: &str) {
    let situation = restore_one(part);
    assert!(says(&situation, finding), "{:#?}", findings(&situation));
}

#[test]
fn a_read_only_environment_blocks_what_changes_it_and_not_a_proof() {
    let mut changing = restore_one(sync());
    changing.protection = vec![Finding::read_only(&changing.environment)];
    assert!(says(&changing, "✗ prod is read-only in the config"));
    let mut as_wanted = restore_one(sync().there(Status::Active, "1"));
    as_wanted.protection = vec![Finding::read_only(&as_wanted.environment)];
    assert_eq!(RestorePlan::of(&as_wanted).blockers().count(), 0);
}

#[test]
fn the_gap_says_how_long_the_last_activation_took() {
    let mut situation = restore_one(sync().there(Status::Active, "2"));
    situation.last_activation = Some(41.4);
    let gap = "✓ a gap from deactivation to activation (the last activation here took 41 s)";
    assert!(says(&situation, gap), "{:#?}", findings(&situation));
}

#[test]
fn many_gaps_are_listed_and_the_rest_is_counted() {
    let part = |n: usize| Part::integration(&format!("F{n:02}")).there(Status::Active, "2");
    let situation = restore((0..15).map(part));
    let gaps = findings(&situation).into_iter().filter(|f| f.contains("a gap of F")).count();
    assert_eq!(gaps, super::LISTED);
    assert!(says(&situation, "! 3 more have a gap; 0 runs in flight"));
}

#[test]
fn a_project_whose_integrations_are_there_already_is_not_imported() {
    let mut situation = restore_one(project().file(|a| a.within = vec![id("SYNC"), id("NEW")]));
    global(&mut situation).integrations = vec![listed_integration("SYNC", Status::Active)];
    assert!(says(&situation, "✗ SYNC|01.00.0000 of project HR is on prod already"));
}

#[rstest]
#[case::configured(Some(Status::Configured), false, "✓ 1 connection configured", None)]
#[case::incomplete(Some(Status::Draft), false, "✗ connection HCM on prod is ",
    Some(Remedy::Configure("HCM".into())))]
#[case::missing(None, false, "✗ connection HCM is not on prod",
    Some(Remedy::Configure("HCM".into())))]
#[case::missing_with_values(
    None,
    true,
    "✓ connection HCM is not on prod: it gets password and is tested",
    None
)]
fn connections(
    #[case] status: Option<Status>,
    #[case] with_values: bool,
    #[case] finding: &str,
    #[case] wanted: Option<Remedy>,
) {
    let mut situation = needing(Kind::Connection, "HCM");
    global(&mut situation).connections =
        status.map(|s| listed_connection("HCM", s)).into_iter().collect();
    if with_values {
        situation.values.insert("HCM".into(), vec!["password".into()]);
    }
    assert!(says(&situation, finding), "{:#?}", findings(&situation));
    assert_eq!(remedy(&situation), wanted);
}

#[rstest]
#[case::there(true, false, "✓ 1 lookup there")]
#[case::along(false, true, "✓ lookup PAY is not on prod: also restored, from store:prod/PAY")]
#[case::nowhere(false, false, "! lookup PAY is not on prod")]
fn lookups(#[case] there: bool, #[case] along: bool, #[case] finding: &str) {
    let mut parts = vec![sync().needs(Kind::Lookup, "PAY")];
    if along {
        parts.push(Part::of(ArtifactKey::new(Kind::Lookup, "PAY", None)));
    }
    let mut situation = restore(parts);
    if there {
        global(&mut situation).lookups.insert("PAY".into());
    }
    assert!(says(&situation, finding), "{:#?}", findings(&situation));
}

/// A library that is another one can be brought along where the store has the one that was used.
#[rstest]
#[case::in_the_store(true)]
#[case::nowhere(false)]
fn a_library_that_is_another_one_has_a_remedy_where_there_is_one(#[case] stored: bool) {
    let library = ArtifactKey::new(Kind::Library, "LIB", None);
    let mut situation = restore([sync().needs(Kind::Library, "LIB")]);
    situation.likeness.insert(library.clone(), Likeness::Other("1 function".into()));
    situation.offered.extend(stored.then(|| library.clone()));
    let plan = RestorePlan::of(&situation);
    let check = plan.checks.iter().find(|c| c.what.contains("another one: 1 function")).unwrap();
    assert_eq!(check.remedy, stored.then_some(Remedy::Along(library)));
    let option = check.remedy.as_ref().and_then(Remedy::option);
    assert_eq!(option.as_deref(), stored.then_some("--with-libraries"));
}

#[test]
fn a_library_that_comes_along_is_told() {
    let library = Part::of(ArtifactKey::new(Kind::Library, "LIB", None));
    let library = library.with(|p| p.brought = Some("SYNC needs it".into()));
    let situation = restore([sync().needs(Kind::Library, "LIB"), library]);
    assert!(says(&situation, "✓ library LIB is not on prod: also restored"));
}

#[rstest]
#[case::active(Some(Status::Active), false, "✓ child integration CHILD|01.00.0000 is active", None)]
#[case::inactive(
    Some(Status::Configured),
    false,
    "! child integration CHILD|01.00.0000 is configured",
    None
)]
#[case::missing(None, false, "! child integration CHILD|01.00.0000 is not on prod", None)]
#[case::missing_and_stored(
    None,
    true,
    "! child integration CHILD|01.00.0000 is not on prod",
    Some(Remedy::Along(ArtifactKey::from(id("CHILD"))))
)]
fn children(
    #[case] status: Option<Status>,
    #[case] stored: bool,
    #[case] finding: &str,
    #[case] wanted: Option<Remedy>,
) {
    let mut situation = needing(Kind::Integration, "CHILD");
    global(&mut situation).integrations =
        status.map(|s| listed_integration("CHILD", s)).into_iter().collect();
    if stored {
        situation.offered.insert(ArtifactKey::from(id("CHILD")));
    }
    assert!(says(&situation, finding), "{:#?}", findings(&situation));
    assert_eq!(remedy(&situation), wanted);
}

#[rstest]
#[case::up(Some(Status::Active), "")]
#[case::down(Some(Status::Down), "! no agent of AGENTS runs")]
#[case::missing(None, "! agent group AGENTS is not on prod")]
fn agents(#[case] status: Option<Status>, #[case] finding: &str) {
    let mut situation = needing(Kind::Agent, "AGENTS");
    let group = status.map(|s| listed(Kind::Agent, "AGENTS", s));
    situation.target.agents = Answer::Known(group.into_iter().collect());
    let found: Vec<_> = findings(&situation).into_iter().filter(|f| f.contains("AGENTS")).collect();
    match finding {
        "" => assert!(found.is_empty(), "{found:?}"),
        finding => assert_eq!(found, [finding]),
    }
}

#[rstest]
#[case::long_valid(Some(400), "")]
#[case::ends_soon(Some(9), "! certificate CA expires in 9 days")]
#[case::on_the_last_day_of_soon(Some(EXPIRES_SOON_DAYS), "! certificate CA expires in 30 days")]
#[case::ended(Some(-3), "! certificate CA has expired")]
#[case::missing(None, "! certificate CA is not on prod")]
fn certificates(#[case] days: Option<i64>, #[case] finding: &str) {
    let mut situation = needing(Kind::Certificate, "CA");
    // An hour is added, so that the test's own time does not count as a day.
    let expires = days.map(|d| Timestamp::now() + (24 * d + 1).hours());
    let found = expires.map(|expires| {
        let mut found = listed(Kind::Certificate, "CA", Status::Configured);
        found.expires = Some(expires);
        found
    });
    situation.target.certificates = Answer::Known(found.into_iter().collect());
    let found: Vec<_> =
        findings(&situation).into_iter().filter(|f| f.contains("certificate CA")).collect();
    match finding {
        "" => assert!(found.is_empty(), "{found:?}"),
        finding => assert_eq!(found, [finding]),
    }
}

/// An artifact that changes, needs everything and has a schedule.
fn needing_all() -> Part {
    let archive = |archive: &mut PayloadArchive| archive.scheduled = true;
    let part = sync().there(Status::Active, "2").file(archive).needs(Kind::Agent, "AGENTS");
    let part = part.needs(Kind::Certificate, "CA").needs(Kind::Library, "LIB");
    part.needs(Kind::Connection, "ERP")
}

const NO: &str = "no answer in time";

/// Every question of a survey that got no answer is told; nothing is taken for yes or no.
#[rstest]
#[case::agents(|s: &mut Situation| s.target.agents = Answer::unknown(NO),
    "! whether agent group AGENTS is on prod is not known: no answer in time")]
#[case::certificates(|s: &mut Situation| s.target.certificates = Answer::unknown(NO),
    "! whether certificate CA is on prod is not known: no answer in time")]
#[case::libraries(|s: &mut Situation| global(s).libraries = Answer::unknown(NO),
    "! the libraries on prod could not be listed: no answer in time")]
#[case::instances(|s: &mut Situation| {
        s.target.instances = Answer::unknown(NO);
        s.parts[0].in_flight = None;
    },
    "! a gap from deactivation to activation; runs in flight are not known: no answer in time")]
#[case::projects(|s: &mut Situation| {
        s.target.elsewhere.no_projects = Some(NO.into());
        s.parts[0].before.status = Some(Status::Configured);
    },
    "! active integrations in projects are not counted against the limit of 700: no answer in time")]
#[case::connection(|s: &mut Situation| drop(s.connections.details.insert(at_home("ERP"), Answer::unknown(NO))),
    "! what connection ERP is set to could not be read: no answer in time")]
#[case::kept_connection(|s: &mut Situation| drop(s.kept_connections.insert(at_home("ERP"), Answer::unknown(NO))),
    "! what connection ERP was set to is not known: no answer in time")]
#[case::schedule(|s: &mut Situation| s.parts[0].before.schedule = Answer::unknown(NO),
    "✗ how the schedule of SYNC 01.00.0000 stands is not known: no answer in time")]
#[case::schedule_that_is_to_stop(|s: &mut Situation| {
        s.parts[0].before.schedule = Answer::unknown(NO);
        s.options.schedule = ScheduleChoice::Stopped;
    },
    "! how the schedule of SYNC 01.00.0000 stands is not known: no answer in time")]
#[case::record(|s: &mut Situation| s.parts[0].kept.unread = Some(NO.into()),
    "✗ the schedule of SYNC 01.00.0000 is kept, and cannot be read: no answer in time")]
#[case::index(|s: &mut Situation| s.index = Answer::unknown(NO),
    "✗ what the store keeps beside the archive is not known: no answer in time")]
#[case::runs(|s: &mut Situation| s.working = Answer::unknown(NO),
    "✗ whether somebody else works on it is not known: no answer in time")]
#[case::journals(|s: &mut Situation| s.unread_journals = vec!["runs/x.json".into()],
    "! 1 journal of the store cannot be read: runs/x.json")]
fn what_got_no_answer_is_told(#[case] forget: fn(&mut Situation), #[case] finding: &str) {
    let mut situation = restore_one(needing_all());
    assert!(!says(&situation, finding), "{:#?}", findings(&situation));
    forget(&mut situation);
    assert!(says(&situation, finding), "{:#?}", findings(&situation));
}

fn at_home(code: &str) -> (Scope, String) {
    (Scope::Global, code.to_owned())
}

#[rstest]
#[case::that_it_has(&["password", "agentGroupId"], None)]
#[case::that_it_has_not(&["password", "hostname"], Some("✗ connection ERP has no property hostname"))]
fn values_are_given_for_properties(#[case] given: &[&str], #[case] finding: Option<&str>) {
    let mut situation = restore_one(needing_all());
    global(&mut situation).connections = vec![listed_connection("ERP", Status::Draft)];
    let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
    situation.values.insert("ERP".into(), given);
    let settable = ["password", "connectionUrl"].map(str::to_owned).into();
    situation.connections.settable.insert(at_home("ERP"), settable);
    let found = findings(&situation).into_iter().find(|f| f.contains("has no property"));
    match finding {
        Some(beginning) => assert!(found.unwrap().starts_with(beginning)),
        None => assert_eq!(found, None),
    }
}

#[test]
fn a_schedule_that_is_not_known_can_be_left_stopped() {
    let mut situation = restore_one(needing_all());
    situation.parts[0].before.schedule = Answer::unknown(NO);
    let remedies = RestorePlan::of(&situation).checks.into_iter().filter_map(|c| c.remedy);
    let stopped = Remedy::Schedule(ScheduleChoice::Stopped);
    assert!(remedies.into_iter().any(|remedy| remedy == stopped));
}

/// An instance at the limit of active integrations, all of them as quiet as `F000`.
fn at_the_limit() -> Situation {
    let mut situation = restore_one(sync());
    let active = |n: usize| listed_integration(&format!("F{n:03}"), Status::Active);
    global(&mut situation).integrations = (0..700).map(active).collect();
    situation
}

#[test]
fn the_limit_of_active_integrations_offers_the_one_that_is_least_needed() {
    let offered = |s: &Situation| match remedy(s) {
        Some(Remedy::Deactivate(id)) => Some(id.code),
        _ => None,
    };
    let mut situation = at_the_limit();
    assert!(says(&situation, "✗ 700 integrations are active, the limit is 700: 1 too many"));
    assert_eq!(offered(&situation).as_deref(), Some("F000"));
    global(&mut situation).integrations[0].scheduled = true;
    assert_eq!(offered(&situation).as_deref(), Some("F001"));
    let ran = |n: u64| -> (_, InstanceCounts) { (id("F001"), instances(n)) };
    situation.target.instances =
        Answer::Known(crate::oic::InstanceTally::new([ran(5)].into(), false));
    assert_eq!(offered(&situation).as_deref(), Some("F002"));
    global(&mut situation).integrations[2].state.prebuilt = true;
    assert_eq!(offered(&situation).as_deref(), Some("F003"));
    // Another major version of what is restored is needed least.
    global(&mut situation).integrations[9].id = id("SYNC|02.00.0000");
    assert_eq!(offered(&situation).as_deref(), Some("SYNC"));
}

#[test]
fn integrations_of_other_projects_count_and_projects_that_are_not_listed_are_told() {
    let mut situation = restore_one(sync());
    let active = |n: usize| listed_integration(&format!("F{n:03}|01.00.0000|P"), Status::Active);
    situation.target.elsewhere.integrations = (0..700).map(active).collect();
    assert!(says(&situation, "✗ 700 integrations are active, the limit is 700: 1 too many"));
    let room = Some(Remedy::Deactivate("F000|01.00.0000|P".parse().unwrap()));
    assert_eq!(remedy(&situation), room);
    situation.target.elsewhere.integrations.truncate(600);
    assert!(!says(&situation, "of 700"));
    situation.target.elsewhere.unlisted = ["HIDDEN".into()].into();
    assert!(says(
        &situation,
        "! at least 601 of 700 integrations that may be active will be: 1 project"
    ));
}

#[test]
fn at_the_limit_a_swap_and_what_does_not_become_active_need_no_room() {
    let mut swap = at_the_limit();
    swap.parts[0].before.swapped = Some(id("SYNC|01.01.0000"));
    let mut inactive = at_the_limit();
    inactive.parts[0].wanted.goal = Goal::AsTaken(Some(Status::Configured));
    for situation in [swap, inactive] {
        assert_eq!(RestorePlan::of(&situation).blockers().count(), 0);
    }
}

#[test]
fn a_remedy_is_taken_into_the_options_or_asks_for_values() {
    let mut options = PlanOptions::default();
    assert_eq!(options.take(&Remedy::Configure("HCM".into())), RemedyTaken::Ask(&"HCM".into()));
    assert_eq!(options.take(&Remedy::Along(ArtifactKey::from(id("CHILD")))), RemedyTaken::Plan);
    assert_eq!(options.take(&Remedy::Deactivate(id("OLD"))), RemedyTaken::Plan);
    assert!(options.along.contains(&ArtifactKey::from(id("CHILD"))));
    assert!(options.deactivate.contains(&id("OLD")));
}

#[test]
fn a_lookup_of_the_store_that_cannot_be_read_is_told() {
    let mut situation = restore_one(project());
    situation.unread_lookups = vec!["store:prod/HR/lookups/G: it is broken".into()];
    assert!(says(
        &situation,
        "! a lookup of the project is kept, and cannot be read: store:prod/HR"
    ));
}

/// A call is to the scope that the archive names, whatever twins there are.
#[rstest]
#[case::global(Some(CalledScope::Global), "✓ child integration CHILD|01.00.0000 is active")]
#[case::own(Some(CalledScope::Own), "! child integration CHILD|01.00.0000|HR is configured")]
#[case::not_told(None, "! child integration CHILD|01.00.0000|HR is configured")]
#[case::another_project(Some(CalledScope::Project("OPS".into())),
    "✓ child integration CHILD|01.00.0000|OPS is active")]
#[case::a_project_that_has_none(Some(CalledScope::Project("IT".into())),
    "! child integration CHILD|01.00.0000|IT is not on prod")]
#[case::a_project_that_refuses(Some(CalledScope::Project("FIN".into())),
    "! whether child integration CHILD|01.00.0000|FIN is active is not known: 403")]
fn a_child_is_looked_for_where_it_is_called(
    #[case] told: Option<CalledScope>,
    #[case] finding: &str,
) {
    let caller = Part::integration("FEED|01.00.0000|HR").needs(Kind::Integration, "CHILD");
    let caller = caller.file(|archive| {
        archive.needs.called_in.extend(told.map(|told| (id("CHILD"), told)));
    });
    let mut situation = restore_one(caller);
    global(&mut situation).integrations.push(listed_integration("CHILD", Status::Active));
    let own = listed_integration("CHILD|01.00.0000|HR", Status::Configured);
    let hr = ScopeLists { integrations: vec![own], ..ScopeLists::default() };
    situation.target.scopes.insert(Scope::of_project("HR"), hr);
    let ops = listed_integration("CHILD|01.00.0000|OPS", Status::Active);
    situation.target.called = [
        (ops.id.clone(), Answer::Known(Some(ops))),
        (id("CHILD|01.00.0000|IT"), Answer::Known(None)),
        (id("CHILD|01.00.0000|FIN"), Answer::unknown("403")),
    ]
    .into();
    assert!(says(&situation, finding), "{:#?}", findings(&situation));
}

/// A rebuild loses what no call tells: an instance that has no access lists, as it says.
#[rstest]
#[case::the_instance_has_none(Answer::Known(None), true)]
#[case::it_is_read(Answer::Known(Some(Value::Null)), false)]
fn a_rebuild_says_who_may_do_what_where_it_cannot_put_that_back(
    #[case] access_list: Answer<Option<Value>>,
    #[case] told: bool,
) {
    let changed = project().there(Status::Active, "2").with(|p| {
        p.before.inside = Some(ProjectCompanion { access_list, ..ProjectCompanion::default() });
    });
    let mut situation = restore_one(changed);
    situation.options.rebuild.insert("HR".into());
    assert_eq!(says(&situation, "! who may do what in project HR is not put back"), told);
}

#[test]
fn every_warning_and_blocker_has_advice() {
    let kinds = [Kind::Connection, Kind::Lookup, Kind::Agent, Kind::Certificate];
    let needy = kinds.into_iter().fold(sync(), |part, kind| part.needs(kind, "X"));
    let needy = needy.needs(Kind::Integration, "CHILD").file(|a| a.scheduled = true);
    let needy = needy.there(Status::Active, "2").with(|p| p.in_flight = Some(2));
    let plan = RestorePlan::of(&restore_one(needy));
    let bad: Vec<_> = plan.checks.iter().filter(|c| c.level != Level::Fact).collect();
    assert!(bad.len() >= 6, "{bad:#?}");
    assert!(bad.iter().all(|c| c.fix.as_ref().is_some_and(|f| !f.is_empty())), "{bad:#?}");
}

#[rstest]
#[case::the_same(Likeness::Same, "✓ 1 lookup there, and the same", false)]
#[case::another_one(Likeness::Other("row 1, B: 2 → 5".into()),
    "! lookup A on prod is another one than it worked with: row 1, B: 2 → 5", true)]
#[case::not_read(Likeness::Unread("403".into()), "! lookup A is on prod, and was not compared: 403",
    false)]
fn a_lookup_that_is_there_is_compared(
    #[case] likeness: Likeness,
    #[case] says_so: &str,
    #[case] comes_along: bool,
) {
    let mut situation = needing(Kind::Lookup, "A");
    global(&mut situation).lookups.insert("A".into());
    let key = ArtifactKey::new(Kind::Lookup, "A", None);
    situation.likeness.insert(key.clone(), likeness);
    assert!(says(&situation, says_so), "{:?}", findings(&situation));
    assert_eq!(remedy(&situation), comes_along.then_some(Remedy::Along(key)));
}

#[rstest]
#[case::the_same(
    Likeness::Same,
    false,
    "✓ child integration CHILD|01.00.0000 is active, and the same"
)]
#[case::another_one(Likeness::Other("it does something else now".into()), false,
    "! child integration CHILD|01.00.0000 is active, and another one than was called: it does")]
#[case::in_the_store(Likeness::Other("it does something else now".into()), true,
    "! child integration CHILD|01.00.0000 is active, and another one than was called: it does")]
fn a_child_that_runs_is_compared(
    #[case] likeness: Likeness,
    #[case] stored: bool,
    #[case] says_so: &str,
) {
    let mut situation = needing(Kind::Integration, "CHILD");
    global(&mut situation).integrations.push(listed_integration("CHILD", Status::Active));
    let key = ArtifactKey::from(id("CHILD"));
    situation.likeness.insert(key.clone(), likeness);
    if stored {
        situation.offered.insert(key.clone());
    }
    assert!(says(&situation, says_so), "{:?}", findings(&situation));
    assert_eq!(remedy(&situation), stored.then_some(Remedy::Along(key)));
}

#[rstest]
#[case::of_a_file(None, "✗ SYNC 01.00.0000 is from a file, which does not say how its schedule")]
#[case::of_another("test".parse().ok(), "✗ SYNC 01.00.0000 is from test, whose schedule is not taken")]
#[case::of_home("prod".parse().ok(), "✗ the snapshot of SYNC 01.00.0000 does not say how its schedule")]
fn a_stored_schedule_that_is_not_known_is_asked_back(
    #[case] origin: Option<crate::model::EnvironmentName>,
    #[case] says_so: &str,
) {
    let part = sync().file(|archive| archive.scheduled = true).with(|p| p.wanted.origin = origin);
    let mut situation = restore_one(part);
    situation.options.schedule = ScheduleChoice::Stored;
    assert!(says(&situation, says_so), "{:?}", findings(&situation));
    assert_eq!(remedy(&situation), Some(Remedy::Schedule(ScheduleChoice::Keep)));
}

#[test]
fn what_is_right_but_for_its_schedule_is_not_as_wanted_where_another_is_chosen() {
    let running = || {
        sync()
            .there(Status::Active, "1")
            .file(|archive| archive.scheduled = true)
            .with(|p| p.before.schedule = Some(ScheduleState::Running).into())
    };
    let steps = |choice| {
        let mut situation = restore_one(running());
        situation.options.schedule = choice;
        crate::restore::fixture::steps(&situation)
    };
    assert_eq!(steps(ScheduleChoice::Keep), ["prove"]);
    assert_eq!(steps(ScheduleChoice::Stopped), ["schedule", "prove"]);
}

#[rstest]
#[case::kept(ScheduleChoice::Keep, false)]
#[case::stored(ScheduleChoice::Stored, true)]
#[case::stopped(ScheduleChoice::Stopped, true)]
fn of_a_project_that_is_there_unchanged_it_is_said_that_schedules_stay(
    #[case] choice: ScheduleChoice,
    #[case] told: bool,
) {
    let mut situation = restore_one(project().there(Status::Active, "1"));
    situation.options.schedule = choice;
    let what =
        "! project HR is there unchanged: the schedules of its integrations stay as they are";
    assert_eq!(says(&situation, what), told, "{:?}", findings(&situation));
}

#[test]
fn what_is_left_inactive_needs_no_schedule() {
    let part = sync()
        .there(Status::Configured, "1")
        .goal(Goal::Exactly { active: false, schedule: None })
        .with(|p| p.before.schedule = Some(ScheduleState::Stopped).into());
    let mut situation = restore_one(part);
    situation.options.schedule = ScheduleChoice::Stored;
    assert_eq!(crate::restore::fixture::steps(&situation), ["prove"]);
}
