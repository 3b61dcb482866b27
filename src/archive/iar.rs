//! Reads an `.iar` that is to be kept or sent on: its id, its dependencies, its fingerprints. This
//! is stricter than looking at one: a part that cannot be read makes the whole unfit.

use super::{
    ArchiveError, Copies, Fingerprints, Integration, Needs, Secret,
    contents::read_folder,
    fingerprint::{Canonical, why_unread},
    integration_files::{IntegrationFiles, Roots},
    layout, parallel, secret,
    zip::BoundedZip,
};
use crate::model::{IntegrationId, Kind, visible};

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
    /// The service's digest over the archive (`mod`), by which it refuses one that was edited
    /// outside; none in exports of Generation 2.
    pub digest: Option<String>,
    pub fingerprints: Fingerprints,
    pub secrets: Vec<Secret>,
}

impl Iar {
    /// Reads a whole export.
    ///
    /// # Errors
    /// Where the bytes are no zip, break a bound, are cut off, or hold no integration.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        Self::read_zip(&mut BoundedZip::open_whole(bytes)?)
    }

    /// Like [`Iar::read`], for a zip that was opened whole.
    pub(super) fn read_zip(zip: &mut BoundedZip<'_>) -> Result<Self, ArchiveError> {
        let (read, files) = read_all(zip)?;
        Self::of(read, &files)
    }

    /// Like [`Iar::read`], with the copies that travel along: a restore compares them.
    ///
    /// # Errors
    /// As [`Iar::read`].
    pub fn read_with_copies(bytes: &[u8]) -> Result<(Self, Copies), ArchiveError> {
        let (read, files) = read_all(&mut BoundedZip::open_whole(bytes)?)?;
        let copies = Copies::of(&read, by_path(&files));
        Ok((Self::of(read, &files)?, copies))
    }

    fn of(read: Integration, files: &UnpackedFiles) -> Result<Self, ArchiveError> {
        let canonical = whole(by_path(files))?;
        let fingerprints = canonical.fingerprints();
        let size = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let secrets = parallel::map(files, size, |(path, bytes)| secret::scan(path, bytes));
        Ok(Self {
            project_type: read.project_type().to_owned(),
            scheduled: read.scheduled(),
            needs: Needs::of(&read.needs),
            digest: by_path(files).find_map(|(path, bytes)| digest_at(path, bytes)),
            id: read.id,
            name: read.name,
            fingerprints,
            secrets: secrets.into_iter().flatten().collect(),
        })
    }

    /// Whether bytes are an export that could be kept.
    ///
    /// # Errors
    /// As [`Iar::read`].
    pub(super) fn check(bytes: &[u8]) -> Result<(), ArchiveError> {
        let (_, files) = read_all(&mut BoundedZip::open_whole(bytes)?)?;
        whole(by_path(&files)).map(drop)
    }
}

/// The canonical form of an integration's files.
///
/// # Errors
/// The first part that its meaning needs and that cannot be read.
pub(super) fn whole<'f>(
    mut files: impl Iterator<Item = (&'f str, &'f [u8])> + Clone,
) -> Result<Canonical, ArchiveError> {
    let canonical = Canonical::of_files(files.clone());
    let Some(path) = canonical.unread() else { return Ok(canonical) };
    let bytes = files.find(|(p, _)| *p == path).map_or(&[][..], |(_, bytes)| bytes);
    let why = why_unread(path, bytes);
    Err(ArchiveError::Broken { name: visible(path).into_owned(), why })
}

type UnpackedFiles = Vec<(String, Vec<u8>)>;

fn by_path(files: &UnpackedFiles) -> impl Iterator<Item = (&str, &[u8])> + Clone {
    files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
}

fn read_all(zip: &mut BoundedZip<'_>) -> Result<(Integration, UnpackedFiles), ArchiveError> {
    let roots = Roots::of_export(zip).ok_or_else(|| not_an_integration(zip))?;
    let mut folder = IntegrationFiles::new(zip, &roots);
    folder.read_all()?;
    let read = read_folder(&mut folder)?;
    let paths = folder.paths();
    let files = paths.into_iter().filter_map(|p| Some((folder.take(&p)?, p)));
    let files = files.map(|(bytes, path)| (path, bytes)).collect();
    Ok((read, files))
}

fn digest_at(path: &str, bytes: &[u8]) -> Option<String> {
    (path == "ics_project_attributes.properties").then(|| digest_in(bytes)).flatten()
}

/// The digest that the service writes into an export of an integration or a project, over all that
/// is in it (docs/archive-format.md, Digest); none where it has none or cannot be read.
pub fn digest_of(kind: Kind, bytes: &[u8]) -> Option<String> {
    match kind {
        Kind::Integration => Iar::read(bytes).ok()?.digest,
        Kind::Project => {
            let mut zip = BoundedZip::open(bytes).ok()?;
            digest_in(&zip.read(layout::PROJECT_DIGEST).ok()?)
        }
        _ => None,
    }
}

fn digest_in(properties: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(properties);
    text.lines().find_map(|line| Some(line.strip_prefix("mod=")?.trim().to_owned()))
}

fn not_an_integration(zip: &BoundedZip<'_>) -> ArchiveError {
    let has = |test: &dyn Fn(&str) -> bool| zip.names().any(test);
    let why = if has(&|n| n.starts_with(layout::PROJECT)) {
        "it is a project (.car)"
    } else if has(&|n| n == "ics_package_attributes.properties") {
        "it is a package (.par)"
    } else {
        "it has no icspackage/project/…/ics_project_attributes.properties"
    };
    ArchiveError::NotAnIntegration(why.into())
}

#[cfg(test)]
mod tests;
