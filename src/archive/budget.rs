//! What an archive may cost: bounds that no real export comes near, so that reading one takes work
//! that grows with its size, and not more (docs/archive-format.md, Sizes and bounds).

use std::{cell::RefCell, collections::HashMap, rc::Rc};

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
pub const ALL_MARKUP: usize = 5_000_000;
/// Attributes and namespaces of one element: parsers compare each with each.
pub const ATTRIBUTES: usize = 1_000;
/// Elements that declare a namespace: each inherits all that were declared around it.
pub const NAMESPACES: usize = 20_000;

/// What is left for an archive and all that lie within it. A file is paid for once, however often
/// it is read: what was decided of it stays so.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    shared: Rc<RefCell<Shared>>,
    /// The archives within which this one lies, by name.
    within: String,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: u64,
    markup: usize,
    /// Whether an entry fitted, by its place in the directory, and a file, by its name within all
    /// archives.
    entries: HashMap<(String, usize), bool>,
    files: HashMap<String, bool>,
}

impl Budget {
    /// The same budget, for an archive that lies within.
    pub fn nested(&self, name: &str) -> Self {
        Self { shared: Rc::clone(&self.shared), within: format!("{}{name}!", self.within) }
    }

    /// Takes what an entry of a directory promises to unpack to. False where that is more than is
    /// left.
    pub fn take_bytes(&self, entry: usize, bytes: u64) -> bool {
        let mut shared = self.shared.borrow_mut();
        let key = (self.within.clone(), entry);
        if let Some(known) = shared.entries.get(&key) {
            return *known;
        }
        let fits = bytes <= ALL_BYTES - shared.bytes;
        shared.bytes += if fits { bytes } else { 0 };
        shared.entries.insert(key, fits);
        fits
    }

    /// Takes the markup of a file. False where that is more than is left.
    pub fn take_markup(&self, name: &str, bytes: &[u8]) -> bool {
        let mut shared = self.shared.borrow_mut();
        let key = format!("{}{name}", self.within);
        if let Some(known) = shared.files.get(&key) {
            return *known;
        }
        let markup = markup_of(name, bytes);
        let fits = markup <= FILE_MARKUP && markup <= ALL_MARKUP - shared.markup;
        shared.markup += if fits { markup } else { 0 };
        shared.files.insert(key, fits);
        fits
    }
}

/// How much a parser makes of a file, as far as its bytes tell.
fn markup_of(name: &str, bytes: &[u8]) -> usize {
    // What is packed is counted when it is unpacked.
    if bytes.starts_with(b"PK") {
        return 0;
    }
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
        let within = budget.nested("a.iar");
        assert!(within.take_bytes(0, ALL_BYTES - 1) && !budget.take_bytes(0, 2));
        assert!(budget.take_bytes(1, 1) && !budget.take_bytes(2, 1));
        let again = budget.nested("a.iar");
        assert!(again.take_bytes(0, ALL_BYTES - 1), "it is paid for once");
        let text = |count: usize| "<".repeat(count).into_bytes();
        assert!(!budget.take_markup("a.xml", &text(FILE_MARKUP + 1)));
        let files = ALL_MARKUP / FILE_MARKUP;
        let taken = |n| within.take_markup(&format!("{n}.xml"), &text(FILE_MARKUP));
        assert!((0..files).all(taken) && taken(0) && !taken(files));
        assert!(!budget.take_markup("b.xml", b"<") && budget.take_markup("b.jar", b"PK<<"));
    }
}
