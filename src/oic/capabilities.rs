//! What an instance offers beyond what every release does, learnt by asking once: a 404 or 405 is
//! an answer. It is remembered between starts where there is a folder for caches.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    client::Client,
    error::{ErrorKind, OicError},
};
use crate::files::write_json;

/// What some instances have and others do not: a call, or a field in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// `GET /projects/P/integrations/ID/archive`
    MemberArchive,
    /// `PUT /projects/P/integrations/archive`
    MemberReplacement,
    /// `PUT /projects/P/lookups/NAME`
    LookupContent,
    /// The project of an integration in `GET /monitoring/integrations`
    ProjectsInCounts,
    /// `GET /projects/P/acl`
    AccessLists,
    /// `GET /projects/P/deployments`
    Deployments,
}

/// How long it is believed that an instance lacks a call: a new release may bring it.
const BELIEVED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is known of one instance.
#[derive(Debug, Default)]
pub struct KnownCapabilities {
    learnt: HashMap<Capability, Learnt>,
    /// Where it is kept, and the address of the instance that it is about.
    kept: Option<(PathBuf, String)>,
    /// The most items that a page had, by what was listed: no smaller page was capped.
    pages: HashMap<String, usize>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Learnt {
    offered: bool,
    at: Timestamp,
}

/// The file of an environment. What another instance offered under the same name says nothing.
#[derive(Serialize, Deserialize)]
struct Remembered {
    address: String,
    calls: HashMap<Capability, Learnt>,
}

impl KnownCapabilities {
    /// Notes how many items a page had.
    pub(super) fn saw_page(&mut self, of: &str, items: usize) {
        match self.pages.get_mut(of) {
            Some(most) => *most = items.max(*most),
            None => drop(self.pages.insert(of.to_owned(), items)),
        }
    }

    /// The most items that a page had.
    pub(super) fn largest_page(&self, of: &str) -> usize {
        self.pages.get(of).copied().unwrap_or(0)
    }

    fn offers(&self, capability: Capability) -> Option<bool> {
        self.learnt.get(&capability).map(|l| l.offered)
    }

    fn learn(&mut self, capability: Capability, offered: bool) {
        let known = self.offers(capability) == Some(offered);
        self.learnt.insert(capability, Learnt { offered, at: Timestamp::now() });
        if let Some((file, address)) = self.kept.as_ref().filter(|_| !known) {
            let remembered = Remembered { address: address.clone(), calls: self.learnt.clone() };
            if let Err(e) = write_json(file, &remembered) {
                tracing::warn!("what the instance offers is not kept at {}: {e}", file.display());
            }
        }
    }

    /// Takes over what was learnt in earlier starts, and keeps there what is learnt from now on.
    fn remember(&mut self, file: PathBuf, address: String, now: Timestamp) {
        let read = std::fs::read(&file).ok();
        let read: Option<Remembered> = read.and_then(|b| serde_json::from_slice(&b).ok());
        let fresh = |l: &Learnt| l.offered || now.duration_since(l.at) < BELIEVED;
        if let Some(read) = read.filter(|r| r.address == address) {
            self.learnt.extend(read.calls.into_iter().filter(|(_, l)| fresh(l)));
        }
        self.kept = Some((file, address));
    }
}

impl Client {
    /// Whether the instance exports an integration of a project alone; none where that was not
    /// tried yet.
    pub fn exports_members(&self) -> Option<bool> {
        self.offers(Capability::MemberArchive)
    }

    /// Whether the instance has access lists; none where none was asked for yet.
    pub fn offers_access_lists(&self) -> Option<bool> {
        self.offers(Capability::AccessLists)
    }

    /// Asks for what some instances lack, and remembers what the answer says of that. A 404 says
    /// nothing: what was asked about may be gone, or hidden from the role.
    ///
    /// # Errors
    /// Those of the call; 405 without a call where an answer said so before.
    pub(super) async fn ask_where_offered<T>(
        &self,
        capability: Capability,
        action: &'static str,
        call: impl Future<Output = Result<T, OicError>>,
    ) -> Result<T, OicError> {
        if self.offers(capability) == Some(false) {
            let words = "the instance has no such call, as it said before".to_owned();
            let (code, request_id, page) = (None, None, false);
            let kind = ErrorKind::Status { status: 405, words, code, request_id, page };
            return Err(self.error(action, None, kind));
        }
        let answer = call.await;
        match &answer {
            Ok(_) => self.learn_offered(capability),
            // What worked before is offered, whatever a host between says now.
            Err(e) if e.says_not_offered() && self.offers(capability).is_none() => {
                self.learn_missing(capability);
            }
            Err(_) => {}
        }
        answer
    }

    /// Remembers between starts, in a folder of caches, what the instance offers.
    pub fn remember_in(&self, folder: &Path) {
        let environment = self.environment();
        let file = folder.join(format!("calls-{}.json", environment.name));
        let instance = environment.instance.as_deref().unwrap_or_default();
        let address = format!("{} {instance}", environment.url);
        self.capabilities().remember(file, address, Timestamp::now());
    }

    /// Whether the instance has a call; none where it was not asked yet.
    pub(super) fn offers(&self, capability: Capability) -> Option<bool> {
        self.capabilities().offers(capability)
    }

    /// Remembers that an answer showed a call to be there.
    pub(super) fn learn_offered(&self, capability: Capability) {
        self.capabilities().learn(capability, true);
    }

    /// Remembers that an answer said that there is no such call.
    pub(super) fn learn_missing(&self, capability: Capability) {
        self.capabilities().learn(capability, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_instance_offers_is_known_at_the_next_start_and_a_lack_only_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls-prod.json");
        let at = |address: &str, now: Timestamp| {
            let mut known = KnownCapabilities::default();
            known.remember(file.clone(), address.to_owned(), now);
            known
        };
        let now = Timestamp::now();
        let later = now + SignedDuration::from_hours(8 * 24);
        let call = Capability::MemberArchive;
        assert_eq!(at("https://a", now).offers(call), None);
        at("https://a", now).learn(call, false);
        assert_eq!(at("https://a", now).offers(call), Some(false));
        assert_eq!(at("https://a", later).offers(call), None, "a release may have brought it");
        assert_eq!(at("https://b", now).offers(call), None, "another instance");
        at("https://a", now).learn(call, true);
        assert_eq!(at("https://a", later).offers(call), Some(true));
        std::fs::write(&file, b"{").unwrap();
        assert_eq!(at("https://a", now).offers(call), None);
    }
}
