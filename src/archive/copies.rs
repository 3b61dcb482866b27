//! What an integration knew when it was exported: the copies of lookups, connections and libraries
//! that travel along, in the form in which they are compared with what an environment has.

use std::collections::BTreeMap;

use super::{
    Connection, Integration, Lookup, dependency, fingerprint, layout, sha256_hex, zip::BoundedZip,
};
use crate::model::Fingerprint;

/// The copies that travel along with an integration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    /// Lookups by their name.
    pub lookups: BTreeMap<String, Lookup>,
    /// Connections by their code.
    pub connections: BTreeMap<String, Connection>,
    /// What the scripts of libraries say, by code ([`scripts_of`]).
    pub libraries: BTreeMap<String, Fingerprint>,
}

impl Copies {
    /// The copies among an integration's files, each by its path in it.
    pub fn of<'f>(
        it: &Integration,
        files: impl Iterator<Item = (&'f str, &'f [u8])> + Clone,
    ) -> Self {
        let lookups = it.own_lookups().map(|l| (l.name.clone(), l.clone()));
        let connections = it.own_connections().map(|c| (c.code.clone(), c.clone()));
        Self {
            lookups: lookups.collect(),
            connections: connections.collect(),
            libraries: libraries(files),
        }
    }
}

/// The libraries below `apilibrary/NAME/`: a descriptor with the code, and a `.jar` with scripts.
fn libraries<'f>(
    files: impl Iterator<Item = (&'f str, &'f [u8])> + Clone,
) -> BTreeMap<String, Fingerprint> {
    let inside = files.filter_map(|(path, bytes)| {
        let (folder, file) = path.strip_prefix(layout::NAMED_LIBRARIES)?.split_once('/')?;
        Some((folder, file, bytes))
    });
    let jars = inside.clone().filter(|(_, file, _)| file.ends_with(".jar"));
    let code = |of: &str| {
        let mut xml =
            inside.clone().filter(|(folder, file, _)| *folder == of && file.ends_with(".xml"));
        xml.find_map(|(.., bytes)| dependency::library_code(bytes))
    };
    jars.filter_map(|(folder, _, bytes)| Some((code(folder)?, scripts_of(bytes)?))).collect()
}

/// A fingerprint of what the scripts of a library say, whatever their files are called and whoever
/// packed them: a bare script, or the `.js` files of a `.jar`. None where it has none.
pub fn scripts_of(bytes: &[u8]) -> Option<Fingerprint> {
    let hash = |name: &str, bytes: &[u8]| sha256_hex(&fingerprint::canonical_bytes(name, bytes));
    let mut hashes = Vec::new();
    if bytes.starts_with(b"PK") {
        let mut zip = BoundedZip::open(bytes).ok()?;
        let names: Vec<String> =
            zip.names().filter(|n| n.ends_with(".js")).map(str::to_owned).collect();
        for name in names {
            hashes.push(hash("script.js", &zip.read(&name).ok()?));
        }
    } else {
        hashes.push(hash("script.js", bytes));
    }
    hashes.sort_unstable();
    (!hashes.is_empty()).then(|| fingerprint::of_text("scripts", &hashes.join("\n")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A library's file, with a manifest that differs from one export to the next.
    fn jar(name: &str, text: &str) -> Vec<u8> {
        let mut zip = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (path, text) in [("META-INF/MANIFEST.MF", name), (name, text)] {
            zip.start_file(path, ::zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn scripts_are_the_same_whoever_packed_them() {
        let script = "function grade(g) { return g; }";
        let one = scripts_of(&jar("a.js", script));
        assert!(one.is_some());
        assert_eq!(one, scripts_of(&jar("b/c.js", script)));
        assert_eq!(one, scripts_of(script.as_bytes()));
        assert_ne!(one, scripts_of(&jar("a.js", "function grade(g) { return 1; }")));
        assert_eq!(scripts_of(&jar("a.txt", script)), None);
    }
}
