//! Reads any file that a person may hold: finds out what kind of archive it is by what is inside,
//! and what it says.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ArchiveError, Integration, Lookup,
    connection::Connection,
    integration,
    integration_files::{IntegrationFiles, Roots},
    layout,
    project_parts::{Deployment, ScheduleDefinition},
    properties,
    zip::{BoundedZip, ZipEntry, looks_like_html},
};
use crate::model::{Description, Finding, Kind, ProjectCode, Version, plural, visible};

/// What a person looks at in an archive. Schemas, which are most of its bytes, are not unpacked;
/// [`UnpackedArchive`](super::UnpackedArchive) has every file.
#[derive(Debug, Clone)]
pub struct Contents {
    pub body: ContentsBody,
    /// What is wrong in the archive.
    pub findings: Vec<Finding>,
    /// Every file in the archive, by its name in the zip; empty for a lookup's CSV.
    pub files: Vec<ZipEntry>,
}

/// What kind of archive it is.
#[derive(Debug, Clone)]
pub enum ContentsBody {
    /// `.iar`
    Integration(Box<Integration>),
    /// `.par`
    Package(Package),
    /// `.car`
    Project(Project),
    Lookup(Lookup),
    Library(Library),
    /// The description of an artifact that has no export.
    Description(Box<Description>),
}

/// Which artifact a file says it is. It does not say its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveIdentity {
    pub kind: Kind,
    /// None for a library, whose file does not hold its code and version.
    pub code: Option<String>,
    pub version: Option<Version>,
    /// The display name; empty where the file has none.
    pub name: String,
}

/// A package: integrations that are exported together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub integrations: Vec<Integration>,
}

/// A project (Generation 3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    pub code: ProjectCode,
    pub name: String,
    pub description: String,
    /// The service's own word for who made it: `DEVELOPED` …
    pub made_by: String,
    /// Whether the project is in the simplified mode.
    pub simplified: bool,
    pub integrations: Vec<Integration>,
    pub connections: Vec<Connection>,
    pub lookups: Vec<Lookup>,
    pub deployments: Vec<Deployment>,
    /// The definition of a schedule, by the code and version of its integration.
    pub schedules: Vec<(String, ScheduleDefinition)>,
    /// What else lies in the project, as folder and file name: libraries, deployments …
    pub others: Vec<(String, String)>,
}

/// A JavaScript library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Library {
    pub name: String,
    /// Script file -> the functions that it declares.
    pub scripts: Vec<(String, Vec<String>)>,
}

