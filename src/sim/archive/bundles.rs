//! Archives beside integrations: a lookup's CSV, a library's jar, packages and projects around
//! integrations.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{date_comment, pack, parts, template::fill, unpack};
use crate::archive::ArchiveError;
use crate::sim::landscape::{
    ConnectionSpec, DeploymentSpec, LibrarySpec, LookupSpec, ProjectSpec, When,
};

/// A lookup as CSV: a line `DVM,name,` without a description, then the columns, then the rows.
pub fn lookup_csv(lookup: &LookupSpec) -> Vec<u8> {
    let cell = |text: &String| {
        if text.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.clone()
        }
    };
    let line = |cells: &Vec<String>| cells.iter().map(cell).collect::<Vec<_>>().join(",");
    let mut out = format!("DVM,{},\r\n{}\r\n", cell(&lookup.name), line(&lookup.columns));
    for row in &lookup.rows {
        out.push_str(&line(row));
        out.push_str("\r\n");
    }
    out.into_bytes()
}

/// The `.jar` of a library: a manifest with the time of the export, and the script.
pub fn library_jar(library: &LibrarySpec, now: Timestamp) -> Vec<u8> {
    let manifest =
        format!("Manifest-Version: 1.0\r\nCreated-By: simulator\r\nBuilt: {now}\r\n\r\n");
    let files = vec![
        ("META-INF/MANIFEST.MF".to_owned(), manifest.into_bytes()),
        (library.file(), library.script.clone().into_bytes()),
    ];
    pack(&files, now)
}

/// The `.par` of a package; each member is given by display name, version and export.
pub fn package_par(name: &str, members: Vec<(String, String, Vec<u8>)>, now: Timestamp) -> Vec<u8> {
    let mut files = Vec::new();
    for (title, version, bytes) in members {
        let unique = now.as_millisecond();
        files.push((
            format!("icspackage_{}_{version}_{unique}.iar", title.replace(' ', "_")),
            bytes,
        ));
    }
    let attributes = fill(
        include_str!("../../../assets/sim/package_attributes.properties"),
        &[("date", &date_comment(now)), ("name", name)],
    );
    files.push(("ics_package_attributes.properties".into(), attributes.into_bytes()));
    pack(&files, now)
}

/// The `.car` of a project, which holds the files of its members' exports unpacked.
///
/// # Errors
/// Where the bytes of a member are no archive.
pub fn project_car(
    project: &ProjectSpec,
    members: &[(String, Vec<u8>)],
    connections: &BTreeMap<String, &ConnectionSpec>,
    libraries: &BTreeMap<String, LibrarySpec>,
    now: Timestamp,
) -> Result<Vec<u8>, ArchiveError> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut assets = String::new();
    for (id, bytes) in members {
        let folder = id.replace('|', "_");
        let own = format!("icspackage/project/{folder}/");
        for (path, part) in unpack(bytes)? {
            if let Some(rest) = path.strip_prefix(&own) {
                if rest == "ics_project_attributes.properties" {
                    let info = info_of(&String::from_utf8_lossy(&part));
                    files.insert(
                        format!("project/integrations/{folder}/info.json"),
                        info.into_bytes(),
                    );
                } else {
                    files.insert(format!("project/integrations/{folder}/{rest}"), part);
                }
            } else if let Some(name) = path.strip_prefix("icspackage/dvms/") {
                files.insert(format!("project/lookups/{name}"), part);
            }
        }
        assets.push_str(&format!("  - id: {id}\n    revision: 1\n"));
    }
    for (code, connection) in connections {
        // An address belongs to an environment: what was seen has a placeholder there.
        let url = format!("%%{code}_connectionUrl");
        let connection = ConnectionSpec { url, ..(*connection).clone() };
        files.insert(
            format!("project/connections/{code}.xml"),
            parts::appinstance(&connection).into_bytes(),
        );
    }
    for library in libraries.values() {
        let folder = format!("project/libraries/{}_{}", library.code, library.version);
        let name = library.code.to_ascii_lowercase();
        files.insert(format!("{folder}/{name}.jar"), library_jar(library, now));
        let properties = format!("code={}\nname={}\n", library.code, library.name);
        files.insert(format!("{folder}/{name}_properties.properties"), properties.into_bytes());
    }
    for deployment in &project.deployments {
        let path = format!("project/labels/{}.json", deployment.code);
        files.insert(path, label(deployment).to_string().into_bytes());
    }
    let yaml = fill(
        include_str!("../../../assets/sim/project.yaml"),
        &[
            ("code", &project.code),
            ("name", &project.name),
            ("description", &project.description),
            ("date", &now.to_string()),
            ("assets", &assets),
        ],
    );
    files.insert("project/project.yaml".into(), yaml.into_bytes());
    Ok(pack(&files.into_iter().collect::<Vec<_>>(), now))
}

