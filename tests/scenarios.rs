//! The ways to restore something, each in a world of its own: what the tests of faults and of
//! questions without an answer run over.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use oicx::archive::fingerprints_of;
use oicx::config::{Deadlines, EnvironmentConfig, OverlayValue};
use oicx::model::{FilePart, Fingerprint, IntegrationId, Kind, ScheduleState, Scope, Status};
use oicx::oic::{Client, Tuning};
use oicx::ops::move_scope;
use oicx::restore;
use oicx::restore::{
    Goal, Journal, PlanOptions, PreparedPlan, Request, RetryPolicy, RunContext, RunOutcome,
    ScheduleChoice, Strategy, Verb,
};
use oicx::sim::{ArchiveBody, Landscape, LookupSpec, Manners, ServiceInstance};
use oicx::store::Store;
use oicx::workspace::events::StopSignal;
use serde_json::json;

use crate::store::take_backup;
use crate::support::{World, context, disk::FillingDisk, id};

const LANDSCAPE: &str = include_str!("support/matrix.toml");

/// A way to restore something.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub strategy: Strategy,
    pub references: &'static [&'static str],
    /// What the instance is like before.
    pub before: fn(&mut ServiceInstance),
    /// How what is asked for stood when it was taken.
    pub active: bool,
    pub together: bool,
    /// A run that is made first, and then undone: that is what is tested.
    pub rollback: bool,
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

/// What is to be copied cannot be sent.
fn exports_whole_projects_alone(i: &mut ServiceInstance) {
    i.settings.exports_members = false;
}

/// A project in which somebody went on: an integration, a lookup that none uses, and a new one.
fn later_in_the_project(i: &mut ServiceInstance) {
    change(i, "HR_FEED|01.00.0000|HR");
    let lookups = &mut i.others.projects.get_mut("HR").unwrap().lookups;
    let mut left = lookups["HR_LEFT"].clone();
    left.rows[0][1] = "z".into();
    lookups.insert("HR_NEW".into(), LookupSpec { name: "HR_NEW".into(), ..left.clone() });
    lookups.insert("HR_LEFT".into(), left);
}

pub const SCENARIOS: [Scenario; 18] = [
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
            i.others.projects.remove("HR");
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
        before: later_in_the_project,
        active: true,
        together: true,
        rollback: false,
    },
    Scenario {
        name: "undo the rebuild of a project",
        strategy: Strategy::Rebuild,
        references: &["store:prod/projects/HR"],
        before: later_in_the_project,
        active: true,
        together: true,
        rollback: true,
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
    Scenario {
        name: "undo an addition to a project",
        strategy: Strategy::Remove,
        references: &["store:prod/HR/HR_FEED"],
        before: |i| gone(i, "HR_FEED|01.00.0000|HR"),
        active: true,
        together: true,
        rollback: true,
    },
    Scenario {
        name: COPY,
        strategy: Strategy::Import,
        references: &["prod:HR/HR_FEED"],
        before: exports_whole_projects_alone,
        active: true,
        together: true,
        rollback: false,
    },
];

/// The way in which the service itself copies an integration into another project.
pub const COPY: &str = "copy into a project";
/// The way in which the stored schedule is wanted.
pub const TIMES: &str = "the times of a schedule";

/// One world with all that speaks to it, used for one cell after the other.
pub struct Lane {
    pub world: World,
    pub landscape: Landscape,
    pub client: Client,
    pub request: Request,
    pub schedule: ScheduleChoice,
}

/// A run under way in a cell.
pub struct Cell<'l> {
    pub lane: &'l Lane,
    pub disk: Arc<FillingDisk>,
    pub store: Store,
    pub request: Request,
    pub prepared: PreparedPlan,
    /// What the instance is like before the run.
    pub state: State,
    /// How many calls were made before the run.
    pub began: usize,
    /// What somebody else made of an integration meanwhile.
    pub theirs: Arc<Mutex<Option<Fingerprint>>>,
}

pub type State = BTreeMap<String, String>;

