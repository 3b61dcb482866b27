//! A zip that may be hostile: opened and read within fixed bounds.

use std::{
    collections::{HashMap, HashSet},
    io::{Cursor, Read},
};

use zip::ZipArchive;

use super::{
    budget::{self, Budget},
    error::ArchiveError,
    secret::{self, BlankedAs},
};
use crate::model::visible;

/// A file as the directory promises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipEntry {
    pub name: String,
    /// Unpacked, in bytes.
    pub size: u64,
}

/// An opened archive. Only its directory has been read, unless it was opened whole.
pub struct BoundedZip<'a> {
    bytes: &'a [u8],
    inner: ZipArchive<Cursor<&'a [u8]>>,
    files: Vec<ZipEntry>,
    faults: Vec<ArchiveError>,
    /// The files that opening it whole has unpacked, each until somebody takes it.
    unpacked: HashMap<String, Vec<u8>>,
    /// How secrets are written in what is read; none where they stay.
    blanked: Option<BlankedAs>,
    budget: Budget,
}

impl std::fmt::Debug for BoundedZip<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zip").field("files", &self.files.len()).finish()
    }
}

impl<'a> BoundedZip<'a> {
    /// Reads and checks the directory. An entry that breaks a bound is not listed;
    /// [`BoundedZip::faults`] names it.
    ///
    /// # Errors
    /// Where the bytes are no zip, or hold too many entries.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        Self::open_within(bytes, Budget::default())
    }

    fn open_within(bytes: &'a [u8], budget: Budget) -> Result<Self, ArchiveError> {
        if bytes.is_empty() {
            return Err(ArchiveError::Empty);
        }
        if looks_like_html(bytes) {
            return Err(ArchiveError::Html);
        }
        let inner =
            ZipArchive::new(Cursor::new(bytes)).map_err(|e| ArchiveError::NotZip(e.to_string()))?;
        if inner.len() > budget::ENTRIES {
            return Err(ArchiveError::TooMany(inner.len()));
        }
        let (files, faults, unpacked) = (Vec::new(), Vec::new(), HashMap::new());
        let mut this = Self { bytes, inner, files, faults, unpacked, blanked: None, budget };
        this.check_directory()?;
        Ok(this)
    }

    /// Like [`BoundedZip::open`], but no entry may break a bound: for an archive that is kept or
    /// sent on.
    ///
    /// # Errors
    /// As [`BoundedZip::open`], and the first fault.
    pub fn open_strict(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let mut this = Self::open(bytes)?;
        if this.faults.is_empty() { Ok(this) } else { Err(this.faults.swap_remove(0)) }
    }

    /// Like [`BoundedZip::open_strict`], with every file unpacked: a file that is cut off or broken
    /// shows here, and whoever reads on unpacks nothing a second time.
    ///
    /// # Errors
    /// As [`BoundedZip::open_strict`], and the first file that cannot be unpacked.
    pub fn open_whole(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let mut this = Self::open_strict(bytes)?;
        let names: Vec<String> = this.names().map(str::to_owned).collect();
        for name in names {
            let part = this.unpack(&name)?;
            this.unpacked.insert(name, part);
        }
        Ok(this)
    }

    /// Like [`BoundedZip::open`], with every secret blanked in what is read from it, wherever its
    /// value stands.
    ///
    /// # Errors
    /// As [`BoundedZip::open`].
    pub fn open_blanked(bytes: &'a [u8], how: BlankedAs) -> Result<Self, ArchiveError> {
        Self::open_blanked_within(bytes, how, Budget::default())
    }

    fn open_blanked_within(
        bytes: &'a [u8],
        how: BlankedAs,
        budget: Budget,
    ) -> Result<Self, ArchiveError> {
        let mut this = Self::open_within(bytes, budget)?;
        this.blanked = Some(how);
        let names: Vec<String> = this.names().map(str::to_owned).collect();
        for name in names {
            // A broken entry is an error of the one who reads it.
            if let Ok(part) = this.unpack(&name) {
                this.unpacked.insert(name, part);
            }
        }
        secret::blank_files(&mut this.unpacked, how);
        Ok(this)
    }

    /// Opens an archive that lies within this one in the way in which this one was opened, and with
    /// what is left of its budget.
    ///
    /// # Errors
    /// As [`BoundedZip::open`].
    pub fn nested<'n>(&self, name: &str, bytes: &'n [u8]) -> Result<BoundedZip<'n>, ArchiveError> {
        let budget = self.budget.nested(name);
        match self.blanked {
            Some(how) => BoundedZip::open_blanked_within(bytes, how, budget),
            None => BoundedZip::open_within(bytes, budget),
        }
    }

    /// The files in the order of the directory. Folders are left out.
    pub fn files(&self) -> &[ZipEntry] {
        &self.files
    }

    /// Names of the files, in the order of the directory.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|f| f.name.as_str())
    }

    /// What is wrong with the entries that are not listed, or that stand in the directory twice.
    pub fn faults(&self) -> &[ArchiveError] {
        &self.faults
    }

    /// Unpacks one file.
    ///
    /// # Errors
    /// Where it is missing, broken, or grows past what the directory promised.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        match self.unpacked.get(name) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.unpack(name),
        }
    }

    /// Like [`BoundedZip::read`], for the last caller that asks for a file: what is unpacked
    /// already is not copied.
    ///
    /// # Errors
    /// As [`BoundedZip::read`].
    pub fn take(&mut self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        match self.unpacked.remove(name) {
            Some(bytes) => Ok(bytes),
            None => self.unpack(name),
        }
    }

    fn unpack(&mut self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let broken = |why: String| ArchiveError::Broken { name: visible(name).into_owned(), why };
        let entry = self.inner.by_name(name).map_err(|e| broken(e.to_string()))?;
        let promised = entry.size();
        let mut out = Vec::with_capacity(promised.min(1 << 20) as usize);
        entry.take(promised + 1).read_to_end(&mut out).map_err(|e| broken(e.to_string()))?;
        if out.len() as u64 != promised {
            return Err(broken(format!("it should unpack to {promised} bytes and does not")));
        }
        match self.budget.take_markup(name, &out) {
            true => Ok(out),
            false => Err(ArchiveError::Suspicious {
                name: visible(name).into_owned(),
                why: "takes the archive over half a million tags in a file, or five million in all",
            }),
        }
    }

    fn refuse_overlaps(&mut self, places: Vec<(u64, u64, String)>) {
        let shared = overlapping(places);
        if shared.is_empty() {
            return;
        }
        self.files.retain(|file| !shared.contains(&file.name));
        let mut shared: Vec<String> = shared.into_iter().collect();
        shared.sort_unstable();
        self.faults.extend(shared.into_iter().map(|name| ArchiveError::Suspicious {
            name: visible(&name).into_owned(),
            why: "uses bytes that another entry uses too",
        }));
    }

    fn check_directory(&mut self) -> Result<(), ArchiveError> {
        let mut places = Vec::new();
        for i in 0..self.inner.len() {
            let entry =
                self.inner.by_index_raw(i).map_err(|e| ArchiveError::NotZip(e.to_string()))?;
            let name = entry.name().map_err(|e| ArchiveError::NotZip(e.to_string()))?.into_owned();
            let why = distrust(&name, &entry).or_else(|| {
                let left = self.budget.take_bytes(i, entry.size());
                (!left).then_some("takes the archive over 128 MB unpacked")
            });
            if let Some(why) = why {
                self.faults
                    .push(ArchiveError::Suspicious { name: visible(&name).into_owned(), why });
                continue;
            }
            let begins = entry.header_start();
            places.push((begins, begins + entry.compressed_size(), name.clone()));
            if !entry.is_dir() {
                self.files.push(ZipEntry { name, size: entry.size() });
            }
        }
        self.refuse_overlaps(places);
        if self.inner.has_duplicate_names() {
            let names =
                names_that_repeat(&self.bytes[self.inner.central_directory_start() as usize..]);
            self.faults.extend(names.into_iter().map(ArchiveError::Twice));
        }
        Ok(())
    }
}

