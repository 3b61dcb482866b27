//! Transcripts: a walk over an environment that only reads, what each call answered with every name
//! blanked, and a check whether every reader of the client can read it. So one person with an
//! instance can show its truth without showing its data.

mod blank;
mod walk;

pub use blank::{Blanked, blank};
pub use walk::{WalkedCall, walk};
