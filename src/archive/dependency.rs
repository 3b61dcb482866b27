//! What an integration needs on the environment where it runs: the union of all places that name
//! it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    connection::Connection, endpoint::Endpoint, flow::FlowStep, flow_step_kind::FlowStepKind,
    integration_files::IntegrationFiles, layout, xml,
};
use crate::model::{IntegrationId, Kind, ProjectCode, Scope, visible};

/// The kind of what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NeedKind {
    Connection,
    Lookup,
    Integration,
    Library,
    Event,
    Certificate,
    Agent,
    Schedule,
}

impl NeedKind {
    /// The kind of artifact that is needed; none for an event, and for a schedule, which belongs to
    /// its integration.
    pub fn artifact(self) -> Option<Kind> {
        match self {
            Self::Connection => Some(Kind::Connection),
            Self::Lookup => Some(Kind::Lookup),
            Self::Integration => Some(Kind::Integration),
            Self::Library => Some(Kind::Library),
            Self::Certificate => Some(Kind::Certificate),
            Self::Agent => Some(Kind::Agent),
            Self::Event | Self::Schedule => None,
        }
    }

    /// How an artifact of a kind is needed; none where no integration needs such a one.
    pub fn of_artifact(kind: Kind) -> Option<Self> {
        Self::ALL.into_iter().find(|n| n.artifact() == Some(kind))
    }

    const ALL: [Self; 8] = [
        Self::Connection,
        Self::Lookup,
        Self::Integration,
        Self::Library,
        Self::Event,
        Self::Certificate,
        Self::Agent,
        Self::Schedule,
    ];

    /// The word for one of this kind, in lower case: `connection`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Lookup => "lookup",
            Self::Integration => "integration",
            Self::Library => "library",
            Self::Event => "event",
            Self::Certificate => "certificate",
            Self::Agent => "agent",
            Self::Schedule => "schedule",
        }
    }
}

/// Where an integration that is called lives, as far as the archive tells
/// (docs/archive-format.md, Calls to other integrations).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalledScope {
    /// In the project of the caller (`INTRA_PROJECT`).
    Own,
    Global,
    /// In another project, where it is public.
    Project(ProjectCode),
}

impl CalledScope {
    /// The scope, for a caller that lives in `caller`.
    pub fn of(&self, caller: &Scope) -> Scope {
        match self {
            Self::Own => caller.clone(),
            Self::Global => Scope::Global,
            Self::Project(code) => Scope::Project(code.clone()),
        }
    }
}

/// One dependency, and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub kind: NeedKind,
    /// Its code; `CODE|VERSION` for an integration.
    pub name: String,
    /// Where an integration that is called lives; none where the archive does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<CalledScope>,
    /// Whether it is one of the service's own connections, which every environment has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preseeded: bool,
    pub seen_in: Vec<String>,
}

/// Collects dependencies, each with the places that name it.
#[derive(Debug, Default)]
pub(super) struct DependencyList {
    found: BTreeMap<(NeedKind, String, Option<CalledScope>), Vec<String>>,
}

impl DependencyList {
    /// Notes that `seen_in` needs what has this kind and name. An empty name and a place that was
    /// noted before are left out.
    pub fn add(&mut self, kind: NeedKind, name: &str, seen_in: impl Into<String>) {
        self.add_in(kind, name, None, seen_in);
    }

    /// As [`DependencyList::add`], for an integration that is called in a scope.
    pub fn add_in(
        &mut self,
        kind: NeedKind,
        name: &str,
        scope: Option<CalledScope>,
        seen_in: impl Into<String>,
    ) {
        let name = visible(name.trim()).into_owned();
        if !name.is_empty() {
            let places = self.found.entry((kind, name, scope)).or_default();
            let place = seen_in.into();
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }

    /// The dependencies that were noted, sorted by kind and name, each with its places in the order
    /// in which they were found.
    pub fn into_dependencies(self) -> Vec<Dependency> {
        let preseeded =
            |kind, name: &str| kind == NeedKind::Connection && Connection::is_preseeded(name);
        type Found = ((NeedKind, String, Option<CalledScope>), Vec<String>);
        let one = |((kind, name, scope), seen_in): Found| Dependency {
            preseeded: preseeded(kind, &name),
            kind,
            name,
            scope,
            seen_in,
        };
        self.found.into_iter().map(one).collect()
    }
}

/// The parts of an integration that name dependencies. Its files name more.
#[derive(Debug)]
pub(super) struct NamedDependency<'a> {
    pub code: &'a str,
    pub in_project: bool,
    pub flow: &'a [FlowStep],
    pub endpoints: &'a [Endpoint],
    /// The connections that this integration uses.
    pub connections: &'a [&'a Connection],
    /// The dependencies that `info.json` lists.
    pub declared: &'a [(NeedKind, String)],
}

