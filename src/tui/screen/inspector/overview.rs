//! The tab Overview: what it is, its tables and properties, and its findings.

use unicode_width::UnicodeWidthStr;

use super::state::{InspectorLine, InspectorScreen, plain};
use crate::archive::{ContentsBody, Secret, blank_value, count_steps};
use crate::model::{Level, plural, visible};
use crate::tui::widgets::tree::Tone;

impl InspectorScreen {
    pub(super) fn overview(&self) -> Vec<InspectorLine> {
        let contents = &self.unpacked.contents;
        let mut out = vec![plain(contents.summary(), Tone::Title)];
        let fact = |name: &str, text: &str| plain(format!("{name:<13} {text}"), Tone::Plain);
        if let Some((fingerprints, _)) = &self.examined {
            let portable = if fingerprints.portable == fingerprints.full {
                String::new()
            } else {
                format!(" · portable {}", fingerprints.portable.short())
            };
            out.push(fact("fingerprint", &format!("{}{portable}", fingerprints.full.short())));
        }
        self.project_lines(&mut out);
        // A project's page has its integrations in one line each.
        let told_whole = if self.project.is_some() { &[] } else { contents.integrations() };
        for it in told_whole {
            out.push(plain("", Tone::Plain));
            if contents.integrations().len() > 1 {
                out.push(plain(format!("{} {}", it.id.code, it.id.version), Tone::Accent));
            }
            out.push(fact("name", &it.name));
            if !it.description.is_empty() {
                out.push(fact("description", &it.description));
            }
            out.push(fact("pattern", it.pattern()));
            let count = count_steps(&it.flow);
            let (endpoints, maps) =
                (plural(it.endpoints.len(), "endpoint"), plural(it.mappings.len(), "mapping"));
            out.push(fact("flow", &format!("{}, {endpoints}, {maps}", plural(count, "step"))));
            for t in &it.tracking {
                let primary = if t.primary { " (primary)" } else { "" };
                out.push(fact("tracks", &format!("{}{primary} = {}", t.name, t.xpath)));
            }
            for e in &it.endpoints {
                out.push(fact(&e.role, &format!("{} · {} [{}]", e.name, e.call(), e.connection)));
            }
        }
        self.tables(&mut out);
        self.finding_lines(&mut out);
        out
    }

    /// A lookup's rows, a library's functions, the properties of what is described.
    fn tables(&self, out: &mut Vec<InspectorLine>) {
        match &self.unpacked.contents.body {
            ContentsBody::Lookup(lookup) => {
                out.push(plain("", Tone::Plain));
                out.extend(table(&lookup.columns, &lookup.rows));
            }
            ContentsBody::Description(description) => {
                out.push(plain("", Tone::Plain));
                let width = description
                    .properties
                    .keys()
                    .chain(&description.ask)
                    .map(|n| n.width())
                    .max()
                    .unwrap_or(0);
                for (name, value) in &description.properties {
                    let value = blank_value(name, value);
                    out.push(plain(format!("{name:<width$}  {value}"), Tone::Plain));
                }
                for name in &description.ask {
                    out.push(plain(
                        format!(
                            "{name:<width$}  a secret: the service does not give it out, a restore asks for it"
                        ),
                        Tone::Warning,
                    ));
                }
            }
            ContentsBody::Library(library) => {
                out.extend(
                    library
                        .scripts
                        .iter()
                        .map(|(f, all)| plain(format!("{f}: {}", all.join(", ")), Tone::Plain)),
                );
            }
            // Told above, as tables and trees.
            ContentsBody::Integration(_) | ContentsBody::Package(_) | ContentsBody::Project(_) => {}
        }
    }

    fn finding_lines(&self, out: &mut Vec<InspectorLine>) {
        let secrets: Vec<_> =
            self.examined.iter().flat_map(|(_, s)| s.iter().map(Secret::finding)).collect();
        let all: Vec<_> = self.unpacked.contents.findings.iter().chain(&secrets).collect();
        out.push(plain("", Tone::Plain));
        if all.is_empty() {
            let text = if self.examined.is_some() {
                "✓ every part was read; no secret was found"
            } else {
                "reading every part …"
            };
            out.push(plain(text, if self.examined.is_some() { Tone::Good } else { Tone::Dim }));
        }
        for finding in all {
            let tone = if finding.level == Level::Fact { Tone::Plain } else { Tone::Warning };
            out.push(plain(format!("{} {}", finding.mark(), finding.what), tone));
            out.extend(finding.fix.iter().map(|fix| plain(format!("  → {fix}"), Tone::Dim)));
        }
    }
}

/// The rows of a lookup with their columns aligned. A cell longer than `LONGEST` is cut; the tab
/// Files has all of it.
fn table(columns: &[String], rows: &[Vec<String>]) -> Vec<InspectorLine> {
    const LONGEST: usize = 40;
    let count = rows.iter().map(Vec::len).chain([columns.len()]).max().unwrap_or(0);
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|r| r.get(i)).chain(columns.get(i));
        cells.map(|c| c.width()).max().unwrap_or(0).min(LONGEST)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |cells: &[String], tone| {
        let texts = widths.iter().enumerate().map(|(i, width)| {
            let text = cells.get(i).map(|c| visible(c).into_owned()).unwrap_or_default();
            let cut = text.width() > *width;
            let text: String =
                if cut { text.chars().take(width - 1).chain(['…']).collect() } else { text };
            format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
        });
        plain(texts.collect::<Vec<_>>().join(" │ ").trim_end(), tone)
    };
    let head = line(columns, Tone::Accent);
    std::iter::once(head).chain(rows.iter().map(|r| line(r, Tone::Plain))).collect()
}
