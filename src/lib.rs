//! `oicx`: Oracle Integration Cloud environments and their backups side by side.
//!
//! The map, top to bottom; a module uses only what stands below it (ARCHITECTURE.md):

/// A command a file.
pub mod cli;
/// The explorer.
pub mod tui;

/// A simulator of the service.
pub mod sim;

/// The verbs, a file each.
pub mod ops;

/// Restore, and what promote, rollback and drill are made of.
pub mod restore;

/// Environments, store and caches opened together.
pub mod workspace;

/// Snapshots on any object store.
pub mod store;

/// The REST client.
pub mod oic;

/// Archives compared in meaning and as text.
pub mod diff;

/// Bytes of an export to what they mean.
pub mod archive;
/// The config file.
pub mod config;
/// Files on this machine, written whole or not at all.
pub mod files;
/// Rows ranked by what was typed.
pub mod search;

/// Plain data.
pub mod model;
