//! The matrix: every way to restore something × every call of it × everything that can go wrong
//! there. Each cell ends in one of three: the wanted version proven, the old version proven, or
//! stopped before any change. What a cell's journal says is held against what is really on the
//! instance.
//!
//! The table is made by running each way once without a fault and counting its calls. An ordinary
//! run takes a sample; `OICX_MATRIX=full` takes all of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use oicx::archive::fingerprints_of;
use oicx::config::{EnvironmentConfig, OverlayValue};
use oicx::model::{FilePart, Fingerprint, IntegrationId, Kind, ScheduleState, Status};
use oicx::oic::{Client, Tuning};
use oicx::restore;
use oicx::restore::{
    ConnectionValues, Goal, Journal, PlanOptions, PreparedPlan, Request, RetryPolicy, RunContext,
    RunOutcome, ScheduleChoice, Strategy, Verb,
};
use oicx::sim::{ArchiveBody, Landscape, Manners, ServiceInstance};
use oicx::store::Store;
use oicx::workspace::events::{Events, StopSignal};
use serde_json::json;

use crate::store::take_backup;
use crate::support::{World, disk::FillingDisk, id};

const LANDSCAPE: &str = include_str!("support/matrix.toml");
/// Worlds side by side.
const LANES: usize = 6;
/// One cell in so many, in an ordinary run.
const SAMPLE: usize = 16;

/// A way to restore something.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    strategy: Strategy,
    references: &'static [&'static str],
    /// What the instance is like before.
    before: fn(&mut ServiceInstance),
    /// How what is asked for stood when it was taken.
    active: bool,
    together: bool,
    /// A run that is made first, and then undone: that is what is tested.
    rollback: bool,
}

fn nothing(_: &mut ServiceInstance) {}

fn changed_in_place(i: &mut ServiceInstance) {
    change(i, "SYNC|01.00.0000");
}

fn change(i: &mut ServiceInstance, which: &str) {
    let live = i.get_mut(&id(which)).unwrap();
    live.edit(|flow| drop(flow.fields.insert("grade".into(), "$g".into())), "j.doe");
}

fn gone(i: &mut ServiceInstance, which: &str) {
    i.integrations.remove(&id(which));
}

const SCENARIOS: [Scenario; 15] = [
    Scenario {
        name: "replace",
        strategy: Strategy::Replace,
        references: &["store:prod/SYNC"],
        before: changed_in_place,
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "import with a swap",
        strategy: Strategy::Import,
        references: &["store:prod/ORDERS@01.01.0000"],
        before: |i| gone(i, "ORDERS|01.01.0000"),
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "activate with a swap",
        strategy: Strategy::Activate,
        references: &["store:prod/ORDERS@01.01.0000"],
        before: nothing,
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "import with a lookup and a connection",
        strategy: Strategy::Import,
        references: &["store:prod/lookups/PAY_GRADE", "store:prod/SYNC"],
        before: |i| {
            gone(i, "SYNC|01.00.0000");
            i.lookups.remove("PAY_GRADE");
            // Nothing else may use a connection that is to be missing.
            for code in [
                "ORDERS|01.00.0000",
                "ORDERS|01.01.0000",
                "PAY_SLIPS|01.00.0000",
                "PAY_RUN|01.00.0000",
            ] {
                gone(i, code);
            }
            i.connections.remove("PAYROLL");
        },
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "replace a lookup and a library",
        strategy: Strategy::Replace,
        references: &["store:prod/lookups/PAY_GRADE", "store:prod/libraries/MATHS"],
        before: |i| {
            i.edit_lookup("PAY_GRADE", "j.doe", |rows| rows.push(vec!["9".into(), "9".into()]));
            i.others.libraries.get_mut("MATHS|01.00.0000").unwrap().script.push_str("// changed");
        },
        active: false,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "a package",
        strategy: Strategy::Import,
        references: &["store:prod/packages/Payroll"],
        before: |i| {
            gone(i, "PAY_SLIPS|01.00.0000");
            gone(i, "PAY_RUN|01.00.0000");
            i.others.packages.clear();
        },
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "a project",
        strategy: Strategy::Import,
        references: &["store:prod/projects/HR"],
        before: |i| {
            gone(i, "HR_FEED|01.00.0000|HR");
            gone(i, "HR_NIGHT|01.00.0000|HR");
            i.others.projects.clear();
        },
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "each for itself",
        strategy: Strategy::Replace,
        references: &["store:prod/SYNC", "store:prod/ORDERS@01.01.0000"],
        before: changed_in_place,
        active: true,
        together: false,
        rollback: false,
    },
    Scenario {
        name: "undo a replacement",
        strategy: Strategy::Replace,
        references: &["store:prod/SYNC"],
        before: changed_in_place,
        active: true,
        together: true,
        rollback: true,
    },
    Scenario {
        name: "undo an import with a swap",
        strategy: Strategy::Remove,
        references: &["store:prod/ORDERS@01.01.0000"],
        before: |i| gone(i, "ORDERS|01.01.0000"),
        active: true,
        together: true,
        rollback: true,
    },
    Scenario {
        name: "add to a project",
        strategy: Strategy::Import,
        references: &["store:prod/HR/HR_FEED"],
        before: |i| gone(i, "HR_FEED|01.00.0000|HR"),
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "replace in a project",
        strategy: Strategy::Replace,
        references: &["store:prod/HR/HR_FEED"],
        before: |i| change(i, "HR_FEED|01.00.0000|HR"),
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "activate in a project",
        strategy: Strategy::Activate,
        references: &["store:prod/HR/HR_FEED"],
        before: |i| i.deactivate(&id("HR_FEED|01.00.0000|HR")).unwrap(),
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "rebuild a project",
        strategy: Strategy::Rebuild,
        references: &["store:prod/projects/HR"],
        before: |i| change(i, "HR_FEED|01.00.0000|HR"),
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: TIMES,
        strategy: Strategy::Activate,
        references: &["store:prod/SYNC"],
        before: |i| {
            let times = json!({ "frequency": { "frequencyType": "HOURLY", "interval": 4 } });
            i.get_mut(&id("SYNC|01.00.0000")).unwrap().definition = Some(times);
        },
        active: true,
        together: true,
        rollback: false,
    },
];

