//! Reads the text of a config into a checked [`Config`], or says what is wrong, with file, line and
//! column.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;
use url::{Host, Url};

use super::{
    AuthConfig, CertificateSource, Config, EnvironmentConfig, InstanceStorage, JwtAuth, Overlay,
    OverlayValue, PersonAuth, SecretSource, Smoke, StoreOptions, StorePlace,
    deadlines::DeadlinesTable, names_a_secret,
};
use crate::model::EnvironmentName;

/// Why there is no config to work with.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "there is no config at {0}\n  write one with `oicx init`, or look around first with `oicx \
            demo`"
    )]
    Missing(PathBuf),
    #[error("{path} cannot be read: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("{0}")]
    Invalid(ConfigProblem),
}

/// One mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The place in the line, from 1, in characters.
    pub column: usize,
    pub what: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path.display(), self.line, self.column, self.what)
    }
}

impl ConfigProblem {
    /// A problem at a byte of the text.
    pub fn at(
        text: &str,
        path: &Path,
        span: Option<Range<usize>>,
        what: impl Into<String>,
    ) -> Self {
        let start = span.map_or(0, |s| s.start).min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { path: path.into(), line, column, what: what.into() }
    }

    /// A problem from a TOML error. The error's own text quotes the line, which may hold a secret:
    /// only its message is taken.
    pub fn from_toml(text: &str, path: &Path, error: &toml::de::Error) -> Self {
        Self::at(text, path, error.span(), error.message())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    store: Option<Spanned<String>>,
    #[serde(default)]
    store_options: StoreOptionsTable,
    #[serde(default)]
    stores: BTreeMap<String, NamedStoreTable>,
    theme: Option<String>,
    #[serde(default)]
    ascii: bool,
    #[serde(default)]
    environments: BTreeMap<Spanned<String>, EnvironmentTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreOptionsTable {
    endpoint: Option<Spanned<String>>,
    region: Option<String>,
    path_style: Option<bool>,
    profile: Option<String>,
    access_key_id: Option<SecretSource>,
    secret_access_key: Option<SecretSource>,
}

/// The keys of [`StoreOptionsTable`] again, with the store's own url: `flatten` would lose the
/// places of mistakes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedStoreTable {
    url: Spanned<String>,
    endpoint: Option<Spanned<String>>,
    region: Option<String>,
    path_style: Option<bool>,
    profile: Option<String>,
    access_key_id: Option<SecretSource>,
    secret_access_key: Option<SecretSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentTable {
    url: Spanned<String>,
    instance: Option<String>,
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    read_only: bool,
    concurrency: Option<Spanned<usize>>,
    activation_timeout: Option<u64>,
    grace: Option<Spanned<u64>>,
    steady: Option<Spanned<u64>>,
    #[serde(default)]
    deadlines: DeadlinesTable,
    recheck_days: Option<u64>,
    share_token: Option<bool>,
    runtime: Option<Spanned<String>>,
    #[serde(default)]
    connections: BTreeMap<String, BTreeMap<Spanned<String>, OverlayValue>>,
    #[serde(default)]
    certificates: BTreeMap<String, CertificateSource>,
    #[serde(default)]
    smoke: Vec<Spanned<Smoke>>,
    #[serde(default)]
    attachments: bool,
    instance_storage: Option<InstanceStorageTable>,
    auth: Spanned<AuthTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstanceStorageTable {
    url: Spanned<String>,
    user: String,
    auth_token: SecretSource,
}

/// The port to which the browser comes back where the config names none.
const REDIRECT_PORT: u16 = 8765;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthTable {
    r#type: Spanned<String>,
    token_url: Option<Spanned<String>>,
    client_id: Option<String>,
    client_secret: Option<SecretSource>,
    scope: Option<String>,
    user: Option<String>,
    password: Option<SecretSource>,
    private_key: Option<SecretSource>,
    key_id: Option<String>,
    audience: Option<String>,
    authorize_url: Option<Spanned<String>>,
    redirect_port: Option<u16>,
}

/// Checks a config's text. `path` is for messages and is kept in the result.
///
/// # Errors
/// [`ConfigError::Invalid`] with the first mistake.
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let reader = ConfigReader { text, path };
    let file: ConfigFile = toml::from_str(text)
        .map_err(|e| ConfigError::Invalid(ConfigProblem::from_toml(text, path, &e)))?;
    // A map sorts by name; the person's order is the order of the file.
    let mut tables: Vec<_> = file.environments.into_iter().collect();
    tables.sort_by_key(|(name, _)| name.span().start);
    let environments: Vec<EnvironmentConfig> = tables
        .into_iter()
        .map(|(name, table)| reader.environment(&name, table))
        .collect::<Result<_, _>>()?;
    let environments = protected_alike(environments);
    let store_options = reader.store_options(file.store_options)?;
    let store = file.store.map(|s| reader.store(&s, &store_options)).transpose()?;
    let named = |(name, table)| Ok((name, reader.named_store(table)?));
    let stores = file.stores.into_iter().map(named).collect::<Result<_, ConfigError>>()?;
    let (theme, ascii) = (file.theme, file.ascii);
    Ok(Config { path: path.into(), store, stores, store_options, environments, theme, ascii })
}

/// The environments, with those that are one instance protected alike.
fn protected_alike(mut environments: Vec<EnvironmentConfig>) -> Vec<EnvironmentConfig> {
    let all = environments.clone();
    for one in &mut environments {
        let others = all.iter().filter(|o| o.name != one.name && o.is_same_instance(one));
        let (mut names, mut protected) = (Vec::new(), one.protected);
        for other in others {
            names.push(other.name.clone());
            protected |= other.protected;
        }
        (one.same_as, one.protected) = (names, protected);
    }
    environments
}

struct ConfigReader<'a> {
    text: &'a str,
    path: &'a Path,
}

impl ConfigReader<'_> {
    fn fail<T>(&self, span: Range<usize>, what: impl Into<String>) -> Result<T, ConfigError> {
        Err(ConfigError::Invalid(ConfigProblem::at(self.text, self.path, Some(span), what)))
    }

    fn store(
        &self,
        text: &Spanned<String>,
        options: &StoreOptions,
    ) -> Result<StorePlace, ConfigError> {
        StorePlace::parse(text.get_ref(), options)
            .or_else(|e| self.fail(text.span(), e.to_string()))
    }

    fn named_store(&self, table: NamedStoreTable) -> Result<StorePlace, ConfigError> {
        let NamedStoreTable {
            url,
            endpoint,
            region,
            path_style,
            profile,
            access_key_id,
            secret_access_key,
        } = table;
        let options = self.store_options(StoreOptionsTable {
            endpoint,
            region,
            path_style,
            profile,
            access_key_id,
            secret_access_key,
        })?;
        self.store(&url, &options)
    }

    fn store_options(&self, table: StoreOptionsTable) -> Result<StoreOptions, ConfigError> {
        let endpoint = table.endpoint.as_ref().map(|e| self.url(e)).transpose()?;
        Ok(StoreOptions {
            endpoint,
            region: table.region,
            path_style: table.path_style,
            profile: table.profile,
            access_key_id: table.access_key_id,
            secret_access_key: table.secret_access_key,
        })
    }

    fn environment(
        &self,
        name: &Spanned<String>,
        table: EnvironmentTable,
    ) -> Result<EnvironmentConfig, ConfigError> {
        let parsed: EnvironmentName = match name.get_ref().parse() {
            Ok(parsed) => parsed,
            Err(e) => return self.fail(name.span(), format!("{e}")),
        };
        if let Some(n) = &table.concurrency
            && !(1..=64).contains(n.get_ref())
        {
            return self.fail(n.span(), "concurrency is from 1 to 64 calls at once");
        }
        for (what, seconds) in [("grace", &table.grace), ("steady", &table.steady)] {
            if let Some(n) = seconds
                && *n.get_ref() > 120
            {
                return self.fail(n.span(), format!("{what} is from 0 to 120 seconds"));
            }
        }
        let deadlines = match table.deadlines.read() {
            Ok(deadlines) => deadlines,
            Err((span, what)) => return self.fail(span, what),
        };
        let url = self.url(&table.url)?;
        if url.path() != "/" || url.query().is_some() {
            return self
                .fail(table.url.span(), "the url is scheme and host alone: no path, no query");
        }
        let defaults = EnvironmentConfig::new(parsed, url, table.instance, self.auth(table.auth)?);
        Ok(EnvironmentConfig {
            protected: table.protected,
            read_only: table.read_only,
            concurrency: table.concurrency.map_or(defaults.concurrency, Spanned::into_inner),
            activation_timeout: table.activation_timeout.unwrap_or(defaults.activation_timeout),
            grace: table.grace.map_or(defaults.grace, Spanned::into_inner),
            steady: table.steady.map_or(defaults.steady, Spanned::into_inner),
            deadlines,
            recheck_days: table.recheck_days.unwrap_or(defaults.recheck_days),
            runtime: table.runtime.as_ref().map(|r| self.url(r)).transpose()?,
            attachments: table.attachments,
            instance_storage: table.instance_storage.map(|s| self.storage(s)).transpose()?,
            token_folder: table.share_token.unwrap_or(true).then(super::token_dir),
            connections: self.overlays(table.connections)?,
            certificates: table
                .certificates
                .into_iter()
                .map(|(alias, c)| (alias, self.certificate(c)))
                .collect(),
            smoke: table.smoke.into_iter().map(|s| self.smoke(s)).collect::<Result<_, _>>()?,
            ..defaults
        })
    }

    fn storage(&self, table: InstanceStorageTable) -> Result<InstanceStorage, ConfigError> {
        let InstanceStorageTable { url, user, auth_token } = table;
        Ok(InstanceStorage { url: self.url(&url)?, user, auth_token })
    }

    /// Checks the values of connections: a secret never stands in the file, only its place does.
    fn overlays(
        &self,
        tables: BTreeMap<String, BTreeMap<Spanned<String>, OverlayValue>>,
    ) -> Result<BTreeMap<String, Overlay>, ConfigError> {
        let mut out = BTreeMap::new();
        for (code, table) in tables {
            let mut overlay = Overlay::new();
            for (property, value) in table {
                if matches!(value, OverlayValue::Plain(_)) && names_a_secret(property.get_ref()) {
                    return self.fail(
                        property.span(),
                        format!(
                            "{} is a secret; name where it lies: {{ env = \"NAME\" }}, \
                                {{ command = [\"op\", \"read\", \"…\"] }}, {{ file = \"PATH\" }} \
                                or {{ keyring = \"NAME\" }}",
                            property.get_ref()
                        ),
                    );
                }
                overlay.insert(property.into_inner(), value);
            }
            out.insert(code, overlay);
        }
        Ok(out)
    }

    /// Reads where a certificate lies. A relative path begins at the config's folder.
    fn certificate(&self, source: CertificateSource) -> CertificateSource {
        CertificateSource { file: self.beside(&source.file), ..source }
    }

    fn beside(&self, path: &Path) -> PathBuf {
        let expanded = super::expand_home(&path.to_string_lossy());
        self.path.parent().map_or(expanded.clone(), |folder| folder.join(&expanded))
    }

    fn smoke(&self, table: Spanned<Smoke>) -> Result<Smoke, ConfigError> {
        let (span, mut smoke) = (table.span(), table.into_inner());
        smoke.method = smoke.method.to_ascii_uppercase();
        if !smoke.path.starts_with('/') {
            return self.fail(
                span,
                "the path of a smoke call begins with /: it is called on the \
                    environment's runtime host",
            );
        }
        if !matches!(smoke.method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
            return self.fail(span, format!("{} is not a method of a smoke call", smoke.method));
        }
        smoke.body = smoke.body.map(|b| self.beside(&b));
        Ok(smoke)
    }

    /// Reads a URL: `https`, or `http` on this machine itself. Anything else would send tokens in
    /// the clear.
    fn url(&self, text: &Spanned<String>) -> Result<Url, ConfigError> {
        let url = match Url::parse(text.get_ref()) {
            Ok(url) => url,
            Err(e) => return self.fail(text.span(), format!("this is not a URL: {e}")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return self.fail(
                text.span(),
                "a URL never carries a user or password; use [environments.NAME.auth]",
            );
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            "http" => self
                .fail(text.span(), "plain http is accepted for loopback addresses only; use https"),
            other => self.fail(text.span(), format!("{other}:// is not known; use https://")),
        }
    }

    fn auth(&self, table: Spanned<AuthTable>) -> Result<AuthConfig, ConfigError> {
        let span = table.span();
        let t = table.into_inner();
        let kind = t.r#type.get_ref().clone();
        let need = |key: &str| {
            let what = format!("auth of type {kind} needs `{key}`");
            ConfigError::Invalid(ConfigProblem::at(self.text, self.path, Some(span.clone()), what))
        };
        let token_url = || match &t.token_url {
            Some(url) => self.url(url),
            None => Err(need("token_url")),
        };
        match kind.as_str() {
            "client_credentials" => Ok(AuthConfig::ClientCredentials {
                token_url: token_url()?,
                client_id: t.client_id.ok_or_else(|| need("client_id"))?,
                client_secret: t.client_secret.ok_or_else(|| need("client_secret"))?,
                scope: t.scope.ok_or_else(|| need("scope"))?,
            }),
            "jwt" => Ok(AuthConfig::Jwt(Box::new(JwtAuth {
                token_url: token_url()?,
                client_id: t.client_id.ok_or_else(|| need("client_id"))?,
                client_secret: t.client_secret.ok_or_else(|| need("client_secret"))?,
                scope: t.scope.ok_or_else(|| need("scope"))?,
                user: t.user.ok_or_else(|| need("user"))?,
                private_key: t.private_key.ok_or_else(|| need("private_key"))?,
                key_id: t.key_id.ok_or_else(|| need("key_id"))?,
                audience: t.audience.unwrap_or_else(|| "https://identity.oraclecloud.com/".into()),
            }))),
            "basic" => Ok(AuthConfig::Basic {
                user: t.user.ok_or_else(|| need("user"))?,
                password: t.password.ok_or_else(|| need("password"))?,
            }),
            "authorization_code" => {
                let token_url = token_url()?;
                let authorize_url = match &t.authorize_url {
                    Some(url) => self.url(url)?,
                    // The two stand side by side in an identity domain.
                    None => token_url.join("authorize").map_err(|_| need("authorize_url"))?,
                };
                Ok(AuthConfig::Person(Box::new(PersonAuth {
                    authorize_url,
                    token_url,
                    client_id: t.client_id.ok_or_else(|| need("client_id"))?,
                    client_secret: t.client_secret,
                    scope: t.scope.ok_or_else(|| need("scope"))?,
                    redirect_port: t.redirect_port.unwrap_or(REDIRECT_PORT),
                    login_folder: super::login_dir(),
                })))
            }
            other => self.fail(
                t.r#type.span(),
                format!(
                    "auth type `{other}` is not known; one of client_credentials, jwt, \
                     authorization_code, basic"
                ),
            ),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests;
