//! Reads a file of any kind that is to be kept: what it is and what it means. This is stricter than
//! looking at one: a part that cannot be read makes the whole unfit.

use std::collections::BTreeSet;

use super::{
    ArchiveError, ArchiveIdentity, ContentsBody, Fingerprints, Iar, Secret, UnpackedArchive,
    fingerprint, iar, integration_files::Roots, zip::BoundedZip,
};
use crate::model::{Description, FilePart, IntegrationId, Kind, Version};

/// What is known of a file after it was read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatedArchive {
    pub kind: Kind,
    /// Empty where the file does not say: a library's does not.
    pub code: String,
    pub version: Option<Version>,
    pub name: String,
    pub fingerprints: Fingerprints,
    pub secrets: Vec<Secret>,
    /// Ids of the integrations in a package or project.
    pub members: Vec<String>,
    /// The integrations of a project, which are kept as parts of its archive.
    pub parts: Vec<MemberArchive>,
    /// Integrations of a project that cannot be read, each with why: the others can be used.
    pub broken: Vec<(IntegrationId, ArchiveError)>,
    /// [`super::Project::beside`] the integrations of a project.
    pub beside: BTreeSet<String>,
}

/// One integration of a project's archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberArchive {
    pub id: IntegrationId,
    pub name: String,
    /// Its folder in the archive.
    pub place: String,
    pub fingerprints: Fingerprints,
}

impl ValidatedArchive {
    /// Reads a whole file of any kind. `name` is the file's name, where there is one.
    ///
    /// # Errors
    /// Where the bytes are of no kind, break a bound, or are cut off.
    pub fn read(bytes: &[u8], name: Option<&str>) -> Result<Self, ArchiveError> {
        if !bytes.starts_with(b"PK") {
            return Self::of(&UnpackedArchive::read(bytes, name)?);
        }
        let mut zip = BoundedZip::open_whole(bytes)?;
        if Roots::of_export(&zip).is_some() {
            return Iar::read_zip(&mut zip).map(Self::from);
        }
        let nested: Vec<String> =
            zip.names().filter(|n| n.ends_with(".iar")).map(str::to_owned).collect();
        for name in nested {
            Iar::check(&zip.read(&name)?)?;
        }
        Self::of(&UnpackedArchive::read_zip(&mut zip, name)?)
    }

    /// The fingerprints of a part of it.
    ///
    /// # Errors
    /// Where the whole is of another kind, or has no such integration.
    pub fn fingerprints_of(
        &self,
        kind: Kind,
        part: &FilePart,
    ) -> Result<Fingerprints, ArchiveError> {
        match part {
            FilePart::Whole if self.kind == kind => Ok(self.fingerprints),
            FilePart::Whole => Err(ArchiveError::OtherKind { found: self.kind, wanted: kind }),
            FilePart::Member { code, version } => {
                let is_it = |id: &IntegrationId| id.code == *code && id.version == *version;
                if let Some((_, why)) = self.broken.iter().find(|(id, _)| is_it(id)) {
                    return Err(why.clone());
                }
                let wanted = |p: &&MemberArchive| is_it(&p.id);
                let part = self.parts.iter().find(wanted);
                let none = || ArchiveError::NoMember { code: code.clone(), version: *version };
                part.map(|p| p.fingerprints).ok_or_else(none)
            }
        }
    }

    /// From an archive that was read whole and is no integration's export.
    fn of(unpacked: &UnpackedArchive) -> Result<Self, ArchiveError> {
        // A part that was not read is not in the fingerprint: its changes would not be seen.
        if let Some(what) = unpacked.unread().next() {
            return Err(ArchiveError::Unread(what.to_owned()));
        }
        let contents = &unpacked.contents;
        let members = contents.integrations().iter().map(|it| it.id.to_string()).collect();
        let ArchiveIdentity { kind, code, version, name } = contents.identity();
        let (fingerprints, secrets) = (unpacked.fingerprints(), unpacked.secrets());
        let code = code.unwrap_or_default();
        let ((parts, broken), beside) = match &contents.body {
            ContentsBody::Integration(it) => return Err(ArchiveError::NotAFile(it.id.clone())),
            ContentsBody::Project(project) => (parts_of(unpacked), project.beside()),
            ContentsBody::Package(_)
            | ContentsBody::Lookup(_)
            | ContentsBody::Library(_)
            | ContentsBody::Description(_) => Default::default(),
        };
        Ok(Self {
            kind,
            code,
            version,
            name,
            fingerprints,
            secrets,
            members,
            parts,
            broken,
            beside,
        })
    }

