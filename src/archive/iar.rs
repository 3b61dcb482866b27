//! An `.iar`: one exported integration. Who it is, what it needs, what it means.

use std::collections::BTreeSet;

use roxmltree::Document;

use super::{
    fingerprint::{self, Meaning},
    properties, xml,
    zip::{ArchiveError, Zip},
};
use crate::model::{IntegrationId, visible};

/// What is known of an export after it was read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iar {
    pub id: IntegrationId,
    /// The display name.
    pub name: String,
    /// `DEVELOPED`, `PREBUILT` …
    pub project_type: String,
    pub scheduled: bool,
    pub needs: Needs,
    pub meaning: Meaning,
}

/// What must be on an instance for the integration to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Codes of connections; the service's own (`PRESEEDED_…`) are left out.
    pub connections: BTreeSet<String>,
    pub lookups: BTreeSet<String>,
    /// Integrations that it calls.
    pub children: BTreeSet<IntegrationId>,
}

impl Iar {
    /// Reads a whole export.
    ///
    /// # Errors
    /// Where the bytes are no zip, break a bound, are cut off, or hold no integration.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let mut zip = Zip::open(bytes)?;
        let names: Vec<String> = zip.names().map(str::to_owned).collect();
        let attributes = names
            .iter()
            .find(|n| n.starts_with("icspackage/project/") && n.ends_with("/ics_project_attributes.properties"))
            .ok_or_else(|| not_an_integration(&names))?;
        let entries =
            names.iter().map(|name| Ok((name.clone(), zip.read(name)?))).collect::<Result<Vec<_>, ArchiveError>>()?;
        let part = |name: &str| entries.iter().find(|(n, _)| n == name).map(|(_, b)| b.as_slice());
        let text = String::from_utf8_lossy(part(attributes).unwrap_or_default());
        let attributes = properties::parse(&text);
        let get = |key: &str| attributes.get(key).cloned().unwrap_or_default();
        let id = identity(&get("project_code"), &get("project_version"))?;
        let needs = Needs::of_entries(&entries);
        let scheduled = get("mep_type") == "MEP07" || has_schedule(&entries);
        let meaning = fingerprint::of_entries(&entries);
        Ok(Self { id, name: get("project_name"), project_type: get("project_type"), scheduled, needs, meaning })
    }
}

fn not_an_integration(names: &[String]) -> ArchiveError {
    let why = if names.iter().any(|n| n.starts_with("project/")) {
        "it is a project (.car)"
    } else if names.iter().any(|n| n == "ics_package_attributes.properties") {
        "it is a package (.par)"
    } else {
        "it has no icspackage/project/…/ics_project_attributes.properties"
    };
    ArchiveError::NotAnIntegration(why.into())
}

fn identity(code: &str, version: &str) -> Result<IntegrationId, ArchiveError> {
    match (code, version.parse()) {
        ("", _) => Err(ArchiveError::NotAnIntegration("project_code is missing".into())),
        (code, Ok(version)) => Ok(IntegrationId::new(code, version)),
        (_, Err(e)) => Err(ArchiveError::NotAnIntegration(format!("project_version: {e}"))),
    }
}

fn has_schedule(entries: &[(String, Vec<u8>)]) -> bool {
    let project = entries.iter().find(|(n, _)| n.ends_with("PROJECT-INF/project.xml"));
    project
        .and_then(|(_, bytes)| xml::parse(bytes))
        .is_some_and(|doc| doc.descendants().any(|n| n.tag_name().name() == "scheduleReceive"))
}

impl Needs {
    fn of_entries(entries: &[(String, Vec<u8>)]) -> Self {
        let mut needs = Self::default();
        for (name, bytes) in entries {
            let file = name.rsplit('/').next().unwrap_or_default();
            let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
            if name.starts_with("icspackage/appinstances/") && ending == "xml" {
                needs.connections.insert(connection_code(bytes).unwrap_or_else(|| stem.to_owned()));
            } else if ending == "dvm" {
                needs.lookups.insert(visible(stem).into_owned());
            } else if ending == "jca" {
                needs.children.extend(xml::parse(bytes).and_then(|doc| called_integration(&doc)));
            } else if matches!(ending, "xsl" | "xslt" | "properties") {
                needs.lookups.extend(looked_up(&String::from_utf8_lossy(bytes)));
            } else if file == "project.xml" {
                needs.connections.extend(xml::parse(bytes).iter().flat_map(endpoint_connections));
            }
        }
        needs.connections.retain(|code| !code.starts_with("PRESEEDED_"));
        needs
    }
}

fn connection_code(bytes: &[u8]) -> Option<String> {
    let doc = xml::parse(bytes)?;
    let code = doc.root_element().children().find(|n| n.tag_name().name() == "instanceCode")?;
    code.text().map(|t| visible(t.trim()).into_owned())
}

fn endpoint_connections(doc: &Document<'_>) -> Vec<String> {
    doc.descendants()
        .filter(|n| n.tag_name().name() == "adapter")
        .filter_map(|n| n.children().find(|c| c.tag_name().name() == "code")?.text())
        .map(|code| visible(code.trim()).into_owned())
        .filter(|code| !code.is_empty())
        .collect()
}

/// The integration that a `collocatedics` endpoint calls.
fn called_integration(doc: &Document<'_>) -> Option<IntegrationId> {
    let adapter = doc.root_element().attribute("adapter")?;
    if !adapter.eq_ignore_ascii_case("collocatedics") {
        return None;
    }
    let property = |key: &str| {
        let node = doc.descendants().find(|n| n.attribute("name") == Some(key))?;
        node.attribute("value")
    };
    property("integration_id").and_then(|id| id.parse().ok()).or_else(|| {
        Some(IntegrationId::new(property("integration_code")?, property("integration_version")?.parse().ok()?))
    })
}

/// Names in `dvm:lookupValue("NAME", …)` and `dvm:lookupValue1M(…)`, by whatever prefix.
fn looked_up(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for call in ["lookupValue(", "lookupValue1M("] {
        for (at, _) in text.match_indices(call) {
            let rest = text[at + call.len()..].trim_start();
            let (quote, rest) = match rest.strip_prefix("&quot;").or_else(|| rest.strip_prefix("&#34;")) {
                Some(rest) => ("&", rest),
                None if rest.starts_with(['"', '\'']) => rest.split_at(1),
                None => continue,
            };
            if let Some((name, _)) = rest.split_once(quote).filter(|(n, _)| !n.is_empty() && n.len() <= 200) {
                // The full path form is `oramds:/apps/ICS/DVMs/NAME.dvm`.
                let name = name.rsplit('/').next().unwrap_or(name);
                found.push(visible(name.strip_suffix(".dvm").unwrap_or(name)).into_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
