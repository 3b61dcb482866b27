//! A restore, from the choice of a version to its proof.

use secrecy::SecretString;

use super::{
    super::{
        app::App,
        event::{Effect, PlanQuestion, Planned},
        jobs::{JobState, title_of},
        layer::{FormView, Layer, PlanView, Versions},
    },
    watch,
};
use crate::model::{Kind, Level, Reference};
use crate::oic::{ConnectionField, ConnectionSettings};
use crate::restore::{Journal, PlanOptions, PlanRefused, Remedy};
use crate::store::{Index, StoredVersion};

/// Why a kind is not restored.
pub fn not_sent(kind: Kind) -> Option<String> {
    match kind {
        Kind::Integration | Kind::Lookup | Kind::Library | Kind::Package | Kind::Project => None,
        _ => Some(format!(
            "a {kind} is a description: there is no file to restore; c compares what it was with \
                what it is"
        )),
    }
}

/// Shows the stored versions of the row under the cursor; of marked rows plans their newest backups
/// at once.
pub fn choose(app: &mut App) -> Vec<Effect> {
    let Some(row) = app.table.row() else { return vec![] };
    let (kind, code) = (row.kind, row.code.clone());
    let Some(index) = app.store.index.clone() else {
        let why = app
            .store
            .error
            .clone()
            .unwrap_or_else(|| "the store is not read yet, or the config names none".into());
        app.say(Level::Warning, why);
        return vec![];
    };
    if let Some(why) = not_sent(kind) {
        app.say(Level::Warning, why);
        return vec![];
    }
    if app.table.marks.len() > 1 {
        return choose_marked(app, &index);
    }
    let target = app.target();
    let target_name = &app.columns[target].name;
    let mut rows: Vec<StoredVersion> =
        app.columns.iter().flat_map(|c| index.history(&c.name, kind, &code)).cloned().collect();
    if rows.is_empty() {
        let text = format!("the store has no version of {code}; e exports one");
        app.say(Level::Warning, text);
        return vec![];
    }
    // Newest first; the target's own before others of the same time.
    rows.sort_by(|a, b| {
        b.last_seen
            .cmp(&a.last_seen)
            .then_with(|| (b.environment == *target_name).cmp(&(a.environment == *target_name)))
    });
    // The first that is not what runs now is what is most often wanted.
    let live = app.table.row().and_then(|r| r.cells.get(target)?.as_ref()?.portable);
    let wanted = |v: &StoredVersion| {
        v.environment == *target_name && v.safety_run.is_none() && Some(v.portable) != live
    };
    let cursor = rows
        .iter()
        .position(wanted)
        .or_else(|| rows.iter().position(|v| v.safety_run.is_none()))
        .unwrap_or(0);
    app.layer = Layer::Versions(Versions { code, target, rows, cursor });
    vec![]
}

/// Of each marked row the newest backup that is not what runs now: all of them, or none.
fn choose_marked(app: &mut App, index: &Index) -> Vec<Effect> {
    let column = app.target();
    let name = app.columns[column].name.clone();
    let mut versions = Vec::new();
    let mut none = Vec::new();
    for row in app.table.selected() {
        let live = row.cells.get(column).and_then(Option::as_ref).and_then(|c| c.portable);
        let mut all: Vec<&StoredVersion> =
            index.history(&name, row.kind, &row.code).filter(|v| v.safety_run.is_none()).collect();
        all.sort_by_key(|v| std::cmp::Reverse(v.last_seen));
        let found = all.iter().find(|v| Some(v.portable) != live).or(all.first());
        match found.filter(|_| not_sent(row.kind).is_none()) {
            Some(version) => versions.push((*version).clone()),
            None => none.push(row.code.clone()),
        }
    }
    if !none.is_empty() {
        let text = format!(
            "the store has no backup of {name} that can be sent for {}; u takes the marks away",
            none.join(", ")
        );
        app.say(Level::Warning, text);
        return vec![];
    }
    let title = format!("the newest backups of {} rows to {name}", versions.len());
    plan_for(app, column, title, PlanQuestion::Versions(versions), PlanOptions::default())
}

