//! The files of a repository that this program writes. A list in the tree names them: nothing else
//! is written over or taken away.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::{
    history::FileChange,
    program::{Git, GitError},
};
use crate::model::EnvironmentName;

/// The list's name in an environment's folder: a path a line, sorted.
const LIST: &str = ".oicx-files";

/// What a file holds, as a hash.
type Held = [u8; 32];

/// Whether the hashes of files are taken: each of them is read for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashes {
    Taken,
    Skipped,
}

/// The own files of one environment, as the last commit has them.
#[derive(Debug)]
pub struct OwnFiles {
    environment: EnvironmentName,
    /// By path in the repository; none where it is not known what is in it.
    held: BTreeMap<String, Option<Held>>,
    /// The own paths as the work tree shows them: commits of this run are shown at its end.
    began_with: BTreeSet<String>,
    /// Paths that somebody else's commits have in the folder.
    foreign: BTreeSet<String>,
    /// Whether the list itself is in the tree.
    listed: bool,
}

impl OwnFiles {
    /// Reads what a commit has of an environment. Where an older release wrote it, which kept no
    /// list, all is its own that lies as it laid it: a kind, an artifact, a file.
    pub async fn at(
        git: &Git,
        commit: Option<&str>,
        environment: &EnvironmentName,
        has_history: bool,
        hashes: Hashes,
    ) -> Result<Self, GitError> {
        let mut this = Self {
            environment: environment.clone(),
            held: BTreeMap::new(),
            began_with: BTreeSet::new(),
            foreign: BTreeSet::new(),
            listed: false,
        };
        let Some(commit) = commit else { return Ok(this) };
        let tracked = tracked(git, commit, environment).await?;
        let list = this.list_path();
        let own: BTreeSet<String> = match tracked.get(&list) {
            Some(blob) => {
                this.listed = true;
                let text = git.run(&["cat-file", "blob", blob]).await?;
                let inside = |line: &str| format!("{environment}/{line}");
                text.lines().map(inside).collect()
            }
            None if has_history => {
                tracked.keys().filter(|path| path.split('/').count() > 3).cloned().collect()
            }
            None => BTreeSet::new(),
        };
        let to_read = |own: &BTreeMap<String, String>| match hashes {
            Hashes::Taken => own.values().cloned().collect(),
            Hashes::Skipped => BTreeSet::new(),
        };
        let (own, foreign): (BTreeMap<_, _>, BTreeMap<_, _>) = tracked
            .into_iter()
            .filter(|(path, _)| *path != list)
            .partition(|(p, _)| own.contains(p));
        this.foreign = foreign.into_keys().collect();
        let held = held_by(git, to_read(&own)).await?;
        this.began_with = own.keys().cloned().collect();
        this.held = own.into_iter().map(|(p, blob)| (p, held.get(&blob).copied())).collect();
        Ok(this)
    }

    fn list_path(&self) -> String {
        format!("{}/{LIST}", self.environment)
    }

    /// All own paths, the list among them.
    pub fn paths(&self) -> BTreeSet<String> {
        let list = self.listed.then(|| self.list_path());
        self.held.keys().cloned().chain(list).collect()
    }

    /// Takes in that the files below a folder of the environment, `integrations/SYNC`, are gone but
    /// for those whose names stay.
    pub fn remove_below(&mut self, place: &str, stays: impl Fn(&str) -> bool) -> Vec<FileChange> {
        let folder = format!("{}/{place}/", self.environment);
        let below = self.held.range(folder.clone()..).map(|(path, _)| path);
        let below = below.take_while(|path| path.starts_with(&folder));
        let gone: Vec<String> =
            below.filter(|path| !stays(&path[folder.len()..])).cloned().collect();
        for path in &gone {
            self.held.remove(path);
        }
        gone.into_iter().map(|path| (path, None)).collect()
    }

    /// The folders of artifacts that have files, as `kind/name`.
    pub fn places(&self) -> BTreeSet<String> {
        let place = |path: &String| {
            let mut parts = path.split('/').skip(1);
            Some(format!("{}/{}", parts.next()?, parts.next()?))
        };
        self.held.keys().filter_map(place).collect()
    }

