//! The person's own `git`, started with arguments and without a shell.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tokio::process::Command;

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
        "{0} has changes that are not committed\n  → commit or take them back first; nothing was \
            written"
    )]
    Dirty(PathBuf),
    #[error("{path} cannot be used: {why}")]
    Folder { path: PathBuf, why: std::io::Error },
}

/// A repository's work tree.
#[derive(Debug)]
pub struct Git {
    folder: PathBuf,
    /// Whether the person told git who they are.
    knows_the_person: bool,
}

#[derive(Debug)]
pub struct Commit {
    pub message: String,
    pub author: Option<String>,
    pub time: Timestamp,
}

impl Git {
    /// Opens a repository; in a new or empty folder one is made.
    pub async fn open(folder: &Path) -> Result<Self, GitError> {
        let fail = |why| GitError::Folder { path: folder.to_owned(), why };
        std::fs::create_dir_all(folder).map_err(fail)?;
        let mut this = Self { folder: folder.to_owned(), knows_the_person: true };
        if !folder.join(".git").exists() {
            if std::fs::read_dir(folder).map_err(fail)?.next().is_some() {
                return Err(GitError::Occupied(folder.to_owned()));
            }
            this.run(&["init", "--quiet", "--initial-branch=main"]).await?;
        }
        let status = this.run(&["status", "--porcelain"]).await?;
        if !status.trim().is_empty() {
            return Err(GitError::Dirty(folder.to_owned()));
        }
        this.knows_the_person =
            this.run(&["config", "user.email"]).await.is_ok_and(|m| !m.trim().is_empty());
        Ok(this)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        // Files must be compared as they were written, so line ends stay as they are.
        command.args([
            "-c",
            "core.autocrlf=false",
            "-c",
            "core.safecrlf=false",
            "-c",
            "core.quotepath=false",
        ]);
        if !self.knows_the_person {
            command.args(["-c", "user.name=oicx", "-c", "user.email=oicx@localhost"]);
        }
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        command
    }

    async fn finish(&self, mut command: Command, what: &str) -> Result<String, GitError> {
        let output = command.output().await.map_err(GitError::NotThere)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said =
            if said.trim().is_empty() { String::from_utf8_lossy(&output.stdout) } else { said };
        let why = said
            .lines()
            .map(|l| crate::model::visible(l).into_owned())
            .collect::<Vec<_>>()
            .join("\n  ");
        Err(GitError::Failed { what: what.to_owned(), why })
    }

    async fn run(&self, arguments: &[&str]) -> Result<String, GitError> {
        let mut command = self.command();
        command.args(arguments);
        self.finish(command, arguments.first().copied().unwrap_or_default()).await
    }

    /// What follows `word` at the beginning of lines, in the messages of all commits.
    pub async fn trailers(&self, word: &str) -> Result<HashSet<String>, GitError> {
        if self.run(&["rev-parse", "--verify", "--quiet", "HEAD"]).await.is_err() {
            return Ok(HashSet::new());
        }
        let log = self.run(&["log", "--format=%B"]).await?;
        Ok(log.lines().filter_map(|l| l.strip_prefix(word)).map(|l| l.trim().to_owned()).collect())
    }

    /// Stages a folder as it is. False where nothing changed.
    pub async fn stage(&self, folder: &str) -> Result<bool, GitError> {
        if self.folder.join(folder).exists() {
            self.run(&["add", "--all", "--force", "--", folder]).await?;
        } else {
            self.run(&["rm", "-r", "--quiet", "--cached", "--ignore-unmatch", "--", folder])
                .await?;
        }
        Ok(self.run(&["diff", "--cached", "--quiet"]).await.is_err())
    }

    /// Commits what is staged, with the author and time that `commit` names.
    pub async fn commit(&self, commit: &Commit) -> Result<(), GitError> {
        let time = commit.time.to_string();
        let mut command = self.command();
        command.args([
            "commit",
            "--quiet",
            "--cleanup=verbatim",
            "--message",
            &commit.message,
            "--date",
            &time,
        ]);
        command.env("GIT_COMMITTER_DATE", &time);
        if let Some(author) = &commit.author {
            let plain: String =
                author.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
            command.arg("--author").arg(format!("{plain} <{plain}>"));
        }
        self.finish(command, "commit").await.map(drop)
    }

    /// Gives the last commit a tag; it fails where the tag exists.
    pub async fn tag(&self, name: &str) -> Result<(), GitError> {
        self.run(&["tag", "--", name]).await.map(drop)
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
