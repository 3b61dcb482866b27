//! Compares two archives in meaning, and two texts as lines side by side. Pure: no I/O, no clock.

mod containers;
mod files;
mod members;
mod parts;
mod project_files;
mod schema;
mod steps;
mod text;
mod tree;

use std::{collections::BTreeSet, ops::Range};

use serde::Serialize;

use crate::archive::{ContentsBody, UnpackedArchive};

pub use files::{FilePair, FileState};
pub use members::head_of;
pub use parts::compare_lookup;
pub use text::{RowKind, Span, TextDiff, TextRow, normal_lines};

/// What a change is about, in the order in which a person reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeGroup {
    Step,
    Mapping,
    Expression,
    Endpoint,
    Connection,
    Lookup,
    Schedule,
    Library,
    Schema,
    Tracking,
    /// Versions of integrations of a project that belong together.
    Deployment,
    Event,
    /// A row of a lookup that is compared by itself.
    Row,
    /// A property of a connection, a certificate, an agent group or a schedule that is compared by
    /// itself.
    Property,
    /// The integration itself: name, description, version.
    Integration,
    File,
}

impl ChangeGroup {
    /// The word for one of this kind, in lower case: `step`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Mapping => "mapping",
            Self::Expression => "expression",
            Self::Endpoint => "endpoint",
            Self::Connection => "connection",
            Self::Lookup => "lookup",
            Self::Schedule => "schedule",
            Self::Library => "library",
            Self::Schema => "schema",
            Self::Tracking => "tracking",
            Self::Deployment => "deployment",
            Self::Event => "event",
            Self::Row => "row",
            Self::Property => "property",
            Self::Integration => "integration",
            Self::File => "file",
        }
    }
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Added,
    Removed,
    Changed,
    Moved,
}

impl ChangeKind {
    /// `+`, `-`, `~`, `>`: never colour alone.
    pub fn mark(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
            Self::Moved => '>',
        }
    }
}

/// One change in meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub group: ChangeGroup,
    pub change: ChangeKind,
    /// Where: the step, the field, the row.
    #[serde(rename = "where")]
    pub place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The files in which its text stands, on both sides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_file: Option<String>,
    /// The member of a package or project that it is in: `HELLO_WORLD 01.00.0000`. Its place has
    /// this before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// What a member that came says differently from the version that it was compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Change>,
    /// A word by which its line is found in those files.
    #[serde(skip)]
    pub anchor: String,
}

impl Change {
    /// A change at a place, without values and files.
    pub(crate) fn new(group: ChangeGroup, change: ChangeKind, place: impl Into<String>) -> Self {
        Self {
            group,
            change,
            place: place.into(),
            before: None,
            after: None,
            before_file: None,
            after_file: None,
            member: None,
            inside: Vec::new(),
            anchor: String::new(),
        }
    }

    /// Adds the two values. A value is none on the side that does not have it.
    pub(crate) fn values(mut self, before: Option<String>, after: Option<String>) -> Self {
        (self.before, self.after) = (before, after);
        self
    }

    /// Says in which files of the two sides the change can be seen.
    pub(crate) fn in_files(mut self, before: Option<&str>, after: Option<&str>) -> Self {
        (self.before_file, self.after_file) = (before.map(str::to_owned), after.map(str::to_owned));
        self
    }

    /// Says by which text a viewer finds the change in its file.
    pub(crate) fn at(mut self, anchor: impl Into<String>) -> Self {
        self.anchor = anchor.into();
        self
    }

    /// A change from two values: added, removed or changed, by which of the two is there.
    pub(crate) fn between(
        group: ChangeGroup,
        place: impl Into<String>,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Self {
        let change = match (before, after) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        Self::new(group, change, place).values(before.map(str::to_owned), after.map(str::to_owned))
    }
}

/// What compare found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Comparison {
    /// Whether both mean the same: the fingerprints are equal.
    pub same: bool,
    /// Grouped, each group in the order of the flow. Of two packages or projects: first the members
    /// that came, that went, and that changed, then what lies beside them.
    pub changes: Vec<Change>,
    /// Differences without meaning, in words.
    pub cosmetic: Vec<String>,
    /// The pairs of files: each file of one side with the file of the other that corresponds to it.
    #[serde(skip)]
    pub files: Vec<FilePair>,
}

impl Comparison {
    /// `2 mappings, 1 step`: for one line.
    pub fn summary(&self) -> String {
        count_by_group(&self.changes)
    }