/// The way in which the stored schedule is wanted.
const TIMES: &str = "the times of a schedule";

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
    let slow = Manners { lag_ms: 8, project_import_ms: 12, ..slow };
    [plain, slow, Manners { activation_times_out: true, ..slow }]
}

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum End {
    WantedProven,
    OldProven,
    BeforeAnyChange,
}

/// One world with all that speaks to it, used for one cell after the other.
struct Lane {
    world: World,
    landscape: Landscape,
    client: Client,
    request: Request,
    schedule: ScheduleChoice,
}

/// A run under way in a cell.
struct Cell<'l> {
    lane: &'l Lane,
    disk: Arc<FillingDisk>,
    store: Store,
    prepared: PreparedPlan,
    /// What the instance is like before the run.
    state: State,
}

type State = BTreeMap<String, String>;

/// Everything on the instance that a run may touch.
fn state(i: &mut ServiceInstance) -> State {
    let mut out = State::new();
    let ids: Vec<_> = i.integrations.keys().cloned().collect();
    // What is locked is not exported.
    let locks: Vec<_> = i.integrations.values_mut().map(|live| live.locked_by.take()).collect();
    for one in ids {
        let flow = portable_of(i, &one);
        let live = i.get_mut(&one).unwrap();
        let runs = if live.status == Status::Active { "runs" } else { "does not run" };
        let schedule = live
            .schedule
            .as_ref()
            .filter(|_| live.status == Status::Active)
            .map(ScheduleState::label);
        // What does not run is not told where it was.
        if live.status == Status::Active && !live.parameters.is_empty() {
            out.insert(format!("parameters of {one}"), format!("{:?}", live.parameters));
        }
        if schedule.is_some() {
            out.insert(times_of(&one), live.schedule_times().to_string());
        }
        out.insert(one.to_string(), format!("{flow} {runs} {schedule:?}"));
    }
    for (live, lock) in i.integrations.values_mut().zip(locks) {
        live.locked_by = lock;
    }
    out.extend(i.lookups.values().map(|l| (format!("lookup {}", l.name), format!("{:?}", l.rows))));
    out.extend(
        i.others.libraries.iter().map(|(id, l)| (format!("library {id}"), l.script.clone())),
    );
    out.extend(i.others.packages.keys().map(|p| (format!("package {p}"), String::new())));
    for (code, project) in &i.others.projects {
        let ready = project.connections.values().filter(|c| c.configured).count();
        let access = &project.access_list;
        out.insert(format!("project {code}"), format!("{ready} connections configured, {access}"));
    }
    out.extend(
        i.connections
            .iter()
            .map(|(code, c)| (format!("connection {code}"), format!("{}", c.configured))),
    );
    out
}

/// The key of when a schedule runs.
fn times_of(one: &IntegrationId) -> String {
    format!("times of {one}")
}

