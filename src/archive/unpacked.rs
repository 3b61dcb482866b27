//! An archive with its files unpacked: what compare, search and the viewer work on.

use std::{collections::BTreeMap, sync::OnceLock};

use bytes::Bytes;

use super::{
    ArchiveError, Contents, Fingerprints,
    contents::ContentsBody,
    fingerprint::{self, Canonical},
    integration_files::{IntegrationFiles, Roots, is_unread},
    layout, parallel,
    secret::{self, BlankedAs, Blanker, Secret},
    sha256_hex,
    zip::BoundedZip,
};
use crate::model::{FilePart, Finding, Version};

/// Path in the integration -> bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// An archive, read and unpacked.
#[derive(Debug, Clone)]
pub struct UnpackedArchive {
    pub contents: Contents,
    /// A member's files by their path in it, in the order of [`Contents::integrations`].
    members: Vec<Files>,
    /// The files that belong to no member.
    own: Files,
    /// The fingerprints of the members, made when they are first asked for.
    fingerprints_by_member: OnceLock<Vec<Fingerprints>>,
    /// Where secrets were blanked, what it was read from.
    original: Option<Original>,
    /// The hash of the whole file, where a part of it was not read.
    unread_file: Option<String>,
}

/// What an archive with blanked secrets was read from: its fingerprints are those of this.
#[derive(Debug, Clone)]
struct Original {
    bytes: Bytes,
    name: Option<String>,
    part: FilePart,
    /// Made when it is first asked for.
    examined: OnceLock<Option<Examined>>,
}

/// What is known of an archive only from its bytes as they are.
#[derive(Debug, Clone)]
struct Examined {
    whole: Fingerprints,
    members: Vec<Fingerprints>,
    secrets: Vec<Secret>,
}

impl Original {
    fn examined(&self) -> Option<&Examined> {
        let examine = || {
            let read = UnpackedArchive::read_part(&self.bytes, self.name.as_deref(), &self.part);
            let read = read.ok()?;
            let members = (0..read.members.len()).map(|n| read.member_fingerprints(n)).collect();
            Some(Examined { whole: read.fingerprints(), members, secrets: read.secrets() })
        };
        self.examined.get_or_init(examine).as_ref()
    }
}

static NO_FILES: Files = BTreeMap::new();

impl UnpackedArchive {
    /// Reads an archive of any kind and unpacks all of it. A part that is broken is a finding.
    ///
    /// # Errors
    /// As [`Contents::read`].
    pub fn read(bytes: &[u8], name: Option<&str>) -> Result<Self, ArchiveError> {
        if bytes.starts_with(b"PK") {
            let mut this = Self::read_zip(&mut BoundedZip::open(bytes)?, name)?;
            this.note_file(bytes);
            return Ok(this);
        }
        let mut this = Self::of(Contents::read(bytes, name)?);
        // Files are shown, compared as text and searched: an attached one is a secret.
        let shown = match &this.contents.body {
            ContentsBody::Description(description) => description.without_contents(),
            ContentsBody::Integration(_)
            | ContentsBody::Package(_)
            | ContentsBody::Project(_)
            | ContentsBody::Lookup(_)
            | ContentsBody::Library(_) => None,
        };
        this.own.insert(this.contents.file_name(), shown.unwrap_or_else(|| bytes.to_vec()));
        Ok(this)
    }

    /// Keeps the hash of the file where a part of it was not read: only by that can two be told to
    /// be the same.
    fn note_file(&mut self, bytes: &[u8]) {
        let any = self.unread().next().is_some();
        self.unread_file = any.then(|| sha256_hex(bytes));
    }

    fn of(contents: Contents) -> Self {
        Self {
            members: Vec::new(),
            own: Files::new(),
            fingerprints_by_member: OnceLock::new(),
            original: None,
            unread_file: None,
            contents,
        }
    }

