//! The person's own `git`, started with arguments and without a shell. What may be long goes
//! through its standard input.

use std::{
    collections::HashSet,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, process::Command};

/// Why `git` cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git cannot be started: {0}\n  → install it and see that it is on the PATH")]
    NotThere(std::io::Error),
    #[error("git {what}: {why}")]
    Failed { what: String, why: String },
    #[error(
        "{0} is neither empty nor a git repository\n  → name a new or empty folder, or the \
            repository that an earlier run made"
    )]
    Occupied(PathBuf),
    #[error(
        "{path} was changed and is not committed\n  → take that back first: oicx writes this file \
         itself; nothing was written"
    )]
    Dirty { path: String },
    #[error(
        "{path} is there and was not written by oicx\n  → move it away, or name another folder; \
         nothing was written over"
    )]
    Foreign { path: String },
    #[error("{0} has no branch checked out\n  → `git switch` to the one that the history goes to")]
    Detached(PathBuf),
    #[error("another oicx writes to {0}\n  → wait for it, or stop it")]
    Busy(PathBuf),
    #[error("{path} cannot be used: {why}")]
    Folder { path: PathBuf, why: std::io::Error },
}

/// A repository's work tree, which no other process of this program writes to meanwhile.
#[derive(Debug)]
pub struct Git {
    folder: PathBuf,
    /// Where this program keeps its own notes: in git's folder, outside of the work tree.
    notes: PathBuf,
    /// The branch that is checked out, in full: `refs/heads/main`.
    branch: String,
    /// Held for as long as this lives, and as a git that changes something lives: the system gives
    /// it back, however they end.
    lock: File,
}

/// How long another process of this program is waited for: the git of one that was killed may still
/// be at work.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// The beginning of the name of a repository that is being made.
const HALF_MADE: &str = ".oicx-init-";
const PENDING: &str = "pending";

impl Git {
    /// Opens a repository; in a new or empty folder one is made.
    pub async fn open(folder: &Path) -> Result<Self, GitError> {
        let fail = |why| GitError::Folder { path: folder.to_owned(), why };
        std::fs::create_dir_all(folder).map_err(fail)?;
        if !folder.join(".git/HEAD").exists() && !folder.join(".git").is_file() {
            init(folder).await?;
        }
        let notes = run_in(folder, &["rev-parse", "--git-path", "oicx"]).await?;
        let notes = folder.join(notes.trim_end_matches('\n'));
        std::fs::create_dir_all(&notes).map_err(fail)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(notes.join("lock"))
            .map_err(fail)?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(TryLockError::WouldBlock) => return Err(GitError::Busy(folder.to_owned())),
                Err(TryLockError::Error(why)) => return Err(fail(why)),
            }
        }
        let branch = match run_in(folder, &["symbolic-ref", "--quiet", "HEAD"]).await {
            Ok(branch) => branch.trim().to_owned(),
            // It says nothing where HEAD is no branch.
            Err(GitError::Failed { why, .. }) if why.is_empty() => {
                return Err(GitError::Detached(folder.to_owned()));
            }
            Err(e) => return Err(e),
        };
        let this = Self { folder: folder.to_owned(), notes, branch, lock };
        if this.pending().is_some() {
            this.free_locks_of_the_dead().await?;
        }
        Ok(this)
    }

    /// The work tree.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The branch that is checked out, in full.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// The commit that an earlier run began from, where it did not come to its end; empty where
    /// there was none.
    pub fn pending(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.notes.join(PENDING)).ok()?;
        Some(text.trim().to_owned())
    }

    /// Notes that history and work tree are about to differ, beginning from this commit.
    pub fn begin(&self, head: Option<&str>) -> Result<(), GitError> {
        let path = self.notes.join(PENDING);
        let written = crate::files::write_atomic(&path, head.unwrap_or_default().as_bytes());
        written.map_err(|why| GitError::Folder { path, why })
    }

    /// Notes that the work tree shows the history.
    pub fn end(&self) -> Result<(), GitError> {
        remove_if_there(self.notes.join(PENDING))
    }

    /// Takes away the lock files of a git that was killed with an earlier run. Nobody else uses
    /// them: that run noted that it was at work.
    async fn free_locks_of_the_dead(&self) -> Result<(), GitError> {
        for lock in ["index.lock", "HEAD.lock", &format!("{}.lock", self.branch)] {
            let path = self.run(&["rev-parse", "--git-path", lock]).await?;
            remove_if_there(self.folder.join(path.trim_end_matches('\n')))?;
        }
        Ok(())
    }

    /// A command in this repository.
    pub fn command(&self) -> Command {
        command_in(&self.folder)
    }

    /// Runs git and gives what it prints.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, GitError> {
        run_in(&self.folder, arguments).await
    }

    /// What a git that changes something gets for its standard output, to which it prints nothing:
    /// the lock, which is then held until it ends, also where this process is killed before.
    pub fn lock(&self) -> Result<Stdio, GitError> {
        let fail = |why| GitError::Folder { path: self.notes.join("lock"), why };
        self.lock.try_clone().map(Stdio::from).map_err(fail)
    }

    /// Runs git, which prints nothing, on these paths. It holds the lock. The paths lie in a file
    /// that is whole before it starts: one that was fed and lost its feeder would take what it has
    /// for all.
    pub async fn change(&self, arguments: &[&str], paths: &[&String]) -> Result<(), GitError> {
        let what = arguments.first().copied().unwrap_or_default();
        let list = self.notes.join("paths");
        let text: Vec<u8> = paths.iter().flat_map(|path| path.bytes().chain([0])).collect();
        crate::files::write_atomic(&list, &text)
            .map_err(|why| GitError::Folder { path: list.clone(), why })?;
        let list = std::path::absolute(&list).unwrap_or(list);
        let mut from = std::ffi::OsString::from("--pathspec-from-file=");
        from.push(list);
        let mut command = self.command();
        command.args(arguments).arg(from).arg("--pathspec-file-nul");
        command.stdout(self.lock()?).stderr(Stdio::piped());
        let child = command.spawn().map_err(|why| not_started(what, why))?;
        good_output(what, child.wait_with_output().await).map(drop)
    }

    /// Runs git, which reads alone, with this on its standard input, and gives what it prints.
    pub async fn feed(&self, arguments: &[&str], input: Vec<u8>) -> Result<Vec<u8>, GitError> {
        let what = arguments.first().copied().unwrap_or_default();
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|why| not_started(what, why))?;
        let stdin = child.stdin.take();
        // What it prints may fill its pipe before it has read all.
        let write = async move {
            if let Some(mut stdin) = stdin {
                // Where it ends early, its own words say why.
                let _ = stdin.write_all(&input).await;
            }
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        good_output(what, output)
    }

    /// The commit that is checked out; none where there is none yet.
    pub async fn head(&self) -> Option<String> {
        let head = self.run(&["rev-parse", "--verify", "--quiet", "HEAD"]).await.ok()?;
        Some(head.trim().to_owned())
    }

    /// What follows `word` at the beginning of lines, in the messages of all commits.
    pub async fn trailers(&self, word: &str) -> Result<HashSet<String>, GitError> {
        if self.head().await.is_none() {
            return Ok(HashSet::new());
        }
        let log = self.run(&["log", "--format=%B"]).await?;
        Ok(log.lines().filter_map(|l| l.strip_prefix(word)).map(|l| l.trim().to_owned()).collect())
    }

    /// Who commits, as the person told git: `Name <mail>`; this program where they did not.
    pub async fn committer(&self) -> String {
        let told = self.run(&["config", "user.email"]).await.is_ok_and(|m| !m.trim().is_empty());
        let who = match told {
            true => self.run(&["var", "GIT_COMMITTER_IDENT"]).await.unwrap_or_default(),
            false => String::new(),
        };
        match who.rsplit_once('>') {
            Some((who, _)) => format!("{who}>"),
            None => "oicx <oicx@localhost>".to_owned(),
        }
    }

    /// Gives the last commit a tag; it fails where the tag exists.
    pub async fn tag(&self, name: &str) -> Result<(), GitError> {
        // A signature could not be asked for where nobody is.
        self.run(&["-c", "tag.gpgSign=false", "tag", "--", name]).await.map(drop)
    }

    /// Pushes to the first remote; none where there is no remote, and nothing is done.
    pub async fn push(&self, tags: bool) -> Result<Option<String>, GitError> {
        let remotes = self.run(&["remote"]).await?;
        let Some(remote) = remotes.lines().next().map(str::to_owned) else { return Ok(None) };
        self.run(&["push", "--quiet", &remote, "HEAD"]).await?;
        if tags {
            self.run(&["push", "--quiet", "--tags", &remote]).await?;
        }
        Ok(Some(remote))
    }
}

