//! Small exports for the tests of compare, built of texts.

use std::{collections::BTreeMap, io::Write};

use zip::{ZipWriter, write::SimpleFileOptions};

use crate::archive::UnpackedArchive;

/// Path -> text.
pub type FileTexts = BTreeMap<String, String>;

/// A zip of these files.
pub fn zip(files: impl IntoIterator<Item = (String, String)>) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An export of `SYNC|01.00.0000`, by path in the integration.
pub fn iar(files: FileTexts) -> Vec<u8> {
    zip(files.into_iter().map(|(path, text)| {
        let travels = ["appinstances/", "dvms/", "eventtypes/", "libraries/"];
        let folder = if travels.iter().any(|t| path.starts_with(t)) {
            "icspackage"
        } else {
            "icspackage/project/SYNC_01.00.0000"
        };
        (format!("{folder}/{path}"), text)
    }))
}

/// Read, with nothing to complain about.
pub fn opened(bytes: &[u8], name: &str) -> UnpackedArchive {
    let read = UnpackedArchive::read(bytes, Some(name)).unwrap();
    assert!(read.contents.findings.is_empty(), "{:?}", read.contents.findings);
    read
}
