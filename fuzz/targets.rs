//! What the fuzz targets do with their bytes. The tests run the same functions for a bounded time
//! (`tests/fuzz_targets.rs`); `cargo fuzz run iar` runs one without end.
#![allow(dead_code, reason = "each target uses one")]

use oicx::archive::{Contents, ContentsBody, Expression, Iar, Lookup, UnpackedArchive, blank};
use oicx::diff::{TextDiff, compare, normal_lines};
use oicx::ops::{grep, inspect::InspectReport};

/// An export of an integration, strictly and leniently, with everything that is made from it.
pub fn iar(data: &[u8]) {
    let strict = Iar::read(data);
    let unpacked = UnpackedArchive::read(data, Some("x.iar"));
    assert!(strict.is_err() || unpacked.is_ok(), "what is fit to be kept can be looked at");
    if let Ok(unpacked) = unpacked {
        everything(&unpacked);
    }
}

pub fn package(data: &[u8]) {
    if let Ok(unpacked) = UnpackedArchive::read(data, Some("x.par")) {
        everything(&unpacked);
    }
}

pub fn project(data: &[u8]) {
    if let Ok(unpacked) = UnpackedArchive::read(data, Some("x.car")) {
        everything(&unpacked);
    }
}

/// Both forms of a lookup.
pub fn lookup(data: &[u8]) {
    for read in [Lookup::from_csv(data), Lookup::from_dvm(data)].into_iter().flatten() {
        assert_eq!(read.fingerprint(), read.clone().fingerprint());
    }
    let _ = Contents::read(data, Some("x.csv"));
}

pub fn library(data: &[u8]) {
    if let Ok(unpacked) = UnpackedArchive::read(data, Some("x.js")) {
        everything(&unpacked);
    }
    if let Ok(unpacked) = UnpackedArchive::read(data, Some("x.jar")) {
        everything(&unpacked);
    }
}

/// A file within an archive, as each of the ways in which it may be written.
pub fn text(data: &[u8]) {
    for path in ["a.xml", "b.xsl", "c.json", "expr.properties", "d.properties", "e.js", "f.bin"] {
        let lines = normal_lines(path, data);
        let diff = TextDiff::of(path, Some(data), None);
        assert_eq!(diff.before, lines);
        if let Ok(text) = std::str::from_utf8(data) {
            let _ = blank(path, text);
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Expression::parse(text).canonical();
    }
}

/// What is made from an archive once it is open.
fn everything(unpacked: &UnpackedArchive) {
    let report = InspectReport::of(unpacked);
    assert!(!report.kind.singular().is_empty());
    let same = compare(unpacked, unpacked);
    assert!(same.is_ok_and(|c| c.same), "an archive is the same as itself");
    if let Some(pattern) = grep::Pattern::literal("a") {
        let _ = grep::search(unpacked, &pattern, true);
    }
    if let ContentsBody::Package(package) = &unpacked.contents.body {
        assert!(package.integrations.len() <= 20_000);
    }
}
