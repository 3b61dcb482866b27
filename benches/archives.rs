//! Promises: inspect a 250 KB archive, flow included, ≤ 20 ms; the list of a 3,000-entry one ≤ 1.2
//! × `unzip -l`; compare two in meaning ≤ 50 ms; a text diff of 1 MB ≤ `git diff --no-index`; and
//! search over 1,000 archives against `unzip -p | grep`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on says so")]

#[path = "../tests/support/shuffle.rs"]
mod shuffle;
mod support;

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oicx::archive::{BoundedZip, Contents, Iar, UnpackedArchive};
use oicx::diff::{TextDiff, compare};
use oicx::ops::grep;
use oicx::sim::{Landscape, ServerOptions, Simulator};
use oicx::store::Store;
use oicx::workspace::{Workspace, collection::CollectionSource};

const ROUNDS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let archives = real_exports();
    if archives.is_empty() {
        println!("no real exports beside the project: only invented ones are measured");
    }
    for (name, bytes) in &archives {
        inspect(name, bytes);
    }
    list(folder.path());
    text(folder.path());
    tokio::runtime::Runtime::new().unwrap().block_on(search(folder.path()));
}

fn real_exports() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/archives");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().filter(|p| p.is_file()).map(|p| (name(p), std::fs::read(p).unwrap())).collect()
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn inspect(name: &str, bytes: &[u8]) {
    let flow = median(|| drop(Contents::read(bytes, Some(name)).unwrap()));
    let open = median(|| drop(UnpackedArchive::read(bytes, Some(name)).unwrap()));
    let unpacked = UnpackedArchive::read(bytes, Some(name)).unwrap();
    let unpacked_bytes: usize = unpacked.all_files().map(|(_, b)| b.len()).sum();
    // A meaning is made once: each round has its own.
    let mut fresh: Vec<UnpackedArchive> =
        (0..ROUNDS).map(|_| UnpackedArchive::read(bytes, Some(name)).unwrap()).collect();
    let fingerprints =
        median(|| assert!(!fresh.pop().unwrap().fingerprints().full.short().is_empty()));
    let secrets = median(|| drop(unpacked.secrets()));
    // Another save of the same: other numbers, prefixes, order, times. All that compare can do is
    // asked.
    let again = shuffle::shuffle(bytes, 7);
    let mut fresh: Vec<(UnpackedArchive, UnpackedArchive)> = (0..ROUNDS)
        .map(|_| {
            (
                UnpackedArchive::read(bytes, Some(name)).unwrap(),
                UnpackedArchive::read(&again, Some(name)).unwrap(),
            )
        })
        .collect();
    let same = median(|| {
        let (x, y) = fresh.pop().unwrap();
        assert!(compare(&x, &y).unwrap().same);
    });
    println!(
        "{name}: {} KB, {} KB unpacked: open and flow {:.1} ms; all files unpacked {:.1}; \
            fingerprint {:.1}; secrets {:.1}; compare with another save {:.1}",
        bytes.len() / 1024,
        unpacked_bytes / 1024,
        ms(flow),
        ms(open),
        ms(fingerprints),
        ms(secrets),
        ms(same)
    );
    if name.ends_with(".iar") {
        println!(
            "  read to be kept (strict, all of it): {:.1} ms",
            ms(median(|| drop(Iar::read(bytes).unwrap())))
        );
    }
}

/// The directory of 3,000 entries, in this process and by the tool that everybody has.
fn list(folder: &Path) {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..3_000 {
        let name = format!(
            "icspackage/project/X_01.00.0000/resources/processor_{i}/resourcegroup_{i}/\
             expr.properties"
        );
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(format!("XpathExpression : $x{i}\n").as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let path = folder.join("many.iar");
    std::fs::write(&path, &bytes).unwrap();
    let ours = median(|| {
        assert_eq!(BoundedZip::open(&std::fs::read(&path).unwrap()).unwrap().files().len(), 3_000)
    });
    let run = |program: &str, arguments: &[&str]| {
        let status = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok()
    };
    let shown = path.to_string_lossy().into_owned();
    if run("unzip", &["-v"]) {
        let theirs = median(|| assert!(run("unzip", &["-l", &shown])));
        println!(
            "list of 3,000 entries: {:.1} ms in the process, unzip -l {:.1} ms (ratio {:.2})",
            ms(ours),
            ms(theirs),
            ms(ours) / ms(theirs)
        );
    } else {
        println!("list of 3,000 entries: {:.1} ms; unzip is not here", ms(ours));
    }
}

/// A text of 1 MB with a change every 400 lines.
fn text(folder: &Path) {
    let line =
        |i: usize| format!("  <element name=\"field{i}\" type=\"xsd:string\" minOccurs=\"0\"/>");
    let before: Vec<String> = (0..18_000).map(line).collect();
    let mut after = before.clone();
    for i in (0..after.len()).step_by(400) {
        after[i] = after[i].replace("string", "date");
    }
    let write = |name: &str, lines: &[String]| {
        let path = folder.join(name);
        std::fs::write(&path, lines.join("\n")).unwrap();
        path.to_string_lossy().into_owned()
    };
    let (a, b) = (write("a.txt", &before), write("b.txt", &after));
    let size = std::fs::metadata(&a).unwrap().len();
    let ours = median(|| {
        let (x, y) = (std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
        assert_eq!(TextDiff::of("a.txt", Some(&x), Some(&y)).added, 45);
    });
    let theirs = median(|| {
        let git =
            Command::new("git").args(["diff", "--no-index", &a, &b]).stdout(Stdio::null()).status();
        assert!(git.is_ok(), "git is not here");
    });
    println!(
        "text diff of {} KB, words marked: {:.1} ms, git diff --no-index {:.1} ms (ratio {:.2})",
        size / 1024,
        ms(ours),
        ms(theirs),
        ms(ours) / ms(theirs)
    );
}

/// 1,000 stored archives, searched in this process and by a shell's loop over `unzip -p | grep`.
async fn search(folder: &Path) {
    const COUNT: usize = 1_000;
    let landscape =
        Landscape::parse(&support::big_landscape(COUNT), "bench.toml".as_ref()).unwrap();
    let sim = Simulator::start(&landscape, &ServerOptions::default()).await.unwrap();
    let client = support::big_client(&sim, folder, 16);
    let place = folder.join("store");
    let store = Store::open_unsynced(&place).await.unwrap();
    assert_eq!(support::take(&client, &store).await.downloaded, COUNT);
    let scope = CollectionSource::Stored(client.name().clone());
    let workspace = Workspace { environments: vec![client], store: Some(store), cache: None };
    for (words, text) in [("in none", "nobody-says-this"), ("in all", "items/item")] {
        let pattern = grep::Pattern::new(text).unwrap();
        let began = Instant::now();
        let report = grep::run(&workspace, &scope, &pattern, false).await.unwrap();
        let ours = began.elapsed();
        assert_eq!(report.archives, COUNT);
        let script = format!(
            "find {} -name '*.iar' | while read f; do unzip -p $f | grep -cE \"{text}\" \
                >/dev/null; done",
            place.display()
        );
        let began = Instant::now();
        let status = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        let theirs = began.elapsed();
        assert!(status.is_ok());
        println!(
            "search over {COUNT} archives, found {words} ({} archives with hits): {:.0} ms, a loop \
                of unzip -p | grep {:.0} ms (ratio {:.2})",
            report.found.len(),
            ms(ours),
            ms(theirs),
            ms(ours) / ms(theirs)
        );
    }
}
