//! Colours by meaning, from `assets/themes/*.toml`. With `NO_COLOR` only bold, dim and reversed
//! remain: no meaning is told by colour alone.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// A style for each meaning.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// The ground on which everything is drawn.
    pub background: Paint,
    pub text: Paint,
    pub dim: Paint,
    pub accent: Paint,
    pub title: Paint,
    pub border: Paint,
    pub danger: Paint,
    pub selected: Paint,
    pub cursor: Paint,
    pub r#match: Paint,
    pub same: Paint,
    pub different: Paint,
    pub older: Paint,
    pub newer: Paint,
    pub failing: Paint,
    pub warning: Paint,
    pub good: Paint,
    pub marked: Paint,
    pub key: Paint,
    /// Words of a file: names of elements and keywords, of attributes, texts, numbers, comments.
    pub tag: Paint,
    pub attribute: Paint,
    pub string: Paint,
    pub number: Paint,
    pub comment: Paint,
}

/// A style as a theme writes it: `#4aa5f0 bold`, `white on blue`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Paint(pub Style);

/// A word that names no colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a colour")]
pub struct UnknownColor(String);

impl TryFrom<String> for Paint {
    type Error = UnknownColor;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut style = Style::new();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            style = match word {
                "bold" => style.add_modifier(Modifier::BOLD),
                "dim" => style.add_modifier(Modifier::DIM),
                "reversed" => style.add_modifier(Modifier::REVERSED),
                "underlined" => style.add_modifier(Modifier::UNDERLINED),
                "on" => style.bg(color(words.next().unwrap_or_default())?),
                name => style.fg(color(name)?),
            };
        }
        Ok(Self(style))
    }
}

fn color(name: &str) -> Result<Color, UnknownColor> {
    name.parse().map_err(|_| UnknownColor(name.to_owned()))
}

/// The themes that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    #[default]
    Dark,
    Light,
    HighContrast,
}

impl ThemeName {
    /// All of them, in the order of the palette.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::HighContrast];

    /// The theme that a config or an earlier start names; an unknown name is `dark`.
    pub fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.label() == name).unwrap_or_default()
    }

    /// Its name, as configs have it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Dark => include_str!("../../assets/themes/dark.toml"),
            Self::Light => include_str!("../../assets/themes/light.toml"),
            Self::HighContrast => include_str!("../../assets/themes/high-contrast.toml"),
        }
    }
}

impl Theme {
    /// A theme by name, without colours where `NO_COLOR` is set (no-color.org).
    pub fn named(name: ThemeName) -> Self {
        if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) {
            return Self::colourless();
        }
        toml::from_str(name.file()).unwrap_or_else(|_| Self::colourless())
    }

    /// A theme without colours: styles differ by bold, dim, underlined and reversed.
    pub fn colourless() -> Self {
        let plain = Paint::default();
        let with = |m| Paint(Style::new().add_modifier(m));
        let (bold, dim, reversed) =
            (with(Modifier::BOLD), with(Modifier::DIM), with(Modifier::REVERSED));
        Self {
            background: plain,
            text: plain,
            dim,
            accent: bold,
            title: bold,
            border: plain,
            danger: bold,
            selected: with(Modifier::UNDERLINED),
            cursor: reversed,
            r#match: with(Modifier::BOLD | Modifier::UNDERLINED),
            same: dim,
            different: bold,
            older: plain,
            newer: plain,
            failing: bold,
            warning: bold,
            good: plain,
            marked: bold,
            key: bold,
            tag: bold,
            attribute: plain,
            string: plain,
            number: plain,
            comment: dim,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_is_whole() {
        for name in ThemeName::ALL {
            toml::from_str::<Theme>(name.file()).unwrap();
            assert_eq!(ThemeName::of(name.label()), name);
        }
        assert_eq!(ThemeName::of("of the moon"), ThemeName::Dark);
    }
}
