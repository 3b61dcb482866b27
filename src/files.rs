//! Writing on this machine's own disk: whole or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

/// Files of one name, told apart by a number.
const MOST_BESIDE: usize = 1000;

/// Writes beside the place, syncs, and moves it there: a crash leaves the old file or the new one.
///
/// # Errors
/// What the disk says.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|e| e.error)
}

/// [`write_atomic`] of a value as JSON.
///
/// # Errors
/// What the disk says.
pub fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_atomic(path, &serde_json::to_vec(value).map_err(io::Error::other)?)
}

/// [`write_atomic`] of a value as JSON that only the owner of the process may read.
///
/// # Errors
/// What the disk says.
pub fn write_private_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    // A temporary file is its owner's alone, and moving it keeps that.
    write_json(path, value)
}

/// Writes a new file beside those that are there, and gives its path: with a number in its name
/// where the name is taken.
///
/// # Errors
/// What the disk says.
pub fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("txt");
    for n in 0..MOST_BESIDE {
        let tried = match n {
            0 => path.with_extension(ending),
            n => {
                let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("file");
                path.with_file_name(format!("{stem}-{n}.{ending}"))
            }
        };
        match std::fs::File::create_new(&tried) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                return Ok(tried);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                // What was written before is not written once more.
                if std::fs::read(&tried).is_ok_and(|there| there == bytes) {
                    return Ok(tried);
                }
            }
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other(format!("{MOST_BESIDE} files are named like it")))
}

/// Makes a folder, with those above it that are missing; what is made only its owner may enter, so
/// that nobody else reads what is written into it. One that is there stays as it is: it may be
/// shared.
///
/// # Errors
/// What the disk says.
pub fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether others on this machine may enter a folder. False also where that is not known.
pub fn others_may_enter(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o007 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Opens a file that only the owner may read, or makes it.
///
/// # Errors
/// What the disk says.
pub fn open_private(path: &Path) -> io::Result<std::fs::File> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    private_options().read(true).create(true).truncate(false).open(path)
}

/// Makes a file that only the owner may read; an error where it is there.
///
/// # Errors
/// What the disk says.
pub fn create_private(path: &Path) -> io::Result<std::fs::File> {
    private_options().create_new(true).open(path)
}

fn private_options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
