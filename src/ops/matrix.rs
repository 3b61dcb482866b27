//! The matrix: a row for each artifact, a column for each environment, the store last. Pure: lists
//! in, rows out.

use std::{collections::BTreeMap, ops::Deref};

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{
    ArtifactKey, ArtifactName, ArtifactState, EnvironmentIndex, EnvironmentName, Fingerprint,
    InstanceCounts, IntegrationId, Kind, Scope, Status, Version, days_until,
};
use crate::store::Index;
use crate::workspace::{
    fingerprint_cache::FingerprintCache,
    listing::{Listing, ListingEntry},
};

/// All rows, sorted by kind, scope and code.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    pub environments: Vec<EnvironmentName>,
    pub rows: Vec<MatrixRow>,
}

/// One artifact over all environments.
#[derive(Debug, Clone)]
pub struct MatrixRow {
    pub artifact: ArtifactName,
    pub name: String,
    pub cells: Vec<Option<MatrixCell>>,
    /// By column, whether nothing is known of this kind: the environment does not offer it, or the
    /// role may not see it.
    pub unseen: Vec<bool>,
    /// By column, whether the last backup had it and the environment has it no more.
    pub gone: Vec<bool>,
    /// By column, of a project: whether what is in it differs from the base, and whether that is
    /// proven; none where it does not.
    pub inside: Vec<Option<Judged>>,
    pub stored: StoredSummary,
}

/// A row is an artifact with what is known of it.
impl Deref for MatrixRow {
    type Target = ArtifactName;
    fn deref(&self) -> &ArtifactName {
        &self.artifact
    }
}

/// The artifact in one environment. Of several versions the active one is shown, else the highest.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixCell {
    pub version: Option<Version>,
    pub state: ArtifactState,
    pub scheduled: bool,
    pub runs: Option<InstanceCounts>,
    /// Whether its instances may be those of its twin in another scope.
    pub shares_runs: bool,
    pub portable: Option<Fingerprint>,
    /// When a certificate ends.
    pub expires: Option<Timestamp>,
    /// Days until a certificate ends, as of when the rows were made; below zero: it has ended.
    pub days_left: Option<i64>,
    /// Other versions that are there too.
    pub others: usize,
    /// Those of them that are active as well: of other majors, which run beside this one.
    pub beside: Vec<ActiveVersion>,
}

/// A version that runs beside the one that a cell shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveVersion {
    pub version: Version,
    /// Its failed instances of the last day.
    pub failed_runs: u64,
    #[serde(skip)]
    pub last_updated: Option<Timestamp>,
    #[serde(skip)]
    pub portable: Option<Fingerprint>,
}

/// What the store has of the artifact, from the base environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredSummary {
    pub versions: usize,
    pub newest: Option<Timestamp>,
    /// Whether what runs in the base environment is the newest stored version; none where that is
    /// not known.
    pub current: Option<bool>,
}

/// How a cell compares with the base column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Mark {
    #[serde(rename = "")]
    None,
    #[serde(rename = "=")]
    Same,
    #[serde(rename = "≠")]
    Different,
    #[serde(rename = "<")]
    Older,
    #[serde(rename = ">")]
    Newer,
    #[serde(rename = "–")]
    Absent,
    #[serde(rename = "?")]
    Unknown,
}

impl Mark {
    /// One character that says how a cell compares with the base.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Same => "=",
            Self::Different => "≠",
            Self::Older => "<",
            Self::Newer => ">",
            Self::Absent => "–",
            Self::Unknown => "?",
        }
    }

    fn differs(self) -> bool {
        matches!(self, Self::Different | Self::Older | Self::Newer | Self::Absent)
    }
}

/// A mark, and whether both archives are known. A mark without that is drawn fainter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    pub mark: Mark,
    pub proven: bool,
}

impl Judged {
    fn proven(mark: Mark) -> Self {
        Self { mark, proven: true }
    }

    fn guessed(mark: Mark) -> Self {
        Self { mark, proven: false }
    }
}

/// Versions with the same number that were updated within so many days of each other are likely the
/// same.
const LIKELY_SAME_DAYS: i64 = 7;

