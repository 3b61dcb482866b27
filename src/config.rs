//! The config file: which environments there are, how to sign in to each, where the store lies.
//!
//! Every mistake is told with file, line and column. A secret never stands in the file itself: it
//! is named ([`SecretSource`]) and read when it is needed.

mod deadlines;
mod hosts;
mod overlay;
mod read;
mod secret;
mod store_place;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use url::Url;

use crate::model::{ConnectionName, EnvironmentName, Finding};

pub use deadlines::Deadlines;
pub use hosts::same_environment;
pub use overlay::{CertificateSource, Overlay, OverlayValue, Smoke, names_a_secret};
pub use read::{ConfigError, ConfigProblem, parse};
pub use secret::{SecretError, SecretSource, has_keyring, keep_in_keyring};
pub use store_place::{S3Place, StoreOptions, StorePlace, StorePlaceError};

/// The sample that `oicx init` writes.
pub const SAMPLE: &str = include_str!("../assets/config.toml");

/// A checked config.
#[derive(Debug, Clone)]
pub struct Config {
    pub path: PathBuf,
    pub store: Option<StorePlace>,
    /// Other stores by name, for `copy --to` and `verify --repair-from`.
    pub stores: BTreeMap<String, StorePlace>,
    /// The options with which buckets that are named on the command line are opened.
    pub store_options: StoreOptions,
    /// The environments in the order of the file, which is the order of the explorer's columns.
    pub environments: Vec<EnvironmentConfig>,
    pub theme: Option<String>,
    pub ascii: bool,
}

impl Config {
    /// The store that a person names: one of [`Self::stores`], a folder, or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// As [`StorePlace::parse`].
    pub fn store_named(&self, text: &str) -> Result<StorePlace, StorePlaceError> {
        store_place::named(text, &self.stores, &self.store_options)
    }

    /// An environment's settings; none where the config does not name it.
    pub fn environment(&self, name: &EnvironmentName) -> Option<&EnvironmentConfig> {
        self.environments.iter().find(|e| e.name == *name)
    }
}

/// One environment and how to reach it.
#[derive(Debug, Clone)]
pub struct EnvironmentConfig {
    pub name: EnvironmentName,
    /// Scheme and host of the design-time API, without a path.
    pub url: Url,
    /// `integrationInstance`; none for Generation 2.
    pub instance: Option<String>,
    /// Whether the environment's name must be typed before a change.
    pub protected: bool,
    /// Other names of the config under which the same instance stands: where one of them is
    /// protected, all are.
    pub same_as: Vec<EnvironmentName>,
    /// Whether no call that changes anything may leave this machine.
    pub read_only: bool,
    /// How many calls may be under way at once.
    pub concurrency: usize,
    /// How long an activation may take, in seconds.
    pub activation_timeout: u64,
    /// How long the service may show a state from before a call after it, in seconds.
    pub grace: u64,
    /// How long an activation must have held when it is proven, in seconds.
    pub steady: u64,
    /// How long each sort of waiting may last.
    pub deadlines: Deadlines,
    /// The URL where its flows are called, for smoke calls; none: derived from `url` and
    /// `instance`.
    pub runtime: Option<Url>,
    /// The values that are set where an import leaves a connection empty, by the connection's code.
    pub connections: BTreeMap<String, Overlay>,
    /// The file that is uploaded where a plan needs a certificate that is not there, by its alias.
    pub certificates: BTreeMap<String, CertificateSource>,
    /// Calls that show, after an activation, that the integration works.
    pub smoke: Vec<Smoke>,
    /// Within how many days backups read again every stored file that they rely on; 0: never.
    pub recheck_days: u64,
    /// Whether backups keep the files that are attached to connections, which are secrets.
    pub attachments: bool,
    /// Where the service may write an archive of the whole instance.
    pub instance_storage: Option<InstanceStorage>,
    /// Where the processes of this person share their tokens; none: each asks for its own.
    pub token_folder: Option<PathBuf>,
    pub auth: AuthConfig,
}

/// An object storage that a service instance can write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceStorage {
    /// Its URL in the Swift form, above the buckets.
    pub url: Url,
    pub user: String,
    /// An auth token of that user.
    pub auth_token: SecretSource,
}

impl EnvironmentConfig {
    /// The values of a connection of one scope.
    pub fn values_of(&self, name: &ConnectionName) -> Option<&Overlay> {
        name.find_in(&self.connections)
    }

    /// An environment with the defaults for everything that a config may leave out.
    pub fn new(
        name: EnvironmentName,
        url: Url,
        instance: Option<String>,
        auth: AuthConfig,
    ) -> Self {
        Self {
            name,
            url,
            instance,
            protected: false,
            same_as: Vec::new(),
            read_only: false,
            concurrency: 8,
            activation_timeout: 300,
            grace: 10,
            steady: 2,
            deadlines: Deadlines::default(),
            runtime: None,
            connections: BTreeMap::new(),
            certificates: BTreeMap::new(),
            smoke: Vec::new(),
            recheck_days: 30,
            attachments: false,
            instance_storage: None,
            token_folder: None,
            auth,
        }
    }

    /// What every plan says of how this environment is protected.
    pub fn protection(&self) -> Vec<Finding> {
        let read_only = self.read_only.then(|| Finding::read_only(&self.name));
        read_only.into_iter().chain(self.other_names()).collect()
    }

