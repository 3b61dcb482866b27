//! What an instance offers beyond what every release does, learnt by asking once: a 404 or 405 is
//! an answer.

use super::client::Client;

/// A call that some instances have and others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// `GET /projects/P/integrations/ID/archive`
    MemberArchive,
}

impl Client {
    /// Whether the instance exports an integration of a project alone; none where that was not
    /// tried yet.
    pub fn exports_members(&self) -> Option<bool> {
        self.offers(Capability::MemberArchive)
    }

    /// Whether the instance has a call; none where it was not asked yet.
    pub(super) fn offers(&self, capability: Capability) -> Option<bool> {
        self.capabilities().get(&capability).copied()
    }

    /// Remembers what an answer said.
    pub(super) fn learn(&self, capability: Capability, offered: bool) {
        self.capabilities().insert(capability, offered);
    }
}
