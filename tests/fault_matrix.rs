//! The matrix: every way to restore something × every call of it × everything that can go wrong
//! there. Each cell ends in one of three: the wanted version proven, the old version proven, or
//! stopped before any change. What a cell's journal says is held against what is really on the
//! instance.
//!
//! The table is made by running each way once without a fault and counting its calls. An ordinary
//! run takes a sample; `OICX_MATRIX=full` takes all of it, and `OICX_MATRIX='Silent at call 7,'` the
//! cells that are named so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use oicx::archive::fingerprints_of;
use oicx::model::{FilePart, Kind, ManifestEntry, ScheduleState};
use oicx::restore;
use oicx::restore::{Journal, PlanItem, RunOutcome, Strategy};
use oicx::sim::{ArchiveBody, Manners, ServiceInstance};
use oicx::workspace::events::StopSignal;

use crate::scenarios::{
    Cell, Lane, SCENARIOS, State, portable_of, retry_policy, run, state, times_of,
};
use crate::support::context;

/// Worlds side by side.
const LANES: usize = 6;
/// One cell in so many, in an ordinary run: every fault has its turn.
const SAMPLE: usize = 35;
/// One cell in so many is made with each manner alone, in a full run.
const ALONE: usize = 9;
/// Cells of one way in an ordinary run, at most.
const SAMPLED: usize = 20;

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// A fault of the simulator at the nth call.
    Call(&'static str),
    /// Somebody else does something before the nth call.
    Other(&'static str),
    /// The role may not do anything any more from the nth call on.
    RoleLost,
    /// The process ends at the nth call: before it took effect, or after; then it is gone on with,
    /// or undone.
    Killed { after_effect: bool, undo: bool },
    /// The nth write to the store fails, once or from then on.
    Write { times: usize },
    /// A person holds it at the nth call, and goes on or undoes later.
    Held { undo: bool },
    /// A person cancels it at the nth call.
    Cancelled,
    /// The service answers nothing any more from the nth call on.
    Silent,
}

const CALL_FAULTS: [&str; 14] = [
    "status=400",
    "status=403",
    "status=404",
    "status=409",
    "status=412",
    "status=423",
    "status=500",
    "status=503 times=9",
    "reset",
    "lost",
    "truncate",
    "html",
    "hang",
    "stall",
];
const ACTIVATION_FAULTS: [&str; 3] = ["fail-activation", "stuck-activation", "flip-activation"];
const OTHERS: [&str; 3] = ["deleted", "locked", "changed"];

/// How the instance behaves: as the first releases did, with everything taking a while, and with
/// the first activations timing out.
fn manners() -> [Manners; 3] {
    let plain = Manners::default();
    let slow = Manners { schedule_ms: 12, deactivation_ms: 12, failed_is_inactive: true, ..plain };
    let slow = Manners { lag_ms: 8, project_import_ms: 12, keeps_lookups: true, ..slow };
    let slow = Manners { empty_bodies: true, ..slow };
    [plain, slow, Manners { activation_times_out: true, ..slow }]
}

/// Each manner that a restore may meet, alone.
fn manners_alone() -> Vec<Manners> {
    let all = [
        "schedule_ms=12",
        "deactivation_ms=12",
        "lag_ms=8",
        "project_import_ms=12",
        "frequency_is_object=true",
        "activation_times_out=true",
        "failed_is_inactive=true",
        "page_cap=2",
        "kebab_case=true",
        "clock_s=-600",
        "keeps_lookups=true",
        "replaces_members=true",
        "empty_bodies=true",
    ];
    all.map(|manner| Manners::default().with(manner).unwrap()).into()
}

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum End {
    WantedProven,
    OldProven,
    BeforeAnyChange,
}

impl Cell<'_> {
    fn fault(&self, text: String) {
        self.lane.world.fault(&text);
    }

    fn calls(&self) -> usize {
        self.lane.world.sim.calls("prod ")
    }

    /// How many calls and writes a run makes where nothing goes wrong.
    async fn measure(&self) -> (Vec<String>, usize) {
        let (calls, writes) = (self.calls(), self.disk.writes());
        let journal = run(&self.lane.client, &self.store, &self.prepared, &StopSignal::default())
            .await
            .unwrap();
        assert_eq!(
            journal.result,
            Some(RunOutcome::Restored),
            "{:?} {:?}",
            journal.error,
            journal.lines
        );
        let made = self.lane.world.sim.calls_since("prod ", calls);
        self.judge(&journal, &Trouble::Held { undo: false }).unwrap();
        (made, self.disk.writes() - writes)
    }

    /// Makes the run with one trouble at one place, and says how it ended.
    async fn with(&self, trouble: Trouble, nth: usize) -> Result<(End, bool), String> {
        let target = self.prepared.plan.items.iter().rev().find_map(|i| i.id());
        let sim = &self.lane.world.sim;
        let stop = StopSignal::default();
        match trouble {
            Trouble::Call(fault) => {
                let times = if fault.contains("times") { "" } else { " times=1" };
                self.fault(format!("{fault} env=prod after={nth}{times}"));
            }
            Trouble::Silent => self.fault(format!("hang env=prod after={nth}")),
            Trouble::Cancelled => {
                let asked = stop.clone();
                sim.before_call("prod", nth, move |_| asked.undo());
            }
            Trouble::RoleLost => self.fault(format!("status=403 env=prod after={nth}")),
            Trouble::Write { times } => self.disk.fail_writes(nth, times),
            Trouble::Other(what) => {
                let target = target.ok_or("nothing for anybody else to touch")?;
                let theirs = self.theirs.clone();
                let mut flows = self.lane.landscape.integrations.iter();
                let flow = flows.find(|i| i.code == target.code).map(|i| i.flow.clone());
                sim.before_call("prod", nth, move |i| match what {
                    "deleted" => drop(i.integrations.remove(&target)),
                    "locked" => i
                        .integrations
                        .get_mut(&target)
                        .into_iter()
                        .for_each(|l| l.locked_by = Some("k.l".into())),
                    _ => {
                        let Some(live) = i.integrations.get_mut(&target) else { return };
                        // The designer opens what was imported as well.
                        if let (ArchiveBody::Imported(..), Some(flow)) = (&live.body, flow) {
                            live.body = ArchiveBody::Flow(std::sync::Arc::new(flow));
                        }
                        live.edit(
                            |flow| drop(flow.fields.insert("n".into(), "'theirs'".into())),
                            "m.rossi",
                        );
                        *theirs.lock().unwrap() = Some(portable_of(i, &target));
                    }
                });
            }
            Trouble::Held { .. } => {
                let asked = stop.clone();
                sim.before_call("prod", nth, move |_| asked.hold());
            }
            Trouble::Killed { after_effect, .. } => {
                let how = if after_effect { "stall" } else { "hang" };
                self.fault(format!("{how} env=prod after={nth} times=1"));
                return self.killed(trouble, nth).await;
            }
        }
        let journal = match run(&self.lane.client, &self.store, &self.prepared, &stop).await {
            Ok(journal) => journal,
            // Not even the journal could be begun.
            Err(_) => {
                let now = self.lane.instance(state);
                return if now == self.state {
                    Ok((End::BeforeAnyChange, false))
                } else {
                    Err("changed without a journal".into())
                };
            }
        };
        let ended = self.bring_to_an_end(journal, trouble).await;
        self.theirs_is_somewhere(nth).await?;
        ended
    }

    /// What somebody else did is there, or the store has it. Only what they did in the moment
    /// before the call that writes over it cannot be seen.
    async fn theirs_is_somewhere(&self, nth: usize) -> Result<(), String> {
        let Some(theirs) = *self.theirs.lock().unwrap() else { return Ok(()) };
        let there = |i: &mut ServiceInstance| {
            let ids: Vec<_> = i.integrations.keys().cloned().collect();
            ids.iter().any(|one| portable_of(i, one) == theirs)
        };
        let manifests = self.store.manifests().await.map_err(|e| e.to_string())?;
        let kept = manifests.iter().filter_map(|(_, m)| m.as_ref().ok()).flat_map(|m| &m.entries);
        // Of a project or package the whole is kept, once more than for safety.
        let items = &self.prepared.plan.items;
        let another = |entry: &ManifestEntry| {
            let mut known = items.iter().filter(|i| i.key == entry.key());
            known.any(|i| i.before.portable != Some(entry.portable))
        };
        let is_whole = |e: &ManifestEntry| matches!(e.kind, Kind::Project | Kind::Package);
        let is_kept = |e: &ManifestEntry| e.portable == theirs || is_whole(e) && another(e);
        let entries: Vec<ManifestEntry> = kept.cloned().collect();
        if self.lane.instance(there) || entries.iter().any(is_kept) || self.writes_over(nth) {
            return Ok(());
        }
        // What no call exports alone is kept with its project.
        let index = self.store.index().await.map_err(|e| e.to_string())?;
        let projects = index.versions().iter().filter(|v| v.kind == Kind::Project);
        for version in projects.filter(|v| entries.iter().any(|e| e.path == v.path)) {
            let bytes = self.store.read(version).await.map_err(|e| e.to_string())?;
            for id in items.iter().filter_map(PlanItem::id) {
                let found = fingerprints_of(Kind::Integration, &FilePart::member(&id), &bytes);
                if found.is_ok_and(|f| f.portable == theirs) {
                    return Ok(());
                }
            }
        }
        Err("what somebody else did is nowhere".into())
    }

    /// Whether the nth call of the run writes over what was there.
    fn writes_over(&self, nth: usize) -> bool {
        let calls = self.lane.world.sim.calls_since("prod ", self.began);
        calls.get(nth).is_some_and(|call| call.contains(" PUT ") || call.contains(" DELETE "))
    }

    /// The end; where it was left open, after what stood in the way is gone.
    async fn bring_to_an_end(
        &self,
        journal: Journal,
        trouble: Trouble,
    ) -> Result<(End, bool), String> {
        if !journal.is_open() {
            return self.judge(&journal, &trouble).map(|end| (end, false));
        }
        let said = journal.why().unwrap_or_default();
        if journal.result == Some(RunOutcome::Unfinished) && !said.contains("oicx resume") {
            return Err(format!("it does not say what to do: {said}"));
        }
        self.clear();
        let undo = !matches!(trouble, Trouble::Held { undo: false });
        let journal = self.take_up(journal, undo).await;
        self.judge(&journal, &trouble).map(|end| (end, true))
    }

    fn clear(&self) {
        self.lane.world.sim.clear_faults();
        self.disk.heal();
        self.lane.instance(|i| i.integrations.values_mut().for_each(|l| l.locked_by = None));
    }

    async fn take_up(&self, journal: Journal, undo: bool) -> Journal {
        let name = journal.plan.name_to_type();
        let reopened = journal.reopen(name.as_deref()).unwrap();
        let retry_policy = retry_policy();
        let context = context(&self.lane.client, &self.store, &retry_policy);
        let ended = if undo {
            restore::undo(reopened, context).await
        } else {
            restore::continue_run(reopened, context).await
        };
        ended.unwrap()
    }

    /// Ends the process's work at a call, and takes the run up from what is in the store.
    async fn killed(&self, trouble: Trouble, nth: usize) -> Result<(End, bool), String> {
        let Trouble::Killed { undo, .. } = trouble else { return Err("not killed".into()) };
        let before = self.calls();
        {
            let stop = StopSignal::default();
            let mut work =
                std::pin::pin!(run(&self.lane.client, &self.store, &self.prepared, &stop));
            loop {
                tokio::select! {
                    biased;
                    // Fewer calls than in the measured run: nothing was hit.
                    done = &mut work => {
                        let journal = done.map_err(|e| e.to_string())?;
                        return self.bring_to_an_end(journal, trouble).await;
                    }
                    () = tokio::time::sleep(Duration::from_millis(1)) => {
                        if self.calls() > before + nth && self.lane.world.sim.held_calls() > 0 {
                            break;
                        }
                    }
                }
            }
        }
        self.clear();
        let mut open = restore::all_runs(&self.store).await.map_err(|e| e.to_string())?;
        open.retain(Journal::is_open);
        let journal = open.pop().ok_or("the run that was killed is not in the store")?;
        let journal = self.take_up(journal, undo).await;
        let end = self.judge(&journal, &trouble)?;
        match (undo, end) {
            (false, End::WantedProven) | (true, End::OldProven | End::BeforeAnyChange) => {
                Ok((end, true))
            }
            _ => Err(format!("undo = {undo} ended in {end:?}: {:?}", journal.error)),
        }
    }

    /// Holds what the journal says against what is on the instance.
    fn judge(&self, journal: &Journal, trouble: &Trouble) -> Result<End, String> {
        let now = self.lane.instance(state);
        let result = journal.result.ok_or("it has no end")?;
        if result != RunOutcome::Restored && journal.why().as_ref().is_none_or(String::is_empty) {
            return Err(format!("{result:?} without a reason"));
        }
        // What somebody else did before anything was done stays theirs.
        let theirs = matches!(trouble, Trouble::Other(_));
        let outcomes: Vec<RunOutcome> = journal.items.iter().filter_map(|r| r.outcome).collect();
        match result {
            RunOutcome::Restored => {
                // What is touched after its own proof, while others go on, was proven all the same.
                let later = |p: &usize| {
                    theirs && journal.items[*p].proof.as_ref().is_some_and(|p| p.holds())
                };
                self.is_wanted(&now, (0..journal.items.len()).filter(|p| !later(p)))
                    .map(|()| End::WantedProven)
            }
            RunOutcome::PutBack | RunOutcome::Untouched
                if theirs && result == RunOutcome::Untouched =>
            {
                Ok(End::BeforeAnyChange)
            }
            RunOutcome::PutBack => self.is_old(&now, theirs).map(|()| End::OldProven),
            RunOutcome::Untouched => self.is_old(&now, theirs).map(|()| End::BeforeAnyChange),
            // Each for itself: each ends in one of the three.
            RunOutcome::Partly => {
                let good =
                    (0..outcomes.len()).filter(|p| outcomes[*p] == RunOutcome::Restored && !theirs);
                self.is_wanted(&now, good)?;
                let bad = outcomes.iter().any(|o| o.is_open());
                if bad { Err(format!("{outcomes:?}")) } else { Ok(End::OldProven) }
            }
            other => Err(format!("{other:?}: {:?} {:?}", journal.error, journal.lines)),
        }
    }

    fn is_wanted(
        &self,
        now: &State,
        places: impl IntoIterator<Item = usize>,
    ) -> Result<(), String> {
        for place in places {
            let item = &self.prepared.plan.items[place];
            let Some(id) = item.id() else {
                let key = match item.key.kind {
                    Kind::Package => format!("package {}", item.key.code),
                    Kind::Project => format!("project {}", item.key.code),
                    Kind::Lookup => match item.key.scope.project() {
                        Some(project) => format!("lookup {project}/{}", item.key.code),
                        None => format!("lookup {}", item.key.code),
                    },
                    _ => format!("library {}|01.00.0000", item.key.code),
                };
                let there = now.contains_key(&key);
                if there == (item.strategy == Strategy::Remove) {
                    return Err(format!("{key}: there = {there}"));
                }
                continue;
            };
            let found = now.get(&id.to_string());
            let good = match (&item.wanted, found) {
                (None, None) => true,
                // What it means is proven with the project that brings it.
                (None, Some(text)) if item.within.is_some() => {
                    text.contains(if item.activate { " runs " } else { " does not run " })
                }
                (Some(flow), Some(text)) => {
                    let schedule = item.schedule.as_ref().map(ScheduleState::label);
                    let runs = if item.activate { "runs" } else { "does not run" };
                    text.starts_with(&format!("{flow} {runs}"))
                        && (schedule.is_none() || text.ends_with(&format!("{schedule:?}")))
                }
                _ => false,
            };
            if !good {
                return Err(format!("{id} is not as wanted: {found:?}, wanted {:?}", item.wanted));
            }
            let times = times_of(&id);
            let kept = item.kept.schedule_definition.as_ref().filter(|_| item.changes_times());
            let wanted = kept.map(ToString::to_string).or_else(|| self.state.get(&times).cloned());
            if item.activate && wanted.is_some() && now.get(&times) != wanted.as_ref() {
                return Err(format!("{times}: {:?} instead of {wanted:?}", now.get(&times)));
            }
            let of = format!("parameters of {id}");
            let values = self.state.get(&of).filter(|_| item.activate);
            if values.is_some() && now.get(&of) != values {
                return Err(format!("{of}: {:?} instead of {values:?}", now.get(&of)));
            }
        }
        Ok(())
    }

    fn is_old(&self, now: &State, theirs: bool) -> Result<(), String> {
        let differs = |(key, value): &(&String, &String)| now.get(*key) != Some(value);
        let lost: Vec<_> = self.state.iter().filter(differs).collect();
        let extra: Vec<_> = now.keys().filter(|k| !self.state.contains_key(*k)).collect();
        // What somebody did to one integration stays, with what belongs to it.
        let of = |key: &&String| key.rsplit(' ').next().unwrap_or_default().to_owned();
        let theirs_alone = lost.iter().map(|(key, _)| of(key)).collect::<BTreeSet<_>>().len() <= 1;
        if extra.is_empty() && (lost.is_empty() || theirs && theirs_alone) {
            return Ok(());
        }
        Err(format!("not as before: lost {lost:?}, extra {extra:?}, now {now:?}"))
    }
}

