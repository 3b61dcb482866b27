//! `oicx doctor ENV --record FILE` and `oicx doctor --check FILE`: what an instance answers,
//! without what is in it.

use std::{io::Write, net::SocketAddr, path::Path};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    args::{DoctorOptions, Global},
    output::{self, CommandError, Exit},
    waiting,
};
use crate::config::{AuthConfig, Config, EnvironmentConfig, SecretSource};
use crate::files::create_private;
use crate::model::{EnvironmentName, Transcript, plural};
use crate::oic::{Client, Tuning};
use crate::ops::transcript::{Blanked, WalkedCall, blank, walk};
use crate::sim::Replay;
use crate::workspace::settings_of;

/// Walks an environment, and writes what its calls answered with every name blanked.
pub async fn record(
    config: &Config,
    options: &DoctorOptions,
    file: &Path,
    global: &Global,
) -> Result<Exit, CommandError> {
    let environment = chosen(config, options.environment.as_ref())?;
    let client = Client::recording(environment.clone(), Tuning::default());
    waiting::tell_silences(vec![client.clone()], global);
    // Where nobody can sign in, there is nothing to record.
    client.service_time().await.map_err(CommandError::from)?;
    let yesterday = Timestamp::now().saturating_sub(SignedDuration::from_hours(24));
    let walked = walk(&client, yesterday.unwrap_or_else(|_| Timestamp::now())).await;
    let known = names_of(environment);
    let Blanked { calls, names, hosts, mails } = blank(&client.recorded().calls, &known);
    let text = Transcript::text(&calls);
    write_new(file, &text)?;
    if global.json {
        output::json(&json!({ "file": file, "calls": calls.len(), "names": names,
            "hosts": hosts, "mails": mails, "walked": walked }));
        return Ok(Exit::Done);
    }
    output::line(format!(
        "{} of {} recorded in {}",
        plural(calls.len(), "answer"),
        environment.name,
        file.display()
    ));
    output::line(format!(
        "  replaced: {}, {}, {}; times, counts, versions and the service's own words stay",
        plural(names, "name or number").replace("name or numbers", "names and numbers"),
        plural(hosts, "host"),
        plural(mails, "mail address").replace("addresss", "addresses"),
    ));
    output::line("  → read it before you give it to anybody: nothing was sent anywhere");
    Ok(Exit::Done)
}

/// Reads a transcript with every reader of the client, and says what none could read.
pub async fn check(file: &Path, global: &Global) -> Result<Exit, CommandError> {
    let transcript = read(file)?;
    let replay = Replay::start(&transcript, SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .map_err(|e| CommandError::failed(e.to_string()))?;
    // Nobody looks at it, but a password must be read from somewhere.
    let password = tempfile::NamedTempFile::new()
        .and_then(|mut file| file.write_all(b"replay").map(|()| file))
        .map_err(|e| CommandError::failed(format!("no temporary file can be written: {e}")))?;
    let environment = replayed(&replay.url(), password.path())?;
    let client = Client::recording(environment, Tuning { tries: 1, ..Tuning::default() });
    // However old the transcript is.
    let walked = walk(&client, Timestamp::UNIX_EPOCH).await;
    let unread = client.recorded().unread;
    let problems: Vec<&WalkedCall> =
        walked.iter().filter(|c| c.problem.is_some() && !c.refused).collect();
    let good = problems.is_empty() && unread.is_empty();
    if global.json {
        output::json(&json!({ "calls": transcript.calls.len(), "walked": walked,
            "unread_records": unread, "unread_lines": transcript.unread }));
    } else {
        for call in &walked {
            match &call.problem {
                None => output::line(format!("  ✓ {}: {}", call.what, call.found)),
                Some(why) if call.refused => output::line(format!("  – {}: {why}", call.what)),
                Some(why) => output::line(format!("  ✗ {}: {why}", call.what)),
            }
        }
        unread.iter().for_each(|what| output::line(format!("  ✗ {what}")));
        let calls = plural(transcript.calls.len(), "recorded call");
        output::line(match good {
            true => format!("{calls}: every answer can be read"),
            false => format!(
                "{calls}: {} cannot be read",
                plural(problems.len() + unread.len(), "answer")
            ),
        });
    }
    for (line, why) in &transcript.unread {
        output::tell(format!("oicx: line {line} of {} is left out: {why}", file.display()));
    }
    Ok(match (good, transcript.unread.is_empty()) {
        (false, _) => Exit::Failed,
        (true, false) => Exit::Partly,
        (true, true) => Exit::Done,
    })
}

/// Reads a transcript for a replay or a check.
pub fn read(file: &Path) -> Result<Transcript, CommandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| CommandError::usage(format!("{} cannot be read: {e}", file.display())))?;
    Transcript::parse(&text).map_err(|e| {
        CommandError::usage(format!(
            "{}: {e}\n  → oicx doctor ENV --record FILE makes one",
            file.display()
        ))
    })
}

fn chosen<'c>(
    config: &'c Config,
    name: Option<&EnvironmentName>,
) -> Result<&'c EnvironmentConfig, CommandError> {
    match (name, config.environments.as_slice()) {
        (Some(name), _) => Ok(settings_of(config, name)?),
        (None, [one]) => Ok(one),
        (None, all) => {
            let known: Vec<String> = all.iter().map(|e| e.name.to_string()).collect();
            Err(CommandError::usage(format!(
                "which environment is recorded? one of {}: oicx doctor ENV --record FILE",
                known.join(", ")
            )))
        }
    }
}

/// An environment whose every answer comes from a transcript.
fn replayed(url: &str, password: &Path) -> Result<EnvironmentConfig, CommandError> {
    let parse = |text: String| {
        url::Url::parse(&text).map_err(|e| CommandError::failed(format!("{text}: {e}")))
    };
    let name = "replay".parse().map_err(|e| CommandError::failed(format!("{e}")))?;
    let password = SecretSource::File(password.to_owned());
    let auth = AuthConfig::Basic { user: "replay".into(), password };
    Ok(EnvironmentConfig::new(name, parse(url.to_owned())?, None, auth))
}

/// What the config says of the environment: nothing that has it stays in a transcript.
fn names_of(environment: &EnvironmentConfig) -> Vec<String> {
    let host = environment.url.host_str().map(str::to_owned);
    let client = match &environment.auth {
        AuthConfig::ClientCredentials { client_id, .. } => Some(client_id.clone()),
        AuthConfig::Jwt(jwt) => Some(jwt.user.clone()),
        AuthConfig::Person(person) => Some(person.client_id.clone()),
        AuthConfig::Basic { user, .. } => Some(user.clone()),
    };
    [host, environment.instance.clone(), client].into_iter().flatten().collect()
}

fn write_new(file: &Path, text: &str) -> Result<(), CommandError> {
    let written = create_private(file).and_then(|mut made| made.write_all(text.as_bytes()));
    written.map_err(|e| {
        let advice = match e.kind() {
            std::io::ErrorKind::AlreadyExists => "name another file, or delete this one first",
            _ => "name a file that can be written",
        };
        CommandError::failed(format!("{} cannot be written: {e}\n  → {advice}", file.display()))
    })
}
