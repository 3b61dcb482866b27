use super::*;

#[test]
fn what_is_no_integration_says_what_it_is() {
    let says = |bytes: &[u8]| Iar::read(bytes).unwrap_err().to_string();
    assert!(says(b"").contains("empty"));
    assert!(says(b"\n<!DOCTYPE html><html>Sign in</html>").contains("HTML page"));
    assert!(says(b"PK\x03\x04 but not really").contains("not a zip archive"));
    assert!(says(&packed(&[("project/project.yaml", b"")])).contains("project (.car)"));
    assert!(
        says(&packed(&[("ics_package_attributes.properties", b"")])).contains("package (.par)")
    );
    assert!(says(&packed(&[("../evil", b"")])).contains("outside its folder"));
    assert!(says(&packed(&[("C:/evil", b"")])).contains("outside its folder"));
    let attributes = "icspackage/project/X_1/ics_project_attributes.properties";
    assert!(
        says(&packed(&[(attributes, b"project_code=X\nproject_version=one")]))
            .contains("not a version")
    );
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
    let whole = packed(&[
        (attributes, b"project_code=X\nproject_version=01.00.0000\n"),
        ("icspackage/a.xml", b"<a/>"),
    ]);
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
