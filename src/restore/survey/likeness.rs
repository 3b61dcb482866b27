//! Dependencies that are there, held against what the wanted artifacts worked with: a lookup of the
//! same name with other rows is another one.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::{AT_ONCE, survey_list::SurveyList, target_lists::TargetLists};
use crate::archive::{ArchiveError, Lookup, scripts_of};
use crate::diff::{Change, ChangeKind, compare_lookup};
use crate::model::{ArtifactKey, Fingerprint, Kind, plural};
use crate::oic::{Client, OicError};
use crate::restore::{live::live_fingerprints, request::Goal};

/// Changes of one lookup that are told one by one; more are counted.
const TOLD: usize = 3;

/// What a dependency on the target is, against what the wanted artifact worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Likeness {
    Same,
    /// It is another one; how it differs, with what is on the target last.
    Other(String),
    /// It could not be read, and why.
    Unread(String),
}

/// Why a dependency was not compared.
#[derive(Debug, thiserror::Error)]
enum UnreadError {
    #[error("{}", .0.kind)]
    Call(#[from] OicError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("it has no script")]
    NoScript,
    #[error("it is not there any more")]
    Gone,
}

/// What a dependency is expected to be.
#[derive(Debug, Clone)]
enum Expected {
    Rows(Lookup),
    /// The rows that a lookup gets: how it changes is told, not how it differs.
    NewRows(Lookup),
    Scripts(Fingerprint),
    Content(Fingerprint),
}

/// Compares each lookup, library and child integration that is needed and there, and each lookup
/// that is wanted itself and there.
pub(super) async fn compare(
    client: &Client,
    sought: &SurveyList,
    lists: &TargetLists,
) -> BTreeMap<ArtifactKey, Likeness> {
    let compared = |(key, expected): (ArtifactKey, Expected)| async move {
        let likeness = likeness(client, &key, &expected).await;
        let likeness = likeness.unwrap_or_else(|why| Likeness::Unread(why.to_string()));
        (key, likeness)
    };
    let all = futures::stream::iter(expected(sought, lists)).map(compared);
    all.buffer_unordered(AT_ONCE).collect().await
}

/// What is expected of each dependency. Where two artifacts knew different ones, the first counts.
fn expected(sought: &SurveyList, lists: &TargetLists) -> BTreeMap<ArtifactKey, Expected> {
    let mut out = BTreeMap::new();
    let mut add = |key: ArtifactKey, expected: Expected| {
        out.entry(key).or_insert(expected);
    };
    for one in sought.wanted().filter(|w| w.goal != Goal::Absent) {
        let Some(archive) = &one.archive else { continue };
        let scope = one.key.uses_scope();
        let here = lists.within(&scope);
        if one.key.kind == Kind::Lookup {
            if here.lookups.contains(&one.key.code)
                && let Ok(rows) = Lookup::from_csv(&archive.bytes)
            {
                add(one.key.clone(), Expected::NewRows(rows));
            }
            continue;
        }
        let named = |kind, code: &str| ArtifactKey::new(kind, code, None).within(scope.clone());
        let is_wanted = |key: &ArtifactKey| sought.has_code(key);
        for (name, copy) in &archive.copies.lookups {
            let key = named(Kind::Lookup, name);
            if here.lookups.contains(name) && !is_wanted(&key) {
                add(key, Expected::Rows(copy.clone()));
            }
        }
        for (code, scripts) in &archive.copies.libraries {
            let key = named(Kind::Library, code);
            if let Some(version) = here.libraries.known().and_then(|l| l.get(code))
                && !is_wanted(&key)
            {
                add(ArtifactKey { version: *version, ..key }, Expected::Scripts(*scripts));
            }
        }
        for (key, content) in &one.worked_with {
            let Some(key) = there(key, one.key.uses_scope(), lists) else { continue };
            if !is_wanted(&key) {
                add(key, Expected::Content(*content));
            }
        }
    }
    out
}

/// What is meant on the target by a child integration or a library; none where it is not there.
fn there(
    key: &ArtifactKey,
    scope: crate::model::Scope,
    lists: &TargetLists,
) -> Option<ArtifactKey> {
    if let Some(id) = key.integration_id() {
        let id = lists.called_from(&scope, &id);
        return lists.integration(&id).map(|i| i.id.clone().into());
    }
    let version = *lists.within(&scope).libraries.known()?.get(&key.code)?;
    Some(ArtifactKey { version, ..key.clone().within(scope) })
}

async fn likeness(
    client: &Client,
    key: &ArtifactKey,
    expected: &Expected,
) -> Result<Likeness, UnreadError> {
    let by = |same: bool, other: &str| match same {
        true => Likeness::Same,
        false => Likeness::Other(other.to_owned()),
    };
    Ok(match expected {
        Expected::Rows(rows) | Expected::NewRows(rows) => {
            let bytes = client.export(key).await?;
            let live = Lookup::from_csv(&bytes)?;
            let (from, to, words) = match expected {
                Expected::NewRows(_) => (&live, rows, ["gains", "loses"]),
                _ => (rows, &live, ["has", "lacks"]),
            };
            let changes = compare_lookup(from, to, None, None);
            rows_in_words(&key.code, &changes, words).map_or(Likeness::Same, Likeness::Other)
        }
        Expected::Scripts(wanted) => {
            let bytes = client.export(key).await?;
            let live = scripts_of(&bytes).ok_or(UnreadError::NoScript)?;
            by(live == *wanted, "its scripts differ")
        }
        Expected::Content(wanted) => match live_fingerprints(client, key).await? {
            None => return Err(UnreadError::Gone),
            Some(live) => by(live.portable == *wanted, "it does something else now"),
        },
    })
}

/// `row 1, B: 2 → 5; has row XX; 4 more differences`, with the words for rows that are more and
/// those that are fewer. None where nothing differs that an integration could notice: a
/// description, the order of rows.
fn rows_in_words(name: &str, changes: &[Change], [more, fewer]: [&str; 2]) -> Option<String> {
    let prefix = format!("{name}: ");
    let place = |c: &Change| c.place.strip_prefix(&prefix).unwrap_or(&c.place).to_owned();
    let matters = |c: &&Change| c.change != ChangeKind::Moved && place(c) != "description";
    let in_words = |c: &Change| {
        let value = |v: &Option<String>| v.clone().unwrap_or_default();
        match c.change {
            ChangeKind::Added => format!("{more} {}", place(c)),
            ChangeKind::Removed => format!("{fewer} {}", place(c)),
            _ => format!("{}: {} → {}", place(c), value(&c.before), value(&c.after)),
        }
    };
    let words: Vec<String> = changes.iter().filter(matters).map(in_words).collect();
    let mut text = words.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
    if words.len() > TOLD {
        text.push_str(&format!("; {}", plural(words.len() - TOLD, "more difference")));
    }
    (!words.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(rows: &[[&str; 2]]) -> Lookup {
        let rows = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        let columns = ["A", "B"].map(str::to_owned).to_vec();
        Lookup { name: "GRADES".into(), columns, rows, ..Lookup::default() }
    }

    #[rstest::rstest]
    #[case::the_same(&[["1", "2"]], &[["1", "2"]], None)]
    #[case::another_order(&[["1", "2"], ["3", "4"]], &[["3", "4"], ["1", "2"]], None)]
    #[case::a_cell(&[["1", "2"]], &[["1", "5"]], Some("row 1, B: 2 → 5"))]
    #[case::more(&[["1", "2"]], &[["1", "2"], ["3", "4"]], Some("has row 3"))]
    #[case::fewer(&[["1", "2"], ["3", "4"]], &[["1", "2"]], Some("lacks row 3"))]
    #[case::many(&[["1", "2"]], &[["a", "1"], ["b", "1"], ["c", "1"], ["d", "1"]],
        Some("lacks row 1; has row a; has row b; 2 more differences"))]
    fn rows_differ_in_words(
        #[case] worked_with: &[[&str; 2]],
        #[case] there: &[[&str; 2]],
        #[case] words: Option<&str>,
    ) {
        let changes = compare_lookup(&lookup(worked_with), &lookup(there), None, None);
        let found = rows_in_words("GRADES", &changes, ["has", "lacks"]);
        assert_eq!(found.as_deref(), words);
    }

    #[test]
    fn a_description_says_nothing_to_an_integration() {
        let described = Lookup { description: "x".into(), ..lookup(&[["1", "2"]]) };
        let changes = compare_lookup(&lookup(&[["1", "2"]]), &described, None, None);
        assert_eq!(rows_in_words("GRADES", &changes, ["has", "lacks"]), None);
    }
}
