//! What commands print and how they end.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::OnceLock;

use serde::Serialize;

use super::args::{Global, ProgressStyle};
use crate::model::{Finding, visible, visible_lines, without_secrets};
use crate::workspace::{
    events::{Events, Progress},
    source::FetchedArchive,
};

/// Exit codes, as `oicx --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    Usage,
    Partly,
    /// `diff`, `drift`: the two are not the same.
    Differs,
    Interrupted,
}

impl Exit {
    /// The exit code of the process.
    pub fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::Differs => 4,
            Self::Interrupted => 130,
        }
    }
}

/// A command that could not do its work: what failed, why, what to try.
#[derive(Debug)]
pub struct CommandError {
    exit: Exit,
    text: String,
}

impl CommandError {
    /// The work did not succeed: exit code 1.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, text: text.into() }
    }

    /// The command line or the config is wrong: exit code 2.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into() }
    }

    /// What failed, why, what to try.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Prints it and gives the exit code.
    pub fn tell(self) -> Exit {
        tell(format!("oicx: {}", self.text));
        self.exit
    }
}

impl From<crate::config::ConfigError> for CommandError {
    fn from(e: crate::config::ConfigError) -> Self {
        Self::usage(e.to_string())
    }
}

impl From<crate::workspace::OpenError> for CommandError {
    fn from(e: crate::workspace::OpenError) -> Self {
        use crate::workspace::OpenError;
        match e {
            OpenError::NoEnvironment(_) | OpenError::Unknown { .. } | OpenError::NoStore => {
                Self::usage(e.to_string())
            }
            OpenError::Store(_) => Self::failed(e.to_string()),
        }
    }
}