    /// Like [`UnpackedArchive::read_part`], for a person to read: every secret is blanked, wherever
    /// its value stands. Fingerprints and the list of secrets are those of the file as it is.
    ///
    /// # Errors
    /// As [`UnpackedArchive::read_part`].
    pub fn read_blanked(
        bytes: &Bytes,
        name: Option<&str>,
        part: &FilePart,
        how: BlankedAs,
    ) -> Result<Self, ArchiveError> {
        let whole = match part {
            FilePart::Whole => name,
            FilePart::Member { .. } => Some("project.car"),
        };
        let mut this = match bytes.starts_with(b"PK") {
            true => Self::read_zip(&mut BoundedZip::open_blanked(bytes, how)?, whole)?,
            false => Self::read(&secret::blank_file(whole.unwrap_or_default(), bytes, how), whole)?,
        };
        this.note_file(bytes);
        if let FilePart::Member { code, version } = part {
            this = this.member(code, *version)?;
        }
        this.original = Some(Original {
            bytes: bytes.clone(),
            name: name.map(str::to_owned),
            part: part.clone(),
            examined: OnceLock::new(),
        });
        Ok(this)
    }

    /// Like [`UnpackedArchive::read`], for a zip that is open already.
    pub(super) fn read_zip(
        zip: &mut BoundedZip<'_>,
        name: Option<&str>,
    ) -> Result<Self, ArchiveError> {
        let mut this = Self::of(Contents::read_zip(zip, name)?);
        let mut broken = Vec::new();
        match &this.contents.body {
            ContentsBody::Integration(_) => {
                let roots = Roots::of_export(zip);
                this.members = roots.iter().map(|r| files_of(zip, r, &mut broken)).collect();
            }
            ContentsBody::Package(package) => {
                this.members = package
                    .integrations
                    .iter()
                    .map(|it| inner_files(zip, &it.place, &mut broken))
                    .collect();
                this.own = loose(zip, &|n| !n.ends_with(".iar"));
            }
            ContentsBody::Project(project) => {
                let place = |place: &str| Roots::of_member_alone(place);
                let members = project.integrations.iter();
                this.members =
                    members.map(|it| files_of(zip, &place(&it.place), &mut broken)).collect();
                this.own = loose(zip, &|n| !n.starts_with(layout::MEMBERS));
            }
            ContentsBody::Lookup(_) | ContentsBody::Library(_) | ContentsBody::Description(_) => {
                this.own = loose(zip, &|_| true)
            }
        }
        for finding in broken {
            if !this.contents.findings.contains(&finding) {
                this.contents.findings.push(finding);
            }
        }
        Ok(this)
    }

    /// The fingerprints of the archive.
    pub fn fingerprints(&self) -> Fingerprints {
        if let Some(examined) = self.original.as_ref().and_then(Original::examined) {
            return examined.whole;
        }
        let both = |fingerprint| Fingerprints { full: fingerprint, portable: fingerprint };
        match &self.contents.body {
            ContentsBody::Integration(_) => self.member_fingerprints(0),
            ContentsBody::Lookup(lookup) => both(lookup.fingerprint()),
            ContentsBody::Description(description) => {
                both(super::validated::description_fingerprint(description))
            }
            ContentsBody::Package(package) => {
                let attributes = package.attributes.iter().map(|(k, v)| format!("{k}={v}"));
                self.of_members("package", &attributes.collect::<Vec<_>>())
            }
            ContentsBody::Project(project) => {
                let head = project.about().into_iter().map(|(k, v)| format!("{k}={v}"));
                self.of_members("project", &head.collect::<Vec<_>>())
            }
            ContentsBody::Library(_) => self.of_members("library", &[]),
        }
    }

    /// The fingerprints of one integration.
    pub fn member_fingerprints(&self, member: usize) -> Fingerprints {
        let examined = self.original.as_ref().and_then(Original::examined);
        if let Some(found) = examined.and_then(|examined| examined.members.get(member)) {
            return *found;
        }
        let of = |files: &Files| canonical(files).fingerprints();
        let all = self.fingerprints_by_member.get_or_init(|| self.members.iter().map(of).collect());
        all.get(member).copied().unwrap_or_else(|| of(&NO_FILES))
    }

    /// The fingerprints of an archive with members. An import leaves the target's own connections
    /// and lookups, so the portable fingerprint leaves out their copies, as that of an integration
    /// does.
    fn of_members(&self, kind: &str, head: &[String]) -> Fingerprints {
        let total = |with_copies: bool| {
            let mut lines = head.to_vec();
            for (i, it) in self.contents.integrations().iter().enumerate() {
                let Fingerprints { full, portable } = self.member_fingerprints(i);
                lines.push(format!("{} {}", it.id, if with_copies { full } else { portable }));
            }
            for (path, bytes) in self.own.iter().filter(|(p, _)| !is_packing(p)) {
                if with_copies || !fingerprint::travels_along(path) {
                    let sha256 = sha256_hex(&fingerprint::canonical_bytes(path, bytes));
                    lines.push(format!("{path} {sha256}"));
                }
            }
            lines.sort_unstable();
            fingerprint::of_text(kind, &lines.join("\n"))
        };
        Fingerprints { full: total(true), portable: total(false) }
    }

