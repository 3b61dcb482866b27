//! A line that is typed into, with a caret.

use ratatui::{
    style::{Modifier, Style},
    text::Span,
};
use tui_input::{Input, InputRequest};
use unicode_width::UnicodeWidthChar;

use crate::tui::keymap::Action;

/// A text with a caret and a greatest length in characters. Control characters are dropped.
#[derive(Debug, Clone)]
pub struct TextField {
    input: Input,
    longest: usize,
    /// Whether the text is never drawn.
    secret: bool,
}

impl TextField {
    /// An empty field.
    pub fn new(longest: usize) -> Self {
        Self { input: Input::default(), longest, secret: false }
    }

    /// An empty field whose text is never drawn.
    pub fn secret(longest: usize) -> Self {
        Self { secret: true, ..Self::new(longest) }
    }

    /// The same field with a text, the caret at its end.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.set(text);
        self
    }

    /// The text as it was typed, also of a secret field.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Whether the field has no text.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Replaces the text; the caret stands at its end.
    pub fn set(&mut self, text: &str) {
        let kept = text.chars().filter(|c| !c.is_control()).take(self.longest).collect::<String>();
        self.input = Input::new(kept);
    }

    /// Erases the whole text.
    pub fn clear(&mut self) {
        self.input.reset();
    }

    /// Types or pastes a text at the caret, as much of it as there is room for.
    pub fn insert(&mut self, text: &str) {
        let room = self.longest.saturating_sub(self.text().chars().count());
        for c in text.chars().filter(|c| !c.is_control()).take(room) {
            self.input.handle(InputRequest::InsertChar(c));
        }
    }

    /// Edits the text as an action says, and tells whether it changed; None for an action that does
    /// not edit.
    pub fn edit(&mut self, action: Action) -> Option<bool> {
        let request = match action {
            Action::Erase => InputRequest::DeletePrevChar,
            Action::EraseNext => InputRequest::DeleteNextChar,
            Action::EraseWord => InputRequest::DeletePrevWord,
            Action::EraseAll => InputRequest::DeleteLine,
            Action::CaretLeft => InputRequest::GoToPrevChar,
            Action::CaretRight => InputRequest::GoToNextChar,
            Action::CaretStart => InputRequest::GoToStart,
            Action::CaretEnd => InputRequest::GoToEnd,
            _ => return None,
        };
        let before = self.text().len();
        self.input.handle(request);
        Some(before != self.text().len())
    }

    /// The text in a width of so many columns, scrolled so that the caret is seen where there is
    /// one.
    pub fn spans<'a>(&self, width: usize, focused: bool, style: Style) -> Vec<Span<'a>> {
        if self.secret {
            // The length is not shown either.
            let dots = if self.is_empty() { "" } else { "••••••••" };
            let caret = if focused { "▏" } else { "" };
            return vec![Span::styled(format!("{dots}{caret}"), style)];
        }
        if !focused {
            return vec![Span::styled(super::text::fit(self.text(), width), style)];
        }
        let chars: Vec<char> = self.text().chars().collect();
        let caret = self.input.cursor().min(chars.len());
        let columns = |part: &[char]| part.iter().map(|c| c.width().unwrap_or(0)).sum::<usize>();
        let mut from = 0;
        while from < caret && columns(&chars[from..caret]) + 1 > width {
            from += 1;
        }
        let mut to = chars.len();
        while to > caret + 1 && columns(&chars[from..to]) > width {
            to -= 1;
        }
        let text = |part: &[char]| part.iter().collect::<String>();
        let before = Span::styled(text(&chars[from..caret]), style);
        match chars.get(caret) {
            // A caret at the end stands behind the last letter.
            None => vec![before, Span::styled("▏", style)],
            Some(under) => vec![
                before,
                Span::styled(under.to_string(), style.add_modifier(Modifier::REVERSED)),
                Span::styled(text(&chars[caret + 1..to]), style),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn shown(field: &TextField, width: usize) -> String {
        field.spans(width, true, Style::new()).iter().map(|s| s.content.as_ref()).collect()
    }

    #[test]
    fn letters_go_to_the_caret_and_editing_says_whether_the_text_changed() {
        let mut field = TextField::new(10).with_text("prd");
        field.edit(Action::CaretLeft);
        field.edit(Action::CaretLeft);
        field.insert("0o");
        assert_eq!(field.text(), "p0ord");
        assert_eq!(field.edit(Action::CaretStart), Some(false));
        assert_eq!(field.edit(Action::Erase), Some(false), "nothing stands before the caret");
        assert_eq!(field.edit(Action::EraseNext), Some(true));
        assert_eq!(field.edit(Action::Confirm), None);
        assert_eq!(field.text(), "0ord");
    }

    #[rstest]
    #[case("abcdefgh", 5, "efgh▏")]
    #[case("ab", 5, "ab▏")]
    #[case("界界界", 5, "界界▏")]
    fn a_long_text_is_scrolled_to_its_caret(
        #[case] text: &str,
        #[case] width: usize,
        #[case] seen: &str,
    ) {
        assert_eq!(shown(&TextField::new(20).with_text(text), width), seen);
    }

    #[test]
    fn the_text_is_cut_to_its_greatest_length_and_holds_no_control_characters() {
        let mut field = TextField::new(4);
        field.insert("a\u{1b}bcdef");
        assert_eq!(field.text(), "abcd");
    }

    #[test]
    fn a_secret_is_never_drawn_nor_its_length() {
        let short = TextField::secret(80).with_text("x");
        let long = TextField::secret(80).with_text("correct horse");
        assert_eq!(shown(&short, 40), shown(&long, 40));
        assert!(!shown(&long, 40).contains("horse"));
    }
}
