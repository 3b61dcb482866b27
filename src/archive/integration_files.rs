//! One integration's files, wherever they lie: an `.iar` keeps them under `icspackage/`, a `.car`
//! under `project/`. The paths here are the same for both, and files are unpacked when they are
//! asked for.

use std::{collections::BTreeMap, rc::Rc};

use super::{error::ArchiveError, layout, zip::BoundedZip};
use crate::model::{Finding, visible};

/// Where an integration's own files lie in the zip, and where those that travel along do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// `icspackage/project/CODE_01.00.0000/` or `project/integrations/CODE_01.00.0000/`
    own: String,
    /// Outer folder -> the name it has here.
    beside: Vec<(String, &'static str)>,
}

impl Roots {
    /// The roots of an `.iar`; none where the zip is no integration's export.
    pub fn of_export(zip: &BoundedZip<'_>) -> Option<Self> {
        let attributes = zip.names().filter(|n| n.starts_with(layout::EXPORT_OWN)).find(|n| {
            n.ends_with("/ics_project_attributes.properties") && n.matches('/').count() == 3
        })?;
        let own = attributes[..=attributes.rfind('/')?].to_owned();
        Some(Self { own, beside: vec![(layout::EXPORT.into(), "")] })
    }

    /// The roots of a member of a `.car`, without those of what the project holds for all members.
    pub fn of_member_alone(folder: &str) -> Self {
        Self { own: folder.to_owned(), beside: Vec::new() }
    }

    /// The roots of a member of a `.car`.
    pub fn of_member(folder: &str) -> Self {
        let beside = layout::SHARED.map(|(there, here)| (there.to_owned(), here)).to_vec();
        Self { own: folder.to_owned(), beside }
    }

    fn inner(&self, name: &str) -> Option<String> {
        if let Some(rest) = name.strip_prefix(&self.own) {
            return Some(rest.to_owned());
        }
        let (rest, inner) =
            self.beside.iter().find_map(|(o, i)| Some((name.strip_prefix(o.as_str())?, i)))?;
        Some(format!("{inner}{rest}"))
    }
}

/// A file of an integration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileEntry {
    /// The path as this integration sees it: `PROJECT-INF/project.xml`,
    /// `appinstances/HCM_REST.xml`.
    pub path: String,
    /// The name in the zip.
    pub name: String,
    /// Unpacked, in bytes.
    pub size: u64,
}

/// An integration's files. What cannot be read is noted once and left out.
#[derive(Debug)]
pub struct IntegrationFiles<'z, 'a> {
    zip: &'z mut BoundedZip<'a>,
    entries: BTreeMap<String, FileEntry>,
    read: BTreeMap<String, Option<Rc<Vec<u8>>>>,
    findings: Vec<Finding>,
}

impl<'z, 'a> IntegrationFiles<'z, 'a> {
    /// The files of one integration inside `zip`, by their path below the folders that `roots`
    /// names.
    pub fn new(zip: &'z mut BoundedZip<'a>, roots: &Roots) -> Self {
        let entries = zip
            .files()
            .iter()
            .filter_map(|f| {
                Some(FileEntry { path: roots.inner(&f.name)?, name: f.name.clone(), size: f.size })
            })
            .map(|f| (f.path.clone(), f))
            .collect();
        let findings =
            zip.faults().iter().map(|f| Finding::warning(f.to_string(), NOT_READ)).collect();
        Self { zip, entries, read: BTreeMap::new(), findings }
    }

    /// All files of the folder, sorted by path.
    pub fn entries(&self) -> impl Iterator<Item = &FileEntry> {
        self.entries.values()
    }

    /// The path of every file of the folder, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// The names of the files in one folder, sorted.
    pub fn within(&self, folder: &str) -> Vec<String> {
        self.entries.keys().filter(|p| p.starts_with(folder)).cloned().collect()
    }

    /// Unpacks a file; none where the folder has no such file or it is broken, which is noted.
    pub fn get(&mut self, path: &str) -> Option<Rc<Vec<u8>>> {
        if let Some(there) = self.read.get(path) {
            return there.clone();
        }
        let entry = self.entries.get(path)?;
        let bytes = match self.zip.read(&entry.name) {
            Ok(bytes) => Some(Rc::new(bytes)),
            Err(e) => {
                self.note(Finding::warning(e.to_string(), NOT_READ));
                None
            }
        };
        self.read.insert(path.to_owned(), bytes.clone());
        bytes
    }

    /// As [`IntegrationFiles::get`], for a caller that keeps the bytes.
    pub fn take(&mut self, path: &str) -> Option<Vec<u8>> {
        if let Some(known) = self.read.remove(path) {
            return Some(Rc::unwrap_or_clone(known?));
        }
        let name = self.entries.get(path)?.name.clone();
        match self.zip.take(&name) {
            Ok(bytes) => Some(bytes),
            Err(e) => {
                self.note(Finding::warning(e.to_string(), NOT_READ));
                None
            }
        }
    }

    /// Unpacks every file.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn read_all(&mut self) -> Result<(), ArchiveError> {
        for (path, entry) in &self.entries {
            let bytes = self.zip.take(&entry.name)?;
            self.read.insert(path.clone(), Some(Rc::new(bytes)));
        }
        Ok(())
    }

    /// A file as text; bytes that are no UTF-8 are replaced, and noted.
    pub fn text(&mut self, path: &str) -> Option<String> {
        let bytes = self.get(path)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Some(text.to_owned()),
            Err(e) => {
                let what =
                    format!("`{}` is not UTF-8 from byte {}", visible(path), e.valid_up_to());
                self.note(Finding::warning(
                    what,
                    "its text is shown with � where it cannot be read",
                ));
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }

    /// Adds a finding, once.
    pub fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// The findings up to now, in the order in which they were noted.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// Whether a finding says that a part was not read.
pub fn is_unread(finding: &Finding) -> bool {
    finding.fix.as_deref() == Some(NOT_READ)
}

const NOT_READ: &str =
    "everything else in the archive is read; export it again if this part matters";
