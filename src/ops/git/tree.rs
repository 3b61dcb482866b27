//! The history that is being written, and the work tree that shows it afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry};

use super::{
    history::{Commit, FileChange, HistoryWriter},
    own_files::{Hashes, OwnFiles, first_changed, show},
    program::{Git, GitError},
};
use crate::model::{EnvironmentName, Status};

/// The own files of a repository while commits are added.
pub struct Tree<'a> {
    git: &'a Git,
    /// The commit that it began from; none in a new repository.
    head: Option<String>,
    /// The environments that the history has.
    known: BTreeSet<EnvironmentName>,
    parts: HashMap<EnvironmentName, EnvironmentTree>,
    writer: Option<HistoryWriter>,
    /// Paths that differ between the first commit and the last.
    touched: BTreeSet<String>,
}

/// What is known of one environment.
pub struct EnvironmentTree {
    pub own: OwnFiles,
    /// By folder, the file of the store that it shows, where this run wrote it.
    pub shown: BTreeMap<String, (String, Status)>,
}

impl<'a> Tree<'a> {
    /// Opens a repository's files. What an earlier run left half done is brought to its end.
    ///
    /// # Errors
    /// [`GitError::Dirty`] where somebody changed one of them.
    pub async fn open(git: &'a Git, known: &HashSet<String>) -> Result<Self, GitError> {
        let environment = |name: &String| name.split_once('/')?.0.parse().ok();
        let known: BTreeSet<EnvironmentName> = known.iter().filter_map(environment).collect();
        let head = git.head().await;
        let (parts, writer, touched) = (HashMap::new(), None, BTreeSet::new());
        let this = Self { git, head, known, parts, writer, touched };
        let began = git.pending();
        let mut paths = this.own_paths(this.head.as_deref()).await?;
        match began {
            Some(began) => {
                let began = Some(began).filter(|commit| !commit.is_empty());
                match this.own_paths(began.as_deref()).await {
                    Ok(before) => paths.extend(before),
                    // The commit may be gone since: somebody wrote the history anew.
                    Err(e) => tracing::warn!("what an earlier run had is not known: {e}"),
                }
                show(git, &paths).await?;
                git.end()?;
            }
            None => {
                if let Some(path) = first_changed(git, &paths).await? {
                    return Err(GitError::Dirty { path });
                }
            }
        }
        Ok(this)
    }

    async fn own_paths(&self, commit: Option<&str>) -> Result<BTreeSet<String>, GitError> {
        let mut paths = BTreeSet::new();
        for environment in &self.known {
            let own = OwnFiles::at(self.git, commit, environment, true, Hashes::Skipped).await?;
            paths.extend(own.paths());
        }
        Ok(paths)
    }

    /// What is known of an environment, as the last commit has it.
    pub async fn part(
        &mut self,
        environment: &EnvironmentName,
    ) -> Result<(&'a Git, &mut EnvironmentTree), GitError> {
        let part = match self.parts.entry(environment.clone()) {
            Entry::Occupied(part) => part.into_mut(),
            Entry::Vacant(vacant) => {
                let has_history = self.known.contains(environment);
                let head = self.head.as_deref();
                let own =
                    OwnFiles::at(self.git, head, environment, has_history, Hashes::Taken).await?;
                vacant.insert(EnvironmentTree { own, shown: BTreeMap::new() })
            }
        };
        Ok((self.git, part))
    }

    /// Adds a commit with these changes, and with the list of files where that changed.
    pub async fn commit(
        &mut self,
        environment: &EnvironmentName,
        commit: &Commit,
        mut changes: Vec<FileChange>,
    ) -> Result<(), GitError> {
        changes.push(self.part(environment).await?.1.own.list());
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                self.git.begin(self.head.as_deref())?;
                HistoryWriter::start(self.git, self.head.clone()).await?
            }
        };
        self.touched.extend(changes.iter().map(|(path, _)| path.clone()));
        writer.commit(commit, &changes).await?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Puts the branch on the last commit, and shows it in the work tree.
    pub async fn finish(self) -> Result<(), GitError> {
        let Some(writer) = self.writer else { return Ok(()) };
        writer.finish().await?;
        show(self.git, &self.touched).await?;
        self.git.end()?;
        // A new file a commit would be many in a year; it is no failure where that cannot be done.
        if let Err(e) =
            self.git.run(&["-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"]).await
        {
            tracing::info!("{e}");
        }
        Ok(())
    }
}
