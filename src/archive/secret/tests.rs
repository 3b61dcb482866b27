use super::*;

fn kinds(path: &str, text: &str) -> Vec<(SecretKind, usize, String)> {
    scan(path, text.as_bytes()).into_iter().map(|s| (s.kind, s.line, s.carrier)).collect()
}

fn pem() -> String {
    format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        "MIIEow".repeat(12)
    )
}

#[test]
fn the_patterns_of_this_file_are_patterns() {
    for pattern in [&PEM, &TOKEN, &HEADER, &URL, &NAMED_STRING, &PROPERTY_LINE] {
        assert!(pattern.is_some());
    }
}

#[test]
fn a_key_in_an_attachment_is_found_and_its_value_is_blanked() {
    let content = STANDARD.encode(pem());
    let text = format!(
        "<a><attachments>\n<attachment><propertyName>key</propertyName>\
         <attachmentName>x.pem</attachmentName><content>{content}</content></attachment></attachments></a>"
    );
    assert_eq!(
        kinds("appinstances/X.xml", &text),
        [(SecretKind::PrivateKey, 2, "attachment x.pem".into())]
    );
    let shown = blank("appinstances/X.xml", &text);
    assert!(!shown.contains(&content) && shown.contains("<content>••••••</content>"), "{shown}");
}

#[test]
fn keys_and_stores_are_found_wherever_they_are() {
    assert_eq!(kinds("a.js", &pem())[0].0, SecretKind::PrivateKey);
    assert_eq!(kinds("a.txt", &STANDARD.encode(pem()))[0].0, SecretKind::PrivateKey);
    assert_eq!(kinds("a.txt", &pem().replace("RSA", "OPENSSH"))[0].0, SecretKind::PrivateKey);
    let p12 = [&[0x30, 0x82, 9, 9, 2, 1, 3, 0x30][..], &[7; 80]].concat();
    assert_eq!(scan("keys.p12", &p12)[0].kind, SecretKind::KeyStore);
    assert_eq!(kinds("a.txt", &STANDARD.encode(&p12))[0].0, SecretKind::KeyStore);
    assert!(
        scan("cert.txt", b"-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----")
            .is_empty()
    );
}

#[test]
fn passwords_are_found_by_name_and_placeholders_are_none() {
    let property = |name: &str, value: &str| {
        format!(
            "<c><connectionProperty><name>{name}</name><value>{value}</value>\
             </connectionProperty></c>"
        )
    };
    assert_eq!(kinds("c.xml", &property("password", "hunter2!"))[0].2, "password");
    assert_eq!(kinds("c.xml", &property("client_secret", "s3cr3t"))[0].0, SecretKind::Password);
    for (name, value) in [
        ("password", "%%HCM_password"),
        ("password", ""),
        ("access_token_url", "https://idcs/token"),
        ("passwordPolicy", "strong"),
        ("password", "****"),
        ("user", "hunter2!"),
    ] {
        assert_eq!(kinds("c.xml", &property(name, value)), [], "{name} {value}");
    }
    assert_eq!(kinds("x.jca", r#"<p><property name="Password" value="abc!9"/></p>"#).len(), 1);
    assert_eq!(kinds("x.json", r#"{"api_key": "k-123456"}"#)[0].0, SecretKind::Token);
    assert_eq!(kinds("x.xsl", r#"<a><password><v select="'abc!9'"/></password></a>"#).len(), 1);
    assert_eq!(kinds("x.xsl", r#"<a><password><v select="$in/password"/></password></a>"#), []);
    assert_eq!(
        kinds("expr.properties", "XpathExpression : 'abc!9'\nVariableName : ftpPassword").len(),
        1
    );
}

#[test]
fn tokens_headers_and_urls_show_by_their_shape() {
    let jwt = format!("eyJ{0}.eyJ{0}.{0}", "abcdefghijkl");
    assert_eq!(kinds("a.txt", &jwt)[0].0, SecretKind::Token);
    let basic = format!("Authorization: Basic {}", STANDARD.encode("user:password"));
    assert_eq!(kinds("a.txt", &basic)[0].0, SecretKind::Authorization);
    assert_eq!(kinds("a.txt", "uses Basic authentication scheme"), []);
    assert_eq!(kinds("a.txt", "https://user:pa55word@host/x")[0].0, SecretKind::UrlCredentials);
    assert_eq!(kinds("a.txt", "https://host:8080/x?a=b@c sftp://{user}:{pass}@host"), []);
    let shown = blank("a.txt", "go to https://user:pa55word@host/x now");
    assert_eq!(shown, "go to https://user:••••••@host/x now");
}

#[test]
fn a_jar_within_an_archive_is_looked_into_once() {
    use std::io::Write;
    let pack = |name: &str, bytes: &[u8]| {
        let mut zip = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(name, ::zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let jar = pack("a.js", pem().as_bytes());
    let found = scan("libraries/L/l.jar", &jar);
    assert_eq!((found.len(), found[0].file.as_str()), (1, "libraries/L/l.jar!a.js"));
    assert!(scan("x.zip", &pack("l.jar", &jar)).is_empty());
}

#[test]
fn base64_in_base64_ends() {
    let mut text = pem();
    for _ in 0..12 {
        text = STANDARD.encode(&text);
    }
    assert_eq!(kinds("a.txt", &text), []);
}

fn blanked(files: &[(&str, &str)]) -> std::collections::HashMap<String, String> {
    let mut all = files.iter().map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_vec())).collect();
    blank_files(&mut all, BlankedAs::Dots);
    all.into_iter().map(|(n, b)| (n, String::from_utf8(b).unwrap())).collect()
}

#[test]
fn a_value_is_blanked_elsewhere_bare_and_in_each_writing_and_no_part_of_a_word_is() {
    let shown = blanked(&[
        ("m.xsl", "<a><variable name=\"token\" select=\"'ab&lt;12&amp;34'\"/></a>"),
        ("e.txt", "is ab<12&34; xml ab&lt;12&amp;34; xab<12&34x"),
        ("c.json", "{\"password\": \"abc'def\\\"gh1\"}"),
        ("d.txt", "abc'def\"gh1"),
    ]);
    assert_eq!(shown["e.txt"], "is ••••••; xml ••••••; xab<12&34x");
    assert_eq!(shown["c.json"], "{\"password\": \"••••••\"}");
    assert!(!shown["m.xsl"].contains("12"), "{}", shown["m.xsl"]);
}

#[test]
fn a_word_that_looks_like_a_secret_blanks_no_markup() {
    let files = [
        ("l.js", " var authToken=header; x.password = \"project\";"),
        ("p.xml", "<project xmlns='http://xmlns.oracle.com/header'><header/></project>"),
    ];
    assert_eq!(blanked(&files)["p.xml"], files[1].1);
}

#[test]
fn two_secrets_have_two_marks_and_one_has_one() {
    let of = |value: &str| BlankedAs::Marked.of(value);
    assert_eq!(of("one"), of("one"));
    assert_ne!(of("one"), of("two"));
    let twice = blank("a.properties", &format!("password={}\n", of("one")));
    assert_eq!(twice, format!("password={}\n", of("one")), "it is not blanked once more");
}
