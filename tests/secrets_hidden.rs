//! Secrets that are planted in every part of an archive are shown by no command, wherever else
//! their values stand, and are found by `--secrets`.

use std::path::Path;

use oicx::model::{Manifest, Purpose};
use oicx::store::snapshot_id;
use zip::CompressionMethod;

use crate::cli::{oicx, run};
use crate::outside_input::whole;
use crate::support::World;
use crate::support::shuffle::{pack, unpack};

/// Every planted value begins so.
const MARK: &str = "S3CR3T";

/// An archive with a secret in each part that can carry one, and the last of them in its
/// description too. `which` makes them differ from archive to archive.
fn planted(which: &str) -> Vec<u8> {
    let value = |n: usize| format!("{MARK}{which}x{n:03}k");
    let key = format!("{MARK}{which}").repeat(12);
    let pem = format!("-----BEGIN PRIVATE KEY-----{key}-----END PRIVATE KEY-----");
    let samples = [
        format!("{{&quot;client_secret&quot;: &quot;{}&quot;}}", value(1)),
        format!("grant_type=client_credentials&amp;client_secret={}", value(2)),
        format!("https://host/things?access_token={}&amp;x=1", value(3)),
        format!("https://host/things?api_key={}", value(4)),
        format!("&lt;password&gt;{}&lt;/password&gt;", value(5)),
        format!("x-api-key: {}", value(6)),
        format!("https://user:{}@host/things", value(7)),
        pem,
    ];
    let properties: String = samples
        .iter()
        .enumerate()
        .map(|(n, sample)| format!("<property name=\"RequestSample{n}\" value=\"{sample}\"/>"))
        .collect();
    let mut entries = unpack(&whole());
    let mut planted = [false; 5];
    for (name, bytes) in &mut entries {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let changed = if name.ends_with(".jca") {
            planted[0] = true;
            let at = text.rfind("</").unwrap();
            format!("{}{properties}{}", &text[..at], &text[at..])
        } else if name.ends_with(".xsl") {
            planted[1] = true;
            let template = text.find("<xsl:template").unwrap();
            let at = template + text[template..].find('>').unwrap() + 1;
            let variable = format!(
                "<xsl:variable name=\"token\" select=\"'{}'\"/><xsl:variable name=\"pwd\">{}\
                 </xsl:variable><password><xsl:value-of select=\"'{}'\"/></password>",
                value(8),
                value(9),
                value(10)
            );
            format!("{}{variable}{}", &text[..at], &text[at..])
        } else if name.ends_with("expr.properties") {
            planted[2] = true;
            let secret = value(11);
            format!(
                "XpathExpression : '{secret}'\nTextExpression : '{secret}'\nVariableName : ftpPassword\n"
            )
        } else if name.ends_with("project.xml") {
            planted[3] = true;
            // Elsewhere, where no name says what it is.
            text.replacen(
                "<icsflow>",
                &format!("<description>{}</description><icsflow>", value(8)),
                1,
            )
        } else if name.contains("/appinstances/") {
            planted[4] = true;
            let at = text.rfind("</").unwrap();
            let property = format!(
                "<connectionProperty><name>password</name><value>{}</value></connectionProperty>",
                value(12)
            );
            format!("{}{property}{}", &text[..at], &text[at..])
        } else {
            continue;
        };
        *bytes = changed.into_bytes();
    }
    assert_eq!(planted, [true; 5], "every part is there");
    let lookup = format!(
        "<dvm name=\"LOGINS\" xmlns=\"http://xmlns.oracle.com/dvm\"><columns><column name=\"host\"/>\
         <column name=\"Password\"/></columns><rows><row><cell>a</cell><cell>{}</cell></row></rows></dvm>",
        value(13)
    );
    entries.push(("icspackage/dvms/LOGINS.dvm".into(), lookup.into_bytes()));
    pack(&entries, CompressionMethod::Deflated)
}

fn files_with_a_mark(folder: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            out.extend(files_with_a_mark(&path));
        } else if std::fs::read(&path).is_ok_and(|b| String::from_utf8_lossy(&b).contains(MARK)) {
            out.push(path.display().to_string());
        }
    }
    out
}

