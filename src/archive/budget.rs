//! What an archive may cost: bounds that no real export comes near, so that reading one takes work that
//! grows with its size, and not more (docs/archive-format.md, Sizes and bounds).

use std::{cell::Cell, rc::Rc};

/// Entries in the directory of one zip.
pub const ENTRIES: usize = 20_000;
/// One file, unpacked, in bytes.
pub const FILE_BYTES: u64 = 32 << 20;
/// All files together, unpacked, in bytes, with those of archives within.
pub const ALL_BYTES: u64 = 128 << 20;
/// Deflate cannot pack tighter than about 1 : 1032; text of exports stays under 1 : 60.
pub const RATIO: u64 = 400;
/// A file up to this size may have any ratio, in bytes.
pub const RATIO_FREE_BYTES: u64 = 1 << 20;
/// Elements and JSON values in one file: each costs many times its bytes in memory.
pub const FILE_MARKUP: usize = 500_000;
/// The same in all files together.
pub const ALL_MARKUP: usize = 1_000_000;
/// Attributes and namespaces of one element: parsers compare each with each.
pub const ATTRIBUTES: usize = 1_000;
/// Elements that declare a namespace: each inherits all that were declared around it.
pub const NAMESPACES: usize = 20_000;

/// What is left for an archive and all that lie within it.
#[derive(Debug, Clone)]
pub struct Budget {
    bytes: Rc<Cell<u64>>,
    markup: Rc<Cell<usize>>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: Rc::new(Cell::new(ALL_BYTES)), markup: Rc::new(Cell::new(ALL_MARKUP)) }
    }
}

impl Budget {
    /// Takes what a directory promises to unpack to. False where that is more than is left.
    pub fn take_bytes(&self, bytes: u64) -> bool {
        let left = self.bytes.get().checked_sub(bytes);
        left.inspect(|left| self.bytes.set(*left)).is_some()
    }

    /// Takes the markup of a file. False where that is more than is left.
    pub fn take_markup(&self, markup: usize) -> bool {
        let left = self.markup.get().checked_sub(markup).filter(|_| markup <= FILE_MARKUP);
        left.inspect(|left| self.markup.set(*left)).is_some()
    }
}

/// How much a parser makes of a file, as far as its bytes tell.
pub fn markup_of(name: &str, bytes: &[u8]) -> usize {
    let json = name.ends_with(".json");
    let counts = |b: &&u8| match **b {
        b'<' => true,
        b',' | b'{' | b'[' => json,
        _ => false,
    };
    bytes.iter().filter(counts).count()
}

/// Whether an element has more attributes, or a text more namespaces, than may be parsed.
pub fn has_too_many_attributes(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut namespaces) = (0, 0);
    while let Some(start) = find(bytes, at, b'<') {
        let rest = &text[start..];
        let end = |mark: &str| rest.find(mark).map_or(bytes.len(), |n| start + n + mark.len());
        at = match () {
            () if rest.starts_with("<!--") => end("-->"),
            () if rest.starts_with("<![CDATA[") => end("]]>"),
            () => {
                let (end, attributes) = tag(bytes, start);
                namespaces += usize::from(text[start..end].contains("xmlns"));
                if attributes > ATTRIBUTES || namespaces > NAMESPACES {
                    return true;
                }
                end
            }
        };
    }
    false
}

fn find(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    bytes.get(from..)?.iter().position(|b| *b == wanted).map(|n| from + n)
}

/// Where a tag ends, and how many quoted values it has.
fn tag(bytes: &[u8], start: usize) -> (usize, usize) {
    let (mut at, mut values) = (start, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                values += 1;
                match find(bytes, at + 1, *byte) {
                    Some(end) => at = end + 1,
                    None => return (bytes.len(), values),
                }
            }
            b'>' => return (at + 1, values),
            _ => at += 1,
        }
    }
    (bytes.len(), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_counted_by_element_and_not_in_texts() {
        let many = |n: usize| (0..n).map(|n| format!(" a{n}='\"'")).collect::<String>();
        let element = |n| format!("<a{}><b c='>'/></a>", many(n));
        assert!(!has_too_many_attributes(&element(ATTRIBUTES)));
        assert!(has_too_many_attributes(&element(ATTRIBUTES + 1)));
        let quotes = "\"".repeat(3_000);
        assert!(!has_too_many_attributes(&format!("<a>{quotes}</a>")));
        assert!(!has_too_many_attributes(&format!(
            "<a><!-- < {quotes} --><![CDATA[<{quotes}]]></a>"
        )));
        let declared = |n: usize| format!("<a>{}</a>", "<b xmlns='u'/>".repeat(n));
        assert!(!has_too_many_attributes(&declared(NAMESPACES)));
        assert!(has_too_many_attributes(&declared(NAMESPACES + 1)));
    }

    #[test]
    fn what_lies_within_takes_from_the_same_budget() {
        let budget = Budget::default();
        let within = budget.clone();
        assert!(within.take_bytes(ALL_BYTES - 1) && !budget.take_bytes(2) && budget.take_bytes(1));
        assert!(!budget.take_markup(FILE_MARKUP + 1));
        assert!(budget.take_markup(FILE_MARKUP) && within.take_markup(FILE_MARKUP));
        assert!(!budget.take_markup(1));
    }
}
