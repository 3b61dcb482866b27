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

/// The `.jar` of a library: a manifest with the time of the export, and the script under the code
/// in lower case.
pub fn library_jar(library: &LibrarySpec, now: Timestamp) -> Vec<u8> {
    let manifest =
        format!("Manifest-Version: 1.0\r\nCreated-By: simulator\r\nBuilt: {now}\r\n\r\n");
    let script = format!("{}.js", library.code.to_ascii_lowercase());
    let files = vec![
        ("META-INF/MANIFEST.MF".to_owned(), manifest.into_bytes()),
        (script, library.script.clone().into_bytes()),
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
        files.insert(
            format!("project/connections/{code}.xml"),
            parts::appinstance(connection).into_bytes(),
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
    let files = unpack(bytes)?;
    let text_of = |path: &str| {
        files.iter().find(|(n, _)| n == path).map(|(_, b)| String::from_utf8_lossy(b).into_owned())
    };
    let Some(yaml) = text_of("project/project.yaml") else {
        return Err(ArchiveError::Unknown("it has no project/project.yaml".into()));
    };
    let field = |key: &str| {
        yaml.lines()
            .find_map(|l| l.strip_prefix(key)?.strip_prefix(": "))
            .unwrap_or_default()
            .to_owned()
    };
    let mut integrations = Vec::new();
    let mut codes = Vec::new();
    let folders = files
        .iter()
        .filter_map(|(n, _)| n.strip_prefix("project/integrations/")?.strip_suffix("/info.json"));
    for folder in folders {
        let info = text_of(&format!("project/integrations/{folder}/info.json")).unwrap_or_default();
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
            ],
        );
        let flow = text_of(&format!("project/integrations/{folder}/PROJECT-INF/project.xml"))
            .unwrap_or_default();
        let own = format!("project/integrations/{folder}/");
        let inside = files.iter().filter(|(path, _)| path.starts_with(&own));
        let texts: Vec<_> = inside.map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
        let part = |(name, bytes): &(String, Vec<u8>)| {
            if let Some(rest) = name.strip_prefix(&own) {
                return (rest != "info.json")
                    .then(|| (format!("icspackage/project/{folder}/{rest}"), bytes.clone()));
            }
            // A lookup that a mapping of it asks travels with an export of its own.
            if let Some(file) = name.strip_prefix("project/lookups/") {
                let lookup = file.trim_end_matches(".dvm");
                let asked = texts.iter().any(|text| text.contains(lookup));
                return asked.then(|| (format!("icspackage/dvms/{file}"), bytes.clone()));
            }
            let code = name.strip_prefix("project/connections/")?.strip_suffix(".xml")?;
            flow.contains(code)
                .then(|| (format!("icspackage/appinstances/{code}.xml"), bytes.clone()))
        };
        let mut parts: Vec<_> = files.iter().filter_map(part).collect();
        parts.push((
            format!("icspackage/project/{folder}/ics_project_attributes.properties"),
            attributes.into_bytes(),
        ));
        integrations.push(pack(&parts, Timestamp::now()));
        codes.push(value("code"));
    }
    let tables = files.iter().filter(|(n, _)| n.starts_with("project/lookups/"));
    let lookups = tables.filter_map(|(_, b)| crate::archive::Lookup::from_dvm(b).ok()).collect();
    let project = ProjectSpec {
        code: field("code"),
        name: field("name"),
        description: field("description"),
        integrations: codes,
        twins: Vec::new(),
        lookups: Vec::new(),
        libraries: Vec::new(),
        deployments: files
            .iter()
            .filter(|(n, _)| n.starts_with("project/labels/"))
            .filter_map(|(_, bytes)| read_label(bytes))
            .collect(),
        access: None,
        r#type: field("type"),
    };
    let libraries =
        files.iter().filter_map(|(name, bytes)| read_library(name, bytes, &text_of)).collect();
    let connections = files
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("project/connections/")?.strip_suffix(".xml"))
        .map(str::to_owned)
        .collect();
    Ok(ProjectParts { project, integrations, lookups, libraries, connections })
}

/// A library of a project, from its jar: `project/libraries/CODE_VERSION/name.jar`.
/// What it is called is in the properties beside it.
fn read_library(
    path: &str,
    bytes: &[u8],
    text_of: &dyn Fn(&str) -> Option<String>,
) -> Option<LibrarySpec> {
    let jar = path.strip_suffix(".jar")?;
    let (folder, _) = jar.strip_prefix("project/libraries/")?.split_once('/')?;
    let (code, version) = folder.rsplit_once('_')?;
    let properties = text_of(&format!("{jar}_properties.properties")).unwrap_or_default();
    let name = properties.lines().find_map(|l| l.strip_prefix("name=")).unwrap_or(code);
    let files = unpack(bytes).ok()?;
    let script = files.into_iter().find(|(name, _)| name.ends_with(".js"))?.1;
    Some(LibrarySpec {
        code: code.to_owned(),
        name: name.to_owned(),
        version: version.parse().ok()?,
        script: String::from_utf8_lossy(&script).into_owned(),
        updated: Some(When::now()),
        missing_in: Vec::new(),
    })
}

/// The attributes of an export in the JSON that a member of a project has for them.
fn info_of(attributes: &str) -> String {
    let names = [
        ("project_code", "code"),
        ("project_name", "name"),
        ("project_version", "version"),
        ("project_type", "type"),
        ("mep_type", "mepType"),
        ("mod", "mod"),
        ("validity", "validity"),
    ];
    let mut properties = serde_json::Map::new();
    for (key, name) in names {
        let value = attributes.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
        let value = value.unwrap_or_default().replace("\\:", ":").replace("\\=", "=");
        properties.insert(name.into(), value.into());
    }
    serde_json::json!({ "dependencies": {}, "properties": properties }).to_string()
}
