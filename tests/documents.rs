//! The pages of the project tell the truth: the keys are those of the keymap, the types in the
//! glossary are there, and no link leads nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use oicx::tui::{Context, Keymap};
use regex::Regex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files of a folder and below that have this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut out = Vec::new();
    for path in entries.map(|e| e.unwrap().path()) {
        if path.is_dir() {
            out.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            out.push(path);
        }
    }
    out
}

/// The pages that a person reads: those at the top and those in `docs`.
fn pages() -> Vec<PathBuf> {
    let top = std::fs::read_dir(root()).unwrap().map(|e| e.unwrap().path());
    let top = top.filter(|p| p.extension().is_some_and(|e| e == "md"));
    top.chain(files(&root().join("docs"), "md")).collect()
}

/// `docs/keys.md`, made from the built-in keymap.
fn keys_page() -> String {
    let mut page = String::from(
        "# Keys\n\nThis page is made from `keymap.toml` by a test. The footer, the help (`?`) and the \
         palette (`:`) are made from\nthe same table.\n\nA `keymap.toml` in the config folder \
         overrides it entry by entry; `\"none\"` takes a key away. The name in the last\ncolumn is \
         the one to write there:\n\n```toml\n[explorer]\n\"ctrl-e\" = \"export\"\n\"e\" = \
         \"none\"\n```\n\nA key is one character, or `up down left right home end pageup pagedown \
         enter esc tab backtab space backspace delete\nf1`…`f12`, with `ctrl-` or `alt-` before \
         it. A key or an action that is not known is an error with file and line.\nWhere letters \
         are typed, a letter is an action only if the section of that place names it, such as \
         `[find]`.\n",
    );
    let keymap = Keymap::built_in().unwrap();
    for context in Context::ALL {
        let name = serde_name(&format!("{context:?}"));
        let (title, head) = (context.title(), "| keys | does | name |\n|---|---|---|");
        let title = title[..1].to_uppercase() + &title[1..];
        write!(page, "\n## {title}\n\nSection `[{name}]`.\n\n{head}\n").unwrap();
        for (action, keys) in keymap.of(context) {
            let keys: Vec<_> =
                keys.iter().map(|k| format!("`{}`", k.to_string().replace('|', "\\|"))).collect();
            let name = serde_name(&format!("{action:?}"));
            writeln!(page, "| {} | {} | `{name}` |", keys.join(" "), action.help()).unwrap();
        }
    }
    page
}