/// The table: every trouble at every call and write of a way.
fn table(calls: &[String], writes: usize, others: bool) -> Vec<(Trouble, usize)> {
    let mut out = Vec::new();
    for (nth, call) in calls.iter().enumerate() {
        out.extend(CALL_FAULTS.map(|f| (Trouble::Call(f), nth)));
        if others {
            out.extend(OTHERS.map(|o| (Trouble::Other(o), nth)));
        }
        out.extend([Trouble::RoleLost, Trouble::Cancelled, Trouble::Silent].map(|t| (t, nth)));
        if call.contains(" POST ") && call.contains("/integrations/") {
            out.extend(ACTIVATION_FAULTS.map(|f| (Trouble::Call(f), nth)));
        }
        for undo in [false, true] {
            out.push((Trouble::Held { undo }, nth));
            for after_effect in [false, true] {
                out.push((Trouble::Killed { after_effect, undo }, nth));
            }
        }
    }
    for nth in 0..writes {
        out.extend([1, 10_000].map(|times| (Trouble::Write { times }, nth)));
    }
    out
}

/// How a cell is named where it ends wrong, and in `OICX_MATRIX` to make it again.
fn named_as((trouble, nth, manners): &(Trouble, usize, Manners)) -> String {
    format!("{trouble:?} at call {nth}, {manners:?}")
}

