//! Lists, fingerprints and rankings for the rows.

use std::sync::Arc;

use super::EffectRunner;
use crate::model::EnvironmentIndex;
use crate::search::Query;
use crate::store::Index;
use crate::tui::{
    event::{Event, MatrixEffect},
    failure::Failure,
    screen::matrix::{LoadFailure, MatrixEvent},
};
use crate::workspace::{
    listing::{self, Listing},
    listing_cache,
};

impl EffectRunner {
    pub(super) async fn matrix(&self, effect: MatrixEffect) {
        match effect {
            MatrixEffect::Load(environment) => self.load(environment).await,
            MatrixEffect::LoadStore => {
                let result = self.load_store().await;
                self.send(Event::Matrix(MatrixEvent::StoreLoaded(result)));
            }
            MatrixEffect::Fingerprint { environment, wanted } => {
                let client = &self.workspace.environments[environment];
                for (id, found) in self.fingerprint_cache.find_out(client, wanted).await {
                    let result = found.map_err(|why| Failure::from(&*why));
                    self.send(Event::Matrix(MatrixEvent::Fingerprinted {
                        environment,
                        id,
                        result,
                    }));
                }
            }
            MatrixEffect::Rank { generation, typed, rows } => {
                let work = move || Query::new(&typed).hits(&rows);
                if let Ok(hits) = tokio::task::spawn_blocking(work).await {
                    self.send(Event::Matrix(MatrixEvent::Ranked { generation, hits }));
                }
            }
            MatrixEffect::Differ { of, pair } => {
                let (before, after) = *pair;
                let result = self.compare(&before, &after).await.map(|c| c.comparison.summary());
                self.send(Event::Matrix(MatrixEvent::Difference { of, result }));
            }
        }
    }

    async fn load_store(&self) -> Result<Arc<Index>, Failure> {
        if let Some(filling) = self.filling.clone() {
            filling.await.map_err(Failure::new)?;
        }
        self.workspace.index().await.map(Arc::new).map_err(Failure::from)
    }

    async fn load(&self, environment: EnvironmentIndex) {
        let client = &self.workspace.environments[environment];
        let part = |listing: Listing| {
            self.send(Event::Matrix(MatrixEvent::PartlyLoaded { environment, listing }));
        };
        let result = listing::read_in_parts(client, part).await;
        if let (Ok(listing), Some(folder)) = (&result, &self.workspace.cache) {
            listing_cache::save(folder, client.environment(), listing);
        }
        let result = result
            .map_err(|e| LoadFailure {
                reason: e.reason(), text: format!("{e} → {}", e.advice())
            });
        self.send(Event::Matrix(MatrixEvent::Loaded { environment, result }));
    }
}