/// The entries whose bytes another one uses too: so a small file unpacks to any size.
fn overlapping(mut places: Vec<(u64, u64, String)>) -> HashSet<String> {
    places.sort_unstable();
    let mut shared = HashSet::new();
    let mut last: Option<(u64, String)> = None;
    for (begins, ends, name) in places {
        if let Some((end, before)) = &last
            && begins < *end
        {
            shared.extend([before.clone(), name.clone()]);
        }
        let furthest = last.as_ref().is_none_or(|(end, _)| ends > *end);
        if furthest {
            last = Some((ends, name));
        }
    }
    shared
}

/// Why an entry is not to be read; none where it may be.
fn distrust(name: &str, entry: &zip::read::ZipFile<'_, Cursor<&[u8]>>) -> Option<&'static str> {
    let size = entry.size();
    if leaves_its_folder(name) {
        Some("names a place outside its folder")
    } else if entry.encrypted() {
        Some("is encrypted")
    } else if size > budget::FILE_BYTES {
        Some("would unpack to more than 32 MB")
    } else if size > budget::RATIO_FREE_BYTES
        && size / entry.compressed_size().max(1) > budget::RATIO
    {
        Some("would unpack to 400 times its size")
    } else {
        None
    }
}

/// The names that stand in the directory twice. The directory is read as it is written, since the
/// zip reader keeps one entry for each name (APPNOTE.TXT 4.3.12).
fn names_that_repeat(directory: &[u8]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut twice = Vec::new();
    let mut rest = directory;
    while rest.len() >= 46 && rest.starts_with(b"PK\x01\x02") {
        let length = |at: usize| usize::from(u16::from_le_bytes([rest[at], rest[at + 1]]));
        let (name, extra, comment) = (length(28), length(30), length(32));
        let Some(bytes) = rest.get(46..46 + name) else { break };
        if !seen.insert(bytes) {
            twice.push(visible(&String::from_utf8_lossy(bytes)).into_owned());
        }
        rest = rest.get(46 + name + extra + comment..).unwrap_or_default();
    }
    twice.sort_unstable();
    twice.dedup();
    twice
}

/// Whether the bytes are a web page, such as a proxy or a sign-in answers with.
pub(super) fn looks_like_html(bytes: &[u8]) -> bool {
    let head: String =
        String::from_utf8_lossy(&bytes[..bytes.len().min(256)]).trim_start().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

/// Whether a path leads out of the folder in which the archive is unpacked.
fn leaves_its_folder(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    name.starts_with(['/', '\\']) || drive || name.split(['/', '\\']).any(|part| part == "..")
}
