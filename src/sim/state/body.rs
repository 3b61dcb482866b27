//! What an integration of a simulated instance is: a flow of the landscape, or an imported archive.

use std::sync::Arc;

use crate::archive::Iar;
use crate::sim::landscape::FlowSpec;

/// What an export of an integration is made from.
#[derive(Debug, Clone)]
pub enum ArchiveBody {
    Flow(Arc<FlowSpec>),
    /// Imported bytes and what was read from them.
    Imported(Arc<[u8]>, Box<Iar>),
}

impl ArchiveBody {
    /// Whether it runs by a schedule; else a call to its REST trigger starts it.
    pub fn scheduled(&self) -> bool {
        match self {
            Self::Flow(flow) => flow.schedule.is_some(),
            Self::Imported(_, iar) => iar.scheduled,
        }
    }

    /// The display name, not the code.
    pub fn name(&self) -> &str {
        match self {
            Self::Flow(flow) => &flow.name,
            Self::Imported(_, iar) => &iar.name,
        }
    }

    /// The text that describes the flow; empty for an imported archive, from which it is not read.
    pub fn description(&self) -> &str {
        match self {
            Self::Flow(flow) => &flow.description,
            Self::Imported(..) => "",
        }
    }

    /// Whether it is Oracle's own, which cannot be exported.
    pub fn prebuilt(&self) -> bool {
        match self {
            Self::Flow(flow) => flow.prebuilt,
            Self::Imported(_, iar) => iar.project_type == "PREBUILT",
        }
    }

    /// The codes of the connections that it uses, sorted, each once.
    pub fn connections(&self) -> Vec<String> {
        match self {
            Self::Flow(flow) => flow.connections().into_iter().map(str::to_owned).collect(),
            Self::Imported(_, iar) => iar.needs.connections.iter().cloned().collect(),
        }
    }

    /// The lookups that it names.
    pub fn lookups(&self) -> Vec<String> {
        match self {
            Self::Flow(flow) => {
                let name = |e: &String| {
                    Some(e.split_once("dvm:lookupValue(\"")?.1.split('"').next()?.to_owned())
                };
                flow.fields.values().filter_map(name).collect()
            }
            Self::Imported(_, iar) => iar.needs.lookups.iter().cloned().collect(),
        }
    }
}
