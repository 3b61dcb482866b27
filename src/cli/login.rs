//! `oicx login ENV` and `oicx logout ENV`: a person's own sign-in, in the browser.

use serde_json::json;

use super::{
    args::{Global, LoginOptions},
    output::{self, CommandError, Exit},
};
use crate::config::{AuthConfig, Config, EnvironmentConfig, PersonAuth};
use crate::model::EnvironmentName;
use crate::oic::{Client, LONGEST_LOGIN, Login, LoginError, LoginFile, Tuning};
use crate::workspace::settings_of;

/// Opens the browser, waits for the person, and keeps the sign-in.
pub async fn log_in(
    config: &Config,
    options: &LoginOptions,
    global: &Global,
) -> Result<Exit, CommandError> {
    let (environment, person) = person_of(config, &options.environment)?;
    let login = Login::begin(person).await.map_err(|e| failed(&e))?;
    // The address goes to standard output: a person on another machine copies it.
    let shown = login.address().as_str().to_owned();
    let opened = !options.no_browser && open::that_detached(&shown).is_ok();
    match opened {
        true => output::aside(global, format!("the browser opens; if it does not: {shown}")),
        false if global.json => output::tell(format!("open this address and sign in:\n  {shown}")),
        false => output::line(format!("open this address and sign in:\n  {shown}")),
    }
    let came = login.wait(LONGEST_LOGIN).await.map_err(|e| failed(&e))?;
    let client = Client::new(environment.clone(), Tuning::default());
    let lasts = client.finish_login(came).await.map_err(CommandError::from)?;
    if global.json {
        output::json(
            &json!({ "environment": environment.name, "signed_in": true, "lasts": lasts }),
        );
        return Ok(Exit::Done);
    }
    output::line(format!("signed in on {}", environment.name));
    if !lasts {
        output::line(
            "  the identity domain gave no refresh token: sign in again when the token ends\n    \
             → add offline_access to the scope, and allow the refresh token grant to the client",
        );
    }
    Ok(Exit::Done)
}

/// Forgets the sign-in that is kept on this machine.
pub async fn log_out(
    config: &Config,
    environment: &EnvironmentName,
    global: &Global,
) -> Result<Exit, CommandError> {
    let (settings, person) = person_of(config, environment)?;
    // The token of that sign-in would be good for a while.
    Client::new(settings.clone(), Tuning::default()).forget_token().await;
    let there = LoginFile::of(person).forget().map_err(|e| failed(&e))?;
    if global.json {
        output::json(&json!({ "environment": environment, "signed_out": there }));
    } else if there {
        output::line(format!("signed out on {environment}"));
    } else {
        output::line(format!("nobody was signed in on {environment}"));
    }
    Ok(Exit::Done)
}

fn person_of<'c>(
    config: &'c Config,
    name: &EnvironmentName,
) -> Result<(&'c EnvironmentConfig, &'c PersonAuth), CommandError> {
    let environment: &EnvironmentConfig = settings_of(config, name)?;
    match &environment.auth {
        AuthConfig::Person(person) => Ok((environment, person)),
        other => Err(CommandError::usage(format!(
            "{name} signs in by {}, not by a person\n  → set type = \"authorization_code\" under \
             [environments.{name}.auth]",
            other.kind()
        ))),
    }
}

fn failed(error: &LoginError) -> CommandError {
    let advice = match error {
        LoginError::Port { .. } => {
            "close what uses it, or set redirect_port to another that the client's redirect URLs name"
        }
        LoginError::Random(_) => "the system gives random numbers; look at its log",
        LoginError::TooLate => "try again; --no-browser prints the address",
        LoginError::Refused(_) => {
            "look at the client in the identity domain: grant, redirect URL, scope"
        }
        LoginError::Keep { .. } => "give yourself the right to write there",
    };
    CommandError::failed(format!("{error}\n  → {advice}"))
}