/// A deployment as `labels/` of an archive and the API have it.
pub fn label(deployment: &DeploymentSpec) -> serde_json::Value {
    let member = |id: &String| {
        let (code, version) = id.split_once('|').unwrap_or((id.as_str(), ""));
        serde_json::json!({ "code": code, "version": version })
    };
    serde_json::json!({
        "name": deployment.name, "code": deployment.code, "description": "", "revision": 1,
        "integrations": deployment.integrations.iter().map(member).collect::<Vec<_>>(),
    })
}

fn read_label(bytes: &[u8]) -> Option<DeploymentSpec> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let member = |m: &serde_json::Value| format!("{}|{}", text(&m["code"]), text(&m["version"]));
    Some(DeploymentSpec {
        code: text(&value["code"]),
        name: text(&value["name"]),
        integrations: value["integrations"].as_array()?.iter().map(member).collect(),
    })
}

/// What a project's archive holds, each integration as an export of its own again.
#[derive(Debug)]
pub struct ProjectParts {
    pub project: ProjectSpec,
    pub integrations: Vec<Vec<u8>>,
    pub lookups: Vec<crate::archive::Lookup>,
    pub libraries: Vec<LibrarySpec>,
    /// The codes of its connections.
    pub connections: Vec<String>,
}

/// Takes a project's archive apart.
///
/// # Errors
/// Where the bytes are no archive of a project.
pub fn project_parts(bytes: &[u8]) -> Result<ProjectParts, ArchiveError> {
    let files = ProjectFiles(unpack(bytes)?);
    let Some(yaml) = files.text("project/project.yaml") else {
        return Err(ArchiveError::NotAProject);
    };
    let (codes, integrations) = files.members().map(|folder| files.integration(folder)).unzip();
    let tables = files.0.iter().filter(|(n, _)| n.starts_with("project/lookups/"));
    let lookups = tables.filter_map(|(_, b)| crate::archive::Lookup::from_dvm(b).ok()).collect();
    let libraries = files.0.iter().filter_map(|(path, jar)| files.library(path, jar)).collect();
    let connections = files.connections().map(|(code, _)| code.to_owned()).collect();
    let project = files.project(&yaml, codes);
    Ok(ProjectParts { project, integrations, lookups, libraries, connections })
}

/// The files of a project's archive, each with its path.
struct ProjectFiles(Vec<(String, Vec<u8>)>);

impl ProjectFiles {
    fn text(&self, path: &str) -> Option<String> {
        let found = self.0.iter().find(|(name, _)| name == path);
        found.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The folder of each integration.
    fn members(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(path, _)| {
            path.strip_prefix("project/integrations/")?.strip_suffix("/info.json")
        })
    }

    /// Each connection's code and file.
    fn connections(&self) -> impl Iterator<Item = (&str, &Vec<u8>)> {
        self.0.iter().filter_map(|(path, bytes)| {
            let code = path.strip_prefix("project/connections/")?.strip_suffix(".xml")?;
            Some((code, bytes))
        })
    }

    /// The project itself, from its `project.yaml` and its deployments.
    fn project(&self, yaml: &str, integrations: Vec<String>) -> ProjectSpec {
        let field = |key: &str| {
            let mut lines = yaml.lines();
            let value = lines.find_map(|l| l.strip_prefix(key)?.strip_prefix(": "));
            value.unwrap_or_default().to_owned()
        };
        let labels = self.0.iter().filter(|(path, _)| path.starts_with("project/labels/"));
        ProjectSpec {
            code: field("code"),
            name: field("name"),
            description: field("description"),
            integrations,
            twins: Vec::new(),
            lookups: Vec::new(),
            libraries: Vec::new(),
            deployments: labels.filter_map(|(_, bytes)| read_label(bytes)).collect(),
            access: None,
            r#type: field("type"),
        }
    }

