//! Blanks the secrets of an archive: each in its place, and wherever else its value stands.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, RandomState},
    ops::Range,
    sync::LazyLock,
};

use aho_corasick::{AhoCorasick, MatchKind};

use super::{hits, scanned};
use crate::model::DOTS;

/// How a blanked secret is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlankedAs {
    /// As dots: the same text in every process.
    Dots,
    /// As dots and a mark that another value has not, in this process alone: two archives can be
    /// compared, and the mark tells nothing of the value.
    Marked,
}

impl BlankedAs {
    /// What stands in the place of a value. Marked dots are the same for equal values, in this
    /// process only.
    pub(super) fn of(self, value: &str) -> String {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        match self {
            Self::Dots => DOTS.to_owned(),
            Self::Marked => format!("{DOTS}{:08x}", KEY.hash_one(value) as u32),
        }
    }
}

/// The shortest and the longest value, in bytes, that is looked for elsewhere than in its place: a
/// shorter one may be a word, a longer one is a file.
const SOUGHT: Range<usize> = 6..4_096;
/// The shortest value of letters alone that is looked for, in bytes.
const WORDS: usize = 16;
/// How many values of an archive are looked for elsewhere: no real one has more secrets.
const MOST_SOUGHT: usize = 500;

/// Blanks every secret of files: in its place, and wherever else its value stands in any of them.
pub(in crate::archive) fn blank_files(files: &mut HashMap<String, Vec<u8>>, how: BlankedAs) {
    let mut values = SecretValues::default();
    // The order is fixed, so that where there are too many values the same ones are sought each
    // time.
    let mut paths: Vec<String> = files.keys().cloned().collect();
    paths.sort_unstable();
    for path in &paths {
        let Some(bytes) = files.get_mut(path) else { continue };
        let Some(text) = scanned(bytes) else { continue };
        let found = hits(path, text, 0);
        if found.is_empty() {
            continue;
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for hit in found {
            let value = &text[hit.range.clone()];
            values.add(value);
            out.push_str(&text[from..hit.range.start]);
            out.push_str(&how.of(value));
            from = hit.range.end;
        }
        out.push_str(&text[from..]);
        let rest = bytes.split_off(text.len());
        *bytes = out.into_bytes();
        bytes.extend(rest);
    }
    let Some(values) = values.finish() else { return };
    for bytes in files.values_mut() {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        if let Cow::Owned(blanked) = values.hide(text, how) {
            *bytes = blanked.into_bytes();
        }
    }
}

/// The values of the secrets of an archive, to be looked for wherever they stand.
#[derive(Debug, Default)]
struct SecretValues(BTreeSet<String>);

impl SecretValues {
    /// Adds a value as it stands bare, and as XML and JSON write it.
    fn add(&mut self, value: &str) {
        let bare = value.trim().trim_matches(['"', '\'']);
        let plain = unescaped(bare);
        if !is_sought(&plain) || self.0.len() >= MOST_SOUGHT {
            return;
        }
        let in_json = serde_json::to_string(&plain).unwrap_or_default();
        self.0.insert(in_json.trim_matches('"').to_owned());
        self.0.insert(ENTITIES.iter().rev().fold(plain.clone(), |t, (e, c)| t.replace(c, e)));
        self.0.extend([bare.to_owned(), plain]);
    }

    /// What blanks the values; none where there is no value.
    fn finish(&self) -> Option<Blanker> {
        if self.0.is_empty() {
            return None;
        }
        // The longer of two that begin in one place is taken: it may hold the other.
        let any = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.0);
        any.inspect_err(|e| tracing::warn!("secrets are blanked in their places alone: {e}"))
            .ok()
            .map(Blanker)
    }
}

/// Whether a value is looked for elsewhere. One of nothing but a few letters may be a word of any
/// text.
fn is_sought(value: &str) -> bool {
    let is_word = value.len() < WORDS && value.chars().all(char::is_alphabetic);
    SOUGHT.contains(&value.len()) && !is_word && !value.starts_with(DOTS)
}

/// Blanks the secrets of an archive in any text.
#[derive(Debug)]
pub struct Blanker(AhoCorasick);

impl Blanker {
    /// A blanker of all secrets of these files; none where they have none.
    pub(in crate::archive) fn of<'f>(
        files: impl Iterator<Item = (String, &'f [u8])>,
    ) -> Option<Self> {
        let mut values = SecretValues::default();
        for (path, bytes) in files {
            let Some(text) = scanned(bytes) else { continue };
            hits(&path, text, 0).into_iter().for_each(|hit| values.add(&text[hit.range]));
        }
        values.finish()
    }

    /// The text with each of these secrets blanked, where it is no part of a longer word.
    pub fn hide<'t>(&self, text: &'t str, how: BlankedAs) -> Cow<'t, str> {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let mut out = String::new();
        let mut from = 0;
        for found in self.0.find_iter(text) {
            let value = &text[found.range()];
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            let joins = |beside: Option<char>, own: Option<char>| is_word(beside) && is_word(own);
            if joins(before.chars().next_back(), value.chars().next())
                || joins(after.chars().next(), value.chars().next_back())
            {
                continue;
            }
            out.push_str(&text[from..found.start()]);
            out.push_str(&how.of(value));
            from = found.end();
        }
        if from == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[from..]);
        Cow::Owned(out)
    }
}

/// As [`blank_files`], for one that is no archive.
pub(in crate::archive) fn blank_file(name: &str, bytes: &[u8], how: BlankedAs) -> Vec<u8> {
    let mut files = HashMap::from([(name.to_owned(), bytes.to_vec())]);
    blank_files(&mut files, how);
    files.remove(name).unwrap_or_default()
}

/// The entities of XML and their letters. The last is undone last: its letter begins the others.
const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];

/// A value without the entities of XML.
fn unescaped(value: &str) -> String {
    ENTITIES.iter().fold(value.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}
