//! Commits written by `git fast-import`: nothing of the work tree or the index is touched, no hook
//! and no signature is asked for, and where the process ends in the middle, the branch is as it was
//! at the last point that was kept.

use std::{fmt::Write as _, process::Stdio};

use jiff::Timestamp;
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    process::{Child, ChildStdin},
};

use super::program::{Git, GitError, good_output, not_started};

/// How many commits are kept at once: each time costs git some files.
const KEPT_AT_ONCE: usize = 50;
const IMPORT: &str = "fast-import";

/// One commit.
#[derive(Debug)]
pub struct Commit {
    pub message: String,
    pub author: Option<String>,
    pub time: Timestamp,
}

/// What becomes of one file in a commit: its path in the repository, and its text; none where it is
/// gone.
pub type FileChange = (String, Option<String>);

/// Writes commits on top of the branch that is checked out.
#[derive(Debug)]
pub struct HistoryWriter {
    child: Child,
    stdin: BufWriter<ChildStdin>,
    branch: String,
    /// The commit to begin from; none once one was written, and in a new repository.
    from: Option<String>,
    committer: String,
    written: usize,
}

impl HistoryWriter {
    /// Starts git.
    pub async fn start(git: &Git, from: Option<String>) -> Result<Self, GitError> {
        let mut command = git.command();
        command.args([IMPORT, "--quiet", "--done", "--date-format=raw"]);
        command.stdin(Stdio::piped()).stdout(git.lock()?).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|why| not_started(IMPORT, why))?;
        let Some(stdin) = child.stdin.take() else {
            return Err(not_started(IMPORT, std::io::ErrorKind::BrokenPipe.into()));
        };
        let (branch, committer) = (git.branch().to_owned(), git.committer().await);
        let stdin = BufWriter::new(stdin);
        Ok(Self { child, stdin, branch, from, committer, written: 0 })
    }

    /// Writes one commit.
    pub async fn commit(
        &mut self,
        commit: &Commit,
        changes: &[FileChange],
    ) -> Result<(), GitError> {
        match self.send(commit, changes).await {
            Ok(()) => Ok(()),
            // It ended: its own words say why.
            Err(why) => Err(self.why_it_ended(why).await),
        }
    }

    async fn send(&mut self, commit: &Commit, changes: &[FileChange]) -> std::io::Result<()> {
        let seconds = commit.time.as_second();
        let author = commit.author.as_deref().and_then(identity);
        let author = author.unwrap_or_else(|| self.committer.clone());
        let mut head = format!(
            "commit {}\nauthor {author} {seconds} +0000\ncommitter {} {seconds} +0000\n",
            self.branch, self.committer
        );
        let _ = write!(head, "data {}\n{}\n", commit.message.len(), commit.message);
        if let Some(from) = self.from.take() {
            let _ = writeln!(head, "from {from}");
        }
        self.stdin.write_all(head.as_bytes()).await?;
        for (path, text) in changes {
            let path = quoted(path);
            match text {
                Some(text) => {
                    let head = format!("M 100644 inline {path}\ndata {}\n", text.len());
                    self.stdin.write_all(head.as_bytes()).await?;
                    self.stdin.write_all(text.as_bytes()).await?;
                    self.stdin.write_all(b"\n").await?;
                }
                None => self.stdin.write_all(format!("D {path}\n").as_bytes()).await?,
            }
        }
        self.stdin.write_all(b"\n").await?;
        self.written += 1;
        if self.written.is_multiple_of(KEPT_AT_ONCE) {
            self.stdin.write_all(b"checkpoint\n\n").await?;
        }
        self.stdin.flush().await
    }

    async fn why_it_ended(&mut self, why: std::io::Error) -> GitError {
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut said).await;
        }
        let said = match said.trim() {
            "" => why.to_string(),
            said => crate::model::visible(said).into_owned(),
        };
        GitError::Failed { what: IMPORT.to_owned(), why: said }
    }

    /// Puts the branch on the last commit that was written.
    pub async fn finish(mut self) -> Result<(), GitError> {
        let sent = async {
            self.stdin.write_all(b"done\n").await?;
            self.stdin.flush().await
        };
        // Where it ended before, its own words say why.
        let _ = sent.await;
        drop(self.stdin);
        good_output(IMPORT, self.child.wait_with_output().await).map(drop)
    }
}

/// The name of somebody as git writes it, `j.doe <j.doe>`; none where nothing is left that names
/// somebody.
fn identity(who: &str) -> Option<String> {
    let plain: String =
        who.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    let plain = plain.trim_matches(|c: char| !c.is_alphanumeric());
    (!plain.is_empty()).then(|| format!("{plain} <{plain}>"))
}

/// A path as `fast-import` reads it whatever is in it.
fn quoted(path: &str) -> String {
    let mut quoted = String::from("\"");
    for c in path.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::own_files::show;
    use super::*;

    #[rstest]
    #[case::plain("j.doe", Some("j.doe <j.doe>"))]
    #[case::a_mail_address("j.doe@acme.com", Some("j.doe@acme.com <j.doe@acme.com>"))]
    #[case::with_brackets("Jane <jane@acme.com>", Some("Jane jane@acme.com <Jane jane@acme.com>"))]
    #[case::blank("   ", None)]
    #[case::punctuation("...", None)]
    #[case::a_line_end("j\n.doe", Some("j.doe <j.doe>"))]
    fn an_author_is_one_that_git_takes(#[case] who: &str, #[case] wanted: Option<&str>) {
        assert_eq!(identity(who).as_deref(), wanted);
    }

    /// More than a command line takes, in the message and in the number of files.
    #[tokio::test]
    async fn nothing_is_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let git = Git::open(folder.path()).await.unwrap();
        let name = |n: usize| format!("prod/integrations/{}{n}/flow.txt", "A".repeat(100));
        let put: Vec<FileChange> = (0..3_000).map(|n| (name(n), Some(n.to_string()))).collect();
        let message = format!("s\n\n{}", "a line of it\n".repeat(40_000));
        let (author, time) = (None, Timestamp::UNIX_EPOCH);
        let commit = Commit { message: message.clone(), author, time };
        let mut writer = HistoryWriter::start(&git, None).await.unwrap();
        writer.commit(&commit, &put).await.unwrap();
        let paths = put.into_iter().map(|(path, _)| path).collect();
        writer.finish().await.unwrap();
        show(&git, &paths).await.unwrap();
        assert_eq!(git.run(&["log", "-1", "--format=%B"]).await.unwrap().trim(), message.trim());
        assert_eq!(git.run(&["status", "--porcelain"]).await.unwrap(), "");
        assert_eq!(std::fs::read_to_string(folder.path().join(name(7))).unwrap(), "7");
        let gone: Vec<FileChange> = paths.iter().map(|path| (path.clone(), None)).collect();
        let mut writer = HistoryWriter::start(&git, git.head().await).await.unwrap();
        writer.commit(&commit, &gone).await.unwrap();
        writer.finish().await.unwrap();
        show(&git, &paths).await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only .git");
    }

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() {
        assert_eq!(quoted("prod/a b/\"c\"\\d\ne"), r#""prod/a b/\"c\"\\d\ne""#);
    }
}