    /// The code of the integration in a folder, and its export.
    fn integration(&self, folder: &str) -> (String, Vec<u8>) {
        let own = format!("project/integrations/{folder}/");
        let info = self.text(&format!("{own}info.json")).unwrap_or_default();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap_or_default();
        let value = |key: &str| info["properties"][key].as_str().unwrap_or_default().to_owned();
        let attributes = fill(
            include_str!("../../../assets/sim/member_attributes.properties"),
            &[
                ("code", &value("code")),
                ("name", &value("name")),
                ("version", &value("version")),
                ("type", &value("type")),
                ("mep", &value("mepType")),
                ("tags", &value("smartTags").replace(':', "\\:")),
                ("release", &value("originalICSVersion")),
            ],
        );
        let exported = format!("icspackage/project/{folder}");
        let inside = self.0.iter().filter_map(|(path, bytes)| {
            let rest = path.strip_prefix(&own).filter(|rest| *rest != "info.json")?;
            Some((format!("{exported}/{rest}"), bytes.clone()))
        });
        let mut parts: Vec<_> = inside.chain(self.copies(&own)).collect();
        let path = format!("{exported}/ics_project_attributes.properties");
        parts.push((path, attributes.into_bytes()));
        (value("code"), pack(&parts, Timestamp::now()))
    }

    /// What an export of the integration in a folder brings along: the lookups that a mapping of it
    /// asks, and the connections that its flow uses.
    fn copies(&self, own: &str) -> Vec<(String, Vec<u8>)> {
        let inside = self.0.iter().filter(|(path, _)| path.starts_with(own));
        let texts: Vec<_> = inside.map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
        let lookups = self.0.iter().filter_map(|(path, bytes)| {
            let file = path.strip_prefix("project/lookups/")?;
            let name = file.trim_end_matches(".dvm");
            let asked = texts.iter().any(|text| text.contains(name));
            asked.then(|| (format!("icspackage/dvms/{file}"), bytes.clone()))
        });
        let flow = self.text(&format!("{own}PROJECT-INF/project.xml")).unwrap_or_default();
        let used = self.connections().filter(|(code, _)| flow.contains(code));
        let connections = used
            .map(|(code, bytes)| (format!("icspackage/appinstances/{code}.xml"), bytes.clone()));
        lookups.chain(connections).collect()
    }

    /// A library of a project, from its jar: `project/libraries/CODE_VERSION/name.jar`.
    /// What it is called is in the properties beside it.
    fn library(&self, path: &str, jar: &[u8]) -> Option<LibrarySpec> {
        let stem = path.strip_suffix(".jar")?;
        let (folder, _) = stem.strip_prefix("project/libraries/")?.split_once('/')?;
        let (code, version) = folder.rsplit_once('_')?;
        let properties = self.text(&format!("{stem}_properties.properties")).unwrap_or_default();
        let name = properties.lines().find_map(|l| l.strip_prefix("name=")).unwrap_or(code);
        let files = unpack(jar).ok()?;
        let (file, script) = files.into_iter().find(|(name, _)| name.ends_with(".js"))?;
        Some(LibrarySpec {
            code: code.to_owned(),
            name: name.to_owned(),
            version: version.parse().ok()?,
            script: String::from_utf8_lossy(&script).into_owned(),
            file: Some(file),
            updated: Some(When::now()),
            missing_in: Vec::new(),
        })
    }
}

/// The attributes of an export in the JSON that a member of a project has for them.
fn info_of(attributes: &str) -> String {
    let names = [
        ("project_code", "code"),
        ("project_name", "name"),
        ("project_version", "version"),
        ("project_type", "type"),
        ("mep_type", "mepType"),
        ("smartTags", "smartTags"),
        ("originalICSVersion", "originalICSVersion"),
        ("mod", "mod"),
        ("validity", "validity"),
    ];
    let mut properties = serde_json::Map::new();
    for (key, name) in names {
        let value = attributes.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
        let value = value.unwrap_or_default().replace("\\:", ":").replace("\\=", "=");
        properties.insert(name.into(), value.into());
    }
    properties.insert("scope".into(), "Private".into());
    serde_json::json!({ "dependencies": {}, "properties": properties }).to_string()
}