    /// Takes in that a file holds this text from now on; the change, where it is one.
    ///
    /// # Errors
    /// [`GitError::Foreign`] where somebody else's file is in its place.
    pub fn put(
        &mut self,
        git: &Git,
        place: &str,
        name: &str,
        text: String,
    ) -> Result<Option<FileChange>, GitError> {
        let path = format!("{}/{place}/{name}", self.environment);
        let holds: Held = Sha256::digest(text.as_bytes()).into();
        match self.held.get(&path) {
            Some(held) if *held == Some(holds) => return Ok(None),
            Some(_) => {}
            None if self.began_with.contains(&path) => {}
            None => {
                // The same text may lie there: a run of an earlier release was cut off before its
                // commit.
                let there = self.in_the_way(git, &path);
                let is_same = || {
                    let plain =
                        git.folder().join(&path).symlink_metadata().is_ok_and(|m| m.is_file());
                    plain
                        && std::fs::read(git.folder().join(&path))
                            .is_ok_and(|b| b == text.as_bytes())
                };
                if let Some(there) = there.filter(|there| *there != path || !is_same()) {
                    return Err(GitError::Foreign { path: there });
                }
            }
        }
        self.held.insert(path.clone(), Some(holds));
        Ok(Some((path, Some(text))))
    }

    /// What stands where a new file belongs, or where one of its folders does: a link there would
    /// lead out of the repository.
    fn in_the_way(&self, git: &Git, path: &str) -> Option<String> {
        if self.foreign.contains(path) || git.folder().join(path).symlink_metadata().is_ok() {
            return Some(path.to_owned());
        }
        let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| &path[..at]);
        let no_folder = |folder: &&str| {
            // An own file goes, where a folder takes its place.
            if self.began_with.contains(*folder) {
                return false;
            }
            let there = git.folder().join(folder).symlink_metadata();
            there.is_ok_and(|there| !there.is_dir()) || self.foreign.contains(*folder)
        };
        ends.into_iter().find(no_folder).map(str::to_owned)
    }

    /// The list as a file of the next commit.
    pub fn list(&mut self) -> FileChange {
        self.listed = true;
        let prefix = format!("{}/", self.environment);
        let lines = self.held.keys().filter_map(|path| path.strip_prefix(&prefix));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        (self.list_path(), Some(text))
    }
}

/// The files that a commit has of an environment: path -> the id of what is in it.
async fn tracked(
    git: &Git,
    commit: &str,
    environment: &EnvironmentName,
) -> Result<BTreeMap<String, String>, GitError> {
    let listed = git.run(&["ls-tree", "-r", "-z", commit, "--", environment.as_str()]).await?;
    let entry = |entry: &str| {
        let (about, path) = entry.split_once('\t')?;
        Some((path.to_owned(), about.rsplit(' ').next()?.to_owned()))
    };
    Ok(listed.split('\0').filter_map(entry).collect())
}

/// The hashes of what blobs hold, by their ids.
async fn held_by(git: &Git, blobs: BTreeSet<String>) -> Result<HashMap<String, Held>, GitError> {
    let asked: String = blobs.iter().map(|blob| format!("{blob}\n")).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let answer = git.feed(&["cat-file", "--batch"], asked.into_bytes()).await?;
    let (mut hashes, mut rest) = (HashMap::new(), answer.as_slice());
    // `ID blob SIZE`, a line end, so many bytes, a line end.
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let mut words = head.split(' ');
        let (id, size) = (words.next().unwrap_or_default(), words.nth(1));
        let Some(size) = size.and_then(|size| size.parse::<usize>().ok()) else { break };
        let Some(bytes) = rest.get(end + 1..end + 1 + size) else { break };
        hashes.insert(id.to_owned(), Sha256::digest(bytes).into());
        rest = rest.get(end + 2 + size..).unwrap_or_default();
    }
    Ok(hashes)
}

/// Makes the work tree and the index show the last commit, for these paths and no others.
pub async fn show(git: &Git, paths: &BTreeSet<String>) -> Result<(), GitError> {
    let Some(head) = git.head().await else { return Ok(()) };
    let listed = git.run(&["ls-tree", "-r", "-z", "--name-only", &head]).await?;
    let there: BTreeSet<&str> = listed.split('\0').collect();
    let (shown, gone): (Vec<&String>, Vec<&String>) =
        paths.iter().partition(|path| there.contains(path.as_str()));
    if !gone.is_empty() {
        git.change(&["rm", "--quiet", "--force", "--ignore-unmatch"], &gone).await?;
    }
    if !shown.is_empty() {
        let source = format!("--source={head}");
        git.change(&["restore", "--quiet", "--staged", "--worktree", &source], &shown).await?;
    }
    Ok(())
}

/// The first of these paths whose file is not as the last commit has it.
pub async fn first_changed(
    git: &Git,
    paths: &BTreeSet<String>,
) -> Result<Option<String>, GitError> {
    let status = git.run(&["status", "--porcelain", "-z", "--untracked-files=no"]).await?;
    let changed = status.split('\0').filter_map(|entry| entry.get(3..));
    Ok(changed.map(str::to_owned).find(|path| paths.contains(path)))
}
