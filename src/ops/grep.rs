//! Searches inside archives: which flows call this endpoint, use this lookup, fill this field?
//! Results are steps and settings, not offsets in files.

use regex::{Regex, RegexBuilder};
use serde::Serialize;

use crate::archive::{
    BlankedAs, Blanker, ContentsBody, FlowStep, Integration, UnpackedArchive, blank_value,
    is_cosmetic, layout,
};
use crate::diff::normal_lines;
use crate::model::{IntegrationId, Scope, visible};
use crate::workspace::collection::{self, Collection, CollectionItem, CollectionSource};
use crate::workspace::{Workspace, source::SourceError};

/// One place that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrepHit {
    /// The step, the endpoint, the connection, the lookup, the file.
    pub place: String,
    /// Which part of it: a field, a setting, a row.
    pub part: String,
    /// What stands there; secrets are blanked.
    pub text: String,
}

/// The hits of one archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveHits {
    pub reference: String,
    /// The project's code; `null` for the global space, and for a file.
    pub scope: Scope,
    /// Empty where the hits are in no integration.
    pub code: String,
    pub version: String,
    pub hits: Vec<GrepHit>,
}

/// What was searched.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GrepReport {
    pub found: Vec<ArchiveHits>,
    pub archives: usize,
    /// Archives that could not be read, with why.
    pub problems: Vec<String>,
}

/// The most hits of one archive. A pattern that hits everything says nothing.
const MAX_HITS: usize = 200;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// Whether the pattern can be tried on files as they are written. XML writes some characters in
    /// another way.
    plain: bool,
}

/// A pattern that is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is not a regular expression: {why}")]
pub struct PatternError {
    pattern: String,
    why: regex::Error,
}

impl Pattern {
    /// A regular expression. Without a capital letter in it, case does not matter.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let capital = text.chars().any(char::is_uppercase);
        let regex = RegexBuilder::new(text).case_insensitive(!capital).size_limit(1 << 22).build();
        let regex =
            regex.map_err(|why| PatternError { pattern: visible(text).into_owned(), why })?;
        let plain = !text.contains(['"', '\'', '<', '>', '&', '\\', ' ', '|', '^', '$']);
        Ok(Self { regex, plain })
    }

    /// A pattern that is a text as it stands.
    pub fn literal(text: &str) -> Option<Self> {
        let capital = text.chars().any(char::is_uppercase);
        let regex =
            RegexBuilder::new(&regex::escape(text)).case_insensitive(!capital).build().ok()?;
        Some(Self { regex, plain: !text.contains(['"', '\'', '<', '>', '&']) })
    }

    /// Whether the pattern occurs in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Searches every archive of a scope.
///
/// # Errors
/// Where the scope cannot be listed.
pub async fn run(
    workspace: &Workspace,
    scope: &CollectionSource,
    pattern: &Pattern,
    schemas: bool,
) -> Result<GrepReport, SourceError> {
    let Collection { items, unseen } = collection::list(workspace, scope).await?;
    let archives = items.len();
    let pattern = pattern.clone();
    let work =
        move |_: &CollectionItem, unpacked: UnpackedArchive| search(&unpacked, &pattern, schemas);
    let mut report = GrepReport { archives, problems: unseen, ..GrepReport::default() };
    for (item, result) in collection::each(workspace, items, work).await {
        match result {
            Ok(hits) if hits.is_empty() => {}
            Ok(hits) => report.found.push(ArchiveHits {
                reference: item.reference(),
                scope: item.id.scope.clone(),
                code: item.id.code.clone(),
                version: item.id.version.to_string(),
                hits,
            }),
            Err(why) => report.problems.push(format!("{}: {why}", item.reference())),
        }
    }
    Ok(report)
}

/// Searches each integration of an archive by itself, and then what belongs to none of them.
pub fn search_parts(
    unpacked: &UnpackedArchive,
    pattern: &Pattern,
    schemas: bool,
) -> Vec<(Option<IntegrationId>, Vec<GrepHit>)> {
    let all = unpacked.contents.integrations();
    if matches!(unpacked.contents.body, ContentsBody::Integration(_)) {
        let id = all.first().map(|it| it.id.clone());
        return vec![(id, search(unpacked, pattern, schemas))];
    }
    let blanker = unpacked.blanker();
    let of = |it: &Integration| {
        let member = unpacked.member(&it.id.code, it.id.version).ok()?;
        let mut hits = search(&member, pattern, schemas);
        hide(&mut hits, blanker.as_ref());
        Some((Some(it.id.clone()), hits))
    };
    let mut parts: Vec<_> = all.iter().filter_map(of).collect();
    let mut rest = HitCollector { pattern, found: Vec::new() };
    if let ContentsBody::Lookup(lookup) = &unpacked.contents.body {
        in_lookup(lookup, "", &mut rest);
    }
    let own = unpacked.own_files().iter().map(|(path, bytes)| (path.clone(), bytes.as_slice()));
    in_files(own, schemas, &mut rest);
    hide(&mut rest.found, blanker.as_ref());
    parts.push((None, rest.found));
    parts.retain(|(_, hits)| !hits.is_empty());
    parts
}