/// `PageUp` as `keymap.toml` writes it: `page-up`; `Column1` is `column-1`.
fn serde_name(variant: &str) -> String {
    let mut out = String::new();
    for c in variant.chars() {
        if (c.is_uppercase() || c.is_ascii_digit()) && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// `WRITE_PAGES=1 cargo test documents::` writes the page anew.
#[test]
fn the_page_of_keys_says_what_the_keymap_says() {
    let path = root().join("docs/keys.md");
    let wanted = keys_page();
    if std::env::var_os("WRITE_PAGES").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = read(&path);
    assert!(found == wanted, "docs/keys.md is old: WRITE_PAGES=1 cargo test documents::");
}

#[test]
fn every_type_that_the_glossary_names_is_in_the_code() {
    let mut code: String = files(&root().join("src"), "rs").iter().map(|p| read(p)).collect();
    code += &read(&root().join("build.rs"));
    let declared = Regex::new(r"(?:struct|enum|trait|type) (\w+)").unwrap();
    let declared: BTreeSet<&str> =
        declared.captures_iter(&code).map(|c| c.get(1).unwrap().as_str()).collect();
    let glossary = read(&root().join("docs/glossary.md"));
    let named = Regex::new(r"\*([A-Z][a-zA-Z]+)\*").unwrap();
    let named: BTreeSet<&str> =
        named.captures_iter(&glossary).map(|c| c.get(1).unwrap().as_str()).collect();
    assert!(named.len() > 40, "{named:?}");
    let gone: Vec<_> = named.difference(&declared).collect();
    assert!(gone.is_empty(), "the glossary names types that are not there: {gone:?}");
}

#[test]
fn no_link_of_a_page_leads_nowhere() {
    let link = Regex::new(r"\]\(([^)#\s]+)(#[^)\s]*)?\)").unwrap();
    let mut gone = Vec::new();
    for page in pages() {
        for found in link.captures_iter(&read(&page)) {
            let target = &found[1];
            if !target.contains("://") && !page.parent().unwrap().join(target).exists() {
                gone.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(gone.is_empty(), "{gone:#?}");
}

#[test]
fn no_page_and_no_comment_names_a_file_that_is_not_there() {
    let path = Regex::new(r"`((?:src|docs|tests|assets|benches)/[\w./-]+\.\w+)`").unwrap();
    let cited = Regex::new(r"\b(docs/[\w-]+\.md)\b").unwrap();
    let mut gone = Vec::new();
    let code = ["src", "tests", "benches"].map(|f| files(&root().join(f), "rs"));
    for file in pages().into_iter().chain(code.into_iter().flatten()) {
        let text = read(&file);
        let named = path.captures_iter(&text).chain(cited.captures_iter(&text));
        let missing = named.filter(|c| !root().join(&c[1]).exists());
        gone.extend(missing.map(|c| format!("{}: {}", file.display(), &c[1])));
    }
    assert!(gone.is_empty(), "{gone:#?}");
}

/// One name means one thing. Types of a test's fixtures count too.
#[test]
fn no_two_public_types_have_one_name() {
    let declared = Regex::new(r"(?m)^pub (?:struct|enum|trait|type) (\w+)").unwrap();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files(&root().join("src"), "rs") {
        let text = read(&file);
        for found in declared.captures_iter(&text) {
            places.entry(found[1].to_owned()).or_default().push(file.display().to_string());
        }
    }
    assert!(places.len() > 400, "{}", places.len());
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn at_most_one_line_in_a_thousand_is_longer_than_a_hundred_columns() {
    let texts = files(&root().join("src"), "rs");
    let lines: Vec<String> =
        texts.iter().flat_map(|p| read(p).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let long = lines.iter().filter(|l| l.chars().count() > 100).count();
    assert!(long * 1000 <= lines.len(), "{long} of {} lines", lines.len());
}

/// What is drawn is drawn from what is known: the time is that of the last event.
#[test]
fn drawing_asks_neither_the_clock_nor_the_system() {
    let asks = r"Timestamp::now|Instant::now|SystemTime|TimeZone::system|std::fs|std::env|(?:^|[^.\w])(age|ago)\(";
    let asks = Regex::new(asks).unwrap();
    let folder = root().join("src/tui");
    let mut drawing = files(&folder.join("widgets"), "rs");
    drawing.extend(files(&folder.join("screen"), "rs").into_iter().filter(|p| {
        let name = p.file_name().unwrap();
        // Some screens are small enough to draw in their only file.
        let draws = name == "view.rs" || read(p).contains("fn draw(&self");
        draws || p.parent().unwrap().ends_with("inspector") && name != "update.rs"
    }));
    assert!(drawing.len() > 30, "{}", drawing.len());
    let mut found = Vec::new();
    for path in drawing {
        for (n, line) in read(&path).lines().enumerate() {
            if asks.is_match(line) && !line.trim_start().starts_with("//") {
                found.push(format!("{}:{}: {line}", path.display(), n + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// `docs/projects.md, Limits` in a comment names a heading that is there.
#[test]
fn every_section_that_a_comment_names_is_there() {
    let cited = Regex::new(r"\((docs/[\w-]+\.md), ([A-Z][^);,:]*)").unwrap();
    let plain = |text: &str| text.replace(['`', '"'], "").trim().to_lowercase();
    let mut gone = Vec::new();
    let mut count = 0;
    for file in ["src", "tests"].into_iter().flat_map(|f| files(&root().join(f), "rs")) {
        let text = read(&file).replace("\n/// ", " ").replace("\n//! ", " ");
        for found in cited.captures_iter(&text) {
            count += 1;
            let page = read(&root().join(&found[1]));
            let headings = page.lines().filter(|l| l.starts_with('#'));
            let wanted = plain(&found[2]);
            if !headings.map(|l| plain(l.trim_start_matches('#'))).any(|h| h.starts_with(&wanted)) {
                gone.push(format!("{}: {}, {}", file.display(), &found[1], &found[2]));
            }
        }
    }
    assert!(count > 30, "{count}");
    assert!(gone.is_empty(), "{gone:#?}");
}
