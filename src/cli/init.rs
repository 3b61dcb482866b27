//! `oicx init`, and what a person sees who has no config yet.

use std::{io::Write, path::Path};

use super::{
    args::{DemoOptions, Global},
    log,
    output::{self, CommandError, Exit},
};
use crate::config::SAMPLE;
use crate::files::write_atomic;

/// Writes a configuration file to fill in; one that exists is left alone unless `force`.
pub fn run(path: &Path, force: bool) -> Result<Exit, CommandError> {
    if path.exists() && !force {
        return Err(CommandError::usage(format!(
            "{} is there already; it is not touched\n  → edit it, or write over it with --force",
            path.display()
        )));
    }
    write_atomic(path, SAMPLE.as_bytes())
        .map_err(|e| CommandError::failed(format!("{} cannot be written: {e}", path.display())))?;
    output::line(format!("wrote {}", path.display()));
    output::line("next: name your environments in it, then run `oicx doctor`");
    Ok(Exit::Done)
}

/// What a start without a config does: it says where the config would lie, and offers what to do.
pub async fn first_start(
    path: &Path,
    log: log::Log,
    global: &Global,
) -> Result<Exit, CommandError> {
    output::tell(format!("oicx has no config yet; it would lie at {}\n", path.display()));
    output::tell("  d  look around in the demo: an invented company, no account needed");
    output::tell("  n  make a config: asks for one environment, tries it, writes it");
    output::tell("  s  write a commented sample to fill in by hand");
    output::tell("  q  quit");
    loop {
        match ask("\n>").await.as_deref() {
            Some("d") => {
                return super::demo::run(&DemoOptions { archives: None }, log, global).await;
            }
            Some("n") => return make(path, global).await,
            Some("s") => return run(path, false),
            Some("q") | None => return Ok(Exit::Done),
            Some(_) => output::tell("d, n, s or q"),
        }
    }
}

/// Asks for one line; none where the input ended.
async fn ask(question: &str) -> Option<String> {
    eprint!("{question} ");
    let _ = std::io::stderr().flush();
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|n| (n, answer))
    });
    match read.await {
        Ok(Ok((count, answer))) if count > 0 => Some(answer.trim().to_owned()),
        _ => None,
    }
}

/// What is asked for one environment: the key in the text below, the question, and the answer if
/// nothing is typed.
const QUESTIONS: [(&str, &str, &str); 8] = [
    ("name", "the environment's name, one short word [prod]:", "prod"),
    ("url", "its design-time URL (https://design.integration.REGION.ocp.oraclecloud.com):", ""),
    ("instance", "the service instance's name (integrationInstance):", ""),
    (
        "token_url",
        "the identity domain's token URL \
            (https://idcs-….identity.oraclecloud.com/oauth2/v1/token):",
        "",
    ),
    ("client_id", "the client id of the confidential application:", ""),
    ("secret", "the environment variable that holds its secret [OIC_SECRET]:", "OIC_SECRET"),
    (
        "scope",
        "the scope \
            (https://….integration.REGION.ocp.oraclecloud.com:443urn:opc:resource:consumer::all):",
        "",
    ),
    ("store", "the folder for backups [~/oic-backups]:", "~/oic-backups"),
];

/// Asks for an environment, tries it, and writes the config. Nothing is written that cannot be read
/// back.
async fn make(path: &Path, global: &Global) -> Result<Exit, CommandError> {
    let mut answers = std::collections::HashMap::new();
    for (key, question, usual) in QUESTIONS {
        let Some(answer) = ask(question).await else {
            return Err(CommandError::usage("the input ended; nothing was written"));
        };
        answers.insert(key, if answer.is_empty() { usual.to_owned() } else { answer });
    }
    let quoted =
        |key: &str| toml::Value::String(answers.get(key).cloned().unwrap_or_default()).to_string();
    let name = answers.get("name").cloned().unwrap_or_default();
    let text = format!(
        "store = {}\n\n[environments.{name}]\nurl = {}\ninstance = {}\nprotected = \
            true\n\n[environments.{name}.auth]\ntype = \"client_credentials\"\ntoken_url = \
            {}\nclient_id = {}\nclient_secret = {{ env = {} }}\nscope = {}\n",
        quoted("store"),
        quoted("url"),
        quoted("instance"),
        quoted("token_url"),
        quoted("client_id"),
        quoted("secret"),
        quoted("scope"),
    );
    let config = crate::config::parse(&text, path)
        .map_err(|e| CommandError::usage(format!("{e}\nnothing was written")))?;
    super::doctor::examine(&config, global).await?;
    write_atomic(path, text.as_bytes())
        .map_err(|e| CommandError::failed(format!("{} cannot be written: {e}", path.display())))?;
    output::tell(format!(
        "\nwrote {}; `oicx` opens the explorer, `oicx doctor` checks again",
        path.display()
    ));
    Ok(Exit::Done)
}
