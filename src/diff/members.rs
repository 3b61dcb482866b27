//! The members of two packages or two projects. A member is a code **and** a version: two versions
//! of one code are two members.

use std::collections::BTreeMap;

use super::{Change, ChangeGroup, ChangeKind, Comparison, FilePair, FileState, parts};
use crate::archive::{Integration, UnpackedArchive};
use crate::model::Version;

/// A member by its archive and its index in there.
type Member<'u> = (&'u UnpackedArchive, usize);

/// Which member of one side corresponds to which of the other, by index.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pairing {
    /// The same code and version, and a version that another one of its code took the place of.
    both: Vec<(usize, usize)>,
    /// With the member of the other side with which it is compared.
    added: Vec<(usize, Option<usize>)>,
    removed: Vec<usize>,
}

/// Compares the members: first those that came, then those that went, then those that changed.
pub fn compare(before: &UnpackedArchive, after: &UnpackedArchive, out: &mut Comparison) {
    let (a, b) = (before.contents.integrations(), after.contents.integrations());
    let pairing = pair(&versions(a), &versions(b));
    for (new, base) in &pairing.added {
        out.changes.push(added((before, *base), (after, *new), &mut out.files));
    }
    for gone in &pairing.removed {
        let name = named(&a[*gone]);
        let change = Change::new(ChangeGroup::Integration, ChangeKind::Removed, name.clone());
        out.changes.push(Change { member: Some(name), ..change });
    }
    for (old, new) in &pairing.both {
        changed((before, *old), (after, *new), out);
    }
}

/// `HELLO_WORLD 01.00.0000`
fn named(it: &Integration) -> String {
    format!("{} {}", it.id.code, it.id.version)
}

/// Code -> version -> index. A version that stands there twice has a number.
type Versions<'i> = BTreeMap<&'i str, BTreeMap<(Version, usize), usize>>;

fn versions(all: &[Integration]) -> Versions<'_> {
    let mut out = Versions::new();
    for (i, it) in all.iter().enumerate() {
        let of_code = out.entry(it.id.code.as_str()).or_default();
        let again = of_code.keys().filter(|(v, _)| *v == it.id.version).count();
        of_code.insert((it.id.version, again), i);
    }
    out
}

fn pair(a: &Versions<'_>, b: &Versions<'_>) -> Pairing {
    let mut out = Pairing::default();
    let none = BTreeMap::new();
    let codes: std::collections::BTreeSet<&&str> = a.keys().chain(b.keys()).collect();
    for code in codes {
        let (x, y) = (a.get(*code).unwrap_or(&none), b.get(*code).unwrap_or(&none));
        let mut gone: Vec<_> = x.iter().filter(|(v, _)| !y.contains_key(v)).collect();
        let mut come: Vec<_> = y.iter().filter(|(v, _)| !x.contains_key(v)).collect();
        let mut both: Vec<_> = x.iter().filter_map(|(v, i)| Some((*i, *y.get(v)?))).collect();
        // The newest take the place of the newest, within a major before across majors: of a major,
        // one version runs.
        for same_major in [true, false] {
            come.reverse();
            come.retain(|(new, j)| {
                let fits = |(old, _): &(&(Version, usize), &usize)| {
                    !same_major || old.0.major == new.0.major
                };
                let Some(at) = gone.iter().rposition(fits) else { return true };
                both.push((*gone.remove(at).1, **j));
                false
            });
            come.reverse();
        }
        both.sort_unstable_by_key(|(_, j)| *j);
        out.both.extend(both);
        out.removed.extend(gone.into_iter().map(|(_, i)| *i));
        out.added.extend(come.into_iter().map(|(version, j)| {
            let older = x.range(..*version).next_back();
            (*j, older.or_else(|| x.range(*version..).next()).map(|(_, i)| *i))
        }));
    }
    out
}

/// The change for a member that came. Where the other side has a version of its code, it says what
/// is different from that one, and `files` gets the pairs of their files that differ.
fn added(
    (before, base): (&UnpackedArchive, Option<usize>),
    (after, new): Member<'_>,
    files: &mut Vec<FilePair>,
) -> Change {
    let it = &after.contents.integrations()[new];
    let member = named(it);
    let change = Change {
        member: Some(member.clone()),
        ..Change::new(ChangeGroup::Integration, ChangeKind::Added, member.clone())
    };
    let Some(base) = base else { return change };
    let old = &before.contents.integrations()[base];
    let inner = compare_inside((before, base), (after, new), &member);
    files.extend(
        inner
            .files
            .into_iter()
            .filter(|p| !matches!(p.state, FileState::Same | FileState::Cosmetic)),
    );
    let (version, inside): (Vec<_>, Vec<_>) =
        inner.changes.into_iter().partition(|c| c.place.ends_with(VERSION));
    let said = super::count_by_group(&inside);
    let age = if it.id.version > old.id.version { "newer" } else { "older" };
    let place = format!("{member} ({age} than {}, compared with it: {said})", old.id.version);
    Change { place, inside: version.into_iter().chain(inside).collect(), ..change }
}

/// How the place of a change of the version ends.
const VERSION: &str = " › version";

