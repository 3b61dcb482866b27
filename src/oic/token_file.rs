//! A token that the processes of one person on one machine share, so that a job every few minutes
//! does not ask the identity domain each time: its rate limit is low (docs/oic-rest-api.md,
//! Sign-in). The file is readable by its owner alone.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::archive::sha256_hex;
use crate::files;

/// How often a lock that another process holds is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Where one sign-in keeps its token.
#[derive(Debug, Clone)]
pub(super) struct TokenFile {
    path: PathBuf,
}

/// A token that another process obtained, or this one before.
#[derive(Debug, Clone)]
pub(super) struct SharedToken {
    pub value: SecretString,
    /// How long it is used before another is asked for.
    pub usable: Duration,
}

#[derive(Serialize, Deserialize)]
struct StoredToken {
    access_token: String,
    /// Seconds since 1970.
    renew_at: i64,
}

/// Held while a token is asked for. Dropping it, or the end of the process, lets go.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl TokenFile {
    /// The file of a sign-in in a folder. `of` is all that tells one sign-in from another; only its
    /// hash is in the name.
    pub fn new(folder: &Path, of: &str) -> Self {
        let hash = sha256_hex(of.as_bytes());
        Self { path: folder.join(format!("{}.json", &hash[..24])) }
    }

    /// The token, where there is one that is still of use and not the one that was refused.
    pub fn read(&self, refused: Option<&SecretString>) -> Option<SharedToken> {
        let stored: StoredToken = serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()?;
        let left = stored.renew_at.checked_sub(Timestamp::now().as_second())?;
        let usable = Duration::from_secs(u64::try_from(left).ok().filter(|left| *left > 0)?);
        let value = SecretString::from(stored.access_token);
        let same = refused.is_some_and(|r| r.expose_secret() == value.expose_secret());
        (!same).then_some(SharedToken { value, usable })
    }

    /// Keeps a token. Where that fails it is only asked for again by the next process.
    pub fn write(&self, token: &SharedToken) {
        let seconds = i64::try_from(token.usable.as_secs()).unwrap_or(0);
        let stored = StoredToken {
            access_token: token.value.expose_secret().to_owned(),
            renew_at: Timestamp::now().as_second().saturating_add(seconds),
        };
        if let Err(e) = files::write_private_json(&self.path, &stored) {
            tracing::warn!("the token is not shared with other processes: {e}");
        }
    }

    /// Forgets the token, so that the next call asks for another.
    pub fn forget(&self) {
        match std::fs::remove_file(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("the shared token is not forgotten: {e}");
            }
            _ => {}
        }
    }

    /// Waits until no other process asks for this token.
    pub async fn lock(&self, longest: Duration) -> Option<FileLock> {
        FileLock::beside(&self.path, longest).await
    }
}

impl FileLock {
    /// Locks a file's neighbour. None where another process holds it for longer than `longest`, or
    /// the disk does not lock: then this process goes on without.
    pub async fn beside(path: &Path, longest: Duration) -> Option<Self> {
        let told = |e: &io::Error| tracing::debug!("{} is not locked: {e}", path.display());
        let file = files::open_private(&path.with_extension("lock")).inspect_err(told).ok()?;
        let until = tokio::time::Instant::now() + longest;
        loop {
            match file.try_lock() {
                Ok(()) => return Some(Self { _file: file }),
                Err(std::fs::TryLockError::WouldBlock) if tokio::time::Instant::now() < until => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(std::fs::TryLockError::WouldBlock) => return None,
                Err(std::fs::TryLockError::Error(e)) => {
                    told(&e);
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(value: &str, seconds: u64) -> SharedToken {
        SharedToken { value: value.to_owned().into(), usable: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_token_is_read_back_while_it_is_of_use_and_was_not_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path(), "https://idcs client scope");
        assert!(file.read(None).is_none());
        file.write(&token("one", 100));
        let read = file.read(None).unwrap();
        assert_eq!(read.value.expose_secret(), "one");
        assert!((98..=100).contains(&read.usable.as_secs()));
        assert!(file.read(Some(&"one".to_owned().into())).is_none());
        assert!(file.read(Some(&"other".to_owned().into())).is_some());
        file.write(&token("two", 0));
        assert!(file.read(None).is_none(), "it is of no use any more");
        let other = TokenFile::new(folder.path(), "https://idcs client other-scope");
        assert!(other.read(None).is_none());
        std::fs::write(&file.path, b"{\"access_token\":\"o").unwrap();
        assert!(file.read(None).is_none(), "half a file is none");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(&folder.path().join("tokens"), "x");
        // A file that somebody left open to others does not stay so.
        std::fs::create_dir_all(file.path.parent().unwrap()).unwrap();
        std::fs::write(&file.path, b"").unwrap();
        std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o644)).unwrap();
        file.write(&token("one", 100));
        let mode = std::fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn one_process_at_a_time_asks() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path(), "x");
        let held = file.lock(Duration::ZERO).await;
        assert!(held.is_some());
        assert!(file.lock(Duration::from_millis(60)).await.is_none());
        drop(held);
        assert!(file.lock(Duration::ZERO).await.is_some());
    }
}