async fn every_cell_of(place: usize) {
    let scenario = SCENARIOS[place];
    let first = Lane::new(&scenario).await;
    let cell = first.cell(&scenario, Manners::default()).await;
    let (calls, writes) = cell.measure().await;
    let all = table(&calls, writes, cell.prepared.plan.items.iter().any(|i| i.id().is_some()));
    // Odd, so that it does not meet the same faults at each call.
    let sample = SAMPLE.max(all.len().div_ceil(SAMPLED)) | 1;
    // All of it is made with manners that come together, and a part with each alone; a sample takes
    // turns among all of them.
    let together = manners().into_iter().flat_map(|m| all.iter().map(move |c| (c.0, c.1, m)));
    let alone = manners_alone().into_iter().enumerate().flat_map(|(n, m)| {
        all.iter().skip((n + place) % ALONE).step_by(ALONE).map(move |c| (c.0, c.1, m))
    });
    let with_all_manners: Vec<_> = together.chain(alone).collect();
    let whole = with_all_manners.len();
    let chosen: Vec<_> = match std::env::var("OICX_MATRIX").ok().as_deref() {
        Some("full") => with_all_manners,
        Some(named) => {
            with_all_manners.into_iter().filter(|cell| named_as(cell).contains(named)).collect()
        }
        None => all
            .iter()
            .skip(place % sample)
            .step_by(sample)
            .zip(manners().into_iter().chain(manners_alone()).cycle())
            .map(|((trouble, nth), m)| (*trouble, *nth, m))
            .collect(),
    };
    let next = AtomicUsize::new(0);
    let work = |lane: Lane| {
        let (chosen, next) = (&chosen, &next);
        async move {
            let mut ends: BTreeMap<(End, bool), usize> = BTreeMap::new();
            let mut bad = Vec::new();
            while let Some(cell) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                let (trouble, nth, manners) = cell;
                match lane.cell(&scenario, *manners).await.with(*trouble, *nth).await {
                    Ok(end) => *ends.entry(end).or_default() += 1,
                    Err(why) => bad.push(format!("{}: {}: {why}", scenario.name, named_as(cell))),
                }
            }
            (ends, bad)
        }
    };
    let mut lanes = vec![first];
    for _ in 1..LANES {
        lanes.push(Lane::new(&scenario).await);
    }
    let results = futures::future::join_all(lanes.into_iter().map(work)).await;
    let mut ends: BTreeMap<(End, bool), usize> = BTreeMap::new();
    let mut bad = Vec::new();
    for (part, wrong) in results {
        part.into_iter().for_each(|(end, n)| *ends.entry(end).or_default() += n);
        bad.extend(wrong);
    }
    let count =
        |end: End| ends.iter().filter(|((e, _), _)| *e == end).map(|(_, n)| n).sum::<usize>();
    let again: usize = ends.iter().filter(|((_, again), _)| *again).map(|(_, n)| n).sum();
    println!(
        "matrix: {}: {} calls, {writes} writes, {} cells of {}: wanted {}, old {}, before any \
            change {} ({again} after being taken up again)",
        scenario.name,
        calls.len(),
        chosen.len(),
        whole,
        count(End::WantedProven),
        count(End::OldProven),
        count(End::BeforeAnyChange)
    );
    assert!(
        bad.is_empty(),
        "{} of {} cells:\n{}",
        bad.len(),
        chosen.len(),
        bad[..bad.len().min(12)].join("\n")
    );
}