/// What an integration of the instance is. What most cells leave alone is read once.
fn portable_of(i: &ServiceInstance, one: &IntegrationId) -> Fingerprint {
    static KNOWN: Mutex<BTreeMap<(String, String), Fingerprint>> = Mutex::new(BTreeMap::new());
    let flow = match &i.get(one).unwrap().body {
        ArchiveBody::Imported(_, iar) => return iar.fingerprints.portable,
        ArchiveBody::Flow(flow) => format!("{flow:?}"),
    };
    let known = (one.to_string(), flow);
    if let Some(fingerprint) = KNOWN.lock().unwrap().get(&known) {
        return *fingerprint;
    }
    let (part, archive) = match one.scope.project() {
        None => (FilePart::Whole, i.export(one).unwrap()),
        // Whether it came in its project's archive or alone.
        Some(project) => (FilePart::member(one), i.export_project(project.as_str()).unwrap()),
    };
    let fingerprint = fingerprints_of(Kind::Integration, &part, &archive).unwrap().portable;
    KNOWN.lock().unwrap().insert(known, fingerprint);
    fingerprint
}

fn retry_policy() -> RetryPolicy {
    RetryPolicy {
        poll: Duration::from_millis(2),
        again: Duration::from_millis(1),
        tries: 3,
        put_back: 4,
        grace: Some(Duration::from_millis(30)),
        steady: Duration::from_millis(25),
        at_once: 4,
    }
}

impl Lane {
    async fn new(scenario: &Scenario) -> Self {
        let world = World::of(LANDSCAPE).await;
        take_backup(&world, "prod").await;
        let workspace = world.workspace().await;
        let references: Vec<_> = scenario.references.iter().map(|r| r.parse().unwrap()).collect();
        let mut request = workspace.request(Verb::Restore, &references).await.unwrap();
        request.together = scenario.together;
        if scenario.strategy == Strategy::Rebuild {
            request.rebuild.insert("HR".into());
        }
        for wanted in &mut request.wanted {
            if scenario.active {
                wanted.goal = Goal::AsTaken(Some(Status::Active));
            }
        }
        let overlay = [
            ("connectionUrl".to_owned(), OverlayValue::Plain("https://payroll.example".into())),
            ("password".to_owned(), OverlayValue::Secret(world.secret("right"))),
        ];
        let environment = EnvironmentConfig {
            activation_timeout: 1,
            // HCM and REST come with the project, without their credentials.
            connections: ["PAYROLL", "HCM", "REST"]
                .map(|code| (code.to_owned(), overlay.clone().into()))
                .into(),
            ..world.environment("prod")
        };
        // A call that is held is given up early; on a busy machine an ordinary one takes its time.
        let began = Instant::now();
        world.client("prod").integrations().await.unwrap();
        let call = began.elapsed() * 25;
        let tuning = Tuning {
            call: call.clamp(Duration::from_millis(250), Duration::from_secs(3)),
            pause: Duration::from_millis(1),
            tries: 3,
            ..crate::support::tuning()
        };
        let client = Client::new(environment, tuning);
        let landscape = Landscape::parse(LANDSCAPE, "matrix.toml".as_ref()).unwrap();
        let schedule = match scenario.name {
            TIMES => ScheduleChoice::Stored,
            _ => ScheduleChoice::Keep,
        };
        Self { world, landscape, client, request, schedule }
    }

    fn instance<T>(&self, look: impl FnOnce(&mut ServiceInstance) -> T) -> T {
        self.world.sim.with_instance("prod", look).unwrap()
    }

    /// A plan, before anything fails. The calls of a run are given up early, so that a silent
    /// service is met in no time; on a busy machine that may hit a plan.
    async fn prepare(&self, store: Option<&Store>, request: &Request) -> PreparedPlan {
        let options = PlanOptions { schedule: self.schedule, ..PlanOptions::default() };
        // What was stored beside an archive is in the store of the backup.
        let of_backup = match self.schedule {
            ScheduleChoice::Stored => Some(self.world.store().await),
            _ => None,
        };
        let store = of_backup.as_ref().or(store);
        for _ in 0..10 {
            match restore::prepare(&self.client, store, request, &options).await {
                Ok(prepared) if prepared.plan.blockers().next().is_none() => return prepared,
                Ok(prepared) => eprintln!("planned again: {:?}", prepared.plan.checks),
                Err(why) => eprintln!("planned again: {why}"),
            }
        }
        panic!("no plan in ten tries");
    }

    /// Everything anew, and a plan for it.
    async fn cell(&self, scenario: &Scenario, manners: Manners) -> Cell<'_> {
        self.world.sim.reset(&self.landscape);
        self.instance(scenario.before);
        self.instance(|i| i.settings.manners = manners);
        let disk = Arc::new(FillingDisk::roomy());
        let store = Store::on(disk.clone(), "matrix");
        let mut request = self.request.clone();
        if scenario.rollback {
            let prepared = self.prepare(None, &request).await;
            let first = run(&self.client, &store, &prepared, &StopSignal::default()).await.unwrap();
            assert_eq!(
                first.result,
                Some(RunOutcome::Restored),
                "{:?} {:?}",
                first.error,
                first.lines
            );
            request = restore::undoing(&store, &first).await.unwrap();
        }
        let prepared = self.prepare(Some(&store), &request).await;
        assert!(
            prepared.plan.items.iter().any(|i| i.strategy == scenario.strategy),
            "{}: {:?}",
            scenario.name,
            prepared.plan
        );
        let state = self.instance(state);
        Cell { lane: self, disk, store, prepared, state }
    }
}