/// Plans to move what runs in the column under the cursor to the next one.
pub fn promote(app: &mut App) -> Vec<Effect> {
    let from = app.target();
    let to = from + 1;
    if app.table.on_store() || to >= app.columns.len() {
        app.say(
            Level::Warning,
            "it goes from a column to the next one: go to the environment that it comes from",
        );
        return vec![];
    }
    let chosen: Vec<_> = app.table.selected().iter().filter_map(|r| r.key(from)).collect();
    let (name, next) = (app.columns[from].name.clone(), app.columns[to].name.clone());
    if let Some(why) = chosen.iter().find_map(|k| not_sent(k.kind)) {
        app.say(Level::Warning, why);
        return vec![];
    }
    let title = match chosen.as_slice() {
        [] => {
            app.say(Level::Warning, format!("{name} has nothing here to promote"));
            return vec![];
        }
        [one] => format!("{one} from {name} to {next}"),
        many => format!("{} artifacts from {name} to {next}", many.len()),
    };
    let reference = |k: crate::model::ArtifactKey| Reference::Live {
        environment: name.clone(),
        kind: k.kind,
        code: k.code,
        version: k.version,
    };
    let references = chosen.into_iter().map(reference).collect();
    plan_for(app, to, title, PlanQuestion::Promote(references), PlanOptions::default())
}

/// Makes a plan for the chosen version.
pub fn take_version(app: &mut App, versions: Versions) -> Vec<Effect> {
    let Some(version) = versions.rows.get(versions.cursor) else { return vec![] };
    let column = versions.target;
    let title = format!("{} to {}", version.key(), app.columns[column].name);
    plan_for(
        app,
        column,
        title,
        PlanQuestion::Versions(vec![version.clone()]),
        PlanOptions::default(),
    )
}

/// Asks for a plan, and waits for it.
pub fn plan_for(
    app: &mut App,
    column: usize,
    title: String,
    ask: PlanQuestion,
    plan_options: PlanOptions,
) -> Vec<Effect> {
    app.open(Layer::Planning { title: title.clone() });
    vec![Effect::Survey { column, title, ask, plan_options }]
}

/// Shows the plan, unless the person went elsewhere meanwhile.
pub fn planned(app: &mut App, title: &str, result: Result<Box<Planned>, String>) -> Vec<Effect> {
    if !matches!(&app.layer, Layer::Planning { title: waiting } if waiting == title) {
        return vec![];
    }
    match result {
        Ok(planned) => {
            app.layer = Layer::Plan(Box::new(PlanView {
                planned: *planned,
                typed: String::new(),
                scroll: 0,
                refused: None,
            }));
        }
        Err(why) => {
            app.layer = Layer::None;
            app.resume();
            app.say(Level::Blocker, why);
        }
    }
    vec![]
}

/// Enter on the plan: runs it if it may run, else says why not.
pub fn confirm(app: &mut App, mut view: Box<PlanView>) -> Vec<Effect> {
    let column = view.planned.column;
    if let Some(job) = app.jobs.running().find(|j| j.changes == Some(column)) {
        view.refused = Some(format!("wait: {} still runs", job.title));
        app.layer = Layer::Plan(view);
        return vec![];
    }
    let plan = view.planned.prepared.plan.clone();
    match plan.clone().approve(Some(view.typed.trim())) {
        Ok(approved) => {
            let (job, stop) = app.jobs.begin(title_of(&plan), Some(column), Some(plan));
            app.layer = Layer::Run { job, scroll: 0 };
            app.table.marks.clear();
            let (payloads, connection_values) =
                (view.planned.prepared.payloads, view.planned.plan_options.connection_values);
            let keep = match view.planned.ask {
                PlanQuestion::Promote(references) => references,
                _ => Vec::new(),
            };
            vec![Effect::Restore {
                job,
                column,
                approved: Box::new(approved),
                payloads,
                connection_values,
                keep,
                stop,
            }]
        }
        Err(refused) => {
            view.refused = Some(why_refused(&refused));
            app.layer = Layer::Plan(view);
            vec![]
        }
    }
}

pub fn why_refused(refused: &PlanRefused) -> String {
    match refused {
        PlanRefused::Blocked(_) => "it cannot go on: see ✗ above".into(),
        PlanRefused::Unconfirmed(name) => format!("type {name} exactly"),
        PlanRefused::Empty => refused.to_string(),
    }
}