macro_rules! matrix {
    ($($name:ident = $place:literal),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            every_cell_of($place).await;
        })+

        #[test]
        fn every_scenario_has_a_test() {
            assert_eq!([$($place),+].len(), SCENARIOS.len());
        }
    };
}

matrix! {
    every_fault_of_a_replacement_ends_well = 0,
    every_fault_of_an_import_ends_well = 1,
    every_fault_of_an_activation_ends_well = 2,
    every_fault_of_an_import_with_what_it_needs_ends_well = 3,
    every_fault_of_replacing_tables_and_libraries_ends_well = 4,
    every_fault_of_a_package_ends_well = 5,
    every_fault_of_a_project_ends_well = 6,
    every_fault_of_artifacts_that_stand_for_themselves_ends_well = 7,
    every_fault_of_undoing_a_replacement_ends_well = 8,
    every_fault_of_undoing_an_import_ends_well = 9,
    every_fault_of_adding_to_a_project_ends_well = 10,
    every_fault_of_replacing_in_a_project_ends_well = 11,
    every_fault_of_activating_in_a_project_ends_well = 12,
    every_fault_of_rebuilding_a_project_ends_well = 13,
    every_fault_of_undoing_the_rebuild_of_a_project_ends_well = 14,
    every_fault_of_changing_the_times_of_a_schedule_ends_well = 15,
    every_fault_of_undoing_an_addition_to_a_project_ends_well = 16,
    every_fault_of_copying_into_a_project_ends_well = 17,
}