    /// Reads a part of a file and unpacks it.
    ///
    /// # Errors
    /// As [`UnpackedArchive::read`], and where the file has no such part.
    pub fn read_part(
        bytes: &[u8],
        name: Option<&str>,
        part: &FilePart,
    ) -> Result<Self, ArchiveError> {
        match part {
            FilePart::Whole => Self::read(bytes, name),
            FilePart::Member { code, version } => {
                Self::read(bytes, Some("project.car"))?.member(code, *version)
            }
        }
    }

    /// Like [`UnpackedArchive::read_part`] for several integrations of a project, whose archive is
    /// read once.
    pub fn read_parts(
        bytes: &[u8],
        name: Option<&str>,
        parts: &[FilePart],
    ) -> Vec<Result<Self, ArchiveError>> {
        if parts.len() < 2 {
            return parts.iter().map(|part| Self::read_part(bytes, name, part)).collect();
        }
        Self::parts_of(Self::read(bytes, name), parts)
    }

    /// Like [`UnpackedArchive::read_parts`], with secrets as [`UnpackedArchive::read_blanked`] has
    /// them.
    pub fn read_parts_blanked(
        bytes: &Bytes,
        name: Option<&str>,
        parts: &[FilePart],
        how: BlankedAs,
    ) -> Vec<Result<Self, ArchiveError>> {
        if parts.len() < 2 {
            let read = |part| Self::read_blanked(bytes, name, part, how);
            return parts.iter().map(read).collect();
        }
        Self::parts_of(Self::read_blanked(bytes, name, &FilePart::Whole, how), parts)
    }

    fn parts_of(
        whole: Result<Self, ArchiveError>,
        parts: &[FilePart],
    ) -> Vec<Result<Self, ArchiveError>> {
        let part = |part: &FilePart| match (&whole, part) {
            (Err(why), _) => Err(why.clone()),
            (Ok(whole), FilePart::Whole) => Ok(whole.clone()),
            (Ok(whole), FilePart::Member { code, version }) => whole.member(code, *version),
        };
        parts.iter().map(part).collect()
    }

    /// One integration of a project as an archive of its own. Its connections and lookups, which
    /// the project keeps together, are in its contents and not among its files.
    ///
    /// # Errors
    /// Where the archive has no such member.
    pub fn member(&self, code: &str, version: Version) -> Result<Self, ArchiveError> {
        let all = self.contents.integrations();
        let at = all.iter().position(|it| it.id.code == code && it.id.version == version);
        let at = at.ok_or_else(|| ArchiveError::NoMember { code: code.to_owned(), version })?;
        let contents = Contents {
            findings: all[at].findings.clone(),
            files: Vec::new(),
            body: ContentsBody::Integration(Box::new(all[at].clone())),
        };
        let mut alone = Self::of(contents);
        alone.members = vec![self.member_files(at).clone()];
        alone.unread_file.clone_from(&self.unread_file);
        Ok(alone)
    }

