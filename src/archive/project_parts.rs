//! What a project holds beside integrations, connections and lookups: deployments, definitions of
//! schedules, events, libraries (docs/archive-format.md, Projects).

use roxmltree::Node;
use serde_json::Value;

use super::{
    contents::Library,
    definitions::{child_text, local},
    error::ArchiveError,
    layout, xml,
    zip::BoundedZip,
};
use crate::model::{Version, visible};

/// `labels/CODE.json`: versions of integrations that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployment {
    pub code: String,
    pub name: String,
    pub description: String,
    /// Its kind (`integrations`, `robots` …), code and version, sorted.
    pub members: Vec<(String, String, String)>,
}

impl Deployment {
    /// Reads a deployment; none where the bytes are no such JSON.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let object = value.as_object()?;
        let text = |value: &Value, keys: &[&str]| {
            let found = keys.iter().find_map(|k| value.get(k)?.as_str());
            visible(found.unwrap_or_default()).into_owned()
        };
        let mut members: Vec<_> = object
            .iter()
            .filter_map(|(kind, list)| Some((kind, list.as_array()?)))
            .flat_map(|(kind, list)| list.iter().map(move |item| (kind, item)))
            .map(|(kind, item)| {
                let code = text(item, &["code", "identifier", "id", "name"]);
                (visible(kind).into_owned(), code, text(item, &["version"]))
            })
            .collect();
        members.sort();
        Some(Self {
            code: text(&value, &["code"]),
            name: text(&value, &["name"]),
            description: text(&value, &["description"]),
            members,
        })
    }
}

/// `schedules/Schedule_CODE_VERSION.xml`: when an integration runs by itself. It does not say
/// whether it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleDefinition {
    pub name: String,
    pub description: String,
    pub time_zone: String,
    /// Each rule in words: `on 2020-07-24 at 16:25:0`, `minutely, interval 15`.
    pub rules: Vec<String>,
}

impl ScheduleDefinition {
    /// Reads a schedule; none where the bytes are no such XML.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let doc = xml::parse(bytes)?;
        let root = doc.root_element();
        if local(root) != "schedule" {
            return None;
        }
        let text = |name: &str| visible(child_text(root, name).unwrap_or_default()).into_owned();
        let told = ["description", "display-name", "time-zone"];
        let rules = root.children().filter(|n| n.is_element() && !told.contains(&local(*n)));
        Some(Self {
            name: text("display-name"),
            description: text("description"),
            time_zone: text("time-zone"),
            rules: rules.map(|n| visible(&rule(n)).into_owned()).collect(),
        })
    }

    /// The code and version of the integration that a file without its ending is the schedule of:
    /// `Schedule_SYNC_01.00.0000`.
    pub fn of_file(stem: &str) -> String {
        let stem = stem.strip_prefix("Schedule_").unwrap_or(stem);
        let name = stem.rsplit_once('_').map_or(stem.into(), |(c, v)| format!("{c} {v}"));
        visible(&name).into_owned()
    }

    /// When it runs, in one line: `once, on 2020-07-24 at 16:25 (Asia/Kolkata)`.
    pub fn describe(&self) -> String {
        let rules = if self.rules.is_empty() { "never".into() } else { self.rules.join("; ") };
        match self.time_zone.as_str() {
            "" => rules,
            zone => format!("{rules} ({zone})"),
        }
    }
}

fn rule(node: Node<'_, '_>) -> String {
    let part = |name: &str| child_text(node, name).unwrap_or_default();
    let number = |name: &str| part(name).parse::<u32>().ok();
    match local(node) {
        word @ ("include-date" | "exclude-date") => {
            let head = if word == "include-date" { "on" } else { "not on" };
            let day = match (number("year"), number("month"), number("day")) {
                (Some(year), Some(month), Some(day)) => format!("{year}-{month:02}-{day:02}"),
                _ => return format!("{head} {}", written(node)),
            };
            let time = part("time");
            if time.is_empty() {
                format!("{head} {day}")
            } else {
                format!("{head} {day} at {time}")
            }
        }
        "recurrence" => {
            let every = match (part("frequency"), number("interval").unwrap_or(1)) {
                ("", _) => String::new(),
                (unit, 1) => format!("every {}", unit_of(unit)),
                (unit, n) => format!("every {n} {}s", unit_of(unit)),
            };
            let told = ["frequency", "interval"];
            let others = node.children().filter(|n| n.is_element() && !told.contains(&local(*n)));
            let others = others.filter_map(|n| {
                let text = written(n);
                (!text.is_empty() && text != "0").then(|| format!("{} {text}", local(n)))
            });
            let parts = std::iter::once(every).filter(|e| !e.is_empty()).chain(others);
            parts.collect::<Vec<_>>().join(", ")
        }
        other => format!("{other} {}", written(node)).trim_end().to_owned(),
    }
}