/// Gathers the dependencies from everything that an integration's parts and files say.
pub(super) fn gather(
    it: &NamedDependency<'_>,
    folder: &mut IntegrationFiles<'_, '_>,
) -> Vec<Dependency> {
    let mut found = DependencyList::default();
    for endpoint in it.endpoints {
        let place = format!("endpoint {}", endpoint.name);
        found.add(NeedKind::Connection, &endpoint.connection, &place);
        if let Some(id) = &endpoint.calls {
            let scope = endpoint.calls_in.clone();
            found.add_in(NeedKind::Integration, &id.to_string(), scope, &place);
        }
        endpoint.events.iter().for_each(|e| found.add(NeedKind::Event, e, &place));
    }
    for connection in it.connections {
        found.add(NeedKind::Connection, &connection.code, &connection.file);
        connection
            .certificates()
            .for_each(|c| found.add(NeedKind::Certificate, c, &connection.file));
        if let Some(agent) = &connection.agent {
            found.add(NeedKind::Agent, agent, &connection.file);
        }
    }
    for path in folder.paths() {
        of_file(&path, it.in_project, folder, &mut found);
    }
    super::flow_steps(it.flow, &mut |step| {
        if step.kind == FlowStepKind::ScheduleReceive {
            found.add(NeedKind::Schedule, it.code, "the flow's trigger");
        }
    });
    for (kind, name) in it.declared {
        found.add(*kind, declared_name(*kind, name), "info.json");
    }
    found.into_dependencies()
}

/// The code in an id of `info.json`, where each kind has its own form (docs/archive-format.md,
/// Projects).
fn declared_name(kind: NeedKind, id: &str) -> &str {
    match kind {
        NeedKind::Library | NeedKind::Event | NeedKind::Schedule => {
            id.split('|').next().unwrap_or(id)
        }
        NeedKind::Certificate => id.rsplit('|').next().unwrap_or(id),
        _ => id,
    }
}

/// The code of a library by its descriptor; none where the XML is no such descriptor.
pub(super) fn library_code(bytes: &[u8]) -> Option<String> {
    let doc = xml::parse(bytes)?;
    let is_code = |n: &roxmltree::Node<'_, '_>| n.tag_name().name() == "code";
    let code = doc.root_element().children().find(is_code)?.text()?.trim().to_owned();
    (doc.root_element().tag_name().name() == "api-library").then_some(code)
}

