//! Marks that are planted in every text that comes from outside steer no terminal, no page and no
//! commit: not by a name, not by a cell of a lookup, not by what the service says.

use std::path::Path;

use oicx::sim::ServiceInstance;

use crate::cli::{self, oicx};
use crate::dependencies_alike::walk;
use crate::support::World;

/// What steers a terminal, turns the direction of writing, or hides; C0 only where a file may have
/// it, which XML may not.
const ANYWHERE: [char; 10] = [
    '\u{9b}',
    '\u{9d}',
    '\u{85}',
    '\u{202e}',
    '\u{2066}',
    '\u{200b}',
    '\u{ad}',
    '\u{2028}',
    '\u{e0041}',
    '\u{3164}',
];
const OUTSIDE_XML: [char; 3] = ['\u{1b}', '\u{7}', '\u{8}'];

/// A company with marks wherever a person writes a text: `«X»` in XML, `«»` elsewhere.
const LANDSCAPE: &str = r#"
[[environment]]
name = "prod"
instance = "acme-prod"
clients = [{ id = "oicx", secret = "demo", role = "ServiceDeveloper" }]
[[environment]]
name = "dev"
instance = "acme-dev"
clients = [{ id = "oicx", secret = "demo", role = "ServiceDeveloper" }]

[[integration]]
code = "SYNC"
[integration.flow]
name = "Sync«X»"
schedule = "FREQ=HOURLY"
loggers = ["'logged«X»'"]
source = { name = "getThings", connection = "HCM", adapter = "rest", verb = "GET", resource = "/things«X»" }
target = { name = "putThing", connection = "HCM", adapter = "soap", verb = "POST", resource = "/thing" }
fields = { grade = "concat('«X»', $g)" }
[[integration.at]]
environment = "prod"
version = "01.00.0000"
updated = "now-9d"
parameters = { lastRun = "2026«»" }
schedule = "running"
runs = { received = 9, succeeded = 7, failed = 2, aborted = 0 }
[[integration.at]]
environment = "dev"
version = "01.00.0000"
updated = "now-8d"
edit = { loggers = ["'other«X»'"], fields = { grade = "concat('«X»«X»', $g)" } }

[[integration]]
code = "LOCKED"
[integration.flow]
name = "Locked«X»"
trigger_connection = "HCM"
source = { name = "a", connection = "HCM", adapter = "rest", verb = "GET", resource = "/a" }
target = { name = "b", connection = "HCM", adapter = "rest", verb = "POST", resource = "/b" }
fields = { n = "$n" }
[[integration.at]]
environment = "prod"
version = "01.00.0000"
updated = "now-30d"
locked_by = "k.lindqvist«»"

[[connection]]
code = "HCM"
name = "HCM«X»"
adapter = "rest"
url = "https://hcm-{environment}.example/«X»"

[[lookup]]
name = "CODES"
columns = ["A«»", "B"]
rows = [["one«»", "two"], ["three", "<script>alert(1)</script>«»"]]
"#;

fn escaped(marks: &[char]) -> String {
    marks.iter().map(|c| format!("\\U{:08x}", *c as u32)).collect::<Vec<_>>().join("x")
}

fn planted() -> String {
    let everywhere = escaped(&[&ANYWHERE[..], &OUTSIDE_XML].concat());
    LANDSCAPE.replace("«X»", &escaped(&ANYWHERE)).replace("«»", &everywhere)
}