impl Contents {
    /// Reads an archive of any kind. `name` is the file's name, where there is one: a bare `.js` is
    /// known for a library only by its name.
    ///
    /// # Errors
    /// Where the bytes are an archive of no known kind. A broken part inside is a finding, not an
    /// error.
    pub fn read(bytes: &[u8], name: Option<&str>) -> Result<Self, ArchiveError> {
        if bytes.is_empty() {
            return Err(ArchiveError::Empty);
        }
        if bytes.starts_with(b"PK") {
            return Self::read_zip(&mut BoundedZip::open(bytes)?, name);
        }
        if looks_like_html(bytes) {
            return Err(ArchiveError::Html);
        }
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]);
        let head = head.trim_start_matches('\u{feff}').trim_start();
        let ending = name.and_then(|n| n.rsplit_once('.')).map(|(_, e)| e.to_ascii_lowercase());
        let is_dvm = head.starts_with('<') && (head.contains("<dvm") || head.contains(":dvm "));
        if let Some(description) =
            head.starts_with('{').then(|| Description::from_bytes(bytes)).flatten()
        {
            return Ok(Self {
                body: ContentsBody::Description(Box::new(description)),
                findings: Vec::new(),
                files: Vec::new(),
            });
        }
        let lookup = match ending.as_deref() {
            _ if head.starts_with("DVM,") => Lookup::from_csv(bytes)?,
            _ if is_dvm => Lookup::from_dvm(bytes)?,
            Some("js") => {
                let body =
                    ContentsBody::Library(Library::of_script(name.unwrap_or_default(), bytes));
                return Ok(Self { body, findings: Vec::new(), files: Vec::new() });
            }
            Some("csv") => return Lookup::from_csv(bytes).map(Self::lookup),
            // Opening the bytes as a zip gives the error that says what they are: empty, a web
            // page, no zip.
            _ => return Err(BoundedZip::open(bytes).err().unwrap_or(ArchiveError::Empty)),
        };
        Ok(Self::lookup(lookup))
    }

    /// Like [`Contents::read`], for a zip that is open already.
    pub(super) fn read_zip(
        zip: &mut BoundedZip<'_>,
        name: Option<&str>,
    ) -> Result<Self, ArchiveError> {
        let has = |test: &dyn Fn(&str) -> bool| zip.names().any(test);
        let (body, mut findings) = if let Some(roots) = Roots::of_export(zip) {
            let integration = read_export(zip, &roots)?;
            let findings = integration.findings.clone();
            (ContentsBody::Integration(Box::new(integration)), findings)
        } else if has(&|n| {
            n == "ics_package_attributes.properties" || !n.contains('/') && n.ends_with(".iar")
        }) {
            read_package(zip)
        } else if has(&|n| n.starts_with(layout::PROJECT)) {
            read_project(zip)
        } else if has(&|n| n.ends_with(".js")) {
            (ContentsBody::Library(Library::of_zip(name.unwrap_or_default(), zip)), Vec::new())
        } else if let Some(fault) = zip.faults().first() {
            return Err(fault.clone());
        } else {
            let why = "it has no icspackage/, no project/, no package's attributes and no scripts";
            return Err(ArchiveError::NotAnIntegration(why.into()));
        };
        for fault in zip.faults() {
            let finding = Finding::warning(fault.to_string(), "the rest is read");
            if findings.iter().all(|f: &Finding| f.what != finding.what) {
                findings.push(finding);
            }
        }
        Ok(Self { body, findings, files: zip.files().to_vec() })
    }

    fn lookup(lookup: Lookup) -> Self {
        let findings = lookup.findings.clone();
        Self { body: ContentsBody::Lookup(lookup), findings, files: Vec::new() }
    }

    /// All integrations in the archive, in a fixed order.
    pub fn integrations(&self) -> &[Integration] {
        match &self.body {
            ContentsBody::Integration(one) => std::slice::from_ref(one),
            ContentsBody::Package(package) => &package.integrations,
            ContentsBody::Project(project) => &project.integrations,
            ContentsBody::Lookup(_) | ContentsBody::Library(_) | ContentsBody::Description(_) => {
                &[]
            }
        }
    }

    /// A name for the one file of a lookup or a script.
    pub(super) fn file_name(&self) -> String {
        match &self.body {
            ContentsBody::Lookup(l) => format!("{}.csv", l.name),
            ContentsBody::Library(l) => l.name.clone(),
            ContentsBody::Description(r) => format!("{}.json", r.code),
            ContentsBody::Integration(_) | ContentsBody::Package(_) | ContentsBody::Project(_) => {
                String::new()
            }
        }
    }

    /// Which artifact the file says it is.
    pub fn identity(&self) -> ArchiveIdentity {
        let of = |kind, code: Option<&str>, version, name: &str| ArchiveIdentity {
            kind,
            code: code.map(str::to_owned),
            version,
            name: name.to_owned(),
        };
        match &self.body {
            ContentsBody::Integration(it) => {
                of(Kind::Integration, Some(&it.id.code), Some(it.id.version), &it.name)
            }
            ContentsBody::Package(p) => of(Kind::Package, Some(&p.name), None, &p.name),
            ContentsBody::Project(p) => of(Kind::Project, Some(p.code.as_str()), None, &p.name),
            ContentsBody::Lookup(l) => of(Kind::Lookup, Some(&l.name), None, &l.name),
            ContentsBody::Library(_) => of(Kind::Library, None, None, ""),
            ContentsBody::Description(r) => of(r.kind, Some(&r.code), r.version, &r.name),
        }
    }
}

type ReadBody = (ContentsBody, Vec<Finding>);

/// Reads the integration of an `.iar` whose roots are known.
fn read_export(zip: &mut BoundedZip<'_>, roots: &Roots) -> Result<Integration, ArchiveError> {
    read_folder(&mut IntegrationFiles::new(zip, roots))
}

/// Reads the integration of an `.iar` from its folder.
pub(super) fn read_folder(
    folder: &mut IntegrationFiles<'_, '_>,
) -> Result<Integration, ArchiveError> {
    let attributes = folder.text("ics_project_attributes.properties").unwrap_or_default();
    Ok(Integration::read(integration::identity(&attributes)?, folder))
}

fn read_package(zip: &mut BoundedZip<'_>) -> ReadBody {
    let mut package = Package::default();
    let mut findings = Vec::new();
    let text = zip.read("ics_package_attributes.properties").unwrap_or_default();
    package.attributes = properties::parse(&String::from_utf8_lossy(&text));
    package.name =
        visible(package.attributes.get("package_name").map_or("", String::as_str)).into_owned();
    let names: Vec<String> =
        zip.names().filter(|n| n.ends_with(".iar")).map(str::to_owned).collect();
    for name in names {
        match read_inner(zip, &name) {
            Ok(mut integration) => {
                integration.place.clone_from(&name);
                findings.extend(
                    integration.findings.iter().map(|f| within(f, &integration.id.to_string())),
                );
                package.integrations.push(integration);
            }
            Err(e) => findings.push(Finding::warning(
                format!("`{}` in the package cannot be read: {e}", visible(&name)),
                "the other integrations are read",
            )),
        }
    }
    package.integrations.sort_by(|a, b| a.id.cmp(&b.id));
    (ContentsBody::Package(package), findings)
}

