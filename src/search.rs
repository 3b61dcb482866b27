//! Ranks rows by what a person typed.

use fuzzy_matcher::{FuzzyMatcher, skim::SkimMatcherV2};

/// Rows below this are ranked on one thread: starting another costs more.
const PARALLEL_FROM: usize = 8_000;

/// What a person typed into `/`. Words may stand in any order; each must match.
pub struct Query {
    words: Vec<Word>,
    matcher: SkimMatcherV2,
}

struct Word {
    text: String,
    letters: u64,
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.words.iter().map(|w| &w.text)).finish()
    }
}

/// A row's text with what makes most mismatches cheap to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub text: String,
    letters: u64,
}

impl Candidate {
    /// A text prepared for being searched; it is kept as it is written.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { letters: letters(&text), text }
    }
}

/// Which letters and digits occur: a text without one of a word's letters cannot match it.
fn letters(text: &str) -> u64 {
    text.bytes().fold(0, |seen, b| match b.to_ascii_lowercase() {
        c @ b'a'..=b'z' => seen | 1 << (c - b'a'),
        c @ b'0'..=b'9' => seen | 1 << (26 + c - b'0'),
        b'_' => seen | 1 << 36,
        _ => seen,
    })
}

impl Query {
    /// A query of at most eight words of 64 characters; the rest is left out.
    pub fn new(typed: &str) -> Self {
        let word = |w: &str| Word { text: w.to_owned(), letters: letters(w) };
        // Scoring tables are kept a thread; a pasted page is no query.
        let words = typed
            .split_whitespace()
            .take(8)
            .map(|w| word(&w.chars().take(64).collect::<String>()))
            .collect();
        Self { words, matcher: SkimMatcherV2::default().ignore_case() }
    }

    /// Whether no word was typed: everything matches.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The higher, the better; none where a word does not match.
    pub fn score(&self, candidate: &Candidate) -> Option<i64> {
        self.words.iter().try_fold(0, |sum, word| {
            if word.letters & !candidate.letters != 0 {
                return None;
            }
            Some(sum + self.matcher.fuzzy_match(&candidate.text, &word.text)?)
        })
    }

    /// Which characters of the text were matched, for highlighting.
    pub fn positions(&self, text: &str) -> Vec<usize> {
        let hits = self.words.iter().filter_map(|w| self.matcher.fuzzy_indices(text, &w.text));
        let mut all: Vec<usize> = hits.flat_map(|(_, positions)| positions).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether the code or the name matches.
    pub fn matches(&self, code: &str, name: &str) -> bool {
        [code, name].into_iter().any(|t| self.score(&Candidate::new(t)).is_some())
    }

    /// Places of the rows that match, best first; equals keep their order.
    pub fn rank(&self, rows: &[Candidate]) -> Vec<usize> {
        self.hits(rows).into_iter().map(|(_, place)| place).collect()
    }

    /// [`Self::rank`] with the scores.
    pub fn hits(&self, rows: &[Candidate]) -> Vec<(i64, usize)> {
        if self.is_empty() {
            return (0..rows.len()).map(|place| (0, place)).collect();
        }
        let mut hits = self.score_all(rows);
        hits.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        hits
    }

    fn score_all(&self, rows: &[Candidate]) -> Vec<(i64, usize)> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        if rows.len() < PARALLEL_FROM || threads == 1 {
            return self.score_part(rows, 0);
        }
        let part = rows.len().div_ceil(threads);
        std::thread::scope(|scope| {
            let parts: Vec<_> = rows
                .chunks(part)
                .enumerate()
                .map(|(n, chunk)| scope.spawn(move || self.score_part(chunk, n * part)))
                .collect();
            // A thread that failed gives no hits; those of the others count.
            parts.into_iter().flat_map(|p| p.join().unwrap_or_default()).collect()
        })
    }

    fn score_part(&self, rows: &[Candidate], offset: usize) -> Vec<(i64, usize)> {
        rows.iter()
            .enumerate()
            .filter_map(|(i, row)| Some((self.score(row)?, offset + i)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(typed: &str, rows: &[&str]) -> Vec<String> {
        let rows: Vec<_> = rows.iter().map(|r| Candidate::new(*r)).collect();
        Query::new(typed).rank(&rows).into_iter().map(|i| rows[i].text.clone()).collect()
    }

    #[test]
    fn a_few_letters_find_the_row_best_first() {
        let rows = ["TEMPERATURE_FEED", "EMPLOYEE_DATA_SYNC", "ORDER_SPLIT", "EMPLOYEE_PHOTO_LOAD"];
        assert_eq!(rank("emp", &rows)[..2], ["EMPLOYEE_DATA_SYNC", "EMPLOYEE_PHOTO_LOAD"]);
        assert_eq!(rank("eds", &rows)[0], "EMPLOYEE_DATA_SYNC");
        assert_eq!(rank("photo emp", &rows), ["EMPLOYEE_PHOTO_LOAD"]);
        assert_eq!(rank("zzz", &rows), Vec::<String>::new());
        assert_eq!(rank("", &rows).len(), 4);
    }

    #[test]
    fn positions_are_those_of_the_letters_typed() {
        assert_eq!(Query::new("eds").positions("EMPLOYEE_DATA_SYNC"), [0, 9, 14]);
    }

    #[test]
    fn many_rows_rank_the_same_on_several_threads() {
        let rows: Vec<_> =
            (0..PARALLEL_FROM + 5).map(|i| Candidate::new(format!("ROW_{i}"))).collect();
        let ranked = Query::new("8004").rank(&rows);
        assert_eq!(rows[ranked[0]].text, "ROW_8004");
        let scores: Vec<_> =
            ranked.iter().map(|i| Query::new("8004").score(&rows[*i]).unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b));
    }
}