/// The first mark in a text, with what stands before it.
fn marked(text: &str) -> Option<String> {
    let is_mark = |c: char| {
        let plain = c == '\n' || c == '\t';
        ANYWHERE.contains(&c) || c.is_control() && !plain
    };
    let at = text.find(is_mark)?;
    let before: String =
        text[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
    Some(format!("{:?} after {before:?}", text[at..].chars().next()))
}

/// Stands for the id of the newest run.
const NEWEST_RUN: &str = "the newest run";

#[tokio::test(flavor = "multi_thread")]
async fn no_command_prints_a_mark() {
    let world = World::of(&planted()).await;
    let config = world.config_file("");
    let folder = config.parent().unwrap().to_path_buf();
    let (git, docs) = (folder.join("git"), folder.join("docs"));
    let (git, docs) = (git.to_str().unwrap(), docs.to_str().unwrap());
    let tag = format!("--tag=before{}", OUTSIDE_XML[0]);
    // What somebody changes now differs from the backup.
    let change = |i: &mut ServiceInstance| {
        i.edit_lookup("CODES", "j\u{1b}doe", |rows| {
            rows.push(vec!["\u{1b}]52;c;x\u{7}".into(), "\u{9b}2J".into()])
        });
    };
    let copy = folder.join("copy");
    let copy = copy.to_str().unwrap();
    let exports = folder.join("exports");
    std::fs::create_dir(&exports).unwrap();
    let exports = exports.to_str().unwrap();
    let commands: &[&[&str]] = &[
        &["backup", "prod", &tag],
        &["list"],
        &["list", "--failing"],
        &["list", "--kind", "lookup"],
        &["list", "--kind", "connection"],
        &["inspect", "prod:SYNC"],
        &["inspect", "prod:SYNC", "--mappings"],
        &["inspect", "prod:SYNC", "--secrets"],
        &["inspect", "prod:lookups/CODES"],
        &["inspect", "store:prod/SYNC"],
        &["diff", "prod:SYNC", "dev:SYNC"],
        &["diff", "prod:SYNC", "dev:SYNC", "--text"],
        &["grep", "logged"],
        &["grep", "things"],
        &["deps", "prod:SYNC"],
        &["deps", "--reverse", "prod:connections/HCM"],
        &["drift", "prod", "dev"],
        &["doctor"],
        &["snapshots"],
        &["history", "SYNC"],
        &["diff", "store:prod/lookups/CODES", "prod:lookups/CODES"],
        &["diff", "--text", "store:prod/lookups/CODES", "prod:lookups/CODES"],
        &["restore", "store:prod/lookups/CODES", "--to", "prod", "--yes"],
        &["runs"],
        &["recover", "prod:SYNC", "--yes"],
        &["docs", "prod", "--to", docs],
        &["git", "prod", "--to", git],
        &["promote", "prod:SYNC", "--to", "dev", "--yes"],
        &["rollback", NEWEST_RUN, "--yes"],
        &["resume"],
        &["drill", "prod", "--in", "dev", "--plan"],
        &["verify", "--deep"],
        &["prune", "--keep-last", "9"],
        &["copy", "--to", copy],
        &["import", exports, "--env", "prod"],
    ];
    let (mut bad, mut codes) = (Vec::new(), Vec::new());
    for arguments in commands {
        let runs = cli::json(&config, &["runs", "--json"]).await.1;
        let newest = runs[0]["id"].as_str().or(runs["runs"][0]["run"].as_str()).unwrap_or_default();
        let named = arguments.iter().map(|a| if *a == NEWEST_RUN { newest } else { a });
        let arguments: Vec<&str> = named.collect();
        let arguments = arguments.as_slice();
        let (code, out, err) = cli::run(oicx(&config), arguments).await;
        for (door, text) in [("stdout", &out), ("stderr", &err)] {
            if let Some(mark) = marked(text) {
                bad.push(format!("{arguments:?} ({code}) on {door}: {mark}"));
            }
        }
        codes.push((arguments.join(" "), code));
        if arguments[0] == "backup" {
            let mut stored = walk(&world.store_folder()).into_iter();
            let export = stored.find(|path| path.extension().is_some_and(|e| e == "iar"));
            std::fs::copy(export.unwrap(), Path::new(exports).join("SYNC_01.00.0000.iar")).unwrap();
            world.sim.with_instance("prod", change).unwrap();
        }
    }
    // Every command is among them, but those that print nothing from outside.
    let help = cli::run(oicx(&config), &["--help"]).await.1;
    let names = help.lines().skip_while(|l| *l != "Commands:").take_while(|l| *l != "Options:");
    let names = names.filter_map(|l| {
        l.strip_prefix("  ")?.split_whitespace().next().filter(|_| !l.starts_with("   "))
    });
    let own = ["demo", "init", "login", "logout", "instance-export", "sim", "completions", "man"];
    let tried: Vec<&str> = commands.iter().map(|c| c[0]).collect();
    let missing: Vec<&str> =
        names.filter(|name| !tried.contains(name) && !own.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Each has something to say: what it prints is not an error about the command line.
    let wrong: Vec<_> = codes.iter().filter(|(_, code)| ![0, 3, 4].contains(code)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let pages = [Path::new(docs), Path::new(git)];
    bad.extend(pages.iter().flat_map(|folder| marked_files(folder)));
    let log =
        std::process::Command::new("git").args(["-C", git, "log", "--format=%an %s %b"]).output();
    let log = String::from_utf8_lossy(&log.unwrap().stdout).into_owned();
    assert!(!log.is_empty(), "git wrote nothing");
    bad.extend(marked(&log).map(|mark| format!("git log: {mark}")));
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// HTML in a page.
fn html(path: &Path, text: &str) -> Option<String> {
    let page = path.extension().is_some_and(|e| e == "md");
    (page && text.replace("\\<", "").contains("<script")).then(|| "HTML".to_owned())
}

/// The files of a folder that hold a mark.
fn marked_files(folder: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != ".git" {
                out.extend(marked_files(&path));
            }
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && let Some(mark) = marked(&text).or_else(|| html(&path, &text))
        {
            out.push(format!("{}: {mark}", path.display()));
        }
    }
    out
}
