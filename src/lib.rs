//! `oicx`: Oracle Integration Cloud environments and their backups side by side.
//!
//! The map (arrows point down only; see ARCHITECTURE.md):
pub mod model;

pub mod archive;
pub mod config;

pub mod sim;
