//! A bounded run of the fuzz targets (`fuzz/`): what they find without end is found here for a
//! second.

#[path = "../fuzz/targets.rs"]
mod targets;

use crate::outside_input::{real_exports, whole};
use crate::support::shuffle::{Dice, pack, unpack};

const ROUNDS: u64 = 60;

/// Changes a few bytes, cuts, doubles or swaps stretches.
fn spoil(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + dice.next() % 4 {
        if out.is_empty() {
            break;
        }
        let at = (dice.next() % out.len() as u64) as usize;
        match dice.next() % 5 {
            0 => out[at] ^= 1 << (dice.next() % 8),
            1 => out[at] = b"<>&\"'/:\0\xff{"[(dice.next() % 10) as usize],
            2 => out.truncate(at),
            3 => {
                let end = (at + (dice.next() % 200) as usize).min(out.len());
                let piece = out[at..end].to_vec();
                out.splice(at..at, piece);
            }
            _ => {
                let end = (at + (dice.next() % 60) as usize).min(out.len());
                out.drain(at..end);
            }
        }
    }
    out
}

/// An archive with one of its files spoilt and packed anew: the zip's own sums would stop
/// everything else.
fn spoil_inside(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut entries = unpack(bytes);
    let at = (dice.next() % entries.len() as u64) as usize;
    entries[at].1 = spoil(&entries[at].1, dice);
    if dice.next().is_multiple_of(6) {
        let at = (dice.next() % entries.len() as u64) as usize;
        entries.remove(at);
    }
    pack(&entries, zip::CompressionMethod::Stored)
}

#[test]
fn exports_of_integrations() {
    let mut dice = Dice::new(1);
    let small = whole();
    for _ in 0..ROUNDS {
        targets::iar(&spoil(&small, &mut dice));
        targets::iar(&spoil_inside(&small, &mut dice));
    }
    for (name, bytes) in real_exports() {
        for _ in 0..if bytes.len() < 60_000 { 4 } else { 1 } {
            let spoilt = spoil_inside(&bytes, &mut dice);
            match name.rsplit('.').next().unwrap() {
                "par" => targets::package(&spoilt),
                "car" => targets::project(&spoilt),
                _ => targets::iar(&spoilt),
            }
        }
    }
}

#[test]
fn packages_and_projects() {
    let mut dice = Dice::new(2);
    let inner = whole();
    let attributes = ("ics_package_attributes.properties".to_owned(), b"package_name=p\n".to_vec());
    let package = pack(
        &vec![attributes, ("icspackage_a.iar".into(), inner.clone())],
        zip::CompressionMethod::Stored,
    );
    // The same files as a project keeps them.
    let mut files = vec![("project/project.yaml".to_owned(), b"code: P\nname: P\n".to_vec())];
    for (name, bytes) in unpack(&inner) {
        if let Some(rest) = name.strip_prefix("icspackage/project/") {
            files.push((format!("project/integrations/{rest}"), bytes));
        }
    }
    let info = br#"{"dependencies":{"lookups":["L"]},
        "properties":{"code":"SYNC","version":"01.00.0000","name":"n"}}"#;
    files.push(("project/integrations/SYNC_01.00.0000/info.json".into(), info.to_vec()));
    let project = pack(&files, zip::CompressionMethod::Stored);
    for _ in 0..ROUNDS {
        targets::package(&spoil(&package, &mut dice));
        targets::package(&spoil_inside(&package, &mut dice));
        targets::project(&spoil(&project, &mut dice));
        targets::project(&spoil_inside(&project, &mut dice));
    }
}

#[test]
fn lookups_libraries_and_single_files() {
    let mut dice = Dice::new(3);
    let csv = "\u{feff}DVM,L,d\na,\"b, c\"\n1,\"2\n3\"\n".as_bytes();
    let dvm = concat!(
        r#"<dvm name="L" xmlns="http://xmlns.oracle.com/dvm"><columns><column name="a"/>"#,
        r#"</columns><rows><row><cell>1</cell></row></rows></dvm>"#,
    )
    .as_bytes();
    let script = b"function f(a) { return 'x' + a; } // c\n";
    let jar = pack(&vec![("a.js".into(), script.to_vec())], zip::CompressionMethod::Stored);
    let parts = unpack(&whole());
    for i in 0..ROUNDS * 4 {
        targets::lookup(&spoil(csv, &mut dice));
        targets::lookup(&spoil(dvm, &mut dice));
        targets::library(&spoil(script, &mut dice));
        targets::library(&spoil_inside(&jar, &mut dice));
        targets::text(&spoil(&parts[i as usize % parts.len()].1, &mut dice));
    }
}
