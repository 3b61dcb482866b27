//! Text from outside, made safe to print.

use std::borrow::Cow;

/// The text with control characters and those that turn the direction of writing made visible, so
/// that a name from a server can neither move the cursor nor hide what it says.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match c {
        '\n' => '␊',
        '\t' => '␉',
        '\r' => '␍',
        '\u{1b}' => '␛',
        '\u{7f}' => '␡',
        c if is_unsafe(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
                    | '\u{feff}' | '\u{61c}')
}

/// A name as one segment of a URL's path.
pub fn path_segment(name: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    // Form encoding writes a blank as `+`, which a path would keep as a plus sign.
    encoded.replace('+', "%20")
}

/// The name that a segment of a path stands for: [`path_segment`] the other way round.
pub fn segment_name(segment: &str) -> String {
    // A segment has no `=` or `&` that is not escaped, so it is one key of a form.
    let pairs = url::form_urlencoded::parse(segment.as_bytes());
    pairs.map(|(key, _)| key.into_owned()).next().unwrap_or_default()
}

/// `1 lookup`, `3 lookups`.
pub fn plural(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        n if one
            .strip_suffix('y')
            .is_some_and(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u'])) =>
        {
            format!("{} {}ies", thousands(n), &one[..one.len() - 1])
        }
        n => format!("{} {one}s", thousands(n)),
    }
}

/// `1942` as `1,942`.
pub fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidirectional_characters_become_visible() {
        assert_eq!(visible("plain Ünïcode"), "plain Ünïcode");
        assert_eq!(visible("\u{1b}[2Jgone\n"), "␛[2Jgone␊");
        assert_eq!(visible("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(plural(1, "lookup"), "1 lookup");
        assert_eq!(plural(2, "entry"), "2 entries");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(942), "942");
    }
}