/// Applies the first remedy of a plan: the plan is made anew with it, or asks for a connection's
/// values.
pub fn fix(app: &mut App) -> Vec<Effect> {
    let Layer::Plan(view) = std::mem::take(&mut app.layer) else { return vec![] };
    let remedy = view.planned.prepared.plan.checks.iter().find_map(|c| c.remedy.clone());
    let column = view.planned.column;
    match remedy {
        None => {
            app.layer = Layer::Plan(view);
            app.say(Level::Warning, "nothing in this plan can be fixed by a key");
            vec![]
        }
        Some(Remedy::Configure(code)) => {
            let payloads = view.planned.prepared.payloads.clone();
            let form = FormView {
                plan: view,
                code: code.clone(),
                fields: vec![],
                cursor: 0,
                keep: false,
                refused: None,
            };
            app.layer = Layer::Form(Box::new(form));
            vec![Effect::Fields { column, code, payloads }]
        }
        Some(Remedy::Along(key)) => {
            let mut plan_options = view.planned.plan_options.clone();
            plan_options.along.insert(key);
            again(app, *view, plan_options)
        }
        Some(Remedy::Deactivate(id)) => {
            let mut plan_options = view.planned.plan_options.clone();
            plan_options.deactivate.insert(id);
            again(app, *view, plan_options)
        }
    }
}

fn again(app: &mut App, view: PlanView, plan_options: PlanOptions) -> Vec<Effect> {
    let Planned { column, title, ask, .. } = view.planned;
    plan_for(app, column, title, ask, plan_options)
}

/// What can be set on the connection is known now.
pub fn fields(
    app: &mut App,
    code: &str,
    result: Result<Vec<ConnectionField>, String>,
) -> Vec<Effect> {
    let Layer::Form(form) = &mut app.layer else { return vec![] };
    if form.code != code {
        return vec![];
    }
    match result {
        Ok(fields) => form.fields = fields.into_iter().map(|f| (f.clone(), f.value)).collect(),
        Err(why) => form.refused = Some(why),
    }
    vec![]
}

pub fn keep_secret(app: &mut App) {
    let Layer::Form(form) = &mut app.layer else { return };
    if !crate::config::has_keyring() {
        form.refused = Some("this build has no keyring: build with --features keyring".into());
        return;
    }
    form.keep = !form.keep;
}

/// The plan is made anew with the values.
pub fn take_form(app: &mut App, mut form: Box<FormView>) -> Vec<Effect> {
    let mut settings = ConnectionSettings::default();
    for (field, value) in form.fields.iter().filter(|(_, v)| !v.is_empty()) {
        if field.secret {
            settings.security.insert(field.name.clone(), SecretString::from(value.clone()));
        } else {
            settings.properties.insert(field.name.clone(), value.clone());
        }
    }
    if settings.is_empty() {
        form.refused = Some("nothing is given yet".into());
        app.layer = Layer::Form(form);
        return vec![];
    }
    let FormView { plan, code, keep, .. } = *form;
    let environment = app.columns[plan.planned.column].name.clone();
    let mut effects = Vec::new();
    if keep {
        effects.push(Effect::KeepSecrets {
            environment,
            code: code.clone(),
            secrets: settings.security.clone(),
        });
    }
    let mut plan_options = plan.planned.plan_options.clone();
    plan_options.connection_values.insert(code, settings);
    effects.extend(again(app, *plan, plan_options));
    effects
}

/// A restore ended: says how, asks again what is there, and begins to watch what should be so.
pub fn ended(app: &mut App, job: usize, result: Result<Box<Journal>, String>) -> Vec<Effect> {
    let Some(done) = app.jobs.get_mut(job) else { return vec![] };
    let text = done.restored(result);
    let column = done.changes;
    let level = match done.state {
        JobState::Done => Level::Fact,
        JobState::Failed => Level::Blocker,
        _ => Level::Warning,
    };
    let mut effects = watch::begin(app, job);
    app.say(level, text);
    app.forgive();
    effects.push(Effect::LoadStore);
    if let Some(column) = column {
        app.columns[column].loading = true;
        effects.push(Effect::Load(column));
    }
    effects
}
