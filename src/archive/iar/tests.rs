use std::path::Path;

use std::collections::BTreeSet;

use super::*;

/// The public exports, where the folder is there.
fn real(name: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/archives").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {} is not there", path.display());
    }
    bytes
}

#[test]
fn real_exports_say_who_they_are_and_what_they_need() {
    if let Some(bytes) = real("OIO_SAMPLE_BUSINESS_FLOW_01.00.0000.iar") {
        let iar = Iar::read(&bytes).unwrap();
        assert_eq!(iar.id.to_string(), "OIO_SAMPLE_BUSINESS_FLOW|01.00.0000");
        assert_eq!(iar.needs.connections, BTreeSet::from(["CON_OIC_REST".to_owned()]));
        assert_eq!(iar.needs.children.len(), 1, "{:?}", iar.needs.children);
        assert!(!iar.scheduled);
    }
    if let Some(bytes) = real("OIC_LOG_COLLE_FTP_UNZIP_6_01.00.0000.iar") {
        let iar = Iar::read(&bytes).unwrap();
        assert_eq!(iar.id.code, "OIC_LOG_COLLE_FTP_UNZIP_6");
        assert!(iar.scheduled);
        assert_eq!(iar.needs.connections.len(), 3, "{:?}", iar.needs.connections);
    }
}

#[test]
fn an_export_that_is_packed_again_keeps_both_fingerprints() {
    for name in [
        "OIO_SAMPLE_BUSINESS_FLOW_01.00.0000.iar",
        "JITSIEVENTS_01.00.0000.iar",
        "OIC_LOG_COLLE_FTP_UNZIP_6_01.00.0000.iar",
    ] {
        let Some(bytes) = real(name) else { continue };
        let again = repacked(&bytes, |_, part| Some(part));
        assert_ne!(bytes, again);
        assert_eq!(Iar::read(&bytes).unwrap().meaning, Iar::read(&again).unwrap().meaning, "{name}");
    }
}

#[test]
fn an_edit_of_a_mapping_changes_both_and_of_a_connection_only_the_whole() {
    let Some(bytes) = real("OIO_SAMPLE_BUSINESS_FLOW_01.00.0000.iar") else { return };
    let before = Iar::read(&bytes).unwrap().meaning;
    let edit = |ending: &str, from: &str, to: &str| {
        let mut touched = false;
        let again = repacked(&bytes, |name, part| {
            let text = String::from_utf8_lossy(&part).into_owned();
            let hit = name.ends_with(ending) && text.contains(from);
            touched |= hit;
            Some(if hit { text.replace(from, to).into_bytes() } else { part })
        });
        assert!(touched, "{from} is in no {ending}");
        Iar::read(&again).unwrap().meaning
    };
    let mapping = edit(".xsl", "<xsl:value-of", "<xsl:copy-of");
    assert!(mapping.whole != before.whole && mapping.flow != before.flow);
    let connection = edit("CON_OIC_REST.xml", "MULTI_TOKEN_INBOUND", "NONE");
    assert!(connection.whole != before.whole && connection.flow == before.flow);
    let cosmetic = edit("attributes.properties", "validity=17861", "validity=99");
    assert_eq!(cosmetic, before);
    let elsewhere = edit("registerLog_REQUEST.jca", "2026-08-07T17:11:11.769+0000", "2027-01-01T00:00:00.000+0000");
    assert_eq!(elsewhere, before);
}

#[test]
fn what_is_no_integration_says_what_it_is() {
    let says = |bytes: &[u8]| Iar::read(bytes).unwrap_err().to_string();
    assert!(says(b"").contains("empty"));
    assert!(says(b"\n<!DOCTYPE html><html>Sign in</html>").contains("HTML page"));
    assert!(says(b"PK\x03\x04 but not really").contains("no zip archive"));
    assert!(says(&packed(&[("project/project.yaml", b"")])).contains("project (.car)"));
    assert!(says(&packed(&[("ics_package_attributes.properties", b"")])).contains("package (.par)"));
    assert!(says(&packed(&[("../evil", b"")])).contains("outside its folder"));
    assert!(says(&packed(&[("C:/evil", b"")])).contains("outside its folder"));
    let attributes = "icspackage/project/X_1/ics_project_attributes.properties";
    assert!(says(&packed(&[(attributes, b"project_code=X\nproject_version=one")])).contains("no version"));
}

#[test]
fn a_zip_bomb_is_refused_by_its_directory() {
    let zeros = vec![0_u8; 2 << 20];
    let text = Iar::read(&packed(&[("icspackage/zeros", &zeros)])).unwrap_err().to_string();
    assert!(text.contains("400 times"), "{text}");
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_an_error_and_never_a_panic() {
    let attributes = "icspackage/project/X_01.00.0000/ics_project_attributes.properties";
    let whole = packed(&[(attributes, b"project_code=X\nproject_version=01.00.0000\n"), ("icspackage/a.xml", b"<a/>")]);
    assert!(Iar::read(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(Iar::read(&whole[..end]).is_err(), "cut at {end}");
    }
}

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same entries in the opposite order, each as `edit` gives it back.
fn repacked(bytes: &[u8], mut edit: impl FnMut(&str, Vec<u8>) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut zip = Zip::open(bytes).unwrap();
    let names: Vec<String> = zip.names().map(str::to_owned).collect();
    let parts: Vec<_> = names.iter().rev().filter_map(|n| Some((n.as_str(), edit(n, zip.read(n).unwrap())?))).collect();
    packed(&parts.iter().map(|(n, b)| (*n, b.as_slice())).collect::<Vec<_>>())
}
