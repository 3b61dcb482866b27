//! Rewrites an export as another save by the service would: new numbers, prefixes, order, times,
//! compression, canvas and audit info. What it means stays.

use std::collections::{BTreeSet, HashMap};
use std::io::{Cursor, Read, Write};
use std::sync::{LazyLock, Mutex};

use regex::{Captures, Regex};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Entries of an archive, by name.
pub type Entries = Vec<(String, Vec<u8>)>;

pub fn unpack(bytes: &[u8]) -> Entries {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut out = Vec::new();
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).unwrap();
        if !entry.is_dir() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            out.push((entry.name().unwrap().into_owned(), bytes));
        }
    }
    out
}

pub fn pack(entries: &Entries, method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in entries {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A compiled pattern, made once: a rewriting uses each for every file.
pub fn compiled(text: &str) -> Regex {
    static KNOWN: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap();
    known.entry(text.to_owned()).or_insert_with(|| Regex::new(text).unwrap()).clone()
}

/// A small generator: the same seed gives the same rewriting.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
    }
}

/// Another save of the same integration. Nested archives of a package are rewritten as well.
pub fn shuffle(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut entries = unpack(bytes);
    for (name, bytes) in &mut entries {
        if name.ends_with(".iar") {
            *bytes = shuffle(bytes, dice.next());
        }
    }
    // A project's members are numbered each for itself.
    let member = |name: &str| {
        let rest = name.strip_prefix("project/integrations/")?;
        rest.split('/').next().map(str::to_owned)
    };
    let members: BTreeSet<Option<String>> = entries.iter().map(|(n, _)| member(n)).collect();
    for of in members {
        let mut numbers = Numbers { known: HashMap::new(), next: 1000 + dice.next() % 5000 };
        for (name, bytes) in entries.iter_mut().filter(|(n, _)| member(n) == of) {
            *name = numbers.rewrite(name);
            if let Ok(text) = String::from_utf8(bytes.clone()) {
                *bytes = rewrite(name, &numbers.rewrite(&text), &mut dice).into_bytes();
            }
        }
    }
    dice.shuffle(&mut entries);
    let method = if dice.next().is_multiple_of(2) {
        CompressionMethod::Stored
    } else {
        CompressionMethod::Deflated
    };
    pack(&entries, method)
}

struct Numbers {
    known: HashMap<String, String>,
    next: u64,
}

impl Numbers {
    fn rewrite(&mut self, text: &str) -> String {
        let pattern = compiled(
            r"(?x)\b(application|processor|resourcegroup|resource|input|output|messagecontext
                |inbound|outbound)_\d+\b
            |\b(req|resp)_[0-9a-f]{32}",
        );
        let rename = |c: &Captures<'_>| {
            let word = c[0].to_owned();
            let next = &mut self.next;
            self.known
                .entry(word.clone())
                .or_insert_with(|| {
                    *next += 7;
                    match c.get(1) {
                        Some(stem) => format!("{}_{next}", stem.as_str()),
                        None => {
                            format!("{}_{:032x}", &c[2], u128::from(*next) * 0x1234_5678_9abc_def1)
                        }
                    }
                })
                .clone()
        };
        pattern.replace_all(text, rename).into_owned()
    }
}

fn rewrite(name: &str, text: &str, dice: &mut Dice) -> String {
    let file = name.rsplit('/').next().unwrap();
    let ending = file.rsplit('.').next().unwrap();
    match ending {
        _ if file.starts_with("layout")
            || file == "analysis.json"
            || file == "project_messages.json" =>
        {
            format!("{{\"moved\":{}}}", dice.next())
        }
        _ if file.ends_with("stateinfo.json") || file.ends_with("_stateinfo.xml") => {
            text.replace("/tmp/WC/", "/tmp/elsewhere/")
        }
        "xml" | "xsl" | "xslt" | "xsd" | "wsdl" | "jca" | "dvm" => rewrite_xml(file, text, dice),
        "properties" if file == "ics_project_attributes.properties" => {
            let mut lines: Vec<String> =
                text.lines().filter(|l| !l.starts_with('#')).map(str::to_owned).collect();
            for line in &mut lines {
                for key in [
                    "mod=",
                    "validity=",
                    "version=",
                    "CAV=",
                    "lastUpdatedICSVersion=",
                    "project_persisted_state=",
                ] {
                    if line.starts_with(key) {
                        *line = format!("{key}{}", dice.next());
                    }
                }
            }
            dice.shuffle(&mut lines);
            format!("#Sat Jan 01 00:00:00 UTC 2028\n{}\n", lines.join("\n"))
        }
        "properties" if file.ends_with("expr.properties") => rename_prefixes_in_expression(text),
        _ => text.to_owned(),
    }
}

