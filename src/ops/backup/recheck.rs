//! Reads again what a snapshot relies on: a byte that rotted leaves the size as it was. Each stored
//! file has its turn within a number of days; one that a verify found damaged has it at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::StreamExt;
use jiff::Timestamp;

use crate::archive::sha256_hex;
use crate::model::{EnvironmentName, ManifestEntry};
use crate::store::{Index, Store, StoreError};

/// How many files are read at once.
const READERS: usize = 8;
const SECONDS_A_DAY: i64 = 86_400;

/// Which stored files are read again, and which are known to be damaged.
#[derive(Debug, Default)]
pub(super) struct Recheck {
    /// Within how many days each file has its turn; 0: none has.
    days: i64,
    /// The day of the last whole snapshot and that of this one, counted from 1970.
    last: i64,
    today: i64,
    /// Path -> why it is damaged.
    damaged: Mutex<BTreeMap<String, String>>,
    /// Files that were read again already.
    read: Mutex<BTreeSet<String>>,
    /// Damaged files that were given their bytes again.
    healed: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is whole after each line.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recheck {
    /// A check of the files of an environment for a snapshot that begins now.
    ///
    /// # Errors
    /// Where the notes of damage cannot be read.
    pub async fn begin(
        store: &Store,
        environment: &EnvironmentName,
        days: u64,
        last: Option<Timestamp>,
        started: Timestamp,
    ) -> Result<Self, StoreError> {
        let day = |time: Timestamp| time.as_second().div_euclid(SECONDS_A_DAY);
        let notes = store.damage(environment).await?;
        Ok(Self {
            days: i64::try_from(days).unwrap_or(i64::MAX),
            last: last.map_or(i64::MIN, day),
            today: day(started),
            damaged: Mutex::new(notes.into_iter().map(|note| (note.path, note.why)).collect()),
            read: Mutex::default(),
            healed: Mutex::default(),
        })
    }

    /// Whether a file has its turn on one of the days since the last snapshot.
    fn is_due(&self, path: &str) -> bool {
        if self.days == 0 {
            return false;
        }
        // A hash that stays the same whatever compiled this program: a turn must not move.
        let hash = i64::from_str_radix(&sha256_hex(path.as_bytes())[..15], 16).unwrap_or_default();
        let turn = hash % self.days;
        let since = self.today.saturating_sub(self.last).min(self.days);
        (0..since).any(|back| (self.today - back).rem_euclid(self.days) == turn)
    }

    /// Whether a file is known to be damaged.
    pub fn is_damaged(&self, path: &str) -> bool {
        lock(&self.damaged).contains_key(path)
    }

    /// Whether a file is what was saved, as far as it has its turn.
    pub async fn holds(&self, store: &Store, entry: &ManifestEntry) -> bool {
        if self.is_damaged(&entry.path) {
            return false;
        }
        // A project's file is listed by each of its integrations.
        if !self.is_due(&entry.path) || !lock(&self.read).insert(entry.path.clone()) {
            return true;
        }
        match store.read_entry(entry).await {
            Ok(_) => true,
            // A file that the store cannot read now may be whole.
            Err(StoreError::Read { path, why }) => {
                tracing::warn!("{path} was not read again: {why}");
                true
            }
            Err(e) => {
                let why = match e {
                    StoreError::Altered { why, .. } => why,
                    other => other.to_string(),
                };
                lock(&self.damaged).insert(entry.path.clone(), why);
                false
            }
        }
    }

    /// Reads those files that have their turn.
    pub async fn read(&self, store: &Store, entries: Vec<ManifestEntry>) {
        let due: BTreeMap<String, ManifestEntry> =
            entries.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
        let due = due.into_values().filter(|entry| self.is_due(&entry.path));
        let read = |entry: ManifestEntry| async move { self.holds(store, &entry).await };
        let mut reads = futures::stream::iter(due).map(read).buffer_unordered(READERS);
        while reads.next().await.is_some() {}
    }

    /// Notes that a damaged file has its bytes again.
    pub fn healed(&self, path: &str) {
        lock(&self.healed).push(path.to_owned());
        lock(&self.damaged).remove(path);
    }

    /// Writes down what was found for the backups to come, and says what became of it.
    pub async fn end(
        &self,
        store: &Store,
        environment: &EnvironmentName,
        index: &Index,
    ) -> Vec<String> {
        let (damaged, healed) = (lock(&self.damaged).clone(), lock(&self.healed).clone());
        let mut told = Vec::new();
        for path in healed {
            store.clear_damage(&path).await;
            told.push(format!("{path} was damaged in the store, and is whole again"));
        }
        for (path, why) in damaged {
            let listing = index.versions().iter();
            let listing = listing.filter(|v| v.environment == *environment && v.path == path);
            let (first, last) = listing.fold((None, None), |(first, last), v| {
                let first = first.map_or(v.first_seen, |f: Timestamp| f.min(v.first_seen));
                (Some(first), last.max(Some(v.last_seen)))
            });
            let (Some(first), Some(last)) = (first, last) else {
                // No snapshot lists it any more.
                store.clear_damage(&path).await;
                continue;
            };
            store.note_damage(&path, &why).await;
            told.push(format!(
                "{path} is damaged in the store ({why}): this snapshot does not rely on it; \
                 snapshots from {} to {} list it: heal it from a copy with oicx verify --repair-from",
                first.strftime("%F"),
                last.strftime("%F")
            ));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recheck(days: i64, last: i64, today: i64) -> Recheck {
        Recheck { days, last, today, ..Recheck::default() }
    }

    #[test]
    fn each_file_has_its_turn_once_within_the_days() {
        for n in 0..50 {
            let path = format!("prod/integrations/F{n}/01.00.0000/x.iar");
            let turns = (100..130).filter(|day| recheck(30, day - 1, *day).is_due(&path)).count();
            assert_eq!(turns, 1, "{path}");
            // After a pause all days since count, and after a long one all files have their turn.
            assert!(recheck(30, 0, 400).is_due(&path));
            assert!(recheck(30, i64::MIN, 400).is_due(&path));
            assert!(!recheck(30, 100, 100).is_due(&path), "twice on one day");
            assert!(!recheck(0, 0, 400).is_due(&path));
        }
    }
}