/// Searches one archive.
pub fn search(unpacked: &UnpackedArchive, pattern: &Pattern, schemas: bool) -> Vec<GrepHit> {
    let mut hits = HitCollector { pattern, found: Vec::new() };
    if pattern.plain
        && !unpacked
            .all_files()
            .any(|(path, bytes)| pattern.is_match(&path) || bytes_match(pattern, bytes))
    {
        return hits.found;
    }
    let several = unpacked.contents.integrations().len() > 1;
    for it in unpacked.contents.integrations() {
        let prefix = if several { format!("{} › ", it.id.code) } else { String::new() };
        in_integration(it, &prefix, &mut hits);
    }
    if let ContentsBody::Lookup(lookup) = &unpacked.contents.body {
        in_lookup(lookup, "", &mut hits);
    }
    in_files(unpacked.all_files(), schemas, &mut hits);
    hits.found.truncate(MAX_HITS);
    // What was looked for may be a secret: that it is there is told, and not what it is.
    let any = !hits.found.is_empty();
    hide(&mut hits.found, any.then(|| unpacked.blanker()).flatten().as_ref());
    hits.found
}

/// Blanks the secrets of an archive in what was found.
fn hide(hits: &mut [GrepHit], blanker: Option<&Blanker>) {
    let Some(blanker) = blanker else { return };
    for hit in hits {
        for text in [&mut hit.place, &mut hit.part, &mut hit.text] {
            *text = blanker.hide(text, BlankedAs::Dots).into_owned();
        }
    }
}

/// Searches the lines of files that no model of the archive has.
fn in_files<'a>(
    files: impl Iterator<Item = (String, &'a [u8])>,
    schemas: bool,
    hits: &mut HitCollector<'_>,
) {
    let modelled = ["xsl", "xslt", "jca", "dvm"];
    for (path, bytes) in files {
        let ending = path.rsplit('.').next().unwrap_or_default();
        let known = modelled.contains(&ending)
            || path.contains("PROJECT-INF/")
            || path.contains(layout::CONNECTIONS);
        let schema = matches!(ending, "xsd" | "wsdl");
        let expression = path.ends_with("expr.properties") || path.ends_with("stitch.json");
        if known
            || expression
            || is_cosmetic(&path)
            || (schema && !schemas)
            || !bytes_match(hits.pattern, bytes)
        {
            continue;
        }
        for (i, line) in normal_lines(&path, bytes).iter().enumerate() {
            hits.look(&format!("file {path}"), &format!("line {}", i + 1), line.trim());
        }
    }
}

fn bytes_match(pattern: &Pattern, bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| pattern.is_match(text))
}

struct HitCollector<'p> {
    pattern: &'p Pattern,
    found: Vec<GrepHit>,
}

impl HitCollector<'_> {
    fn look(&mut self, place: &str, part: &str, text: &str) {
        if self.found.len() < MAX_HITS && self.pattern.is_match(text) {
            let name = part.rsplit(['/', ' ']).next().unwrap_or_default();
            let text = visible(&blank_value(name, text)).into_owned();
            self.found.push(GrepHit { place: place.to_owned(), part: part.to_owned(), text });
        }
    }
}

fn in_integration(it: &Integration, prefix: &str, hits: &mut HitCollector<'_>) {
    let own = format!("{prefix}integration");
    hits.look(&own, "code", &it.id.code);
    hits.look(&own, "name", &it.name);
    hits.look(&own, "description", &it.description);
    for tracked in &it.tracking {
        hits.look(&format!("{prefix}tracking {}", tracked.name), "xpath", &tracked.xpath);
    }
    in_steps(it, &it.flow, prefix, hits);
    for connection in it.own_connections() {
        let place = format!("{prefix}connection {}", connection.code);
        for (name, text) in
            [("code", &connection.code), ("name", &connection.name), ("policy", &connection.policy)]
        {
            hits.look(&place, name, text);
        }
        connection.properties.iter().for_each(|(k, v)| hits.look(&place, k, v));
    }
    it.own_lookups().for_each(|l| in_lookup(l, prefix, hits));
}

fn in_lookup(lookup: &crate::archive::Lookup, prefix: &str, hits: &mut HitCollector<'_>) {
    let place = format!("{prefix}lookup {}", lookup.name);
    hits.look(&place, "name", &lookup.name);
    for row in &lookup.rows {
        let key = row.first().map_or("", String::as_str);
        for (column, cell) in lookup.columns.iter().zip(row) {
            hits.look(&place, &format!("row {key}, {column}"), cell);
        }
    }
}

fn in_steps(it: &Integration, steps: &[FlowStep], prefix: &str, hits: &mut HitCollector<'_>) {
    for step in steps {
        let place = format!("{prefix}{}", step.title());
        let before = hits.found.len();
        for (role, e) in &step.expressions {
            let part = if role.is_empty() { "expression" } else { role };
            // The whole form says more; the short form is what was seen on the canvas.
            hits.look(&place, part, &e.written);
            if hits.found.len() == before {
                hits.look(&place, part, &e.short);
                hits.look(&place, part, &e.variable);
            }
        }
        if let Some(mapping) = step.mapping {
            for a in &it.mappings[mapping].assignments {
                let line = format!("{} ← {}", a.target, a.shown());
                hits.look(&place, a.target.rsplit('/').next().unwrap_or_default(), &line);
            }
        }
        if let Some(endpoint) = step.endpoint.map(|e| &it.endpoints[e]) {
            hits.look(&place, "connection", &endpoint.connection);
            hits.look(&place, "call", &endpoint.call());
            let told = |v: &str| v == endpoint.verb || v == endpoint.resource;
            endpoint
                .settings
                .iter()
                .filter(|(_, v)| !told(v))
                .for_each(|(k, v)| hits.look(&place, k, v));
        } else {
            step.settings.iter().for_each(|(k, v)| hits.look(&place, k, v));
        }
        if hits.found.len() == before {
            hits.look(&place, "name", &step.name);
        }
        in_steps(it, &step.children, prefix, hits);
    }
}
