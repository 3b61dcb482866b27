//! Listens on loopback and hands calls to the routes.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    Fault, Landscape,
    breakable_listener::{Breakable, BreakableListener},
    faults::Faults,
    routes::{self, Shared},
    state::ServiceInstance,
};
use crate::archive::{ArchiveError, Iar};
use crate::model::EnvironmentName;

/// Where to listen and how.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// A loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A port for each environment instead of one for all.
    pub separate: bool,
    pub faults: Vec<Fault>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), separate: false, faults: vec![] }
    }
}

/// Why the simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{0} is not a loopback address; the simulator never listens to a network (use 127.0.0.1:PORT)"
    )]
    NotLoopback(IpAddr),
    #[error("cannot listen on {address}: {why}; choose another port with --listen")]
    Listen { address: SocketAddr, why: io::Error },
    #[error("the landscape's fault: {0}")]
    Fault(#[from] super::FaultError),
}

/// Where one simulated environment is reached.
#[derive(Debug, Clone)]
pub struct InstanceAddress {
    pub name: EnvironmentName,
    pub instance: String,
    pub protected: bool,
    pub generation: u8,
    /// `http://127.0.0.1:PORT`
    pub design: String,
    /// Answers everything with a 307 to the design host, as a real runtime host does.
    pub runtime: String,
    /// Sign-in for scripts: client id and secret.
    pub account: (String, String),
}

/// A running simulator. It ends when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    places: Vec<InstanceAddress>,
    tasks: Vec<JoinHandle<()>>,
}

impl Simulator {
    /// Starts listening.
    ///
    /// # Errors
    /// Where the address is not loopback or is taken.
    pub async fn start(landscape: &Landscape, options: &ServerOptions) -> Result<Self, StartError> {
        if !options.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(options.listen.ip()));
        }
        let instances = landscape
            .environments
            .iter()
            .map(|e| Mutex::new(ServiceInstance::new(e, landscape)))
            .collect();
        let faults = Faults::default();
        for text in &landscape.faults {
            faults.add(text.parse()?);
        }
        options.faults.iter().cloned().for_each(|f| faults.add(f));
        let shared = Arc::new(Shared::new(instances, faults));
        let mut this = Self { shared, places: Vec::new(), tasks: Vec::new() };
        this.open(landscape, options).await?;
        Ok(this)
    }

    async fn open(
        &mut self,
        landscape: &Landscape,
        options: &ServerOptions,
    ) -> Result<(), StartError> {
        let mut design = None;
        for (index, environment) in landscape.environments.iter().enumerate() {
            let only = options.separate.then_some(index);
            let address = match design.filter(|_| !options.separate) {
                Some(address) => address,
                None => {
                    let mut wanted = options.listen;
                    if wanted.port() != 0 {
                        wanted.set_port(wanted.port() + u16::try_from(index).unwrap_or_default());
                    }
                    self.serve(wanted, routes::design(self.shared.clone(), only)).await?
                }
            };
            design = Some(address);
            let design_url = format!("http://{address}");
            let any_port = SocketAddr::new(options.listen.ip(), 0);
            let redirect = routes::runtime(design_url.clone(), environment.instance.clone());
            let runtime = self.serve(any_port, redirect).await?;
            let account = environment
                .clients
                .first()
                .map(|c| (c.id.clone(), c.secret.clone()))
                .unwrap_or_default();
            self.places.push(InstanceAddress {
                name: environment.name.clone(),
                instance: environment.instance.clone(),
                protected: environment.protected,
                generation: environment.generation,
                design: design_url,
                runtime: format!("http://{runtime}"),
                account,
            });
        }
        Ok(())
    }

    async fn serve(
        &mut self,
        address: SocketAddr,
        router: axum::Router,
    ) -> Result<SocketAddr, StartError> {
        let fail = |why| StartError::Listen { address, why };
        let listener = TcpListener::bind(address).await.map_err(fail)?;
        let bound = listener.local_addr().map_err(fail)?;
        let service = router.into_make_service_with_connect_info::<BreakableListener>();
        self.tasks.push(tokio::spawn(async move {
            if let Err(e) = axum::serve(Breakable(listener), service).await {
                tracing::error!("the simulator stopped listening: {e}");
            }
        }));
        Ok(bound)
    }

    /// Where each environment is reached, in the order of the landscape.
    pub fn places(&self) -> &[InstanceAddress] {
        &self.places
    }

    /// Puts a fault in force from the next call on, beside those that are in force.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Removes all faults, those of the landscape too; calls that hang already are not released.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// The number of calls so far whose `ENVIRONMENT METHOD /path` contains `part`.
    pub fn calls(&self, part: &str) -> usize {
        self.shared.calls().iter().filter(|c| c.contains(part)).count()
    }

    /// The calls that [`Self::calls`] counts, oldest first, without the first `nth` of them.
    pub fn calls_since(&self, part: &str, nth: usize) -> Vec<String> {
        self.shared.calls().iter().filter(|c| c.contains(part)).skip(nth).cloned().collect()
    }

    /// Ends every sign-in of a person, as an administrator of the identity domain can.
    pub fn revoke_sign_ins(&self) {
        self.shared.sign_ins().revoke();
    }

    /// How many calls were left without an answer, on purpose.
    pub fn held_calls(&self) -> usize {
        self.shared.held.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Lets somebody change an environment at the web console, once: just before a call to it,
    /// after `after` other calls to it have passed.
    pub fn before_call(
        &self,
        environment: &str,
        after: usize,
        happens: impl FnOnce(&mut ServiceInstance) + Send + 'static,
    ) {
        self.shared.add_before_call(environment, after, Box::new(happens));
    }

    /// Sets every environment back to the landscape and removes all faults; tokens stay good.
    pub fn reset(&self, landscape: &Landscape) {
        self.shared.faults.clear();
        self.shared.clear_before_calls();
        self.shared.held.store(0, std::sync::atomic::Ordering::SeqCst);
        for environment in &landscape.environments {
            self.with_instance(environment.name.as_str(), |i| {
                let tokens = std::mem::take(&mut i.tokens);
                *i = ServiceInstance::new(environment, landscape);
                i.tokens = tokens;
            });
        }
    }

    /// Looks into or changes one environment, as a person at the web console would; None where no
    /// environment has that name.
    pub fn with_instance<T>(
        &self,
        name: &str,
        look: impl FnOnce(&mut ServiceInstance) -> T,
    ) -> Option<T> {
        self.shared.instance_named(name).map(|mut instance| look(&mut instance))
    }

    /// Adds an archive to the first environment. All of them get the connections it needs, so that
    /// it can be restored anywhere.
    ///
    /// # Errors
    /// Where the bytes are no integration.
    pub fn adopt(&self, bytes: &[u8]) -> Result<String, ArchiveError> {
        let iar = Iar::read(bytes)?;
        let id = iar.id.to_string();
        for place in &self.places {
            self.with_instance(place.name.as_str(), |i| i.provide_for(&iar));
        }
        if let Some(first) = self.places.first() {
            self.with_instance(first.name.as_str(), |i| i.adopt(bytes, iar));
        }
        Ok(id)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
