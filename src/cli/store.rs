//! `oicx verify`, `prune`, `copy`, `import`: the store itself.

use super::{
    args::{CopyOptions, Global, ImportOptions, PruneOptions, VerifyOptions},
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::{self, Config};
use crate::model::{plural, short_date, thousands};
use crate::ops::{
    copy, import,
    prune::{self, RetentionPolicy},
    verify::{self, ProblemKind},
};
use crate::store::Store;
use crate::workspace::OpenError;

async fn open(config: &Config) -> Result<Store, CommandError> {
    let place = config.store.as_ref().ok_or(OpenError::NoStore)?;
    Ok(Store::open_place(place, Some(&config::cache_dir())).await?)
}

async fn open_other(config: &Config, name: &str) -> Result<Store, CommandError> {
    let place = config.store_named(name).map_err(|e| CommandError::usage(e.to_string()))?;
    Ok(Store::open_place(&place, Some(&config::cache_dir())).await?)
}

/// Opens another store to read from. It must be there already, since opening a folder would make
/// it.
async fn open_existing(config: &Config, name: &str) -> Result<Store, CommandError> {
    if let Ok(config::StorePlace::Folder(folder)) = config.store_named(name)
        && !folder.is_dir()
    {
        let stores: Vec<&str> = config.stores.keys().map(String::as_str).collect();
        let known = if stores.is_empty() {
            String::new()
        } else {
            format!("; the config names: {}", stores.join(", "))
        };
        return Err(CommandError::usage(format!(
            "{} is neither a folder nor a store of the config{known}",
            folder.display()
        )));
    }
    open_other(config, name).await
}

/// Reads the store and says what is damaged; with `--deep` every byte is read.
pub async fn verify(
    config: &Config,
    options: &VerifyOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let store = match &options.store {
        Some(name) => open_existing(config, name).await?,
        None => open(config).await?,
    };
    let other = match &options.repair_from {
        Some(name) => Some(open_existing(config, name).await?),
        None => None,
    };
    let scope =
        verify::VerifySelection { environments: options.environments.clone(), deep: options.deep };
    let (store, other, cancel) = (&store, other.as_ref(), waiting::on_interrupt());
    let work = |events| async move { verify::run(store, &scope, other, &events, &cancel).await };
    let report = output::watched(global, "verify", work).await?;
    if global.json {
        output::json(&report);
    } else {
        tell(&report, options.deep);
    }
    Ok(match (report.interrupted, report.problems.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Failed,
    })
}

fn tell(report: &verify::VerifyReport, deep: bool) {
    let read = match (report.read, deep) {
        (n, true) => format!("{} read whole", plural(n, "file")),
        (n, false) => format!("sizes of all, {} read whole (--deep reads all)", plural(n, "file")),
    };
    output::line(format!(
        "{}: {}, {}, {} KB; {read}",
        report.store,
        plural(report.snapshots, "snapshot"),
        plural(report.files, "file"),
        thousands((report.bytes / 1024) as usize)
    ));
    for problem in &report.problems {
        let word = match problem.kind {
            ProblemKind::Manifest => "snapshot not readable",
            ProblemKind::Missing => "missing",
            ProblemKind::Altered => "altered",
            ProblemKind::Unreadable => "not readable",
        };
        let needed = match problem.snapshots.len() {
            0 => String::new(),
            n => format!(" (in {})", plural(n, "snapshot")),
        };
        output::line(format!("✗ {word}: {}: {}{needed}", problem.path, problem.why));
    }
    report.repaired.iter().for_each(|p| output::line(format!("✓ repaired: {p}")));
    if !report.unlisted.is_empty() {
        let count = plural(report.unlisted.len(), "file");
        output::line(format!(
            "– {count} in no snapshot that can be read: of a backup under way, or left by a crash; \
                `oicx prune` takes them after a day"
        ));
        report.unlisted.iter().take(10).for_each(|p| output::line(format!("    {p}")));
    }
    if report.problems.is_empty() {
        output::line(if report.interrupted {
            "stopped before the end"
        } else {
            "✓ the store holds what its snapshots say"
        });
    } else {
        output::line(
            "  → `oicx verify --repair-from STORE` takes good files from a copy; without one, \
                `oicx backup` takes what is live now",
        );
    }
}

/// Shows which snapshots the policy removes, asks, and removes them.
pub async fn prune(
    config: &Config,
    options: &PruneOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let policy = policy(options);
    if policy.is_empty() {
        let what = "nothing says what to keep\n  → name at least one, such as --keep-daily 14 \
            --keep-monthly 12 --keep-tagged";
        return Err(CommandError::usage(what));
    }
    let store = open(config).await?;
    let plan = prune::plan(&store, &policy).await?;
    if global.json && options.dry_run {
        output::json(&serde_json::json!({ "plan": plan }));
        return Ok(Exit::Done);
    }
    if !global.json {
        tell_plan(&plan);
    }
    if options.dry_run || (plan.remove.is_empty() && plan.files.is_empty() && plan.halves == 0) {
        return Ok(Exit::Done);
    }
    if !options.yes
        && output::is_terminal()
        && !matches!(output::ask("remove them? [y/N] ").as_str(), "y" | "yes")
    {
        output::line("nothing was removed");
        return Ok(Exit::Done);
    }
    let (store, going) = (&store, &plan);
    let work = |events| async move { prune::run(store, going, &events).await };
    let outcome = output::watched(global, "prune", work).await?;
    if global.json {
        output::json(&serde_json::json!({ "plan": plan, "outcome": outcome }));
    } else {
        tell_pruned(&outcome);
    }
    Ok(if plan.unreadable.is_empty() { Exit::Done } else { Exit::Partly })
}

fn policy(options: &PruneOptions) -> RetentionPolicy {
    RetentionPolicy {
        last: options.keep_last,
        hourly: options.keep_hourly,
        daily: options.keep_daily,
        weekly: options.keep_weekly,
        monthly: options.keep_monthly,
        yearly: options.keep_yearly,
        tagged: options.keep_tagged,
        environments: options.environments.clone(),
    }
}

fn tell_pruned(outcome: &prune::PruneOutcome) {
    let spared = match outcome.spared {
        0 => String::new(),
        n => format!(
            "; {} stay until the next prune: needed again meanwhile, or not reached in time",
            plural(n, "file")
        ),
    };
    output::line(format!(
        "removed {} and {}, {} KB{spared}",
        plural(outcome.snapshots, "snapshot"),
        plural(outcome.files, "file"),
        thousands((outcome.bytes / 1024) as usize)
    ));
}

fn tell_plan(plan: &prune::PrunePlan) {
    for kept in &plan.keep {
        let when = short_date(kept.started);
        output::line(format!(
            "  keep    {:8} {when}  {}  {}",
            kept.environment,
            kept.id,
            kept.reasons.join(", ")
        ));
    }
    for gone in &plan.remove {
        output::line(format!(
            "  remove  {:8} {}  {}",
            gone.environment,
            short_date(gone.started),
            gone.id
        ));
    }
    output::line(format!(
        "{} stay, {} go, with {} that nothing needs then ({} KB)",
        plural(plan.keep.len(), "snapshot"),
        plan.remove.len(),
        plural(plan.files.len(), "file"),
        thousands((plan.bytes / 1024) as usize)
    ));
    if plan.halves > 0 {
        output::line(format!(
            "also to be removed: {} of a killed program",
            plural(plan.halves, "unfinished file")
        ));
    }
    for path in &plan.unreadable {
        output::tell(format!(
            "oicx: {path} cannot be read, so no file is removed: it may need any of them\n  → \
                `oicx verify --repair-from STORE`"
        ));
    }
}

/// Copies snapshots from one store to another, each complete before its manifest appears.
pub async fn copy(
    config: &Config,
    options: &CopyOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let from = match &options.from {
        Some(name) => open_existing(config, name).await?,
        None => open(config).await?,
    };
    let to = open_other(config, &options.to).await?;
    if from.label() == to.label() {
        return Err(CommandError::usage(format!(
            "{} is the store itself; name another",
            to.label()
        )));
    }
    let (from, to, cancel) = (&from, &to, waiting::on_interrupt());
    let work = |events| async move { copy::run(from, to, &events, &cancel).await };
    let report = output::watched(global, "copy", work).await?;
    if global.json {
        output::json(&report);
    } else {
        output::line(format!(
            "{} → {}: {} and {} copied ({} KB), {} and {} were there",
            report.from,
            report.to,
            plural(report.snapshots, "snapshot"),
            plural(report.files, "file"),
            thousands((report.bytes / 1024) as usize),
            plural(report.snapshots_there, "snapshot"),
            plural(report.files_there, "file"),
        ));
        report.failed.iter().for_each(|f| output::line(format!("✗ {}: {}", f.path, f.why)));
    }
    Ok(match (report.interrupted, report.failed.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Partly,
    })
}

/// Takes archives from a folder into the store, as a snapshot of the environment they came from.
pub async fn import(
    config: &Config,
    options: &ImportOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let store = open(config).await?;
    let index = store.index().await?;
    let (store, index) = (&store, &index);
    let work = |events| async move {
        import::run(store, index, &options.environment, &options.folder, &events).await
    };
    let report = output::watched(global, "import", work)
        .await
        .map_err(|e| CommandError::failed(e.to_string()))?;
    if global.json {
        output::json(&report);
    } else {
        output::line(format!(
            "{}: {} imported into {}, {} known already, {} refused",
            options.environment,
            plural(report.imported, "file"),
            plural(report.snapshots.len(), "snapshot"),
            report.known,
            report.refused.len()
        ));
        if report.healed > 0 {
            let healed = plural(report.healed, "file");
            output::line(format!(
                "{healed} that snapshots list had gone from the store: there again"
            ));
        }
        report.refused.iter().for_each(|r| output::line(format!("✗ {}: {}", r.file, r.why)));
    }
    Ok(match (report.refused.is_empty(), report.imported + report.known + report.healed) {
        (true, 0) => {
            output::tell(format!("oicx: nothing in {} is an export", options.folder.display()));
            Exit::Failed
        }
        (true, _) => Exit::Done,
        (false, 0) => Exit::Failed,
        (false, _) => Exit::Partly,
    })
}