fn rewrite_xml(file: &str, text: &str, dice: &mut Dice) -> String {
    let mut out = rename_prefixes(text);
    let ids = compiled(r#"xml:id="id_(\d+)""#);
    out = ids
        .replace_all(&out, |c: &Captures<'_>| {
            format!("xml:id=\"id_{}\"", c[1].parse::<u64>().unwrap() + 40)
        })
        .into_owned();
    for (element, value) in [
        ("pluginVersion", "99.1.1"),
        ("sdkVersion", "99.1.1"),
        ("platformVersion", "99.1.1"),
        ("lastUpdatedBy", "somebody@else"),
        ("lockedDate", "2030-01-01T00:00:00.000Z"),
    ] {
        let pattern = compiled(&format!("<{element}>[^<]*</{element}>"));
        out = pattern.replace_all(&out, format!("<{element}>{value}</{element}>")).into_owned();
    }
    let versions = compiled(r#"name="(cloud\.adapter\.[a-z.]*version)" value="[^"]*""#);
    out = versions.replace_all(&out, "value=\"77.0\" name=\"$1\"").into_owned();
    let elsewhere = compiled(r#"name="(csfkey|integration_created)" value="[^"]*""#);
    out = elsewhere.replace_all(&out, "name=\"$1\" value=\"of another instance\"").into_owned();
    if file == "project.xml" {
        for element in ["resource", "application", "processor"] {
            out = reorder(&out, element, dice);
        }
        let ids = compiled(r#" id="([a-z]+)(\d+)""#);
        out = ids
            .replace_all(&out, |c: &Captures<'_>| {
                format!(" id=\"{}{}\"", &c[1], c[2].parse::<u64>().unwrap() + 3)
            })
            .into_owned();
    }
    // White space between elements.
    compiled(r">[ \t\r\n]+<").replace_all(&out, ">\n<").into_owned()
}

/// Elements of one name that follow each other, in another order.
fn reorder(text: &str, element: &str, dice: &mut Dice) -> String {
    let pattern = if element == "resource" {
        compiled(r"(?:<(?:\w+:)?resource\s[^>]*/>\s*){2,}")
    } else {
        compiled(&format!(r"(?s)(?:<(?:\w+:)?{element}\s.*?</(?:\w+:)?{element}>\s*){{2,}}"))
    };
    let one = if element == "resource" {
        compiled(r"<(?:\w+:)?resource\s[^>]*/>")
    } else {
        compiled(&format!(r"(?s)<(?:\w+:)?{element}\s.*?</(?:\w+:)?{element}>"))
    };
    pattern
        .replace_all(text, |c: &Captures<'_>| {
            let mut all: Vec<&str> = one.find_iter(&c[0]).map(|m| m.as_str()).collect();
            dice.shuffle(&mut all);
            all.concat()
        })
        .into_owned()
}

/// Gives each declared prefix another name. XML that is the text of a value (its quotes are
/// `&quot;`) is somebody's text, and the service keeps it.
fn rename_prefixes(text: &str) -> String {
    let declared = compiled(r#"xmlns:([A-Za-z][\w.-]*)=["']"#);
    let prefixes: BTreeSet<String> =
        declared.captures_iter(text).map(|c| c[1].to_owned()).filter(|p| p != "xml").collect();
    let mut out = text.to_owned();
    let any: Vec<String> = prefixes.iter().map(|p| regex::escape(p)).collect();
    let any = if any.is_empty() { "no-prefix-at-all".to_owned() } else { any.join("|") };
    out = compiled(&format!(r#"xmlns:({any})=(["'])"#))
        .replace_all(&out, "xmlns:zz$1=$2")
        .into_owned();
    let used = compiled(&format!(r"(^|[^\w.:'-])({any}):([A-Za-z_*])"));
    // Twice: two names may share the character between them.
    for _ in 0..2 {
        out = used.replace_all(&out, "${1}zz$2:$3").into_owned();
    }
    let listed = compiled(r#"exclude-result-prefixes="([^"]*)""#);
    listed
        .replace_all(&out, |c: &Captures<'_>| {
            let all: Vec<String> = c[1]
                .split_whitespace()
                .map(|p| if prefixes.contains(p) { format!("zz{p}") } else { p.into() })
                .collect();
            format!("exclude-result-prefixes=\"{}\"", all.join(" "))
        })
        .into_owned()
}

fn rename_prefixes_in_expression(text: &str) -> String {
    let Some(list) = text.lines().find_map(|l| l.strip_prefix("NamespaceList :")) else {
        return text.to_owned();
    };
    let prefixes: Vec<String> =
        list.split_whitespace().filter_map(|p| Some(p.split_once('=')?.0.to_owned())).collect();
    let mut out = text.to_owned();
    for prefix in prefixes {
        let used = compiled(&format!(r"\b{prefix}([:=])"));
        out = used.replace_all(&out, format!("yy{prefix}$1")).into_owned();
    }
    out
}