/// `minute` of `MINUTELY`; a word that is not known stays.
fn unit_of(frequency: &str) -> String {
    let word = frequency.to_lowercase();
    match word.as_str() {
        "daily" => "day".into(),
        _ => word.strip_suffix("ly").map_or(word.clone(), str::to_owned),
    }
}

/// All texts below an element.
fn written(node: Node<'_, '_>) -> String {
    let texts = node.descendants().filter(|n| n.is_text()).filter_map(|n| n.text());
    texts.map(str::trim).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `eventtypes/CODE_REVISION.json` as named values: what is compared of an event.
pub fn read_event(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let shown = |value: &Value| match value {
        Value::String(text) => visible(text).into_owned(),
        other => visible(&other.to_string()).into_owned(),
    };
    Some(value.as_object()?.iter().map(|(k, v)| (visible(k).into_owned(), shown(v))).collect())
}

impl Library {
    /// The scripts of a library's jar, as they lie in a project or travel along; none where the
    /// bytes are no zip.
    pub fn read_jar(name: &str, bytes: &[u8]) -> Option<Self> {
        let mut zip = BoundedZip::open_strict(bytes).ok()?;
        Some(Self::of_zip(name, &mut zip))
    }

    /// The functions that its scripts declare, in their order.
    pub fn functions(&self) -> impl Iterator<Item = &String> {
        self.scripts.iter().flat_map(|(_, all)| all)
    }
}

/// The `.jar` of a library in a project's archive, of this version or the only one; none where the
/// archive has no such library.
///
/// # Errors
/// Where the archive cannot be read.
pub fn library_of_project(
    project: &[u8],
    code: &str,
    version: Option<Version>,
) -> Result<Option<Vec<u8>>, ArchiveError> {
    let mut zip = BoundedZip::open(project)?;
    let is_it = |path: &&str| {
        let inside = path.strip_prefix(layout::PROJECT_LIBRARIES).and_then(|p| p.split_once('/'));
        let id = inside.filter(|(_, file)| file.ends_with(".jar"));
        id.and_then(|(folder, _)| folder.rsplit_once('_')).is_some_and(|(found, its)| {
            found == code && version.is_none_or(|v| its.parse() == Ok(v))
        })
    };
    let path = zip.names().filter(is_it).max().map(str::to_owned);
    path.map(|path| zip.read(&path)).transpose()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::once(
        "<include-date><year>2020</year><month>7</month><day>4</day><time>16:25:0</time></include-date>",
        "on 2020-07-04 at 16:25:0"
    )]
    #[case::every_quarter(
        "<recurrence><start>2022-06-09</start><count>0</count><frequency>MINUTELY</frequency>\
            <interval>15</interval><days-of-week/></recurrence>",
        "every 15 minutes, start 2022-06-09"
    )]
    #[case::each_day(
        "<recurrence><frequency>DAILY</frequency><interval>1</interval></recurrence>",
        "every day"
    )]
    #[case::of_another_kind("<pause><until>noon</until></pause>", "pause noon")]
    fn a_schedule_reads_in_words(#[case] rule: &str, #[case] words: &str) {
        let text = format!("<schedule><time-zone>UTC</time-zone>{rule}</schedule>");
        let read = ScheduleDefinition::read(text.as_bytes()).unwrap();
        assert_eq!(read.describe(), format!("{words} (UTC)"));
    }

    #[test]
    fn a_deployment_names_its_members_in_a_fixed_order() {
        let read = |list: &str| {
            Deployment::read(format!(r#"{{"code":"D","integrations":[{list}]}}"#).as_bytes())
        };
        let (a, b) = (r#"{"code":"A","version":"1"}"#, r#"{"code":"B","version":"2"}"#);
        assert_eq!(read(&format!("{a},{b}")), read(&format!("{b},{a}")));
        let member = |code: &str, version: &str| {
            ("integrations".to_owned(), code.to_owned(), version.to_owned())
        };
        assert_eq!(read(a).unwrap().members, [member("A", "1")]);
        assert!(Deployment::read(b"[]").is_none());
    }
}
