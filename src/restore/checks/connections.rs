//! The connections that integrations need.

use std::collections::BTreeSet;

use super::{needed, users_of_connection};
use crate::archive::{Connection, PLACEHOLDER, blank_value, same_in_connection};
use crate::config::names_a_secret;
use crate::model::{ConnectionName, Finding, Level, Scope, Status, plural};
use crate::oic::{ConnectionDetails, ListedConnection};
use crate::restore::{
    connection_values::{AGENT, POLICY},
    plan::{Check, PlanItem, Strategy},
    remedy::Remedy,
    request::{Goal, Verb},
    survey::{KeptConnection, Situation},
};

/// Connections of an item that will not work as they stand, missing or not complete, and for which
/// values are given.
pub(crate) fn to_configure(s: &Situation, item: &PlanItem) -> Vec<String> {
    if matches!(item.strategy, Strategy::Remove | Strategy::Deactivate) {
        return Vec::new();
    }
    let scope = item.key.uses_scope();
    let Some(archive) = s.archive(&item.key) else { return Vec::new() };
    let ready = |code: &String| find(s, &scope, code).is_some_and(is_configured);
    let known = |code: &String| {
        s.values.get(&scope, code).is_some()
            || kept(s, &scope, code).is_some_and(|k| !k.names().is_empty())
    };
    let needs = archive.needs.connections.iter();
    needs.filter(|c| !ready(c) && known(c)).cloned().collect()
}

/// What an empty connection was set to.
fn kept<'a>(s: &'a Situation, scope: &Scope, code: &str) -> Option<&'a KeptConnection> {
    s.kept_connection(scope, code)
}

/// A connection of the target, in its scope. A project that is rebuilt gets its connections without
/// credentials.
fn find<'a>(s: &'a Situation, scope: &Scope, code: &str) -> Option<&'a ListedConnection> {
    let rebuilt = scope.project().is_some_and(|p| s.options.rebuild.contains(p));
    s.target.within(scope).connections.iter().find(|c| c.code == code && !rebuilt)
}

fn is_configured(connection: &ListedConnection) -> bool {
    connection.state.status == Status::Configured
}

/// Which connections are configured, and which are missing or not complete.
pub(super) fn check(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let scopes: BTreeSet<Scope> = s.parts.iter().map(|p| p.wanted.key.uses_scope()).collect();
    let mut out = Vec::new();
    let mut configured = 0;
    for scope in scopes {
        let all = needed(s, |p| {
            let needs = p.wanted.archive.iter().flat_map(|a| &a.needs.connections);
            needs.filter(|_| p.wanted.key.uses_scope() == scope).collect()
        });
        out.extend(of_undo(s, &scope, &all.keys().copied().collect()));
        for (code, users) in all {
            let found = find(s, &scope, code);
            if found.is_some_and(is_configured) {
                configured += 1;
            } else {
                let unready = not_configured(s, &scope, code, found, users.len());
                let found = lost_files(s, &scope, code).into_iter().chain([unready]);
                let users = users_of_connection(s, &scope, code);
                out.extend(found.map(|check| check.of_all(users.clone())));
            }
        }
    }
    if configured > 0 {
        let what = format!(
            "{} configured; the target's own values stay",
            plural(configured, "connection")
        );
        out.insert(0, Finding::fact(what).into());
    }
    out
}

/// Connections that only what is in a project now has: putting it back brings them without
/// credentials, so that these are asked for before it is deleted.
fn of_undo(s: &Situation, scope: &Scope, needed: &BTreeSet<&str>) -> Vec<Check> {
    if !scope.project().is_some_and(|p| s.options.rebuild.contains(p)) {
        return Vec::new();
    }
    let here = s.target.within(scope).connections.iter().filter(|c| is_configured(c));
    let others = here.filter(|c| !needed.contains(c.code.as_str()));
    let unready = |c: &ListedConnection| {
        let check = not_configured(s, scope, &c.code, None, 1);
        let blocks = check.level == Level::Blocker;
        blocks.then(|| check.of_all(users_of_connection(s, scope, &c.code)))
    };
    others.filter_map(unready).collect()
}

/// Which connections that are there are not what the archives knew. What belongs to an environment,
/// such as an address, is compared only with an archive that is from there.
pub(super) fn check_likeness(s: &Situation, _: &[PlanItem]) -> Vec<Check> {
    let mut told = BTreeSet::new();
    let mut out = Vec::new();
    for part in s.parts.iter().filter(|p| p.wanted.goal != Goal::Absent) {
        let scope = part.wanted.key.uses_scope();
        let at_home = part.wanted.origin.as_ref() == Some(&s.environment);
        let copies = part.wanted.archive.iter().flat_map(|a| &a.copies.connections);
        for (code, copy) in copies {
            let Some(live) = s.connections.get(&scope, code) else { continue };
            let how = differences(copy, live, at_home);
            if how.is_empty() || !told.insert((scope.clone(), code)) {
                continue;
            }
            let what = format!(
                "connection {code} on {} is another one than the archive's: {}",
                s.environment,
                how.join("; ")
            );
            let fix = "the target's own values stay: look whether they are meant";
            out.push(Finding::warning(what, fix).into());
        }
    }
    out
}

