//! The log: a file that is kept for a week, the last lines for the explorer's `L`, and standard
//! error with -v.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tracing_appender::rolling::{RollingFileAppender, Rotation};

use crate::config;
use crate::files::private_folder;

/// How many lines the explorer shows.
const LOG_LINES: usize = 2_000;
/// How many log files are kept, one for each day; older ones are deleted.
const LOG_FILES: usize = 7;
const PREFIX: &str = "oicx";
const SUFFIX: &str = "log";

/// Where this process's log lines go.
#[derive(Clone)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    file: Arc<LogFile>,
}

impl Log {
    /// Starts to keep the log.
    ///
    /// `explorer` says that the screen is taken: nothing is written beside it then.
    pub fn start(verbose: u8, explorer: bool) -> Self {
        let this =
            Self { lines: Arc::default(), file: Arc::new(LogFile::in_folder(config::log_dir())) };
        let level = match verbose {
            0 => "oicx=info",
            1 => "oicx=debug",
            _ => "oicx=trace,reqwest=debug,hyper_util=debug",
        };
        let writer = LogWriter { log: this.clone(), loud: verbose > 0 && !explorer };
        let _ = tracing_subscriber::fmt()
            .with_env_filter(level)
            .with_ansi(false)
            .with_target(false)
            .with_writer(move || writer.clone())
            .try_init();
        this
    }

    /// The last lines, as they grow.
    pub fn lines(&self) -> Arc<Mutex<Vec<String>>> {
        self.lines.clone()
    }

    /// The file that is written today; none where its folder cannot be written to.
    pub fn file(&self) -> Option<PathBuf> {
        self.file.open()?;
        Some(self.file.path_today())
    }
}

/// The log's file. It is opened with its first line, so a command that has nothing to say leaves
/// none.
struct LogFile {
    folder: PathBuf,
    appender: OnceLock<Option<Mutex<RollingFileAppender>>>,
}

impl LogFile {
    fn in_folder(folder: PathBuf) -> Self {
        Self { folder, appender: OnceLock::new() }
    }

    /// Opens the file; none where it cannot be written, which must not stop the command.
    fn open(&self) -> Option<&Mutex<RollingFileAppender>> {
        self.appender.get_or_init(|| appender(&self.folder).map(Mutex::new)).as_ref()
    }

    fn path_today(&self) -> PathBuf {
        // `tracing-appender` names the file so: by the day in UTC.
        let day = jiff::Timestamp::now().strftime("%Y-%m-%d");
        self.folder.join(format!("{PREFIX}.{day}.{SUFFIX}"))
    }
}

fn appender(folder: &Path) -> Option<RollingFileAppender> {
    // The appender looks for old files first, and complains on standard error where there is no
    // folder.
    private_folder(folder).ok()?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(PREFIX)
        .filename_suffix(SUFFIX)
        .max_log_files(LOG_FILES)
        .build(folder)
        .ok()
}

#[derive(Clone)]
struct LogWriter {
    log: Log,
    loud: bool,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let shown = text.lines().map(|l| crate::model::visible(l).into_owned());
        let shown: Vec<String> = shown.collect();
        if let Some(file) = self.log.file.open() {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = shown.iter().try_for_each(|line| writeln!(file, "{line}"));
        }
        let mut lines = self.log.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(shown.iter().cloned());
        let excess = lines.len().saturating_sub(LOG_LINES);
        lines.drain(..excess);
        drop(lines);
        if self.loud {
            let mut error = std::io::stderr();
            shown.iter().try_for_each(|line| writeln!(error, "{line}"))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_reach_the_file_of_the_day_and_old_files_go() {
        let folder = tempfile::tempdir().unwrap();
        for day in 1..=9 {
            let name = format!("oicx.2020-01-0{day}.log");
            std::fs::write(folder.path().join(name), "old\n").unwrap();
        }
        let log = Log {
            lines: Arc::default(),
            file: Arc::new(LogFile::in_folder(folder.path().to_owned())),
        };
        let mut writer = LogWriter { log: log.clone(), loud: false };
        writer.write_all(b"one\x1b[0m\n").unwrap();
        let text = std::fs::read_to_string(log.file().unwrap()).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), *log.lines.lock().unwrap());
        assert!(!text.contains('\u{1b}'), "control characters are made visible");
        assert!(std::fs::read_dir(folder.path()).unwrap().count() <= LOG_FILES);
    }

    #[test]
    fn a_folder_that_cannot_be_written_stops_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = file.path().join("logs");
        let log = Log { lines: Arc::default(), file: Arc::new(LogFile::in_folder(folder)) };
        LogWriter { log: log.clone(), loud: false }.write_all(b"one\n").unwrap();
        assert_eq!((log.file(), log.lines.lock().unwrap().len()), (None, 1));
    }
}