/// Everything on the instance that a run may touch.
pub fn state(i: &mut ServiceInstance) -> State {
    let mut out = State::new();
    let ids: Vec<_> = i.integrations.keys().cloned().collect();
    let manners = i.settings.manners;
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
            out.insert(times_of(&one), live.schedule_times_in(&manners).to_string());
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
        let names: Vec<_> = project.spec.deployments.iter().map(|d| &d.code).collect();
        let state = format!("{ready} connections configured, {access}, deployments {names:?}");
        out.insert(format!("project {code}"), state);
        let lookups = project.lookups.values();
        out.extend(lookups.map(|l| (format!("lookup {code}/{}", l.name), format!("{:?}", l.rows))));
        let libraries = project.libraries.iter();
        out.extend(libraries.map(|(id, l)| (format!("library {code}/{id}"), l.script.clone())));
    }
    out.extend(
        i.connections
            .iter()
            .map(|(code, c)| (format!("connection {code}"), format!("{}", c.configured))),
    );
    out
}

/// The key of when a schedule runs.
pub fn times_of(one: &IntegrationId) -> String {
    format!("times of {one}")
}

/// What an integration of the instance is. What most cells leave alone is read once.
pub fn portable_of(i: &ServiceInstance, one: &IntegrationId) -> Fingerprint {
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

pub fn retry_policy() -> RetryPolicy {
    RetryPolicy {
        poll: Duration::from_millis(2),
        again: Duration::from_millis(1),
        tries: 3,
        put_back: 4,
        grace: Some(Duration::from_millis(30)),
        steady: Some(Duration::from_millis(25)),
        at_once: 4,
        // Some steps come to their end in that, others are given up in the middle of a call.
        hold: Duration::from_millis(4),
    }
}

impl Lane {
    pub async fn new(scenario: &Scenario) -> Self {
        let world = World::of(LANDSCAPE).await;
        take_backup(&world, "prod").await;
        let copied = scenario.name == COPY;
        if copied {
            world.sim.with_instance("prod", exports_whole_projects_alone).unwrap();
        }
        let workspace = world.workspace().await;
        let references: Vec<_> = scenario.references.iter().map(|r| r.parse().unwrap()).collect();
        let mut request = workspace.request(Verb::Restore, &references).await.unwrap();
        request.together = scenario.together;
        if copied {
            let (ops, prod) = (Scope::of_project("OPS"), "prod".parse().unwrap());
            move_scope::move_into(&workspace, &mut request, &prod, &ops).await.unwrap();
        }
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
        let mut environment = EnvironmentConfig {
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
        // The simulator answers one call at a time while it packs a project.
        let call = call.clamp(Duration::from_millis(800), Duration::from_secs(3));
        let of_calls = Deadlines { read: call, change: call, idle: call, ..Deadlines::default() };
        environment.deadlines = Deadlines { step: call * 2, put_back: call * 3, ..of_calls };
        let tuning =
            Tuning { pause: Duration::from_millis(1), tries: 3, ..crate::support::tuning() };
        let client = Client::new(environment, tuning);
        let landscape = Landscape::parse(LANDSCAPE, "matrix.toml".as_ref()).unwrap();
        let schedule = match scenario.name {
            TIMES => ScheduleChoice::Stored,
            _ => ScheduleChoice::Keep,
        };
        Self { world, landscape, client, request, schedule }
    }

    pub fn instance<T>(&self, look: impl FnOnce(&mut ServiceInstance) -> T) -> T {
        self.world.sim.with_instance("prod", look).unwrap()
    }

    /// A plan, before anything fails. The calls of a run are given up early, so that a silent
    /// service is met in no time; on a busy machine that may hit a plan.
    pub async fn prepare(&self, store: Option<&Store>, request: &Request) -> PreparedPlan {
        let options = PlanOptions { schedule: self.schedule, ..PlanOptions::default() };
        // What was stored beside an archive is in the store of the backup.
        let of_project = request.wanted.iter().any(|w| w.key.kind == Kind::Project);
        let of_backup = match self.schedule == ScheduleChoice::Stored || of_project {
            true => Some(self.world.store().await),
            false => None,
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
    pub async fn cell(&self, scenario: &Scenario, manners: Manners) -> Cell<'_> {
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
        let (began, theirs) = (self.world.sim.calls("prod "), Arc::default());
        Cell { lane: self, disk, store, request, prepared, state, began, theirs }
    }
}

pub async fn run(
    client: &Client,
    store: &Store,
    prepared: &PreparedPlan,
    stop: &StopSignal,
) -> Result<Journal, oicx::store::StoreError> {
    let name = prepared.plan.name_to_type();
    let approved = prepared.plan.clone().approve(name.as_deref()).unwrap();
    let retry_policy = retry_policy();
    let context = RunContext { stop, ..context(client, store, &retry_policy) };
    restore::run(approved, prepared.payloads.clone(), context).await
}