/// Reads an archive that lies within the archive.
fn read_inner(zip: &mut BoundedZip<'_>, name: &str) -> Result<Integration, ArchiveError> {
    let bytes = zip.read(name)?;
    let mut inner = zip.nested(name, &bytes)?;
    let roots = Roots::of_export(&inner).ok_or_else(|| {
        ArchiveError::NotAnIntegration("it has no icspackage/project/ in it".into())
    })?;
    read_export(&mut inner, &roots)
}

fn within(finding: &Finding, place: &str) -> Finding {
    Finding { what: format!("{place}: {}", finding.what), ..finding.clone() }
}

fn read_project(zip: &mut BoundedZip<'_>) -> ReadBody {
    let names: Vec<String> = zip.names().map(str::to_owned).collect();
    let mut project = Project::default();
    let mut findings = Vec::new();
    let yaml = zip.read(layout::PROJECT_YAML).unwrap_or_default();
    let yaml = String::from_utf8_lossy(&yaml).into_owned();
    let top = |key: &str| top_level(&yaml, key);
    project.code = top("code").into();
    (project.name, project.description) = (top("name"), top("description"));
    (project.made_by, project.simplified) = (top("type"), top("simplifiedMode") == "true");
    let members: BTreeSet<&str> = names
        .iter()
        .filter_map(|n| Some(&n[..n.find("/info.json")? + 1]))
        .filter(|f| f.starts_with(layout::MEMBERS) && f.matches('/').count() == 3)
        .collect();
    for member in members {
        let mut folder = IntegrationFiles::new(zip, &Roots::of_member(member));
        let info = folder.get("info.json").unwrap_or_default();
        match integration::member_identity(&info) {
            Ok(who) => {
                let mut read = Integration::read(who, &mut folder);
                read.place = member.to_owned();
                findings.extend(read.findings.iter().map(|f| within(f, &read.id.to_string())));
                project.integrations.push(read);
            }
            Err(e) => {
                let what = format!("the integration in `{}` cannot be read: {e}", visible(member));
                findings.push(Finding::warning(what, "the other parts are read"));
            }
        }
    }
    for name in
        names.iter().filter(|n| !n.starts_with(layout::MEMBERS) && *n != layout::PROJECT_YAML)
    {
        read_project_part(zip, name, &mut project, &mut findings);
    }
    (ContentsBody::Project(project), findings)
}

/// Reads one part that lies beside a project's integrations: a connection, a lookup, a library …
fn read_project_part(
    zip: &mut BoundedZip<'_>,
    name: &str,
    project: &mut Project,
    findings: &mut Vec<Finding>,
) {
    let inner = name.trim_start_matches(layout::PROJECT);
    let (folder, file) = inner.split_once('/').unwrap_or(("", inner));
    if !matches!(folder, "connections" | "lookups") {
        read_definition(zip, name, (folder, file), project);
        return project.others.push((folder.to_owned(), file.to_owned()));
    }
    let bytes = match zip.read(name) {
        Ok(bytes) => bytes,
        Err(e) => {
            return findings.push(Finding::warning(e.to_string(), "the other parts are read"));
        }
    };
    let unreadable = |what: &str| {
        Finding::warning(
            format!("the {what} `{}` cannot be read", visible(name)),
            "the other parts are read",
        )
    };
    match (folder, Connection::read(name, &bytes), Lookup::from_dvm(&bytes)) {
        ("connections", Some(connection), _) => project.connections.push(connection),
        ("lookups", _, Ok(lookup)) => project.lookups.push(lookup),
        ("connections", ..) => findings.push(unreadable("connection")),
        _ => findings.push(unreadable("lookup")),
    }
}

/// Reads a deployment, or the definition of a schedule; of any other file nothing.
fn read_definition(
    zip: &mut BoundedZip<'_>,
    name: &str,
    (folder, file): (&str, &str),
    project: &mut Project,
) {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut bytes = || zip.read(name).ok();
    match folder {
        "labels" => project.deployments.extend(bytes().and_then(|b| Deployment::read(&b))),
        "schedules" => {
            let read = bytes().and_then(|b| ScheduleDefinition::read(&b));
            project.schedules.extend(read.map(|s| (ScheduleDefinition::of_file(stem), s)));
        }
        _ => {}
    }
}