fn of_file(
    path: &str,
    in_project: bool,
    folder: &mut IntegrationFiles<'_, '_>,
    found: &mut DependencyList,
) {
    let file = path.rsplit('/').next().unwrap_or_default();
    let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
    let text = |folder: &mut IntegrationFiles<'_, '_>| {
        let bytes = folder.get(path);
        bytes.map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    };
    match ending {
        // A project keeps the lookups of all its integrations beside them.
        "dvm" if !in_project => found.add(NeedKind::Lookup, stem, path),
        "xsl" | "xslt" => {
            let text = text(folder);
            looked_up(&text).iter().for_each(|name| found.add(NeedKind::Lookup, name, path));
            script_calls(&text).iter().for_each(|name| found.add(NeedKind::Library, name, path));
        }
        "properties" if file.ends_with("expr.properties") => {
            looked_up(&text(folder))
                .iter()
                .for_each(|name| found.add(NeedKind::Lookup, name, path));
        }
        "json" if file == "stitch.json" => {
            let text = text(folder).replace("\\\"", "\"");
            looked_up(&text).iter().for_each(|name| found.add(NeedKind::Lookup, name, path));
        }
        "json" if file.ends_with("stateinfo.json") => {
            let names = referenced_lookups(&text(folder));
            names.iter().for_each(|name| found.add(NeedKind::Lookup, name, path));
        }
        "json" if path.starts_with(layout::EVENTS) => found.add(NeedKind::Event, stem, path),
        "jar" | "js" if path.starts_with(layout::LIBRARIES) && !in_project => {
            found.add(NeedKind::Library, path.split('/').nth(1).unwrap_or(stem), path);
        }
        "xml" if path.starts_with(layout::LIBRARIES) && !in_project => {
            found.add(
                NeedKind::Library,
                path.split('/').nth(1).map_or(stem, |f| f.trim_end_matches(".xml")),
                path,
            );
        }
        // Its folder has the display name of the library.
        "xml" if path.starts_with(layout::NAMED_LIBRARIES) => {
            let code = folder.get(path).and_then(|bytes| library_code(&bytes));
            found.add(NeedKind::Library, code.as_deref().unwrap_or(stem), path);
        }
        _ if path.starts_with(layout::CERTIFICATES) => found.add(NeedKind::Certificate, stem, path),
        "xml" if path.ends_with("PROJECT-INF/project.xml") => {
            if let Some(bytes) = folder.get(path) {
                of_project(&bytes, found);
            }
        }
        _ => {}
    }
}

/// Reads a `project.xml`: the `dependent-dvms` of its mappings, and its JavaScript steps.
fn of_project(bytes: &[u8], found: &mut DependencyList) {
    let Some(doc) = xml::parse(bytes) else { return };
    for node in doc.descendants().filter(|n| n.tag_name().name() == "property") {
        let value = node.attribute("value").unwrap_or_default();
        match node.attribute("name").unwrap_or_default() {
            "dependent-dvms" => {
                value.split(',').for_each(|n| found.add(NeedKind::Lookup, n, "project.xml"))
            }
            // `CODE:VERSION:file.js:function:parameters`
            "apiid" => {
                let code = value.split(':').next().unwrap_or_default();
                found.add(NeedKind::Library, code, "project.xml");
            }
            name if name.to_ascii_lowercase().contains("libraryname") || name == "library" => {
                found.add(NeedKind::Library, value, "project.xml");
            }
            _ => {}
        }
    }
}

fn referenced_lookups(text: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let list = value
        .get("referencedLookupData")
        .and_then(serde_json::Value::as_array)
        .cloned()
        .unwrap_or_default();
    let name = |v: &serde_json::Value| {
        let keys = ["name", "lookupName", "dvmName"];
        v.as_str().or_else(|| keys.iter().find_map(|k| v.get(k)?.as_str())).map(str::to_owned)
    };
    list.iter().filter_map(name).map(|n| bare_name(&n).to_owned()).collect()
}

/// The lookups that a text calls with `dvm:lookupValue("NAME", …)` or `dvm:lookupValue1M(…)`,
/// whatever the prefix is.
pub(super) fn looked_up(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, call) in text.match_indices("lookupValue") {
        let rest = &text[at + call.len()..];
        let rest = rest.strip_prefix("1M").unwrap_or(rest).trim_start();
        let Some(rest) = rest.strip_prefix('(').map(str::trim_start) else { continue };
        let (quote, rest) = match rest.strip_prefix("&quot;").or_else(|| rest.strip_prefix("&#34;"))
        {
            Some(rest) => ("&", rest),
            None if rest.starts_with(['"', '\'']) => rest.split_at(1),
            None => continue,
        };
        if let Some((name, _)) =
            rest.split_once(quote).filter(|(n, _)| !n.is_empty() && n.len() <= 200)
        {
            found.push(bare_name(name).to_owned());
        }
    }
    found
}

/// The name of a lookup, which may be written as a path: `oramds:/apps/ICS/DVMs/NAME.dvm`.
fn bare_name(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_suffix(".dvm").unwrap_or(name)
}