async fn run(
    client: &Client,
    store: &Store,
    prepared: &PreparedPlan,
    stop: &StopSignal,
) -> Result<Journal, oicx::store::StoreError> {
    let name = prepared.plan.name_to_type();
    let approved = prepared.plan.clone().approve(name.as_deref()).unwrap();
    let (retry_policy, connection_values) = (retry_policy(), ConnectionValues::default());
    let context = RunContext {
        client,
        store,
        retry_policy: &retry_policy,
        connection_values: &connection_values,
        events: &Events::silent(),
        stop,
    };
    restore::run(approved, prepared.payloads.clone(), context).await
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
            Trouble::RoleLost => self.fault(format!("status=403 env=prod after={nth}")),
            Trouble::Write { times } => self.disk.fail_writes(nth, times),
            Trouble::Other(what) => {
                let target = target.ok_or("nothing for anybody else to touch")?;
                sim.before_call("prod", nth, move |i| match what {
                    "deleted" => drop(i.integrations.remove(&target)),
                    "locked" => i
                        .integrations
                        .get_mut(&target)
                        .into_iter()
                        .for_each(|l| l.locked_by = Some("k.l".into())),
                    _ => i.integrations.get_mut(&target).into_iter().for_each(|l| {
                        l.edit(
                            |flow| drop(flow.fields.insert("n".into(), "'theirs'".into())),
                            "m.rossi",
                        );
                    }),
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
        self.settle(journal, trouble).await
    }

    /// The end; where it was left open, after what stood in the way is gone.
    async fn settle(&self, journal: Journal, trouble: Trouble) -> Result<(End, bool), String> {
        if !journal.is_open() {
            return self.judge(&journal, &trouble).map(|end| (end, false));
        }
        let said = journal.error.clone().unwrap_or_default();
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
        let (retry_policy, connection_values, stop) =
            (retry_policy(), ConnectionValues::default(), StopSignal::default());
        let client = &self.lane.client;
        let context = RunContext {
            client,
            store: &self.store,
            retry_policy: &retry_policy,
            connection_values: &connection_values,
            events: &Events::silent(),
            stop: &stop,
        };
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
                        return self.settle(journal, trouble).await;
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
        if result != RunOutcome::Restored && journal.error.as_ref().is_none_or(String::is_empty) {
            return Err(format!("{result:?} without a reason"));
        }
        // What somebody else did before anything was done stays theirs.
        let theirs = matches!(trouble, Trouble::Other(_));
        let outcomes: Vec<RunOutcome> = journal.items.iter().filter_map(|r| r.outcome).collect();
        match result {
            RunOutcome::Restored => {
                // What is touched after its own proof, while others go on, was proven all the same.
                let later = |p: &usize| {
                    theirs
                        && !self.prepared.plan.together
                        && journal.items[*p].proof.as_ref().is_some_and(|p| p.holds())
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
                    Kind::Lookup => format!("lookup {}", item.key.code),
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
        if (lost.is_empty() && extra.is_empty()) || theirs && extra.is_empty() && lost.len() <= 1 {
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
        out.push((Trouble::RoleLost, nth));
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

async fn every_cell_of(place: usize) {
    let scenario = SCENARIOS[place];
    let first = Lane::new(&scenario).await;
    let cell = first.cell(&scenario, Manners::default()).await;
    let (calls, writes) = cell.measure().await;
    let all = table(&calls, writes, cell.prepared.plan.items.iter().any(|i| i.id().is_some()));
    let full = std::env::var("OICX_MATRIX").is_ok_and(|v| v == "full");
    // All of it is made with all manners; a sample takes turns.
    let chosen: Vec<_> = match full {
        true => manners()
            .into_iter()
            .flat_map(|m| all.iter().map(move |(trouble, nth)| (*trouble, *nth, m)))
            .collect(),
        false => all
            .iter()
            .skip(place % SAMPLE)
            .step_by(SAMPLE)
            .zip(manners().into_iter().cycle())
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
                let cell = lane.cell(&scenario, *manners).await;
                match cell.with(*trouble, *nth).await {
                    Ok(end) => *ends.entry(end).or_default() += 1,
                    Err(why) => {
                        let place = format!("{trouble:?} at call {nth}, {manners:?}");
                        bad.push(format!("{}: {place}: {why}", scenario.name))
                    }
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
        all.len() * manners().len(),
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
    every_fault_of_changing_the_times_of_a_schedule_ends_well = 14,
}