impl Matrix {
    /// Builds the rows. `listings` has one place for each environment; none where nothing is known
    /// of it yet.
    pub fn build(
        environments: &[EnvironmentName],
        listings: &[Option<&Listing>],
        index: Option<&Index>,
        fingerprint_cache: &FingerprintCache,
        base: EnvironmentIndex,
    ) -> Self {
        let mut found: BTreeMap<ArtifactName, Vec<Vec<&ListingEntry>>> = BTreeMap::new();
        for (column, listing) in listings.iter().enumerate() {
            for artifact in listing.iter().flat_map(|l| &l.artifacts) {
                let columns = found
                    .entry(artifact.name_of())
                    .or_insert_with(|| vec![Vec::new(); environments.len()]);
                columns[column].push(artifact);
            }
        }
        let gone = gone(environments, listings, index, &found);
        for artifact in gone.keys() {
            let none = || vec![Vec::new(); environments.len()];
            found.entry(artifact.clone()).or_insert_with(none);
        }
        let rows = found
            .into_iter()
            .map(|(artifact, columns)| {
                let gone = gone.get(&artifact);
                let named = columns.iter().flatten().map(|a| a.name.as_str()).next_back();
                let name = named.or(gone.map(|g| g.name)).unwrap_or_default().to_owned();
                let columns_gone = gone.map(|g| g.columns.clone()).unwrap_or_default();
                let cells: Vec<_> = columns
                    .iter()
                    .zip(environments)
                    .zip(listings)
                    .map(|((c, e), l)| MatrixCell::of(c, e, *l, fingerprint_cache))
                    .collect();
                let cell = cells.get(base.0).and_then(Option::as_ref);
                let stored = StoredSummary::of(index, environments.get(base.0), &artifact, cell);
                let hidden = |l: &Option<&Listing>| {
                    l.is_some_and(|l| {
                        l.unseen.iter().any(|u| u.hides(artifact.kind, &artifact.scope))
                    })
                };
                let unseen = listings.iter().map(hidden).collect();
                let (gone, inside) = (columns_gone, Vec::new());
                MatrixRow { artifact, name, cells, unseen, gone, inside, stored }
            })
            .collect();
        let mut this = Self { environments: environments.to_vec(), rows };
        let loaded: Vec<bool> = listings.iter().map(Option::is_some).collect();
        this.look_into_projects(base, &loaded);
        this
    }

    /// Says of each project whether what is in it differs from the base, and how many of its
    /// instances failed.
    fn look_into_projects(&mut self, base: EnvironmentIndex, loaded: &[bool]) {
        for at in 0..self.rows.len() {
            if self.rows[at].kind != Kind::Project {
                continue;
            }
            self.look_into_project(at, base, loaded);
            let scope = Scope::of_project(self.rows[at].code.as_str());
            for column in EnvironmentIndex::all(self.environments.len()) {
                let runs = self.runs_in(&scope, column);
                if let Some(cell) = &mut self.rows[at].cells[column.0] {
                    cell.runs = runs;
                }
            }
        }
    }

    /// Says anew whether what is in the project of a scope differs from the base, since more is
    /// known of it.
    pub fn look_into(&mut self, scope: &Scope, base: EnvironmentIndex, loaded: &[bool]) {
        let is_it = |row: &MatrixRow| {
            row.kind == Kind::Project && scope.project().is_some_and(|p| p.as_str() == row.code)
        };
        if let Some(at) = self.rows.iter().position(is_it) {
            self.look_into_project(at, base, loaded);
        }
    }

    fn look_into_project(&mut self, at: usize, base: EnvironmentIndex, loaded: &[bool]) {
        let scope = Scope::of_project(self.rows[at].code.as_str());
        let inside = EnvironmentIndex::all(self.environments.len()).map(|column| {
            let members = self.members(&scope);
            let differing = members.filter(|row| row.differs_in(column, base, loaded));
            // One that is proven tells more than one that is guessed.
            let proven = differing.map(|row| row.judge(column, base, loaded).proven).max()?;
            Some(Judged { mark: Mark::Different, proven })
        });
        self.rows[at].inside = inside.collect();
    }

    /// The rows of what is in a project. They are sorted by kind and scope.
    fn members<'m>(&'m self, scope: &'m Scope) -> impl Iterator<Item = &'m MatrixRow> {
        let kinds = Kind::ALL.into_iter().filter(|kind| kind.lives_in_projects());
        kinds.flat_map(move |kind| {
            let before = |row: &MatrixRow| (row.kind, &row.scope) < (kind, scope);
            let first = self.rows.partition_point(before);
            self.rows[first..].iter().take_while(move |r| r.kind == kind && r.scope == *scope)
        })
    }

    /// The instances of all that is in a project, but for those that may be a twin's.
    fn runs_in(&self, scope: &Scope, column: EnvironmentIndex) -> Option<InstanceCounts> {
        let cells = self.members(scope).filter_map(|row| row.cell(column));
        let runs = cells.filter(|cell| !cell.shares_runs).filter_map(|cell| {
            let runs = cell.runs?;
            Some(InstanceCounts { failed: cell.failed_runs(), ..runs })
        });
        runs.reduce(InstanceCounts::and)
    }
}

/// An artifact that the last backup had and that is in its environment no more.
struct Gone<'a> {
    /// By column.
    columns: Vec<bool>,
    name: &'a str,
}

