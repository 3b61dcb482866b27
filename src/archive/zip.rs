//! A zip that may be hostile: opened and read within fixed bounds.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::model::visible;

/// Bounds no real export comes near: the largest seen has 250 KB, 3,000 entries and 2 MB unpacked
/// (archive-format.md).
const MAX_ENTRIES: usize = 20_000;
const MAX_ENTRY_BYTES: u64 = 64 << 20;
const MAX_TOTAL_BYTES: u64 = 512 << 20;
/// Deflate cannot pack tighter than about 1 : 1032; text of exports stays under 1 : 60.
const MAX_RATIO: u64 = 400;
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// Why bytes are no archive, or not one that is safe to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive is empty (0 bytes)")]
    Empty,
    #[error("this is an HTML page, not an archive: a proxy or a sign-in page answered instead of the service")]
    Html,
    #[error("this is no zip archive, or it is cut off: {0}")]
    NotZip(String),
    #[error("the archive holds {0} entries; more than {MAX_ENTRIES} are not read")]
    TooMany(usize),
    #[error("`{name}` in the archive {why}; it is not read")]
    Suspicious { name: String, why: &'static str },
    #[error("`{name}` in the archive is broken: {why}")]
    Broken { name: String, why: String },
    #[error("this zip is no integration export: {0}")]
    NotAnIntegration(String),
}

/// An opened archive. Only its directory has been read.
pub struct Zip<'a> {
    inner: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
}

impl std::fmt::Debug for Zip<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zip").field("entries", &self.names.len()).finish()
    }
}

impl<'a> Zip<'a> {
    /// Reads and checks the directory.
    ///
    /// # Errors
    /// Where the bytes are no zip, or one that breaks a bound.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        if bytes.is_empty() {
            return Err(ArchiveError::Empty);
        }
        if looks_like_html(bytes) {
            return Err(ArchiveError::Html);
        }
        let mut inner = ZipArchive::new(Cursor::new(bytes)).map_err(|e| ArchiveError::NotZip(e.to_string()))?;
        if inner.len() > MAX_ENTRIES {
            return Err(ArchiveError::TooMany(inner.len()));
        }
        let names = check_directory(&mut inner)?;
        Ok(Self { inner, names })
    }

    /// Names of the files, in the order of the directory. Folders are left out.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Unpacks one file.
    ///
    /// # Errors
    /// Where it is missing, broken, or grows past what the directory promised.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let broken = |why: String| ArchiveError::Broken { name: visible(name).into_owned(), why };
        let entry = self.inner.by_name(name).map_err(|e| broken(e.to_string()))?;
        let promised = entry.size();
        let mut out = Vec::with_capacity(promised.min(1 << 20) as usize);
        entry.take(promised + 1).read_to_end(&mut out).map_err(|e| broken(e.to_string()))?;
        if out.len() as u64 != promised {
            return Err(broken(format!("it should unpack to {promised} bytes and does not")));
        }
        Ok(out)
    }
}

fn check_directory(inner: &mut ZipArchive<Cursor<&[u8]>>) -> Result<Vec<String>, ArchiveError> {
    let mut names = Vec::with_capacity(inner.len());
    let mut total = 0_u64;
    for i in 0..inner.len() {
        let entry = inner.by_index_raw(i).map_err(|e| ArchiveError::NotZip(e.to_string()))?;
        let name = entry.name().map_err(|e| ArchiveError::NotZip(e.to_string()))?.into_owned();
        let refuse = |why| Err(ArchiveError::Suspicious { name: visible(&name).into_owned(), why });
        if leaves_its_folder(&name) {
            return refuse("names a place outside its folder");
        }
        if entry.encrypted() {
            return refuse("is encrypted");
        }
        if entry.size() > MAX_ENTRY_BYTES {
            return refuse("would unpack to more than 64 MB");
        }
        if entry.size() > RATIO_FREE_BYTES && entry.size() / entry.compressed_size().max(1) > MAX_RATIO {
            return refuse("would unpack to 400 times its size");
        }
        total += entry.size();
        if total > MAX_TOTAL_BYTES {
            return refuse("takes the archive over 512 MB unpacked");
        }
        if !entry.is_dir() {
            names.push(name);
        }
    }
    Ok(names)
}

fn leaves_its_folder(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    name.starts_with(['/', '\\']) || drive || name.split(['/', '\\']).any(|part| part == "..")
}

fn looks_like_html(bytes: &[u8]) -> bool {
    let head: String = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]).trim_start().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}
