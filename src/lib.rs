//! `oicx`: Oracle Integration Cloud environments and their backups side by side.
//!
//! The map, top to bottom; a module uses only what stands below it (ARCHITECTURE.md):

pub mod cli;
pub mod tui;

pub mod sim;

pub mod ops;

pub mod restore;

pub mod workspace;

pub mod store;

pub mod oic;

pub mod diff;

pub mod archive;
pub mod config;
pub mod files;
pub mod search;

pub mod model;