    /// What is wrong with the parts that were not read.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        let members = self.contents.integrations().iter().flat_map(|it| &it.findings);
        let all = self.contents.findings.iter().chain(members);
        all.filter(|finding| is_unread(finding)).map(|finding| finding.what.as_str())
    }

    /// Whether both were read from the same bytes; false where all of one was read.
    pub fn is_of_the_same_bytes(&self, other: &Self) -> bool {
        let both = self.unread_file.as_ref().zip(other.unread_file.as_ref());
        both.is_some_and(|(x, y)| x == y)
    }

    /// Every secret in it.
    pub fn secrets(&self) -> Vec<Secret> {
        if let Some(examined) = self.original.as_ref().and_then(Original::examined) {
            return examined.secrets.clone();
        }
        if let ContentsBody::Description(description) = &self.contents.body {
            return Secret::of_description(description);
        }
        let files: Vec<(String, &[u8])> = self.all_files().collect();
        let size = files.iter().map(|(_, bytes)| bytes.len()).sum();
        parallel::map(&files, size, |(path, bytes)| secret::scan(path, bytes))
            .into_iter()
            .flatten()
            .collect()
    }

    /// What blanks the secrets of its files in any text; none where it has none.
    pub fn blanker(&self) -> Option<Blanker> {
        Blanker::of(self.all_files())
    }

    /// The files of one integration; none where there is no such member.
    pub fn member_files(&self, member: usize) -> &Files {
        self.members.get(member).unwrap_or(&NO_FILES)
    }

    /// The files that belong to no integration.
    pub fn own_files(&self) -> &Files {
        &self.own
    }

    /// Every file by the path that a person is shown: an integration's own path in an `.iar`, with
    /// the member's id before it in a package or project.
    pub fn all_files(&self) -> impl Iterator<Item = (String, &[u8])> {
        let single = matches!(self.contents.body, ContentsBody::Integration(_));
        let members = self.contents.integrations().iter().zip(&self.members);
        let inner = members.flat_map(move |(it, files)| {
            let prefix = if single { String::new() } else { format!("{}/", it.id) };
            files.iter().map(move |(path, bytes)| (format!("{prefix}{path}"), bytes.as_slice()))
        });
        inner.chain(self.own.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())))
    }

    /// A file by the path of [`UnpackedArchive::all_files`].
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        if matches!(self.contents.body, ContentsBody::Integration(_)) {
            return self.member_files(0).get(path).map(Vec::as_slice);
        }
        self.own.get(path).map(Vec::as_slice).or_else(|| {
            self.contents.integrations().iter().zip(&self.members).find_map(|(it, files)| {
                let inner = path.strip_prefix(&it.id.to_string())?.strip_prefix('/')?;
                files.get(inner).map(Vec::as_slice)
            })
        })
    }
}

/// Whether a file beside the members says nothing of its own: it is cosmetic, or what it says is
/// read into [`Contents`].
pub fn is_packing(path: &str) -> bool {
    fingerprint::is_cosmetic(path)
        || path == layout::PROJECT_YAML
        || path == "ics_package_attributes.properties"
}

/// Whether the full fingerprints of two integrations are equal.
pub fn mean_the_same(before: &Files, after: &Files) -> bool {
    canonical(before).fingerprints().full == canonical(after).fingerprints().full
}

/// Whether the portable fingerprints of two integrations are equal.
pub fn mean_the_same_elsewhere(before: &Files, after: &Files) -> bool {
    canonical(before).fingerprints().portable == canonical(after).fingerprints().portable
}

fn canonical(files: &Files) -> Canonical {
    Canonical::of_files(files.iter().map(|(p, b)| (p.as_str(), b.as_slice())))
}

/// Whether two integrations whose files are equal but for their numbers refer to the same steps and
/// files.
pub fn refer_to_the_same(before: &Files, after: &Files) -> bool {
    let of = |files: &Files| {
        Canonical::of_references(files.iter().map(|(p, b)| (p.as_str(), b.as_slice())))
            .fingerprints()
    };
    of(before) == of(after)
}

fn files_of(zip: &mut BoundedZip<'_>, roots: &Roots, broken: &mut Vec<Finding>) -> Files {
    let mut folder = IntegrationFiles::new(zip, roots);
    let paths = folder.paths();
    let files = paths
        .into_iter()
        .filter_map(|p| Some((folder.take(&p)?, p)))
        .map(|(b, p)| (p, b))
        .collect();
    broken.extend(folder.findings().iter().cloned());
    files
}

fn inner_files(zip: &mut BoundedZip<'_>, name: &str, broken: &mut Vec<Finding>) -> Files {
    let Ok(bytes) = zip.take(name) else { return Files::new() };
    let Ok(mut inner) = zip.nested(name, &bytes) else { return Files::new() };
    Roots::of_export(&inner).map(|roots| files_of(&mut inner, &roots, broken)).unwrap_or_default()
}

fn loose(zip: &mut BoundedZip<'_>, wanted: &dyn Fn(&str) -> bool) -> Files {
    let names: Vec<String> = zip.names().filter(|n| wanted(n)).map(str::to_owned).collect();
    names.into_iter().filter_map(|n| Some((zip.take(&n).ok()?, n))).map(|(b, n)| (n, b)).collect()
}
