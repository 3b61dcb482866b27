//! Text from outside, made safe to print.

use std::borrow::Cow;

use super::known_secrets::without_secrets;

/// The text with control characters, those that turn the direction of writing, and those that
/// nobody sees made visible, so that a name from a server can neither move the cursor nor hide what
/// it says.
pub fn visible(text: &str) -> Cow<'_, str> {
    let text = without_secrets(text);
    if !text.chars().any(is_unsafe) {
        return text;
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

/// As [`visible`], for a text of several lines: line feeds and tabs stay, and a carriage return
/// goes where a line feed follows.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    // A secret may run over several lines.
    let text = without_secrets(text);
    let stays = |c: char| c == '\n' || c == '\t' || !is_unsafe(c);
    if text.chars().all(stays) {
        return text;
    }
    let text = text.replace("\r\n", "\n");
    let lines =
        text.split('\n').map(|line| line.split('\t').map(visible).collect::<Vec<_>>().join("\t"));
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

/// Text from outside inside a line of Markdown: it forms nothing, and is no HTML.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = visible(text);
    let mut chars = text.chars().peekable();
    let mut in_word = false;
    while let Some(c) = chars.next() {
        // Within a word it forms nothing: `PAY_GRADE`.
        let joins = c == '_' && in_word && chars.peek().is_some_and(|n| n.is_alphanumeric());
        if matches!(c, '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '\\') && !joins {
            out.push('\\');
        }
        in_word = c.is_alphanumeric();
        out.push(c);
    }
    out
}

fn is_unsafe(c: char) -> bool {
    match c {
        // Direction, blanks of no width, joiners, ends of lines and paragraphs.
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        // The soft hyphen, and letters that fill a place without a mark.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => true,
        // Tags and the supplement of variation selectors: whole texts can be hidden in them.
        '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
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

/// A text with its first letter in upper case: `Restore SYNC …` from `restore SYNC …`.
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidirectional_characters_become_visible() {
        assert_eq!(visible("plain Ünïcode"), "plain Ünïcode");
        assert_eq!(visible("\u{1b}[2Jgone\n"), "␛[2Jgone␊");
        assert_eq!(visible("a\u{202e}b"), "a\u{fffd}b");
        for hidden in
            ['\u{85}', '\u{9b}', '\u{ad}', '\u{2028}', '\u{2029}', '\u{3164}', '\u{e0041}']
        {
            assert_eq!(visible(&format!("a{hidden}b")), "a\u{fffd}b", "{hidden:?}");
        }
    }

    #[test]
    fn several_lines_stay_several() {
        assert_eq!(visible_lines("a\tb\nc"), "a\tb\nc");
        assert_eq!(visible_lines("a\u{1b}\tb\rx\nc\r\n"), "a␛\tb␍x\nc\n");
        assert_eq!(markdown("PAY_GRADE _x_"), "PAY_GRADE \\_x\\_");
        assert_eq!(markdown("a|b *c* <script>"), "a\\|b \\*c\\* \\<script\\>");
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(plural(1, "lookup"), "1 lookup");
        assert_eq!(plural(2, "entry"), "2 entries");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(942), "942");
    }
}