/// Adds what changed in a member that both sides have, or that one version of took the place of
/// another.
fn changed((before, x): Member<'_>, (after, y): Member<'_>, out: &mut Comparison) {
    let (old, new) = (&before.contents.integrations()[x], &after.contents.integrations()[y]);
    let member = if old.id == new.id {
        named(new)
    } else {
        format!("{} {} → {}", new.id.code, old.id.version, new.id.version)
    };
    let mut inner = compare_inside((before, x), (after, y), &member);
    // The change of the version comes first.
    inner.changes.sort_by_key(|c| !c.place.ends_with(VERSION));
    out.changes.extend(inner.changes);
    out.cosmetic.extend(inner.cosmetic.into_iter().map(|c| format!("{member} › {c}")));
    out.files.extend(inner.files);
}

/// Compares two members. Places and files are named with the member before them.
fn compare_inside((before, x): Member<'_>, (after, y): Member<'_>, member: &str) -> Comparison {
    let (old, new) = (&before.contents.integrations()[x], &after.contents.integrations()[y]);
    let mut found =
        parts::compare_integrations(old, before.member_files(x), new, after.member_files(y));
    let path = |it: &Integration, file: Option<String>| file.map(|f| format!("{}/{f}", it.id));
    for change in &mut found.changes {
        change.place = format!("{member} › {}", change.place);
        change.before_file = path(old, change.before_file.take());
        change.after_file = path(new, change.after_file.take());
        change.member = Some(member.to_owned());
    }
    for pair in &mut found.files {
        pair.before = path(old, pair.before.take());
        pair.after = path(new, pair.after.take());
    }
    found
}

impl Change {
    /// Its place without the member before it.
    pub fn place_in_member(&self) -> &str {
        let member = self.member.as_deref().unwrap_or_default();
        let inner = self.place.strip_prefix(member).and_then(|rest| rest.strip_prefix(" › "));
        inner.unwrap_or(&self.place)
    }
}

/// `HELLO_WORLD 01.00.0000: 2 steps, 1 mapping`: the head of a member's changes, which are not
/// empty.
pub fn head_of(changes: &[Change]) -> String {
    let member = changes.first().and_then(|c| c.member.as_deref()).unwrap_or_default();
    format!("{member}: {}", super::count_by_group(changes))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn of(list: &[&'static str]) -> Vec<(&'static str, Version)> {
        let read = |text: &&'static str| {
            let (code, version) = text.split_once(' ').unwrap();
            (code, version.parse().unwrap())
        };
        list.iter().map(read).collect()
    }

    fn versions_of(list: &[(&'static str, Version)]) -> Versions<'static> {
        let mut out = Versions::new();
        for (i, (code, version)) in list.iter().enumerate() {
            out.entry(code).or_default().insert((*version, 0), i);
        }
        out
    }

    #[rstest]
    #[case::both_versions_stay(
        &["A 01.00.0000", "A 02.00.0000"], &["A 01.00.0000", "A 02.00.0000"],
        &["A 01.00.0000 = A 01.00.0000", "A 02.00.0000 = A 02.00.0000"])]
    #[case::a_newer_one_came(&["A 01.00.0000"], &["A 01.00.0000", "A 01.00.0001"],
        &["+ A 01.00.0001 over A 01.00.0000", "A 01.00.0000 = A 01.00.0000"])]
    #[case::one_took_the_place_of_another(&["A 01.00.0002"], &["A 01.00.0003"],
        &["A 01.00.0002 = A 01.00.0003"])]
    #[case::within_its_major(
        &["A 01.00.0000", "A 02.00.0000"], &["A 01.00.0001", "A 02.00.0001"],
        &["A 01.00.0000 = A 01.00.0001", "A 02.00.0000 = A 02.00.0001"])]
    #[case::across_majors(&["A 01.00.0000"], &["A 02.00.0000"],
        &["A 01.00.0000 = A 02.00.0000"])]
    #[case::older_than_all(&["A 02.00.0000"], &["A 01.00.0000", "A 02.00.0000"],
        &["+ A 01.00.0000 over A 02.00.0000", "A 02.00.0000 = A 02.00.0000"])]
    #[case::compared_with_the_nearest(
        &["A 01.00.0000", "A 01.00.0001"], &["A 01.00.0000", "A 01.00.0001", "A 01.00.0002"],
        &["+ A 01.00.0002 over A 01.00.0001",
          "A 01.00.0000 = A 01.00.0000", "A 01.00.0001 = A 01.00.0001"])]
    #[case::one_went(&["A 01.00.0000", "A 02.00.0000"], &["A 02.00.0000"],
        &["- A 01.00.0000", "A 02.00.0000 = A 02.00.0000"])]
    #[case::other_codes(&["A 01.00.0000"], &["B 01.00.0000"],
        &["+ B 01.00.0000", "- A 01.00.0000"])]
    fn members_are_paired_by_code_and_version(
        #[case] before: &[&'static str],
        #[case] after: &[&'static str],
        #[case] expected: &[&str],
    ) {
        let (a, b) = (of(before), of(after));
        let found = pair(&versions_of(&a), &versions_of(&b));
        let mut told: Vec<String> = Vec::new();
        for (new, base) in &found.added {
            let over = base.map(|i| format!(" over {}", before[i])).unwrap_or_default();
            told.push(format!("+ {}{over}", after[*new]));
        }
        told.extend(found.removed.iter().map(|i| format!("- {}", before[*i])));
        told.extend(found.both.iter().map(|(i, j)| format!("{} = {}", before[*i], after[*j])));
        assert_eq!(told, expected);
    }
}
