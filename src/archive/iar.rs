//! An `.iar` that is to be kept or sent on: who it is, what it needs, what it means. Stricter than
//! looking at one: a part that cannot be read makes the whole unfit.

use super::{
    ArchiveError, Fingerprints, Needs, Secret,
    contents::read_folder,
    fingerprint::Canonical,
    folder::{Folder, Roots},
    secret,
    zip::BoundedZip,
};
use crate::model::IntegrationId;

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
    pub fingerprints: Fingerprints,
    pub secrets: Vec<Secret>,
}

impl Iar {
    /// Reads a whole export.
    ///
    /// # Errors
    /// Where the bytes are no zip, break a bound, are cut off, or hold no integration.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let mut zip = BoundedZip::open_strict(bytes)?;
        let roots = Roots::of_export(&zip).ok_or_else(|| not_an_integration(&zip))?;
        let mut folder = Folder::new(&mut zip, &roots);
        folder.read_all()?;
        let read = read_folder(&mut folder)?;
        let fingerprints = Canonical::of_folder(&mut folder).fingerprints();
        let paths = folder.paths();
        let scan = |path: &String| secret::scan(path, &folder.get(path).unwrap_or_default());
        let secrets = paths.iter().flat_map(scan).collect();
        Ok(Self {
            project_type: read.project_type().to_owned(),
            scheduled: read.scheduled(),
            needs: Needs::of(&read.needs),
            id: read.id,
            name: read.name,
            fingerprints,
            secrets,
        })
    }
}

fn not_an_integration(zip: &BoundedZip<'_>) -> ArchiveError {
    let has = |test: &dyn Fn(&str) -> bool| zip.names().any(test);
    let why = if has(&|n| n.starts_with("project/")) {
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
