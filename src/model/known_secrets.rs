//! Values that this process has sent or may send as secrets. A service may echo them in what it
//! says: no text from outside is shown with one of them in it.

use std::{
    borrow::Cow,
    sync::{
        RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// A shorter value may be a word of its own, in bytes.
const SHORTEST: usize = 8;
/// What a secret is shown as.
pub const DOTS: &str = "••••••";

static ANY: AtomicBool = AtomicBool::new(false);
static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Remembers a value until the process ends. One that is shorter than eight bytes is not: it may be
/// a word of any text.
pub fn remember_secret(value: &str) {
    let value = value.trim();
    if value.len() < SHORTEST {
        return;
    }
    // In JSON, quotes and line ends are written in another way.
    let in_json = serde_json::to_string(value).unwrap_or_default();
    let in_json = in_json.trim_matches('"');
    let Ok(mut known) = KNOWN.write() else { return };
    if !known.iter().any(|one| one == value) {
        known.push(value.to_owned());
        known.extend((in_json != value).then(|| in_json.to_owned()));
        // One may hold another: the longer is blanked first.
        known.sort_by_key(|one| std::cmp::Reverse(one.len()));
        ANY.store(true, Ordering::Release);
    }
}

/// The text with every remembered value blanked.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    if text.len() < SHORTEST || !ANY.load(Ordering::Acquire) {
        return Cow::Borrowed(text);
    }
    let Ok(known) = KNOWN.read() else { return Cow::Borrowed(text) };
    let mut shown = Cow::Borrowed(text);
    for value in known.iter().filter(|value| value.len() <= text.len()) {
        if shown.contains(value.as_str()) {
            shown = Cow::Owned(shown.replace(value.as_str(), DOTS));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_shown_nowhere() {
        remember_secret("0123-of-a-test");
        remember_secret("0123-of-a-test-and-more");
        remember_secret("short");
        let shown = without_secrets("short: 0123-of-a-test, 0123-of-a-test-and-more");
        assert_eq!(shown, "short: ••••••, ••••••");
        assert_eq!(crate::model::visible("Basic 0123-of-a-test\n"), "Basic ••••••␊");
    }
}
