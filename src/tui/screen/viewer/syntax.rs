//! Colours for the words of a line: enough to see structure, a line at a time.

use ratatui::{style::Style, text::Span};

use crate::tui::app::App;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Xml,
    Json,
    Script,
    Properties,
    Plain,
}

impl Language {
    /// The language that the ending of a file's name tells; plain where it is not known.
    pub fn of(path: &str) -> Self {
        match path.rsplit('.').next().unwrap_or_default() {
            "xml" | "xsl" | "xslt" | "xsd" | "wsdl" | "jca" | "dvm" => Self::Xml,
            "json" => Self::Json,
            "js" => Self::Script,
            "properties" | "yaml" => Self::Properties,
            _ => Self::Plain,
        }
    }
}

/// A line's words with their styles.
pub fn spans<'a>(app: &App, language: Language, line: &str) -> Vec<Span<'a>> {
    let theme = &app.theme;
    match language {
        Language::Xml => xml(app, line),
        Language::Properties => match line.find([':', '=']) {
            Some(at) => vec![
                Span::styled(line[..at].to_owned(), theme.tag.0),
                Span::styled(line[at..].to_owned(), theme.text.0),
            ],
            None => vec![Span::styled(line.to_owned(), theme.text.0)],
        },
        Language::Json | Language::Script => words(app, language, line),
        Language::Plain => vec![Span::styled(line.to_owned(), theme.text.0)],
    }
}

fn xml<'a>(app: &App, line: &str) -> Vec<Span<'a>> {
    let theme = &app.theme;
    if line.trim_start().starts_with("<!--") {
        return vec![Span::styled(line.to_owned(), theme.comment.0)];
    }
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find('<') {
        push(&mut out, &rest[..open], theme.text.0);
        let close = tag_end(&rest[open..]).map_or(rest.len(), |c| open + c + 1);
        tag(app, &rest[open..close], &mut out);
        rest = &rest[close..];
    }
    push(&mut out, rest, theme.text.0);
    out
}

/// The place of the `>` that ends a tag; one in quotes does not.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match c {
            c if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            '>' if quote.is_none() => return Some(i),
            _ => {}
        }
    }
    None
}

fn tag<'a>(app: &App, text: &str, out: &mut Vec<Span<'a>>) {
    let theme = &app.theme;
    let name = text.find(char::is_whitespace).unwrap_or(text.len());
    push(out, &text[..name], theme.tag.0);
    let mut rest = &text[name..];
    while let Some(start) = rest.find('"') {
        push(out, &rest[..start], theme.attribute.0);
        let end = rest[start + 1..].find('"').map_or(rest.len(), |e| start + e + 2);
        push(out, &rest[start..end], theme.string.0);
        rest = &rest[end..];
    }
    push(out, rest, theme.tag.0);
}

const KEYWORDS: [&str; 20] = [
    "function", "return", "var", "let", "const", "if", "else", "for", "while", "new", "try",
    "catch", "throw", "true", "false", "null", "this", "typeof", "switch", "case",
];

fn words<'a>(app: &App, language: Language, line: &str) -> Vec<Span<'a>> {
    let theme = &app.theme;
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if language == Language::Script && rest.starts_with("//") {
            push(&mut out, rest, theme.comment.0);
            return out;
        }
        let (length, style) = match c {
            '"' | '\'' => {
                let end = quoted_end(rest, c);
                let key = language == Language::Json && rest[end..].trim_start().starts_with(':');
                (end, if key { theme.attribute.0 } else { theme.string.0 })
            }
            c if c.is_ascii_digit() => {
                (while_in(rest, |c| c.is_ascii_alphanumeric() || c == '.'), theme.number.0)
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = while_in(rest, |c| c.is_alphanumeric() || c == '_');
                (end, if KEYWORDS.contains(&&rest[..end]) { theme.tag.0 } else { theme.text.0 })
            }
            _ => (
                while_in(rest, |c| !(c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '/')))
                    .max(c.len_utf8()),
                theme.text.0,
            ),
        };
        push(&mut out, &rest[..length], style);
        rest = &rest[length..];
    }
    out
}

fn while_in(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

fn quoted_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return i + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn push<'a>(out: &mut Vec<Span<'a>>, text: &str, style: Style) {
    if !text.is_empty() {
        out.push(Span::styled(text.to_owned(), style));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_where_they_end() {
        assert_eq!(quoted_end(r#""a\"b" c"#, '"'), 6);
        assert_eq!(quoted_end("'open", '\''), 5);
        assert_eq!(tag_end(r#"<a b=">"> c"#), Some(8));
    }
}
