//! Texts cut, broken and marked to fit where they are drawn.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cuts a text to a width in columns, with `…` where something is lost.
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        out.push(c);
        used += w;
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Breaks a text at blanks into lines of a width in columns.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let word = fit(word, width.max(1));
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Breaks a text into pieces of a width in columns, blanks or not: expressions have none.
pub fn broken(text: &str, width: usize) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > width.max(1) {
            out.push(String::new());
            used = 0;
        }
        used += w;
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out
}

/// Spans without their first columns: a long line is read by going sideways.
pub fn sideways(spans: Vec<Span<'_>>, columns: usize) -> Vec<Span<'_>> {
    let mut left = columns;
    let mut out = Vec::with_capacity(spans.len());
    for span in spans {
        let mut from = 0;
        for (i, c) in span.content.char_indices() {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(c.width().unwrap_or(0));
            from = i + c.len_utf8();
        }
        let rest = span.content[from..].to_owned();
        if !rest.is_empty() {
            out.push(Span::styled(rest, span.style));
        }
    }
    out
}

/// Whether a text contains another, without regard to case; the empty text is contained in none.
pub fn contains(text: &str, wanted: &str) -> bool {
    !wanted.is_empty() && text.to_lowercase().contains(&wanted.to_lowercase())
}

/// A text with every place of `wanted` in the style `hit`.
pub fn highlighted<'a>(text: &str, wanted: &str, style: Style, hit: Style) -> Vec<Span<'a>> {
    // Lower case may be longer or shorter; places fit the text only where both have the same
    // length.
    let (lower, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    if wanted.is_empty() || lower.len() != text.len() || !lower.contains(&wanted) {
        return vec![Span::styled(text.to_owned(), style)];
    }
    let mut out = Vec::new();
    let mut from = 0;
    for (at, found) in lower.match_indices(&wanted) {
        out.push(Span::styled(text[from..at].to_owned(), style));
        out.push(Span::styled(text[at..at + found.len()].to_owned(), hit));
        from = at + found.len();
    }
    out.push(Span::styled(text[from..].to_owned(), style));
    out
}

/// The spinner that turns while something is under way, at a count of ticks.
pub fn spinner(ticks: usize) -> char {
    ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'][ticks % 10]
}

/// A text as a file's name; each character that is not allowed everywhere becomes `_`.
pub fn file_name(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("short", 10, "short")]
    #[case("a longer text", 8, "a longe…")]
    #[case("界界界", 4, "界…")]
    #[case("x", 0, "")]
    fn fit_cuts_by_columns(#[case] text: &str, #[case] width: usize, #[case] cut: &str) {
        assert_eq!(fit(text, width), cut);
    }

    #[rstest]
    #[case("one two three", 7, &["one two", "three"])]
    #[case("unbreakable", 5, &["unbr…"])]
    #[case("", 5, &[""])]
    fn wrap_breaks_at_blanks(#[case] text: &str, #[case] width: usize, #[case] lines: &[&str]) {
        assert_eq!(wrap(text, width), lines);
    }

    #[test]
    fn every_place_of_what_is_searched_is_marked_without_regard_to_case() {
        let (plain, hit) = (Style::new(), Style::new().bold());
        let spans = highlighted("Sync and SYNC", "sync", plain, hit);
        let marked: Vec<&str> =
            spans.iter().filter(|s| s.style == hit).map(|s| s.content.as_ref()).collect();
        assert_eq!(marked, ["Sync", "SYNC"]);
    }

    #[test]
    fn going_sideways_leaves_out_columns_not_bytes() {
        let spans = vec![Span::raw("éa"), Span::raw("bc")];
        let text: String = sideways(spans, 3).iter().map(|s| s.content.as_ref()).collect();
        assert_eq!(text, "c");
    }
}