/// How a connection differs from an archive's copy, with what is there last. A value that only one
/// side tells says nothing: an export leaves some out, and so does the service.
fn differences(copy: &Connection, live: &ConnectionDetails, at_home: bool) -> Vec<String> {
    let fields =
        [("adapter", &copy.adapter, &live.adapter), ("policy", &copy.policy, &live.policy)];
    let fields = fields
        .into_iter()
        .filter(|(_, was, is)| !was.is_empty() && !is.is_empty() && !was.eq_ignore_ascii_case(is));
    let mut out: Vec<String> =
        fields.map(|(name, was, is)| format!("{name} {was} → {is}")).collect();
    let says = |was: &str| !was.is_empty() && !was.starts_with(PLACEHOLDER);
    for (name, was) in copy.properties.iter().filter(|(_, was)| at_home && says(was)) {
        let Some(is) = live.properties.get(name) else { continue };
        if !same_in_connection(name, Some(was), Some(is)) {
            let shown = |value: &str| blank_value(name, value).into_owned();
            out.push(format!("{name} {} → {}", shown(was), shown(is)));
        }
    }
    out
}

/// Values that are given for properties which a connection does not have: found out now, and not
/// when what ran is stopped already.
pub(super) fn check_given(s: &Situation, items: &[PlanItem]) -> Vec<Check> {
    let mut out = Vec::new();
    for item in items.iter().filter(|i| !i.as_wanted) {
        let scope = item.key.uses_scope();
        for code in &item.sets {
            let Some(known) = s.connections.settable.get(&(scope.clone(), code.clone())) else {
                continue;
            };
            let given = s.values.get(&scope, code).into_iter().flatten();
            let attached = kept(s, &scope, code).map(|k| &k.attachments);
            let has = |name: &str| {
                known.contains(name)
                    || [POLICY, AGENT].contains(&name)
                    || attached.is_some_and(|all| all.contains_key(name))
            };
            let none: Vec<&str> = given.map(String::as_str).filter(|name| !has(name)).collect();
            if none.is_empty() {
                continue;
            }
            let known: Vec<&str> =
                known.iter().map(String::as_str).chain([POLICY, AGENT]).collect();
            let what = format!("connection {code} has no property {}", none.join(", "));
            let fix = format!(
                "it has {}: correct it under [environments.{}.connections.{code}], or in the form",
                known.join(", "),
                s.environment
            );
            // A rebuild brings the connection of the archive, which may be another one.
            out.push(match scope.project().is_some_and(|p| s.options.rebuild.contains(p)) {
                true => Finding::warning(what, fix).into(),
                false => Check::from(Finding::blocker(what, fix))
                    .of_all(users_of_connection(s, &scope, code)),
            });
        }
    }
    out
}

/// Files that were attached to a connection and that nobody has.
fn lost_files(s: &Situation, scope: &Scope, code: &str) -> Option<Check> {
    let lost = kept(s, scope, code)?.lost_attachments();
    let given = |file: &String| {
        let values = s.values.get(scope, code);
        values.is_some_and(|names| names.iter().any(|n| file.starts_with(&format!("{n} ("))))
    };
    let lost: Vec<String> = lost.into_iter().filter(|file| !given(file)).collect();
    if lost.is_empty() {
        return None;
    }
    let what = format!("connection {code} had files that are not kept: {}", lost.join(", "));
    let fix = "name each under its property in the config, { file = … }, or attach it in the \
        console; `attachments = true` lets backups keep them";
    // What a rebuild deletes, nobody has any more.
    let rebuilt = scope.project().is_some_and(|p| s.options.rebuild.contains(p));
    if rebuilt {
        let fix = "set `attachments = true` in the config and back the environment up, or name \
            each under its property there, { file = … }: the rebuild deletes them";
        return Some(Finding::blocker(what, fix).into());
    }
    Some(Finding::warning(what, fix).into())
}

