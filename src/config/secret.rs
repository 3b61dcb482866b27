//! Where a secret lies, and how it is read when it is needed.

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::de::{self, MapAccess, Visitor};

use crate::model::remember_secret;

/// A secret's place: an environment variable, a command's output, a file, the keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    Command(Vec<String>),
    File(PathBuf),
    Keyring(String),
}

/// Why a secret could not be read. Never holds any of it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {0} is not set; export it before starting oicx")]
    EnvMissing(String),
    #[error("the secret's command `{program}` {why}")]
    Command { program: String, why: String },
    #[error("the secret's file {path} cannot be read: {why}")]
    File { path: PathBuf, why: String },
    #[error("the secret from {0} is empty")]
    Empty(String),
    #[error("the keyring entry `{name}` cannot be read: {why}")]
    Keyring { name: String, why: String },
}

const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

const FOUR_WAYS: &str = "a secret never stands in the config itself; name where it lies instead: \
{ env = \"NAME\" }, { command = [\"op\", \"read\", \"…\"] }, { file = \"PATH\" } or { keyring = \
    \"NAME\" }";

impl SecretSource {
    /// Reads the secret. One line break at the end is left off.
    ///
    /// # Errors
    /// Says which place failed and why, never what was read.
    pub async fn read(&self) -> Result<SecretString, SecretError> {
        let text = match self {
            Self::Env(name) => {
                std::env::var(name).map_err(|_| SecretError::EnvMissing(name.clone()))?
            }
            Self::Command(words) => run_command(words).await?,
            Self::File(path) => tokio::fs::read_to_string(path)
                .await
                .map_err(|e| SecretError::File { path: path.clone(), why: e.to_string() })?,
            Self::Keyring(name) => from_keyring(name)?,
        };
        let text =
            text.strip_suffix('\n').map(|t| t.strip_suffix('\r').unwrap_or(t)).unwrap_or(&text);
        if text.is_empty() {
            return Err(SecretError::Empty(self.place()));
        }
        remember_secret(text);
        Ok(SecretString::from(text.to_owned()))
    }

    /// For messages: `environment variable X`, never the secret.
    pub fn place(&self) -> String {
        match self {
            Self::Env(name) => format!("environment variable {name}"),
            Self::Command(words) => format!("command {}", words.first().map_or("", String::as_str)),
            Self::File(path) => format!("file {}", path.display()),
            Self::Keyring(name) => format!("keyring entry {name}"),
        }
    }
}

async fn run_command(words: &[String]) -> Result<String, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let fail = |why: String| SecretError::Command { program: program.clone(), why };
    let run = tokio::process::Command::new(&program)
        .args(&words[1..])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(COMMAND_TIMEOUT, run)
        .await
        .map_err(|_| fail(format!("did not end within {} s", COMMAND_TIMEOUT.as_secs())))?
        .map_err(|e| fail(format!("cannot be started: {e}")))?;
    if !output.status.success() {
        return Err(fail(format!("ended with {}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| fail("printed something that is not text".into()))
}

#[cfg(feature = "keyring")]
fn from_keyring(name: &str) -> Result<String, SecretError> {
    let fail =
        |e: &dyn fmt::Display| SecretError::Keyring { name: name.into(), why: e.to_string() };
    keyring::v1::Entry::new("oicx", name)
        .and_then(|entry| entry.get_password())
        .map_err(|e| fail(&e))
}

#[cfg(not(feature = "keyring"))]
fn from_keyring(name: &str) -> Result<String, SecretError> {
    let why =
        "this build has no keyring; build with `--features keyring`, or use env, command or file"
            .into();
    Err(SecretError::Keyring { name: name.into(), why })
}

/// Whether this build can use the platform's keyring.
pub fn has_keyring() -> bool {
    cfg!(feature = "keyring")
}

/// Puts a secret in the platform's keyring, where `{ keyring = "NAME" }` finds it.
///
/// # Errors
/// Where this build has no keyring, or the keyring refuses.
#[cfg(feature = "keyring")]
pub fn keep_in_keyring(name: &str, secret: &SecretString) -> Result<(), SecretError> {
    use secrecy::ExposeSecret;
    let fail =
        |e: &dyn fmt::Display| SecretError::Keyring { name: name.into(), why: e.to_string() };
    let entry = keyring::v1::Entry::new("oicx", name).map_err(|e| fail(&e))?;
    entry.set_password(secret.expose_secret()).map_err(|e| fail(&e))
}

/// Puts a secret in the platform's keyring, where `{ keyring = "NAME" }` finds it.
///
/// # Errors
/// Where this build has no keyring, or the keyring refuses.
#[cfg(not(feature = "keyring"))]
pub fn keep_in_keyring(name: &str, _: &SecretString) -> Result<(), SecretError> {
    from_keyring(name).map(drop)
}

impl<'de> serde::Deserialize<'de> for SecretSource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "where the secret lies: { env = … }, { command = … }, { file = … } or { keyring = … }",
        )
    }

    // The value is not part of any message: it may be the secret.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(FOUR_WAYS))
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(E::custom(FOUR_WAYS))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            let source = match key.as_str() {
                "env" => SecretSource::Env(map.next_value()?),
                "file" => SecretSource::File(super::expand_home(&map.next_value::<String>()?)),
                "keyring" => SecretSource::Keyring(map.next_value()?),
                "command" => {
                    let words: Vec<String> = map.next_value()?;
                    if words.is_empty() {
                        return Err(de::Error::custom("the secret's command is empty"));
                    }
                    SecretSource::Command(words)
                }
                other => {
                    return Err(de::Error::unknown_field(
                        other,
                        &["env", "command", "file", "keyring"],
                    ));
                }
            };
            if found.replace(source).is_some() {
                return Err(de::Error::custom("a secret has one place, not two"));
            }
        }
        found.ok_or_else(|| de::Error::custom(FOUR_WAYS))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn a_command_and_a_file_give_the_secret_without_the_last_line_break() {
        let command = SecretSource::Command(vec!["printf".into(), "pa ss\\n".into()]);
        assert_eq!(command.read().await.unwrap().expose_secret(), "pa ss");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        std::fs::write(&path, "word\r\n").unwrap();
        assert_eq!(SecretSource::File(path).read().await.unwrap().expose_secret(), "word");
    }

    #[tokio::test]
    async fn a_place_that_fails_is_named() {
        let missing = SecretSource::Env("OICX_TEST_SURELY_UNSET".into()).read().await.unwrap_err();
        assert!(missing.to_string().contains("OICX_TEST_SURELY_UNSET is not set"));
        let failing = SecretSource::Command(vec!["false".into()]).read().await.unwrap_err();
        assert!(failing.to_string().contains("`false` ended with"));
        let empty = SecretSource::Command(vec!["true".into()]).read().await.unwrap_err();
        assert!(empty.to_string().contains("empty"));
    }
}