/// What the last backups had and the environments have no more, as far as they could be listed.
fn gone<'a>(
    environments: &[EnvironmentName],
    listings: &[Option<&Listing>],
    index: Option<&'a Index>,
    found: &BTreeMap<ArtifactName, Vec<Vec<&ListingEntry>>>,
) -> BTreeMap<ArtifactName, Gone<'a>> {
    let mut all: BTreeMap<ArtifactName, Gone<'a>> = BTreeMap::new();
    let Some(index) = index else { return all };
    for (column, (environment, listing)) in environments.iter().zip(listings).enumerate() {
        let Some(listing) = listing else { continue };
        for stored in index.there_last(environment).filter(|v| v.kind.has_rows()) {
            let name = stored.name_of();
            let hidden = || listing.unseen.iter().any(|u| u.hides(name.kind, &name.scope));
            let here = found.get(&name).is_some_and(|columns| !columns[column].is_empty());
            if here || hidden() {
                continue;
            }
            let none = || Gone { columns: vec![false; environments.len()], name: &stored.name };
            all.entry(name).or_insert_with(none).columns[column] = true;
        }
    }
    all
}

impl MatrixCell {
    fn of(
        artifacts: &[&ListingEntry],
        environment: &EnvironmentName,
        listing: Option<&Listing>,
        fingerprint_cache: &FingerprintCache,
    ) -> Option<Self> {
        let shown = artifacts.iter().max_by_key(|a| a.state.precedence(a.version))?;
        let portable = |entry: &ListingEntry| {
            let id = entry.integration_id().filter(|_| entry.kind == Kind::Integration)?;
            let known = fingerprint_cache.get(environment, &id, entry.state.last_updated)?;
            Some(known.portable)
        };
        Some(Self {
            version: shown.version,
            state: shown.state.clone(),
            scheduled: shown.scheduled,
            runs: shown.runs,
            shares_runs: listing.is_some_and(|l| l.shares_runs(shown)),
            portable: portable(shown),
            expires: shown.expires,
            days_left: shown.expires.map(|end| days_until(end, Timestamp::now())),
            others: artifacts.len() - 1,
            beside: artifacts
                .iter()
                .filter(|a| a.version != shown.version && a.state.status == Status::Active)
                .filter_map(|a| {
                    Some(ActiveVersion {
                        version: a.version?,
                        failed_runs: a.runs.map_or(0, |r| r.failed),
                        last_updated: a.state.last_updated,
                        portable: portable(a),
                    })
                })
                .collect(),
        })
    }

    /// How many instances of the last day failed, of all versions that are active.
    pub fn failed_runs(&self) -> u64 {
        let own = self.runs.map_or(0, |r| r.failed);
        own + self.beside.iter().map(|other| other.failed_runs).sum::<u64>()
    }

    /// Whether the artifact is down, had failed instances in the last day, or is a certificate that
    /// ended.
    pub fn is_failing(&self) -> bool {
        let down = matches!(self.state.status, Status::FailedActivation | Status::Down);
        self.failed_runs() > 0 || down || self.days_left.is_some_and(|d| d < 0)
    }
}

impl StoredSummary {
    fn of(
        index: Option<&Index>,
        base: Option<&EnvironmentName>,
        artifact: &ArtifactName,
        cell: Option<&MatrixCell>,
    ) -> Self {
        let (Some(index), Some(base)) = (index, base) else { return Self::default() };
        let kept = || index.history(base, artifact).filter(|v| v.safety_run.is_none());
        let newest = index.newest(base, artifact);
        let live = cell.and_then(|c| c.portable);
        Self {
            versions: kept().count(),
            newest: newest.map(|v| v.last_seen),
            current: newest.zip(live).map(|(v, live)| v.portable == live),
        }
    }
}

impl MatrixRow {
    /// The artifact in an environment; none where it has none, or is not known.
    pub fn cell(&self, environment: EnvironmentIndex) -> Option<&MatrixCell> {
        self.cells.get(environment.0)?.as_ref()
    }

    /// Whether nothing is known of this kind in an environment.
    fn is_unseen(&self, environment: EnvironmentIndex) -> bool {
        self.unseen.get(environment.0) == Some(&true)
    }

    /// Whether the last backup of an environment had it, and the environment has it no more.
    pub fn is_gone(&self, environment: EnvironmentIndex) -> bool {
        self.gone.get(environment.0) == Some(&true)
    }

    /// The version that a column shows, where the row is an integration and the column has it.
    pub fn integration_id(&self, column: EnvironmentIndex) -> Option<IntegrationId> {
        let cell = self.cell(column)?;
        (self.kind == Kind::Integration)
            .then(|| self.artifact.key(cell.version).integration_id())?
    }

    /// The key of what a column has, as a backup knows it.
    pub fn key(&self, column: EnvironmentIndex) -> Option<ArtifactKey> {
        let cell = self.cell(column)?;
        Some(self.artifact.key(cell.version))
    }

