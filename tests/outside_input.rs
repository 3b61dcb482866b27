//! Property tests: whatever comes from outside is an answer or an error, never a panic.

use std::path::Path;

use oicx::archive::{BlankedAs, Contents, Iar, UnpackedArchive, ValidatedArchive};
use oicx::model::{FilePart, Reference, parse_service_time, visible};
use oicx::sim::{Landscape, archive};
use oicx::store::safe_name;
use proptest::prelude::*;

use crate::support::shuffle::{Entries, pack};

/// A whole archive, to be spoilt.
pub fn whole() -> Vec<u8> {
    let landscape = Landscape::parse(crate::support::LANDSCAPE, Path::new("test.toml")).unwrap();
    let item = &landscape.integrations[0];
    let around = archive::ExportContext {
        connections: landscape.connections.iter().collect(),
        lookups: landscape.lookups.iter().collect(),
        neighbours: std::collections::BTreeSet::new(),
        status: &oicx::model::Status::Active,
        saves: 1,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    archive::build(&crate::support::id("SYNC|01.00.0000"), &item.flow, &around)
}

/// The public exports, where they are.
pub fn real_exports() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/archives");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|e| e.unwrap().path()).filter(|p| p.is_file());
    paths
        .map(|p| {
            (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&p).unwrap())
        })
        .collect()
}

const ATTRIBUTES: &str = "icspackage/project/X_01.00.0000/ics_project_attributes.properties";
const PROJECT: &str = "icspackage/project/X_01.00.0000/PROJECT-INF/project.xml";

/// An export of which only these files are there beside who it is.
fn export(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut entries: Entries =
        vec![(ATTRIBUTES.into(), b"project_code=X\nproject_version=01.00.0000\n".to_vec())];
    entries.extend(files.iter().map(|(n, b)| ((*n).to_owned(), b.to_vec())));
    pack(&entries, zip::CompressionMethod::Deflated)
}

/// What is said of an archive that is looked at.
fn findings(bytes: &[u8]) -> String {
    let contents = Contents::read(bytes, None).unwrap();
    contents.findings.iter().map(|f| format!("{}\n", f.what)).collect()
}

#[test]
fn what_is_no_archive_says_what_it_is() {
    let says = |bytes: &[u8]| Contents::read(bytes, None).unwrap_err().to_string();
    assert!(says(b"").contains("empty"));
    assert!(says(b"<html>sign in</html>").contains("HTML page"));
    assert!(says(b"PK\x03\x04junk").contains("not a zip archive"));
    assert!(says(b"hello").contains("not a zip archive"));
    let other =
        pack(&vec![("word/document.xml".into(), b"<a/>".to_vec())], zip::CompressionMethod::Stored);
    assert!(says(&other).contains("no icspackage/"), "{}", says(&other));
}