/// The functions of JavaScript libraries that a text calls: those whose prefix is bound to the
/// service's executor.
fn script_calls(text: &str) -> Vec<String> {
    const EXECUTOR: &str = "services.functions.JsExecutor";
    let mut found = Vec::new();
    for (at, _) in text.match_indices(EXECUTOR) {
        let head = &text[..at];
        let Some(prefix) = head.rfind("xmlns:").and_then(|s| head[s + 6..].split('=').next())
        else {
            continue;
        };
        let call = format!("{}:", prefix.trim());
        for (start, _) in text.match_indices(&call) {
            let name: String = text[start + call.len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let after = &text[start + call.len() + name.len()..];
            if !name.is_empty() && after.trim_start().starts_with('(') && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// The dependencies of an integration by kind, as a restore asks for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Codes of connections; the service's own (`PRESEEDED_…`) are left out.
    pub connections: std::collections::BTreeSet<String>,
    pub lookups: std::collections::BTreeSet<String>,
    /// Integrations that it calls, without their scopes.
    pub children: std::collections::BTreeSet<IntegrationId>,
    /// Where these live, as far as the archive tells.
    pub called_in: BTreeMap<IntegrationId, CalledScope>,
    /// Libraries as the archive names them: by code, or, where it says no more, by the function
    /// that is called.
    pub libraries: std::collections::BTreeSet<String>,
    pub certificates: std::collections::BTreeSet<String>,
    pub agents: std::collections::BTreeSet<String>,
}

impl Needs {
    /// The names by kind, without the connections that every environment has.
    pub fn of(dependencies: &[Dependency]) -> Self {
        let names = |kind| {
            dependencies
                .iter()
                .filter(move |d| d.kind == kind && !d.preseeded)
                .map(|d| d.name.clone())
        };
        let called = dependencies.iter().filter(|d| d.kind == NeedKind::Integration);
        let called_in = called.filter_map(|d| Some((d.name.parse().ok()?, d.scope.clone()?)));
        Self {
            called_in: called_in.collect(),
            connections: names(NeedKind::Connection).collect(),
            lookups: names(NeedKind::Lookup).collect(),
            children: names(NeedKind::Integration).filter_map(|n| n.parse().ok()).collect(),
            libraries: names(NeedKind::Library).collect(),
            certificates: names(NeedKind::Certificate).collect(),
            agents: names(NeedKind::Agent).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_are_found_in_expressions_however_they_are_quoted() {
        let text = concat!(
            r#"dvm:lookupValue("PAY_GRADE", 'a') x:lookupValue1M('B',1) "#,
            r#"select="dvm:lookupValue (&quot;oramds:/apps/ICS/DVMs/C.dvm&quot;,1)" "#,
            "lookupValue($v)",
        );
        assert_eq!(looked_up(text), ["PAY_GRADE", "B", "C"]);
    }

    #[test]
    fn only_functions_that_are_called_make_a_library_needed() {
        let text = concat!(
            r#"<x xmlns:orajs0="http://x/services.functions.JsExecutor_xpath1" "#,
            r#"xmlns:orajs1="http://x/services.functions.JsExecutor_xpath2" a="orajs1:trimAll "#,
            r#"($v)"/>"#,
        );
        assert_eq!(script_calls(text), ["trimAll"]);
    }

    #[rstest::rstest]
    #[case(NeedKind::Library, "TRIM|01.00.0000", "TRIM")]
    #[case(NeedKind::Event, "HIRED|2|pub", "HIRED")]
    #[case(NeedKind::Certificate, "USER|PGP|PUBLIC|MY_KEY", "MY_KEY")]
    #[case(NeedKind::Schedule, "SYNC|01.00.0000", "SYNC")]
    #[case(NeedKind::Integration, "SYNC|01.00.0000", "SYNC|01.00.0000")]
    #[case(NeedKind::Connection, "HCM", "HCM")]
    fn an_id_of_the_projects_list_names_a_code(
        #[case] kind: NeedKind,
        #[case] id: &str,
        #[case] code: &str,
    ) {
        assert_eq!(declared_name(kind, id), code);
    }

    #[test]
    fn the_editors_list_of_lookups_counts() {
        assert_eq!(
            referenced_lookups(r#"{"referencedLookupData":["A",{"lookupName":"B"}]}"#),
            ["A", "B"]
        );
    }
}
