//! `oicx`: Oracle Integration Cloud environments and their backups side by side.
//!
//! The map; arrows point down only (ARCHITECTURE.md):

pub mod cli;
pub mod tui;

pub mod ops;
pub mod sim;

pub mod store;

pub mod oic;

pub mod archive;
pub mod config;
pub mod diff;
pub mod files;
pub mod search;

pub mod model;