    /// From a description, which this program made itself and need not read again.
    pub fn description(description: &Description) -> Self {
        let fingerprint = description_fingerprint(description);
        Self {
            kind: description.kind,
            code: description.code.clone(),
            version: description.version,
            name: description.name.clone(),
            fingerprints: Fingerprints { full: fingerprint, portable: fingerprint },
            secrets: Secret::of_description(description),
            members: Vec::new(),
            parts: Vec::new(),
            broken: Vec::new(),
            beside: BTreeSet::new(),
        }
    }
}

/// The integrations of a project, and those that cannot be read.
fn parts_of(
    unpacked: &UnpackedArchive,
) -> (Vec<MemberArchive>, Vec<(IntegrationId, ArchiveError)>) {
    let (mut parts, mut broken) = (Vec::new(), Vec::new());
    for (at, it) in unpacked.contents.integrations().iter().enumerate() {
        let files = unpacked.member_files(at).iter().map(|(p, b)| (p.as_str(), b.as_slice()));
        match iar::whole(files) {
            Ok(canonical) => parts.push(MemberArchive {
                id: it.id.clone(),
                name: it.name.clone(),
                place: it.place.clone(),
                fingerprints: canonical.fingerprints(),
            }),
            Err(why) => broken.push((it.id.clone(), why)),
        }
    }
    (parts, broken)
}

impl From<Iar> for ValidatedArchive {
    fn from(iar: Iar) -> Self {
        Self {
            kind: Kind::Integration,
            code: iar.id.code,
            version: Some(iar.id.version),
            name: iar.name,
            fingerprints: iar.fingerprints,
            secrets: iar.secrets,
            members: Vec::new(),
            parts: Vec::new(),
            broken: Vec::new(),
            beside: BTreeSet::new(),
        }
    }
}

/// The fingerprints of a part of a file, read strictly. `kind` is what the part should be.
///
/// # Errors
/// As [`ValidatedArchive::read`] and [`ValidatedArchive::fingerprints_of`].
pub fn fingerprints_of(
    kind: Kind,
    part: &FilePart,
    bytes: &[u8],
) -> Result<Fingerprints, ArchiveError> {
    let name = format!("file.{}", part.ending(kind));
    ValidatedArchive::read(bytes, Some(&name))?.fingerprints_of(kind, part)
}

/// The fingerprint of a description. It has no copies, so the full and the portable one are equal.
pub(super) fn description_fingerprint(description: &Description) -> crate::model::Fingerprint {
    fingerprint::of_text("record", &description.canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_by_what_is_in_it() {
        let lookup = ValidatedArchive::read(b"DVM,COUNTRY,Codes\na,b\n1,2\n", None).unwrap();
        assert_eq!((lookup.kind, lookup.code.as_str()), (Kind::Lookup, "COUNTRY"));
        let mut description = Description::new(Kind::Connection, "HCM", "HCM");
        description.set("connectionUrl", "https://hcm.example");
        let read = ValidatedArchive::read(&description.to_bytes(), None).unwrap();
        assert_eq!(read, ValidatedArchive::description(&description));
        let whole = FilePart::Whole;
        let of = |kind| fingerprints_of(kind, &whole, &description.to_bytes());
        assert_eq!(of(Kind::Connection), Ok(read.fingerprints));
        assert!(of(Kind::Lookup).unwrap_err().to_string().contains("connection"));
        description.set("connectionUrl", "https://other.example");
        assert_ne!(ValidatedArchive::description(&description).fingerprints, read.fingerprints);
    }

    #[test]
    fn what_is_cut_off_is_unfit() {
        assert!(ValidatedArchive::read(b"PK\x03\x04rest", Some("x.par")).is_err());
        assert!(ValidatedArchive::read(b"", None).is_err());
        assert!(ValidatedArchive::read(b"<html>", Some("x.csv")).is_err());
    }
}