    /// A warning where the same instance stands in the config under other names.
    pub fn other_names(&self) -> Option<Finding> {
        if self.same_as.is_empty() {
            return None;
        }
        let others: Vec<&str> = self.same_as.iter().map(EnvironmentName::as_str).collect();
        let what = format!("{} is the same instance as {}", self.name, others.join(", "));
        let fix = "where one of them is protected, all are; keep one name, unless both are meant";
        Some(Finding::warning(what, fix))
    }

    /// Whether another environment of the config is the same instance: what counts is what answers,
    /// not the name.
    pub fn is_same_instance(&self, other: &Self) -> bool {
        let here = |url: &Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
        match (&self.instance, &other.instance) {
            (Some(a), Some(b)) => a == b && same_environment(&self.url, &other.url),
            (None, None) => here(&self.url) == here(&other.url),
            _ => false,
        }
    }

    /// The URL where the environment's flows are called. In Generation 3 it is the service
    /// instance's own host beside the design host, in Generation 2 the same host
    /// (docs/oic-rest-api.md, Hosts).
    pub fn runtime_url(&self) -> Option<Url> {
        if self.runtime.is_some() {
            return self.runtime.clone();
        }
        let Some(instance) = &self.instance else { return Some(self.url.clone()) };
        let rest = self.url.host_str()?.strip_prefix("design.")?;
        let mut url = self.url.clone();
        url.set_host(Some(&format!("{instance}.{rest}"))).ok()?;
        Some(url)
    }
}

/// How to sign in (docs/oic-rest-api.md, Sign-in).
#[derive(Debug, Clone)]
pub enum AuthConfig {
    ClientCredentials {
        token_url: Url,
        client_id: String,
        client_secret: SecretSource,
        scope: String,
    },
    /// RFC 7523: an assertion signed with RS256, as the named user.
    Jwt(Box<JwtAuth>),
    /// A person signs in with a browser: authorization code with PKCE.
    Person(Box<PersonAuth>),
    /// Generation 2 only.
    Basic { user: String, password: SecretSource },
}

/// What is needed to sign in as a user with a JWT assertion (docs/config.md).
#[derive(Debug, Clone)]
pub struct JwtAuth {
    pub token_url: Url,
    pub client_id: String,
    pub client_secret: SecretSource,
    pub scope: String,
    pub user: String,
    /// The private key, PEM.
    pub private_key: SecretSource,
    /// The certificate's alias in the identity domain.
    pub key_id: String,
    pub audience: String,
}

/// A person's own sign-in.
#[derive(Debug, Clone)]
pub struct PersonAuth {
    /// Where the browser goes.
    pub authorize_url: Url,
    pub token_url: Url,
    pub client_id: String,
    /// None for a public client.
    pub client_secret: Option<SecretSource>,
    pub scope: String,
    /// The port of this machine to which the browser comes back; the client's redirect URL in the
    /// identity domain names it.
    pub redirect_port: u16,
    /// Where the refresh token is kept.
    pub login_folder: PathBuf,
}

impl AuthConfig {
    /// The word for it in the config's `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ClientCredentials { .. } => "client_credentials",
            Self::Jwt(_) => "jwt",
            Self::Person(_) => "authorization_code",
            Self::Basic { .. } => "basic",
        }
    }
}

/// Reads and checks a config file.
///
/// # Errors
/// [`ConfigError::Missing`] where there is no file; else what is wrong in it and where.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing(path.into()),
        _ => ConfigError::Unreadable { path: path.into(), why: e.to_string() },
    })?;
    parse(&text, path)
}

/// The platform's folders for this program.
pub fn project_dirs() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "oicx")
}

/// Where the config lies unless a person says otherwise.
pub fn default_path() -> PathBuf {
    project_dirs()
        .map_or_else(|| PathBuf::from("config.toml"), |d| d.config_dir().join("config.toml"))
}

/// The folder of the caches, which hold what was seen last time. It may be deleted.
pub fn cache_dir() -> PathBuf {
    project_dirs()
        .map_or_else(|| std::env::temp_dir().join("oicx-cache"), |d| d.cache_dir().to_owned())
}

/// Where the processes of this person share their tokens.
pub fn token_dir() -> PathBuf {
    cache_dir().join("tokens")
}

/// Where the sign-ins of a person are kept.
pub fn login_dir() -> PathBuf {
    let dirs = project_dirs();
    let data = dirs.as_ref().map(|d| d.data_local_dir().to_owned());
    data.unwrap_or_else(cache_dir).join("logins")
}

/// Where the log files lie: `OICX_LOG_DIR`, else the platform's folder for state.
pub fn log_dir() -> PathBuf {
    if let Some(named) = std::env::var_os("OICX_LOG_DIR").filter(|v| !v.is_empty()) {
        return named.into();
    }
    let dirs = project_dirs();
    let state = dirs.as_ref().and_then(|d| d.state_dir()).map(Path::to_owned);
    state.unwrap_or_else(cache_dir).join("logs")
}

/// Expands the `~` of `~/backups` as a shell would.
pub fn expand_home(text: &str) -> PathBuf {
    let home = || directories::BaseDirs::new().map(|d| d.home_dir().to_owned());
    match text.strip_prefix("~/").map(|rest| (rest, home())) {
        Some((rest, Some(home))) => home.join(rest),
        _ => PathBuf::from(text),
    }
}
