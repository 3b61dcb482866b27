//! The fallback for fonts without glyphs: one place that replaces them all.

use ratatui::buffer::Buffer;

/// Replaces every glyph that is not ASCII on the whole screen.
pub fn replace(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        let plain = symbol.chars().next().map_or(' ', plain);
        cell.set_char(plain);
    }
}

fn plain(glyph: char) -> char {
    match glyph {
        '●' | '◆' => '*',
        '○' => 'o',
        '◐' => '~',
        '✗' => 'x',
        '✓' => 'v',
        '⟳' => '@',
        '≠' => '#',
        '–' | '─' | '━' => '-',
        '│' | '┃' => '|',
        '╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼' => '+',
        '·' => '.',
        '…' => '.',
        '▶' | '→' | '▸' => '>',
        '←' => '<',
        '↑' => '^',
        '↓' | '▾' => 'v',
        '▏' => '_',
        '×' => 'x',
        '▲' => '^',
        '↻' => '@',
        '▁' | '▂' => '.',
        '▃' | '▄' => 'o',
        '▅' | '▆' => 'O',
        '▇' | '█' => '#',
        '•' => '*',
        '◷' => '@',
        'ƒ' => 'f',
        '⇄' => '=',
        '◇' => '*',
        '≡' => '=',
        '■' => '#',
        '▷' => '>',
        '›' => '>',
        '“' | '”' => '"',
        '’' => '\'',
        '\u{2800}'..='\u{28ff}' => '*',
        _ => '?',
    }
}