/// Properties that are no secrets, for which the archive's copy of a connection has a placeholder,
/// and to which nobody gives a value: an import leaves them empty.
fn left_empty(
    s: &Situation,
    scope: &Scope,
    code: &str,
    given: &[String],
    kept: Option<&KeptConnection>,
) -> Vec<String> {
    let users = s.parts.iter().filter(|p| p.wanted.key.uses_scope() == *scope);
    let mut archives = users.filter_map(|p| p.wanted.archive.as_ref());
    let copy =
        archives.find_map(|a| a.connections.get(code).or_else(|| a.copies.connections.get(code)));
    let before = kept.map(KeptConnection::names).unwrap_or_default();
    let properties = copy.into_iter().flat_map(|copy| &copy.properties);
    let left = properties.filter(|(name, value)| {
        value.starts_with(PLACEHOLDER)
            && !names_a_secret(name)
            && !given.contains(name)
            && !before.contains(name)
    });
    left.map(|(name, _)| name.clone()).collect()
}

/// What a connection gets: what is given, and what it had before.
fn what_it_gets(before: Vec<String>, given: &[String]) -> String {
    let back: Vec<String> = before.into_iter().filter(|n| !given.contains(n)).collect();
    let (back, given) = (back.join(", "), given.join(", "));
    match (back.is_empty(), given.is_empty()) {
        (true, _) => format!("{given} and"),
        (false, true) => format!("{back} as before and"),
        (false, false) => format!("{given}, {back} as before, and"),
    }
}

fn not_all_given(gets: &str, left: &[String]) -> Finding {
    let what = format!("{gets}, but {} is not given", left.join(", "));
    let fix = "the archive leaves it to each environment: where it needs one, what uses it fails, \
        and what was there is put back";
    Finding::warning(what, fix)
}

/// What is so of a connection that an import brings to the global space: nothing that undoes the
/// run deletes it.
const STAYS: &str = "; it stays there, also after an undo";

/// Whether an archive of the plan brings a connection to its scope.
fn is_brought(s: &Situation, scope: &Scope, code: &str) -> bool {
    let mut users = s.parts.iter().filter(|p| p.wanted.key.uses_scope() == *scope);
    users.any(|p| {
        p.wanted
            .archive
            .as_ref()
            .is_some_and(|a| a.needs.connections.contains(code) || a.connections.contains_key(code))
    })
}

fn not_configured(
    s: &Situation,
    scope: &Scope,
    code: &str,
    found: Option<&ListedConnection>,
    users: usize,
) -> Check {
    let environment = &s.environment;
    let alone = found.is_none() && !scope.is_global() && !is_brought(s, scope, code);
    let state = match found {
        Some(c) => format!("connection {code} on {environment} is {}", c.state.status.label()),
        None if scope.is_global() => format!("connection {code} is not on {environment}"),
        None if !alone => {
            format!("connection {code} comes with project {scope} without credentials")
        }
        None => format!(
            "connection {code} is in project {scope} on {environment} alone: the rebuild deletes \
                it, and an undo brings it back without credentials"
        ),
    };
    let kept = kept(s, scope, code);
    let names = kept.map(KeptConnection::names).unwrap_or_default();
    let given = s.values.get(scope, code).cloned().unwrap_or_default();
    // One that needs no secret works with what it had.
    let needs_none = !names.is_empty() && kept.is_some_and(|k| k.ask.is_empty());
    let asked = kept.into_iter().flat_map(|k| &k.ask);
    let missing: Vec<&str> = asked
        .filter(|name| names_a_secret(name) && !given.contains(name))
        .map(String::as_str)
        .collect();
    let remedy = Some(Remedy::Configure(ConnectionName::new(scope, code)));
    if !given.is_empty() && !missing.is_empty() {
        let what = format!("{state}, and {} of it is not given", missing.join(", "));
        let fix = format!(
            "give it here or under [environments.{environment}.connections.{code}], with an empty \
                text where there is none: what uses it fails without it"
        );
        return Check::new(Finding::blocker(what, fix), remedy);
    }
    if !given.is_empty() || needs_none {
        let left = match found {
            None => left_empty(s, scope, code, &given, kept),
            Some(_) => Vec::new(),
        };
        let stays = found.is_none() && scope.is_global();
        let told = if stays { STAYS } else { "" };
        let gets = format!("{state}: it gets {} is tested{told}", what_it_gets(names, &given));
        let delete = "delete it in the console after the drill, where nothing else uses it";
        return match left.is_empty() {
            true if stays && s.request.verb == Verb::Drill => Finding::warning(gets, delete).into(),
            true => Finding::fact(gets).into(),
            false => Check::new(not_all_given(&gets, &left), remedy),
        };
    }
    let fix = match found {
        Some(_) => "give its values here, in the config, or in the console: activation fails \
            without them"
            .into(),
        None if alone => format!(
            "give its values here or under [environments.{environment}.connections.{code}]: what \
                an undo brings back cannot be activated without them"
        ),
        None => format!(
            "an import brings it without credentials: give its values here or under \
                [environments.{environment}.connections.{code}]; {} without it",
            if users == 1 { "activation fails" } else { "activations fail" }
        ),
    };
    Check::new(Finding::blocker(state, fix), remedy)
}