/// Makes a repository. It is made beside and moved into its place, so that there is none or a whole
/// one, whenever the process ends.
async fn init(folder: &Path) -> Result<(), GitError> {
    let fail = |why| GitError::Folder { path: folder.to_owned(), why };
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let half = name.to_string_lossy().starts_with(HALF_MADE);
        // One without a HEAD is no repository: git itself was killed while it made it.
        if !half && name != ".git" {
            return Err(GitError::Occupied(folder.to_owned()));
        }
        std::fs::remove_dir_all(entry.path()).map_err(fail)?;
    }
    let beside = tempfile::Builder::new().prefix(HALF_MADE).tempdir_in(folder).map_err(fail)?;
    run_in(beside.path(), &["init", "--quiet", "--initial-branch=main"]).await?;
    std::fs::rename(beside.path().join(".git"), folder.join(".git")).map_err(fail)
}

fn command_in(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    // A name with a star in it is a name.
    command.env("GIT_LITERAL_PATHSPECS", "1");
    // Files must be compared as they were written, so line ends stay as they are.
    for setting in ["core.autocrlf=false", "core.safecrlf=false", "core.quotepath=false"] {
        command.args(["-c", setting]);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run_in(folder: &Path, arguments: &[&str]) -> Result<String, GitError> {
    // Behind settings for this call alone.
    let mut words = arguments.chunks(2).skip_while(|pair| pair[0] == "-c").flatten();
    let what = words.next().copied().unwrap_or_default();
    let output = command_in(folder).args(arguments).output().await;
    let printed = good_output(what, output)?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

/// Why git did not start: it is not there, or the system refuses.
pub fn not_started(what: &str, why: std::io::Error) -> GitError {
    match why.kind() {
        std::io::ErrorKind::NotFound => GitError::NotThere(why),
        _ => GitError::Failed { what: what.to_owned(), why: why.to_string() },
    }
}

fn remove_if_there(path: PathBuf) -> Result<(), GitError> {
    match std::fs::remove_file(&path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(GitError::Folder { path, why })
        }
        _ => Ok(()),
    }
}

/// What git printed; its words where it failed, and why where it did not start.
pub fn good_output(
    what: &str,
    output: std::io::Result<std::process::Output>,
) -> Result<Vec<u8>, GitError> {
    let output = output.map_err(|why| not_started(what, why))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = match output.stderr.trim_ascii().is_empty() {
        true => output.stdout,
        false => output.stderr,
    };
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<_> = said.lines().map(|l| crate::model::visible(l).into_owned()).collect();
    Err(GitError::Failed { what: what.to_owned(), why: lines.join("\n  ") })
}