    /// The changes that a person folds together, by their place in [`Comparison::changes`]: all
    /// that are in one member, and each that is in none.
    pub fn sections(&self) -> Vec<Range<usize>> {
        let mut out: Vec<Range<usize>> = Vec::new();
        for (i, change) in self.changes.iter().enumerate() {
            let last = out.last().map(|last| self.changes[last.start].member.as_ref());
            match (out.last_mut(), last) {
                (Some(section), Some(Some(member))) if change.member.as_ref() == Some(member) => {
                    section.end = i + 1;
                }
                _ => out.push(i..i + 1),
            }
        }
        out
    }
}

/// `2 mappings, 1 step`; `the same` where there are no changes.
fn count_by_group(changes: &[Change]) -> String {
    let mut counts: Vec<(ChangeGroup, usize)> = Vec::new();
    for change in changes {
        match counts.iter_mut().find(|(g, _)| *g == change.group) {
            Some((_, n)) => *n += 1,
            None => counts.push((change.group, 1)),
        }
    }
    let words: Vec<_> = counts.iter().map(|(g, n)| crate::model::plural(*n, g.label())).collect();
    if words.is_empty() { "the same".into() } else { words.join(", ") }
}

/// The two are of different kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "only two of one kind can be compared: the first is of kind {before}, the second of kind \
        {after}"
)]
pub struct DifferentKinds {
    before: &'static str,
    after: &'static str,
}

/// Compares two archives of one kind.
///
/// # Errors
/// [`DifferentKinds`].
pub fn compare(
    before: &UnpackedArchive,
    after: &UnpackedArchive,
) -> Result<Comparison, DifferentKinds> {
    let mut found = match (&before.contents.body, &after.contents.body) {
        (ContentsBody::Integration(a), ContentsBody::Integration(b)) => {
            let (files_a, files_b) = (before.member_files(0), after.member_files(0));
            parts::compare_integrations(a, files_a, b, files_b)
        }
        (ContentsBody::Package(_), ContentsBody::Package(_))
        | (ContentsBody::Project(_), ContentsBody::Project(_)) => {
            containers::compare(before, after)
        }
        (ContentsBody::Lookup(a), ContentsBody::Lookup(b)) => {
            let (x, y) = (containers::only_file(before), containers::only_file(after));
            let mut changes = parts::compare_lookup(a, b, x, y);
            changes.iter_mut().for_each(containers::as_row);
            containers::with_only_files(
                before,
                after,
                Comparison { changes, ..Comparison::default() },
            )
        }
        (ContentsBody::Description(a), ContentsBody::Description(b)) if a.kind == b.kind => {
            containers::with_only_files(before, after, containers::compare_descriptions(a, b))
        }
        (ContentsBody::Library(a), ContentsBody::Library(b)) => {
            containers::compare_libraries(a, before, b, after)
        }
        (
            ContentsBody::Integration(_)
            | ContentsBody::Package(_)
            | ContentsBody::Project(_)
            | ContentsBody::Lookup(_)
            | ContentsBody::Library(_)
            | ContentsBody::Description(_),
            _,
        ) => {
            return Err(DifferentKinds {
                before: before.contents.identity().kind.singular(),
                after: after.contents.identity().kind.singular(),
            });
        }
    };
    found.changes.extend(not_compared(before, after));
    found.same = found.changes.is_empty();
    Ok(found)
}

/// The parts that were not read: of both sides, which may differ, and of one alone, where what is
/// missing is no change of what it means.
fn not_compared(before: &UnpackedArchive, after: &UnpackedArchive) -> Vec<Change> {
    if before.is_of_the_same_bytes(after) {
        return Vec::new();
    }
    let change = |place| Change::new(ChangeGroup::File, ChangeKind::Changed, place);
    let unread: BTreeSet<&str> = before.unread().chain(after.unread()).collect();
    let unread = unread.into_iter().map(|what| change(format!("not compared: {what}")));
    let broken = [("first", before, after), ("second", after, before)];
    let broken = broken.into_iter().flat_map(|(side, own, other)| {
        let findings = own.contents.findings.iter();
        let alone = findings.filter(|f| !other.contents.findings.contains(f));
        alone.map(move |f| change(format!("the {side} cannot be read whole: {}", f.what)))
    });
    unread.chain(broken).collect()
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod kinds_of_change;
