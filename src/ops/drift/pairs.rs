//! Which version of one side is compared with which of the other.

use std::collections::BTreeSet;

use super::{Revision, WhichSide, sides::RevisionsByArtifact};
use crate::model::{ArtifactName, Status, Version};

/// A version of an artifact on the first side and the one that stands against it on the second;
/// none on a side that has nothing against it.
pub(super) struct Pair {
    pub name: ArtifactName,
    pub first: Option<Revision>,
    pub second: Option<Revision>,
    /// Where a version is on one side alone: the version that the other side shows.
    pub other_version: Option<Version>,
}

impl Pair {
    /// Whether the whole artifact is on this side alone.
    pub fn is_only_on(&self, side: WhichSide) -> bool {
        self.side(side).is_some()
            && self.side(side.other()).is_none()
            && self.other_version.is_none()
    }

    pub fn side(&self, side: WhichSide) -> Option<&Revision> {
        match side {
            WhichSide::First => self.first.as_ref(),
            WhichSide::Second => self.second.as_ref(),
        }
    }

    pub fn side_mut(&mut self, side: WhichSide) -> Option<&mut Revision> {
        match side {
            WhichSide::First => self.first.as_mut(),
            WhichSide::Second => self.second.as_mut(),
        }
    }
}

/// The pairs of two sides, by artifact.
pub(super) fn of(first: &RevisionsByArtifact, second: &RevisionsByArtifact) -> Vec<Pair> {
    let names: BTreeSet<&ArtifactName> = first.keys().chain(second.keys()).collect();
    let mut out = Vec::new();
    for name in names {
        let all = |side: &RevisionsByArtifact| side.get(name).cloned().unwrap_or_default();
        let (xs, ys) = (all(first), all(second));
        let versions = |side: &[Revision]| side.iter().map(CountedVersion::of).collect::<Vec<_>>();
        for (x, y) in pair_versions(&versions(&xs), &versions(&ys)) {
            let other_version = match (x, y) {
                (Some(_), None) => ys.first(),
                (None, Some(_)) => xs.first(),
                _ => None,
            };
            out.push(Pair {
                name: name.clone(),
                first: x.map(|x| xs[x].clone()),
                second: y.map(|y| ys[y].clone()),
                other_version: other_version.and_then(|r| r.version),
            });
        }
    }
    out
}

/// What decides which versions stand against each other.
#[derive(Debug, Clone, Copy)]
struct CountedVersion {
    version: Option<Version>,
    active: bool,
}

impl CountedVersion {
    fn of(revision: &Revision) -> Self {
        Self { version: revision.version, active: revision.state.status == Status::Active }
    }
}

/// Pairs of indices. The first version of each side counts, and all others that are active: those
/// of other majors run beside it. Equal versions stand against each other, then those of one major,
/// then what is left. What has nothing against it may still stand, inactive, on the other side.
fn pair_versions(
    first: &[CountedVersion],
    second: &[CountedVersion],
) -> Vec<(Option<usize>, Option<usize>)> {
    let counted = |side: &[CountedVersion]| -> Vec<usize> {
        (0..side.len()).filter(|i| *i == 0 || side[*i].active).collect()
    };
    let (mut xs, mut ys) = (counted(first), counted(second));
    let mut out = Vec::new();
    let equal = |x: usize, y: usize| first[x].version == second[y].version;
    let major = |v: CountedVersion| v.version.map(|v| v.major);
    let same_major = |x: usize, y: usize| major(first[x]) == major(second[y]);
    let rules: [&dyn Fn(usize, usize) -> bool; 3] = [&equal, &same_major, &|_, _| true];
    for rule in rules {
        xs.retain(|&x| {
            let found = ys.iter().position(|&y| rule(x, y));
            out.extend(found.map(|at| (Some(x), Some(ys.remove(at)))));
            found.is_none()
        });
    }
    out.extend(xs.into_iter().map(|x| (Some(x), (0..second.len()).find(|&y| equal(x, y)))));
    out.extend(ys.into_iter().map(|y| ((0..first.len()).find(|&x| equal(x, y)), Some(y))));
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// `2*` is 02.00.0000 and active; `1.5` is 01.05.0000.
    fn side(text: &str) -> Vec<CountedVersion> {
        let one = |word: &str| {
            let number = word.trim_end_matches('*');
            let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
            let version = format!("{major:0>2}.{minor:0>2}.0000").parse().unwrap();
            CountedVersion { version: Some(version), active: word.ends_with('*') }
        };
        text.split_whitespace().map(one).collect()
    }

    #[rstest]
    #[case::one_each("1*", "1*", "1=1")]
    #[case::another_version("2*", "1*", "2=1")]
    #[case::an_older_one_stays("2* 1", "1*", "2=1")]
    #[case::two_run_on_both("2* 1*", "2* 1*", "2=2 1=1")]
    #[case::one_more_runs("2* 1*", "1*", "1=1 2=–")]
    #[case::one_more_runs_there("1*", "2* 1*", "1=1 –=2")]
    #[case::it_stands_there_inactive("2* 1*", "2* 1", "2=2 1=1")]
    #[case::another_minor("2* 1.5*", "2* 1.4*", "2=2 1.5=1.4")]
    #[case::other_majors("2* 1*", "3* 1.1*", "1=1.1 2=3")]
    #[case::none_runs("2 1", "2* 1*", "2=2 1=1")]
    #[case::only_here("1*", "", "1=–")]
    fn the_versions_that_count_stand_against_their_likes(
        #[case] first: &str,
        #[case] second: &str,
        #[case] pairs: &str,
    ) {
        let (xs, ys) = (side(first), side(second));
        let told = |side: &[CountedVersion], at: Option<usize>| {
            let Some(version) = at.and_then(|i| side[i].version) else { return "–".to_owned() };
            let minor = if version.minor > 0 { format!(".{}", version.minor) } else { "".into() };
            format!("{}{minor}", version.major)
        };
        let found = pair_versions(&xs, &ys);
        let found = found.into_iter().map(|(x, y)| format!("{}={}", told(&xs, x), told(&ys, y)));
        assert_eq!(found.collect::<Vec<_>>().join(" "), pairs);
    }
}
