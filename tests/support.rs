//! Harnesses: a simulator of a small company, clients for it, the explorer in memory.

pub mod disk;
pub mod s3;
pub mod screen;
pub mod shuffle;

use std::{
    io::Write as _,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use object_store::memory::InMemory;
use oicx::config::{AuthConfig, EnvironmentConfig, SecretSource};
use oicx::model::{EnvironmentName, IntegrationId};
use oicx::oic::{Client, Tuning};
use oicx::restore::{ConnectionValues, RetryPolicy, RunContext};
use oicx::sim::{InstanceAddress, Landscape, ServerOptions, Simulator};
use oicx::store::Store;
use oicx::workspace::Workspace;
use oicx::workspace::events::{Events, StopSignal};

pub const LANDSCAPE: &str = include_str!("support/landscape.toml");

/// A simulator with everything that speaks to it. Ends with the test.
pub struct World {
    pub sim: Simulator,
    pub folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::of(LANDSCAPE).await
    }

    pub async fn of(landscape: &str) -> Self {
        let landscape = Landscape::parse(landscape, "test.toml".as_ref()).unwrap();
        let sim = Simulator::start(&landscape, &ServerOptions::default()).await.unwrap();
        Self { sim, folder: tempfile::tempdir().unwrap() }
    }

    pub fn place(&self, name: &str) -> &InstanceAddress {
        self.sim.places().iter().find(|p| p.name.as_str() == name).unwrap()
    }

    /// A file that holds a secret.
    pub fn secret(&self, text: &str) -> SecretSource {
        // A file of its own each time: a client that asks meanwhile never reads half of one.
        let file = tempfile::Builder::new().prefix("secret-").tempfile_in(self.folder.path());
        let (mut file, path) = file.unwrap().keep().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        SecretSource::File(path)
    }

    pub fn environment(&self, name: &str) -> EnvironmentConfig {
        let place = self.place(name);
        let auth = AuthConfig::ClientCredentials {
            token_url: format!("{}/oauth2/v1/token", place.design).parse().unwrap(),
            client_id: place.account.0.clone(),
            client_secret: self.secret(&place.account.1),
            scope: "urn:opc:resource:consumer::all".into(),
        };
        let url = place.design.parse().unwrap();
        EnvironmentConfig {
            protected: place.protected,
            concurrency: 4,
            activation_timeout: 5,
            runtime: Some(place.runtime.parse().unwrap()),
            ..EnvironmentConfig::new(place.name.clone(), url, Some(place.instance.clone()), auth)
        }
    }

    pub fn client(&self, name: &str) -> Client {
        self.client_of(self.environment(name))
    }

    pub fn client_of(&self, environment: EnvironmentConfig) -> Client {
        Client::new(environment, tuning())
    }

    /// All environments and a store in the test's folder.
    pub async fn workspace(&self) -> Workspace {
        let names: Vec<String> = self.sim.places().iter().map(|p| p.name.to_string()).collect();
        Workspace {
            environments: names.iter().map(|n| self.client(n)).collect(),
            store: Some(self.store().await),
            cache: Some(self.folder.path().join("cache")),
        }
    }

    pub fn store_folder(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub async fn store(&self) -> Store {
        Store::open(&self.store_folder(), Some(&self.folder.path().join("cache"))).await.unwrap()
    }

    pub fn fault(&self, text: &str) {
        self.sim.add_fault(text.parse().unwrap());
    }

    /// A config file that names every environment and the store.
    pub fn config_file(&self, extra: &str) -> PathBuf {
        let mut text = format!("store = {:?}\n", self.store_folder());
        for place in self.sim.places() {
            let SecretSource::File(secret) = self.secret(&place.account.1) else { unreachable!() };
            text.push_str(&format!(
                "[environments.{0}]\nurl = \"{1}\"\ninstance = \"{2}\"\nprotected = \
                    {3}\ngrace = 1\nsteady = 0\n{extra}[environments.{0}.auth]\ntype = \"client_credentials\"\ntoken_url \
                    = \"{1}/oauth2/v1/token\"\nclient_id = \"{4}\"\nclient_secret = \
                    {{ file = {5:?} }}\nscope = \"all\"\n",
                place.name, place.design, place.instance, place.protected, place.account.0, secret
            ));
        }
        let path = self.folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        path
    }
}

pub fn memory_store() -> Store {
    Store::on(Arc::new(InMemory::new()), "memory")
}

/// Short pauses.
pub fn tuning() -> Tuning {
    Tuning { tries: 4, pause: Duration::from_millis(5), longest_pause: Duration::from_secs(3) }
}

pub fn retry_policy() -> RetryPolicy {
    RetryPolicy {
        poll: Duration::from_millis(10),
        again: Duration::from_millis(5),
        tries: 3,
        put_back: 4,
        grace: Some(Duration::from_millis(150)),
        steady: Some(Duration::from_millis(60)),
        hold: Duration::from_millis(1500),
        at_once: 4,
    }
}

/// What a run works with where nobody watches, stops or types anything.
pub fn context<'a>(
    client: &'a Client,
    store: &'a Store,
    retry_policy: &'a RetryPolicy,
) -> RunContext<'a> {
    static NOBODY: LazyLock<(ConnectionValues, Events, StopSignal)> =
        LazyLock::new(|| (ConnectionValues::default(), Events::silent(), StopSignal::default()));
    let (connection_values, events, stop) = &*NOBODY;
    RunContext { client, store, retry_policy, connection_values, events, stop }
}

pub fn id(text: &str) -> IntegrationId {
    text.parse().unwrap()
}

pub fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

/// The artifact of a code that a reference without a scope means.
pub fn target(kind: oicx::model::Kind, code: &str) -> oicx::model::Target {
    oicx::model::Target { scope: None, kind, code: code.to_owned() }
}

/// An artifact of the global space by its id on the service: `SYNC|01.00.0000`, `PAY_GRADE`.
pub fn key(kind: oicx::model::Kind, service_id: &str) -> oicx::model::ArtifactKey {
    use oicx::model::{ArtifactKey, Kind};
    match service_id.parse::<IntegrationId>() {
        Ok(id) if matches!(kind, Kind::Integration | Kind::Library) => {
            ArtifactKey::new(kind, id.code, Some(id.version))
        }
        _ => ArtifactKey::new(kind, service_id, None),
    }
}