    /// How a column compares with the base. `loaded` says which environments' lists are known.
    pub fn judge(
        &self,
        column: EnvironmentIndex,
        base: EnvironmentIndex,
        loaded: &[bool],
    ) -> Judged {
        let known = |column: EnvironmentIndex| loaded.get(column.0).copied().unwrap_or(false);
        match (self.cell(column), self.cell(base)) {
            _ if !known(column) || self.is_unseen(column) => Judged::proven(Mark::Unknown),
            (Some(_), Some(_)) if self.inside.get(column.0).is_some_and(Option::is_some) => {
                self.inside[column.0].unwrap_or(Judged::proven(Mark::None))
            }
            (Some(a), Some(b)) if self.kind != Kind::Integration && a.version == b.version => {
                match (a.portable, b.portable) {
                    // Only fingerprints tell here: each environment has its own times of
                    // connections and lookups.
                    (Some(_), Some(_)) => a.against(b),
                    _ => Judged::proven(Mark::None),
                }
            }
            (None, _) => Judged::proven(Mark::Absent),
            (Some(_), _) if column == base => Judged::proven(Mark::None),
            (Some(_), None) if !known(base) || self.is_unseen(base) => {
                Judged::proven(Mark::Unknown)
            }
            (Some(_), None) => Judged::proven(Mark::None),
            (Some(a), Some(b)) => a.against(b),
        }
    }

    /// Whether a column differs from the base, or has what the base is known to lack.
    fn differs_in(
        &self,
        column: EnvironmentIndex,
        base: EnvironmentIndex,
        loaded: &[bool],
    ) -> bool {
        let base_is_known = loaded.get(base.0) == Some(&true) && !self.is_unseen(base);
        let lacks = base_is_known && self.cell(base).is_none() && self.cell(column).is_some();
        column != base && (lacks || self.judge(column, base, loaded).mark.differs())
    }

    /// Whether any environment differs from the base, or the base lacks what others have.
    pub fn differs(&self, base: EnvironmentIndex, loaded: &[bool]) -> bool {
        EnvironmentIndex::all(self.cells.len())
            .any(|column| self.judge(column, base, loaded).mark.differs())
    }

    /// Whether the artifact is failing in any column.
    pub fn is_failing(&self) -> bool {
        self.cells.iter().flatten().any(MatrixCell::is_failing)
    }
}

impl MatrixCell {
    fn against(&self, base: &Self) -> Judged {
        match self.version.cmp(&base.version) {
            std::cmp::Ordering::Less => return Judged::proven(Mark::Older),
            std::cmp::Ordering::Greater => return Judged::proven(Mark::Newer),
            std::cmp::Ordering::Equal => {}
        }
        let shown = judge_version(
            (self.portable, self.state.last_updated),
            (base.portable, base.state.last_updated),
        );
        self.beside_against(base).fold(shown, Judged::and)
    }

    /// How the versions that run beside the shown ones stand against each other. One that runs
    /// beside on one side alone makes a difference.
    fn beside_against<'a>(&'a self, base: &'a Self) -> impl Iterator<Item = Judged> + 'a {
        let known = |v: &ActiveVersion| (v.portable, v.last_updated);
        let own = self.beside.iter().map(move |own| {
            match base.beside.iter().find(|other| other.version == own.version) {
                Some(other) => judge_version(known(own), known(other)),
                None => Judged::proven(Mark::Different),
            }
        });
        let lacking =
            |other: &&ActiveVersion| self.beside.iter().all(|o| o.version != other.version);
        let lacks = base.beside.iter().any(|other| lacking(&other));
        own.chain(lacks.then(|| Judged::proven(Mark::Different)))
    }
}

impl Judged {
    /// What two versions of one artifact say together: that it differs weighs most, then that it is
    /// not known, then that it is a guess.
    fn and(self, other: Self) -> Self {
        let weight = |judged: &Self| match (judged.mark, judged.proven) {
            (Mark::Different, _) => 3,
            (Mark::Unknown, _) => 2,
            (_, false) => 1,
            (_, true) => 0,
        };
        if weight(&other) > weight(&self) { other } else { self }
    }
}

/// How one version stands against the base's, by their fingerprints and the times of their last
/// updates.
fn judge_version(
    own: (Option<Fingerprint>, Option<Timestamp>),
    base: (Option<Fingerprint>, Option<Timestamp>),
) -> Judged {
    match (own.0, base.0) {
        (Some(a), Some(b)) if a == b => Judged::proven(Mark::Same),
        (Some(_), Some(_)) => Judged::proven(Mark::Different),
        _ => match (own.1, base.1) {
            (Some(a), Some(b)) if a.duration_since(b).abs().as_hours() <= LIKELY_SAME_DAYS * 24 => {
                Judged::guessed(Mark::Same)
            }
            _ => Judged::guessed(Mark::Unknown),
        },
    }
}