impl Project {
    /// The libraries in it, by code and version, and its events, by code and revision.
    pub fn libraries_and_events(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let named = |folder: &str, name: &dyn Fn(&str) -> Option<String>| -> BTreeSet<String> {
            let files = self.others.iter().filter(|(f, _)| f == folder);
            files.filter_map(|(_, file)| name(file)).collect()
        };
        let apart = |name: &str, word: &str| match name.rsplit_once('_') {
            Some((code, rest)) => visible(&format!("{code} {word}{rest}")).into_owned(),
            None => visible(name).into_owned(),
        };
        (
            named("libraries", &|file| file.split_once('/').map(|(f, _)| apart(f, ""))),
            named("eventtypes", &|file| file.strip_suffix(".json").map(|f| apart(f, "revision "))),
        )
    }

    /// What lies beside its integrations and lookups, each in a few words: `connection HCM`,
    /// `deployment MAY`, `event HIRED revision 2`, and of kinds that this program does not know the
    /// file's own name.
    pub fn beside(&self) -> BTreeSet<String> {
        let (libraries, events) = self.libraries_and_events();
        // Other readers have these, and the file of the project itself.
        let known = ["libraries", "eventtypes", "labels", "schedules", ""];
        let others = self.others.iter().filter(|(folder, _)| !known.contains(&folder.as_str()));
        let others = others.map(|(folder, file)| visible(&format!("{folder}/{file}")).into_owned());
        let connections = self.connections.iter().map(|c| format!("connection {}", c.code));
        let deployments = self.deployments.iter().map(|d| format!("deployment {}", d.code));
        connections
            .chain(deployments)
            .chain(libraries.into_iter().map(|l| format!("library {l}")))
            .chain(events.into_iter().map(|e| format!("event {e}")))
            .chain(others)
            .collect()
    }
}

/// A scalar at the top level of a `project.yaml`. The rest of that file repeats what the parts say,
/// with times.
fn top_level(yaml: &str, key: &str) -> String {
    let line = yaml.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'));
    visible(line.unwrap_or_default().trim().trim_matches(['"', '\''])).into_owned()
}

impl Project {
    /// What `project.yaml` says of the project itself. The rest of it repeats what the parts say,
    /// with times.
    pub fn about(&self) -> [(&'static str, String); 5] {
        [
            ("code", self.code.to_string()),
            ("name", self.name.clone()),
            ("description", self.description.clone()),
            ("type", self.made_by.clone()),
            ("simplified mode", self.simplified.to_string()),
        ]
    }
}

impl Library {
    fn of_script(name: &str, bytes: &[u8]) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name);
        let scripts =
            vec![(visible(name).into_owned(), functions(&String::from_utf8_lossy(bytes)))];
        Self { name: visible(name).into_owned(), scripts }
    }

    /// A library from its `.jar`; a script that cannot be read is left out.
    pub(super) fn of_zip(name: &str, zip: &mut BoundedZip<'_>) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name);
        let scripts: Vec<String> =
            zip.names().filter(|n| n.ends_with(".js")).map(str::to_owned).collect();
        let mut this = Self { name: visible(name).into_owned(), scripts: Vec::new() };
        for path in scripts {
            let Ok(bytes) = zip.read(&path) else { continue };
            this.scripts
                .push((visible(&path).into_owned(), functions(&String::from_utf8_lossy(&bytes))));
        }
        this.scripts.sort();
        this
    }
}

/// The functions that a script declares by name.
fn functions(script: &str) -> Vec<String> {
    let names = script.match_indices("function ").map(|(at, word)| &script[at + word.len()..]);
    let name = |rest: &str| -> String {
        rest.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
            .collect()
    };
    names.map(name).filter(|n| !n.is_empty()).collect()
}

impl Contents {
    /// One line: `integration OIO_LOG_EVENT 01.00.0000, 12 steps`.
    pub fn summary(&self) -> String {
        match &self.body {
            ContentsBody::Integration(it) => {
                format!(
                    "integration {} {}, {}",
                    it.id.code,
                    it.id.version,
                    plural(super::count_steps(&it.flow), "step")
                )
            }
            ContentsBody::Package(p) => {
                format!("package {}, {}", p.name, plural(p.integrations.len(), "integration"))
            }
            ContentsBody::Project(p) => {
                format!("project {}, {}", p.name, plural(p.integrations.len(), "integration"))
            }
            ContentsBody::Lookup(l) => {
                format!("lookup {}, {}", l.name, plural(l.rows.len(), "row"))
            }
            ContentsBody::Library(l) => {
                format!("library {}, {}", l.name, plural(l.scripts.len(), "script"))
            }
            ContentsBody::Description(r) => {
                let code = visible(&r.code);
                let version = r.version.map(|v| format!(" {v}")).unwrap_or_default();
                format!("{} {code}{version}, {}", r.kind, plural(r.properties.len(), "property"))
            }
        }
    }
}