impl From<crate::workspace::source::SourceError> for CommandError {
    fn from(e: crate::workspace::source::SourceError) -> Self {
        match e {
            crate::workspace::source::SourceError::Open(e) => e.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::ops::request_builder::RequestError> for CommandError {
    fn from(e: crate::ops::request_builder::RequestError) -> Self {
        match e {
            crate::ops::request_builder::RequestError::Source(e) => e.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::ops::drift::DriftError> for CommandError {
    fn from(e: crate::ops::drift::DriftError) -> Self {
        match e {
            crate::ops::drift::DriftError::Source(e) => e.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::ops::drill::DrillError> for CommandError {
    fn from(e: crate::ops::drill::DrillError) -> Self {
        use crate::ops::drill::DrillError;
        match e {
            DrillError::Request(e) => e.into(),
            DrillError::Same(_) => Self::usage(e.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::ops::run_plan::RunPlanError> for CommandError {
    fn from(e: crate::ops::run_plan::RunPlanError) -> Self {
        match e {
            crate::ops::run_plan::RunPlanError::Environment(e) => e.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

impl From<crate::ops::run_plan::TakeUpError> for CommandError {
    fn from(e: crate::ops::run_plan::TakeUpError) -> Self {
        use crate::ops::run_plan::TakeUpError;
        match e {
            TakeUpError::Store(e) => e.into(),
            TakeUpError::Drill(e) => e.into(),
        }
    }
}

impl From<crate::restore::RunError> for CommandError {
    fn from(e: crate::restore::RunError) -> Self {
        Self::failed(e.to_string())
    }
}

impl From<crate::store::StoreError> for CommandError {
    fn from(e: crate::store::StoreError) -> Self {
        Self::failed(e.to_string())
    }
}

impl From<crate::oic::OicError> for CommandError {
    fn from(e: crate::oic::OicError) -> Self {
        Self::failed(format!("{e}\n  → {}", e.advice()))
    }
}

/// Whether a person reads the output and types the input.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// Why a part of the result was not written.
static LOST: OnceLock<String> = OnceLock::new();

/// Prints a line of a result. A reader that went away (`| head`) is no failure. This and [`tell`]
/// are the doors to the terminal: no text from outside steers it, wherever it came from.
pub fn line(text: impl AsRef<str>) {
    note_loss(writeln!(std::io::stdout(), "{}", visible_lines(text.as_ref())));
}

/// Prints a line on standard error.
pub fn tell(text: impl AsRef<str>) {
    eprintln!("{}", visible_lines(text.as_ref()));
}

/// Tells which scopes may have what was found in another, and could not be looked at.
pub fn not_looked_at(found: &FetchedArchive) {
    for unseen in &found.unseen {
        tell(format!("oicx: {} was found; not looked at: {unseen}", found.label));
    }
}

/// Prints a result that is whole already: a script, a page.
pub fn bytes(result: &[u8]) {
    note_loss(std::io::stdout().write_all(result));
}

/// Notes that a part of the result was not written; [`whole`] tells it.
pub fn note_loss(written: std::io::Result<()>) {
    if let Err(e) = written
        && e.kind() != std::io::ErrorKind::BrokenPipe
    {
        LOST.get_or_init(|| e.to_string());
    }
}

/// The end of a command: a failure where its result was not written whole.
pub fn whole(exit: Exit) -> Exit {
    note_loss(std::io::stdout().flush());
    match LOST.get() {
        Some(why) => {
            let text = format!("the result was not written whole: {why}");
            CommandError::failed(text).tell()
        }
        None => exit,
    }
}

/// Prints a finding of a plan, with its advice below.
pub fn finding(finding: &Finding) {
    line(format!("  {} {}", finding.mark(), finding.what));
    finding.fix.iter().for_each(|fix| line(format!("      → {fix}")));
}

/// Prints one value as indented JSON on standard output.
pub fn json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    // A program reads it: but for secrets, its texts are as they were given.
    note_loss(writeln!(std::io::stdout(), "{}", without_secrets(&text)));
}

/// Prints a remark on standard error, unless the person wants results only.
pub fn aside(global: &Global, text: impl AsRef<str>) {
    if !global.quiet {
        tell(text);
    }
}

/// Asks on standard error and reads the answer's line.
pub fn ask(question: &str) -> String {
    eprint!("{}", visible_lines(question));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    answer.trim().to_owned()
}

/// Shows progress on standard error until every [`Events`] of the channel is gone.
fn progress(global: &Global, title: &str) -> (Events, tokio::task::JoinHandle<()>) {
    let (events, mut news) = Events::channel();
    let style = match global.progress {
        ProgressStyle::Auto if global.quiet || !std::io::stderr().is_terminal() => {
            ProgressStyle::None
        }
        other => other,
    };
    let title = title.to_owned();
    let task = tokio::spawn(async move {
        let bar = (style == ProgressStyle::Auto).then(|| new_bar(&title));
        while let Some(progress) = news.recv().await {
            match (&bar, style) {
                (Some(bar), _) => advance(bar, &progress),
                (None, ProgressStyle::Json) => {
                    let line = ProgressLine { about: &title, progress: &progress };
                    eprintln!("{}", serde_json::to_string(&line).unwrap_or_default());
                }
                (None, _) => {}
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    });
    (events, task)
}

/// How a backup shows its progress. It may run for long where nobody sees a bar, so a log then gets
/// JSON lines.
pub fn backup_progress(global: &Global) -> ProgressStyle {
    match global.progress {
        ProgressStyle::Auto if !global.quiet && !std::io::stderr().is_terminal() => {
            ProgressStyle::Json
        }
        other => other,
    }
}

/// Does work that reports its progress, which is shown on standard error until the work is done.
pub async fn watched<T, F: Future<Output = T>>(
    global: &Global,
    title: &str,
    work: impl FnOnce(Events) -> F,
) -> T {
    let (events, shown) = progress(global, title);
    let result = work(events).await;
    let _ = shown.await;
    result
}

/// A line of progress that names its environment, since several report at once.
#[derive(Serialize)]
struct ProgressLine<'a> {
    about: &'a str,
    #[serde(flatten)]
    progress: &'a Progress,
}

fn new_bar(title: &str) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(0);
    let template = "{prefix:12} [{bar:30}] {pos}/{len} {per_sec} {msg}";
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar.set_prefix(title.to_owned());
    bar
}

fn advance(bar: &indicatif::ProgressBar, progress: &Progress) {
    match progress {
        Progress::Total { count } => bar.set_length(*count as u64),
        Progress::Done { what, .. } => {
            bar.inc(1);
            bar.set_message(visible(what).into_owned());
        }
        Progress::Failed { what, why } => {
            bar.inc(1);
            bar.println(visible(&format!("✗ {what}: {why}")));
        }
        Progress::Step { state, note, index } => {
            bar.println(visible(&format!("{} {} {note}", state.mark(), index.0 + 1)))
        }
        Progress::Waiting { text, .. } => bar.set_message(visible(text).into_owned()),
        Progress::Note { text } => bar.println(visible_lines(text)),
    }
}
