//! An `.iar` that is to be kept or sent on: who it is, what it needs, what it means. Stricter than
//! looking at one: a part that cannot be read makes the whole unfit.

use super::{ArchiveError, Meaning, Needs, Secret, contents::read_export, folder::Roots, secret, zip::Zip};
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
    pub meaning: Meaning,
    pub secrets: Vec<Secret>,
}

impl Iar {
    /// Reads a whole export.
    ///
    /// # Errors
    /// Where the bytes are no zip, break a bound, are cut off, or hold no integration.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let mut zip = Zip::open_strict(bytes)?;
        let roots = Roots::of_export(&zip).ok_or_else(|| not_an_integration(&zip))?;
        let names: Vec<String> = zip.names().map(str::to_owned).collect();
        let mut secrets = Vec::new();
        for name in &names {
            secrets.extend(secret::scan(name, &zip.read(name)?));
        }
        let read = read_export(&mut zip, &roots)?;
        Ok(Self {
            project_type: read.project_type().to_owned(),
            scheduled: read.scheduled(),
            needs: Needs::of(&read.needs),
            id: read.id,
            name: read.name,
            meaning: read.meaning,
            secrets,
        })
    }
}

fn not_an_integration(zip: &Zip<'_>) -> ArchiveError {
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