/// What was imported, as a snapshot of which pages and a history are written.
async fn as_a_backup(world: &World) {
    let store = world.store().await;
    let (_, imported) = store.manifests().await.unwrap().pop().unwrap();
    let purpose = Purpose::Backup { partial: false, selection: false };
    let id = snapshot_id(jiff::Timestamp::now());
    let snapshot = Manifest { id, purpose, ..imported.unwrap() };
    store.write_manifest(&snapshot).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_by_no_command_wherever_it_stands() {
    let world = World::new().await;
    let config = world.config_file("");
    let folder = world.folder.path().join("exports");
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (a, b, csv) = (file("a.iar"), file("b.iar"), file("LOGINS.csv"));
    std::fs::write(&a, planted("A")).unwrap();
    std::fs::write(&b, planted("B")).unwrap();
    std::fs::write(
        &csv,
        format!("DVM,LOGINS,who\nhost,Password\nh1,{MARK}csv1\nh2,\"{MARK},csv2\"\n"),
    )
    .unwrap();
    let (git, docs) = (file("history"), file("docs"));
    let imports = folder.join("import");
    std::fs::create_dir_all(&imports).unwrap();
    std::fs::copy(&a, imports.join("SYNC_01.00.0000.iar")).unwrap();
    let imports = imports.to_str().unwrap().to_owned();
    let commands: [&[&str]; 22] = [
        &["inspect", &a],
        &["inspect", &a, "--flow"],
        &["inspect", &a, "--mappings"],
        &["inspect", &a, "--secrets"],
        &["inspect", &a, "--json"],
        &["inspect", &csv],
        &["inspect", &csv, "--json"],
        &["diff", &a, &b],
        &["diff", &a, &b, "--json"],
        &["diff", &a, &b, "--text"],
        &["grep", MARK, &a],
        &["grep", MARK, &a, "--json"],
        &["grep", "password", &a],
        &["grep", "token", &csv],
        &["deps", &a],
        &["import", "--env", "prod", &imports],
        &["grep", MARK],
        &["inspect", "store:prod/SYNC", "--mappings"],
        &["history", "SYNC"],
        &["docs", "prod", "--to", &docs],
        &["git", "--to", &git],
        &["restore", "store:prod/SYNC", "--to", "prod", "--plan"],
    ];
    let (mut bad, mut said) = (Vec::new(), Vec::new());
    for arguments in commands {
        let (code, out, err) = run(oicx(&config), arguments).await;
        for (door, text) in [("stdout", &out), ("stderr", &err)] {
            if let Some(at) = text.find(MARK) {
                let line = text[..at].rfind('\n').map_or(0, |n| n + 1);
                let line = text[line..].lines().next().unwrap_or_default();
                bad.push(format!("{arguments:?} on {door}: {line}"));
            }
        }
        said.push((arguments.join(" "), code, out, err));
        if arguments[0] == "import" {
            as_a_backup(&world).await;
        }
    }
    // That the argument was looked for is not a secret shown: grep does not repeat it.
    bad.extend([docs.as_str(), git.as_str()].iter().flat_map(|f| files_with_a_mark(Path::new(f))));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let of = |words: &str| {
        let (_, code, out, err) = said.iter().find(|(w, ..)| w.ends_with(words)).unwrap();
        (*code, format!("{out}{err}"))
    };
    for (words, code, out, err) in &said {
        // A plan with a blocker ends with 1.
        let good = [0, 3, 4].contains(code) || words.starts_with("restore");
        assert!(good, "{words} ended with {code}: {out}{err}");
    }
    // A change of nothing but secrets is a change, in meaning too.
    assert_eq!(of("b.iar").0, 4, "{}", of("b.iar").1);
    assert!(of("b.iar --text").1.contains("••••••"));
    assert!(of(&format!("grep {MARK} {a}")).1.contains("••••••"));
    // Each is found: eight samples, three in the mapping, an expression, a connection, a cell.
    let found = of("--secrets").1;
    for carrier in [
        "client_secret",
        "access_token",
        "api_key",
        "x-api-key",
        "password",
        "token",
        "pwd",
        "ftpPassword",
        "Password",
        "private key",
        "URL with credentials",
    ] {
        assert!(found.contains(carrier), "{carrier}: {found}");
    }
}