#[test]
fn an_archive_that_is_cut_anywhere_is_an_error_and_never_a_panic() {
    for (name, bytes) in real_exports() {
        for end in (0..bytes.len()).step_by(1024) {
            let read = Contents::read(&bytes[..end], Some(&name));
            assert!(read.is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn a_broken_part_spoils_that_part_alone_and_is_named() {
    let project = concat!(
        r#"<p xmlns="u"><icsflow><application name="application_1"><adapter><name>ask</name>"#,
        r#"</adapter></application><orchestration><invoke refUri="application_1"/><brandNew "#,
        r#"refUri="processor_9" name="x"/></orchestration></icsflow></p>"#,
    )
    .as_bytes();
    let bytes = export(&[
        (PROJECT, project),
        ("icspackage/appinstances/C.xml", b"<not closed"),
        ("icspackage/dvms/L.dvm", b"\xff\xfe"),
    ]);
    let contents = Contents::read(&bytes, None).unwrap();
    let flow = &contents.integrations()[0].flow;
    assert_eq!(flow.iter().map(|s| s.title()).collect::<Vec<_>>(), ["invoke ask", "brandNew x"]);
    let said = findings(&bytes);
    assert!(said.contains("`appinstances/C.xml`") && said.contains("`dvms/L.dvm`"), "{said}");
    // The same with a part whose bytes do not fit their sum.
    let mut broken = export(&[
        (PROJECT, project),
        ("icspackage/eventtypes/E_1.json", b"{\"some\":\"event\",\"n\":1234567}"),
    ]);
    let at = broken.windows(10).position(|w| w == b"eventtypes").unwrap() + 30;
    broken[at] ^= 0x55;
    let unpacked = UnpackedArchive::read(&broken, None).unwrap();
    assert!(
        unpacked.contents.findings.iter().any(|f| f.what.contains("E_1.json")),
        "{:?}",
        unpacked.contents.findings
    );
    assert_eq!(unpacked.contents.integrations()[0].flow.len(), 2);
    assert!(Iar::read(&broken).is_err(), "what is broken is not kept as good");
}

#[test]
fn an_export_without_its_flow_is_still_shown() {
    assert!(findings(&export(&[])).contains("project.xml is missing"));
    assert!(findings(&export(&[(PROJECT, b"<a><b/></a>")])).contains("no orchestration"));
    let bomb = concat!(
        r#"<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>"#,
        r#"<a>&c;</a>"#,
    )
    .as_bytes();
    assert!(findings(&export(&[(PROJECT, bomb)])).contains("a DTD"));
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let unpacked = UnpackedArchive::read(
        &export(&[(PROJECT, deep.as_bytes()), ("icspackage/a.xsl", deep.as_bytes())]),
        None,
    )
    .unwrap();
    // Every way to walk a tree is taken.
    assert!(oicx::diff::compare(&unpacked, &unpacked).unwrap().same);
    assert!(!unpacked.fingerprints().full.short().is_empty());
    assert!(!oicx::diff::normal_lines("a.xml", deep.as_bytes()).is_empty());
    let nested = format!(
        "<p><orchestration>{}{}</orchestration></p>",
        "<for>".repeat(2_000),
        "</for>".repeat(2_000)
    );
    let contents = Contents::read(&export(&[(PROJECT, nested.as_bytes())]), None).unwrap();
    assert!(oicx::archive::count_steps(&contents.integrations()[0].flow) <= 2_000);
}

#[test]
fn entries_that_lie_about_place_or_size_are_named_and_not_read() {
    let said = findings(&export(&[("icspackage/../../etc/passwd", b"root")]));
    assert!(said.contains("outside its folder"), "{said}");
    // A gigabyte of nothing: refused by what the directory promises.
    let zeros = vec![0_u8; 65 << 20];
    let said = findings(&export(&[("icspackage/zeros", &zeros)]));
    assert!(said.contains("32 MB"), "{said}");
    let said = findings(&export(&[("icspackage/zeros", &zeros[..2 << 20])]));
    assert!(said.contains("400 times"), "{said}");
    for bytes in [export(&[("icspackage/../x", b"")]), export(&[("icspackage/zeros", &zeros)])] {
        assert!(Iar::read(&bytes).is_err());
    }
}

#[test]
fn an_entry_that_stands_there_twice_is_named() {
    let bytes = export(&[("icspackage/a.xml", b"<one/>"), ("icspackage/b.xml", b"<two/>")]);
    // The writer refuses two of a name: the second is renamed in both places where its name stands.
    let twice: Vec<u8> = {
        let mut out = bytes.clone();
        while let Some(at) = out.windows(16).position(|w| w == b"icspackage/b.xml") {
            out[at + 11] = b'a';
        }
        out
    };
    let said = findings(&twice);
    assert!(said.contains("icspackage/a.xml` stands in the archive more than once"), "{said}");
    assert!(Iar::read(&twice).is_err());
}

#[test]
fn ten_thousand_entries_are_listed_and_more_than_a_reader_needs_are_refused() {
    let many = |count: usize| {
        let name = |i| {
            (format!("icspackage/project/X_01.00.0000/resources/processor_{i}/a.txt"), Vec::new())
        };
        let mut entries: Entries = (0..count).map(name).collect();
        entries.push((ATTRIBUTES.into(), b"project_code=X\nproject_version=01.00.0000\n".to_vec()));
        pack(&entries, zip::CompressionMethod::Stored)
    };
    assert_eq!(Contents::read(&many(10_000), None).unwrap().files.len(), 10_001);
    assert!(Contents::read(&many(20_001), None).unwrap_err().to_string().contains("entries"));
}

#[test]
fn odd_texts_are_read_in_bounded_time() {
    let line = format!(
        "<p><orchestration><assignment refUri=\"{}\"/></orchestration></p>",
        "x/".repeat(2_000_000)
    );
    let _ = Contents::read(&export(&[(PROJECT, line.as_bytes())]), None).unwrap();
    let blob = format!("<a>{}</a>", "QUJD".repeat(1_500_000));
    let unpacked =
        UnpackedArchive::read(&export(&[("icspackage/appinstances/A.xml", blob.as_bytes())]), None)
            .unwrap();
    assert!(unpacked.secrets().is_empty());
    let bytes = export(&[(PROJECT, b"<p>\xff\xfe</p>")]);
    assert!(findings(&bytes).contains("project.xml"));
}

#[test]
fn archives_within_archives_are_read_one_deep_and_bounded() {
    let inner = export(&[]);
    let package = |inner: &[u8]| {
        let attributes =
            ("ics_package_attributes.properties".to_owned(), b"package_name=p".to_vec());
        pack(&vec![attributes, ("a.iar".into(), inner.to_vec())], zip::CompressionMethod::Stored)
    };
    assert_eq!(Contents::read(&package(&inner), None).unwrap().integrations().len(), 1);
    let twice = package(&package(&inner));
    let said = findings(&twice);
    assert!(said.contains("`a.iar` in the package cannot be read"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bytes_are_an_archive_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Iar::read(&bytes);
        let _ = UnpackedArchive::read(&bytes, Some("x.iar"));
        let _ = UnpackedArchive::read(&bytes, Some("x.js")).map(|o| o.secrets());
    }

    #[test]
    fn an_archive_with_bytes_changed_is_an_archive_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut bytes = whole();
        for (place, byte) in changes {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Iar::read(&bytes);
    }

    #[test]
    fn a_config_is_valid_or_a_problem_with_a_place(text in "[a-z_.=\\[\\]\"{}# \n0-9]{0,200}") {
        let read = oicx::config::parse(&text, Path::new("c.toml"));
        if let Err(oicx::config::ConfigError::Invalid(problem)) = read {
            prop_assert!(problem.line >= 1 && problem.column >= 1);
            prop_assert!(problem.line <= text.lines().count().max(1) + 1);
        }
    }

    #[test]
    fn a_reference_prints_back_as_it_was_read(
        text in "(store:)?[a-z]{1,8}[:/][A-Z_]{1,20}(@[0-9]{2}\\.[0-9]{2}\\.[0-9]{4})?(~[1-9])?"
    ) {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn names_in_the_store_are_safe_whatever_the_code(code in any::<String>()) {
        let name = safe_name(&code);
        prop_assert!(!name.is_empty() && name.len() <= 80 && name != "." && name != "..");
        prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')), "{name}");
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal(text in any::<String>()) {
        prop_assert!(!visible(&text).chars().any(char::is_control));
        let _ = parse_service_time(&text);
    }
}

/// Archives that cost far more than their size: each is read in time that grows with it alone,
/// which the bounds hold and not a clock. What is over a bound is named.
#[rstest::rstest]
#[case::attributes(&[(PROJECT, element_with(40_000, |n| format!("a{n}='{n}'")))], "not well-formed XML")]
#[case::namespaces(&[(PROJECT, element_with(40_000, |n| format!("xmlns:n{n}='u{n}'")))], "not well-formed XML")]
#[case::elements_of_one_file(&[(PROJECT, "<a/>".repeat(600_000))], "over half a million tags")]
#[case::one_long_value(&[(PROJECT, format!("<a b='{}'/>", "x".repeat(40 << 20)))], "32 MB")]
fn what_costs_more_than_its_size_is_named_and_not_read(
    #[case] files: &[(&str, String)],
    #[case] says: &str,
) {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, t)| (*n, t.as_bytes())).collect();
    let bytes = export(&files);
    let unpacked = UnpackedArchive::read(&bytes, None).unwrap();
    let said: Vec<&str> = unpacked.contents.findings.iter().map(|f| f.what.as_str()).collect();
    assert!(said.iter().any(|what| what.contains(says)), "{said:?}");
    assert!(Iar::read(&bytes).is_err(), "it is not kept as good");
}

fn element_with(count: usize, attribute: impl Fn(usize) -> String) -> String {
    let attributes: Vec<String> = (0..count).map(attribute).collect();
    format!("<p><icsflow {}/></p>", attributes.join(" "))
}

/// Many files that nothing refers to lose their number, and so have one name in the fingerprint.
#[test]
fn files_that_nothing_refers_to_have_a_fingerprint_of_their_own() {
    let path =
        |n| format!("icspackage/project/X_01.00.0000/resources/processor_{n}/expr.properties");
    let of = |count: usize, last: &str| {
        let names: Vec<String> = (0..count).map(path).collect();
        let text = |n: usize| format!("VariableName : v{}\n", if n == 0 { last } else { "x" });
        let texts: Vec<String> = (0..count).map(text).collect();
        let files: Vec<_> =
            names.iter().zip(&texts).map(|(n, t)| (n.as_str(), t.as_bytes())).collect();
        UnpackedArchive::read(&export(&files), None).unwrap().fingerprints()
    };
    assert_eq!(of(3_000, "a"), of(3_000, "a"));
    assert_ne!(of(3_000, "a"), of(3_000, "b"));
    assert_ne!(of(3_000, "a"), of(2_999, "a"));
}

/// Many entries that share the bytes of one: a small file that unpacks to any size.
#[test]
fn entries_that_share_their_bytes_are_refused() {
    let good =
        export(&[(PROJECT, b"<p><icsflow/></p>"), ("icspackage/appinstances/A.xml", b"<a/>")]);
    let unpacked = UnpackedArchive::read(&good, None).unwrap();
    assert!(unpacked.unread().next().is_none(), "{:?}", unpacked.contents.findings);
    // The directory's entry of the last file points to the bytes of the one before.
    let at = |name: &str| {
        let mut directory = good.windows(4).enumerate().filter(|(_, w)| w == b"PK\x01\x02");
        directory.find(|(at, _)| good[at + 46..].starts_with(name.as_bytes())).unwrap().0
    };
    let (first, last) = (at(PROJECT), at("icspackage/appinstances/A.xml"));
    let mut bad = good.clone();
    let place: Vec<u8> = bad[first + 42..first + 46].to_vec();
    bad[last + 42..last + 46].copy_from_slice(&place);
    let unpacked = UnpackedArchive::read(&bad, None).unwrap();
    let said: Vec<&str> = unpacked.unread().collect();
    assert!(
        said.iter().any(|what| what.contains("uses bytes that another entry uses")),
        "{said:?}"
    );
    assert!(Iar::read(&bad).is_err());
}

/// What was not read of two archives is not called the same.
#[test]
fn what_was_not_read_is_not_compared() {
    let archive = |n: usize| {
        let lookup = format!("<dvm>{}</dvm>", format!("<row>{n}</row>").repeat(300_000));
        let flow: &[u8] = b"<p><icsflow><orchestration/></icsflow></p>";
        let bytes = export(&[(PROJECT, flow), ("icspackage/dvms/L.dvm", lookup.as_bytes())]);
        UnpackedArchive::read_blanked(&bytes.into(), None, &FilePart::Whole, BlankedAs::Marked)
    };
    let (one, other) = (archive(1).unwrap(), archive(2).unwrap());
    let found = oicx::diff::compare(&one, &other).unwrap();
    assert!(!found.same);
    assert!(found.changes[0].place.starts_with("not compared: `icspackage/dvms/L.dvm`"));
    assert!(oicx::diff::compare(&one, &archive(1).unwrap()).unwrap().same, "the same bytes are");
}

/// A package of which a part is over a bound has no fingerprint: a change of that part would be
/// none.
#[test]
fn a_package_is_kept_whole_or_not_at_all() {
    let inner = |tags: usize| {
        let flow = format!("<p><icsflow><orchestration/></icsflow>{}</p>", "<a/>".repeat(tags));
        export(&[(PROJECT, flow.as_bytes())])
    };
    let package = |tags: usize| {
        let about = b"package_name=P\n".to_vec();
        let entries = vec![
            ("ics_package_attributes.properties".to_owned(), about),
            ("X_01.00.0000.iar".to_owned(), inner(tags)),
        ];
        ValidatedArchive::read(&pack(&entries, zip::CompressionMethod::Stored), Some("p.par"))
    };
    assert!(package(10).is_ok(), "{:?}", package(10).err());
    assert!(package(600_000).is_err());
}
