//! How lookups, libraries, packages and connections of an instance change over the API.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    ImportAs, LiveConnection, LiveIntegration, ProjectSpace, ServiceInstance, ServiceRefusal,
    refuse,
};
use crate::archive::{Iar, Lookup as Table, UnpackedArchive};
use crate::model::{IntegrationId, Scope, Status, Version};
use crate::sim::{
    archive,
    landscape::{CertificateSpec, ConnectionSpec, LibrarySpec, LookupSpec, PackageSpec, When},
};

/// The name under which a change over the API is recorded.
const CALLER: &str = "oicx";

impl LiveConnection {
    /// A connection without user and secrets that was never changed.
    pub fn new(spec: ConnectionSpec, configured: bool) -> Self {
        let (secrets, updated) = (BTreeMap::new(), When::long_ago().time());
        let file = |name: &String| configured.then(|| (name.clone(), name.clone().into_bytes()));
        let attached = spec.attachments.iter().map(|(p, name)| (p.clone(), file(name))).collect();
        Self { spec, configured, secrets, attached, user: None, updated, locked_by: None }
    }

    /// A missing connection as an import adds it: it has a name, and no credentials.
    pub fn brought_along(
        code: &str,
        (password, attachments): (Option<String>, BTreeMap<String, String>),
    ) -> Self {
        let spec = ConnectionSpec {
            code: code.to_owned(),
            name: code.to_owned(),
            adapter: "rest".into(),
            policy: String::new(),
            url: String::new(),
            projects_only: false,
            agent: None,
            certificate: None,
            attachments,
            missing_in: vec![],
            unconfigured_in: vec![],
            test_fails: None,
            password,
        };
        let configured = false;
        Self::new(spec, configured)
    }

    /// The answer of `test`: whether it succeeded, and its words.
    pub fn tested(&self) -> (bool, String) {
        let wrong = self
            .spec
            .password
            .as_ref()
            .zip(self.secrets.get("password"))
            .filter(|(right, set)| right != set);
        match (&self.spec.test_fails, wrong) {
            (Some(why), _) => (false, why.clone()),
            (None, Some(_)) => (false, "HTTP 401: the user name or password is wrong.".into()),
            (None, None) => (true, "The connection was tested.".into()),
        }
    }
}

impl ServiceInstance {
    /// Sets properties of a connection; of `security` everything but `username` is a secret.
    pub fn configure(
        &mut self,
        scope: &Scope,
        code: &str,
        properties: &[(String, String)],
        security: &[(String, String)],
        policy: Option<&str>,
        agent: Option<&str>,
    ) -> Result<(), ServiceRefusal> {
        let Some(connection) = self.connections_mut(scope)?.get_mut(code) else {
            return refuse(404, "ICS-10101", format!("Connection {code} does not exist."));
        };
        if let Some(who) = &connection.locked_by {
            return refuse(412, "ICS-10103", format!("Connection {code} is locked by {who}."));
        }
        for (name, value) in properties {
            if connection.attached.contains_key(name) {
                let words = format!("The value of {name} is an attachment.");
                return refuse(412, "ICS-10105", words);
            }
            if name != "connectionUrl" {
                return refuse(
                    412,
                    "ICS-10104",
                    format!("Connection {code} has no property {name}."),
                );
            }
            connection.spec.url.clone_from(value);
        }
        for (name, value) in security {
            match name.as_str() {
                "username" => connection.user = Some(value.clone()),
                _ => drop(connection.secrets.insert(name.clone(), value.clone())),
            }
        }
        if let Some(policy) = policy {
            policy.clone_into(&mut connection.spec.policy);
        }
        if let Some(agent) = agent {
            connection.spec.agent = Some(agent.to_owned());
        }
        connection.updated = Timestamp::now();
        let has_secret = connection.configured || !connection.secrets.is_empty();
        connection.configured = !connection.spec.url.is_empty() && has_secret;
        Ok(())
    }

    /// An integration that has a schedule, to be changed.
    pub fn scheduled_mut(
        &mut self,
        id: &IntegrationId,
    ) -> Result<&mut LiveIntegration, ServiceRefusal> {
        let live = self.get_mut(id)?;
        match live.schedule {
            Some(_) => Ok(live),
            None => refuse(404, "ICS-10050", format!("{id} has no schedule.")),
        }
    }

    /// Lets a connection take a file as a property, also where an import brings it later.
    pub fn add_connection_need(&mut self, code: &str, property: &str) {
        let needs = self.connection_needs.entry(code.to_owned()).or_default();
        needs.1.insert(property.to_owned(), String::new());
    }

    /// Attaches a file to a connection as a property, which must take one.
    pub fn attach(
        &mut self,
        scope: &Scope,
        code: &str,
        property: &str,
        file: (String, Vec<u8>),
    ) -> Result<(), ServiceRefusal> {
        let Some(connection) = self.connections_mut(scope)?.get_mut(code) else {
            return refuse(404, "ICS-10101", format!("Connection {code} does not exist."));
        };
        let Some(place) = connection.attached.get_mut(property) else {
            return refuse(412, "ICS-10106", format!("{property} of {code} takes no file."));
        };
        *place = Some(file);
        connection.updated = Timestamp::now();
        Ok(())
    }

    /// The content of a file that is attached to a connection.
    pub fn attachment(
        &self,
        scope: &Scope,
        code: &str,
        property: &str,
    ) -> Result<(String, Vec<u8>), ServiceRefusal> {
        let found = self.connections_in(scope).get(code).and_then(|c| c.attached.get(property));
        match found {
            Some(Some(file)) => Ok(file.clone()),
            _ => refuse(404, "ICS-10107", format!("{code} has no file attached as {property}.")),
        }
    }

    /// Removes a connection; refuses where an integration uses it, active or not.
    pub fn delete_connection(&mut self, scope: &Scope, code: &str) -> Result<(), ServiceRefusal> {
        if !self.connections_in(scope).contains_key(code) {
            return refuse(404, "ICS-10101", format!("Connection {code} does not exist."));
        }
        if let Some((id, _)) = self
            .integrations
            .iter()
            .find(|(id, l)| id.scope == *scope && l.body.connections().iter().any(|c| c == code))
        {
            return refuse(412, "ICS-10105", format!("Connection {code} is used by {id}."));
        }
        self.connections_mut(scope)?.remove(code);
        Ok(())
    }

    /// Imports a lookup from CSV as a new one or in place of the one that is there.
    pub fn import_lookup(
        &mut self,
        scope: &Scope,
        bytes: &[u8],
        how: ImportAs,
    ) -> Result<(), ServiceRefusal> {
        let table = match Table::from_csv(bytes) {
            Ok(table) => table,
            Err(e) => return refuse(400, "ICS-10202", format!("The lookup is not valid: {e}")),
        };
        let name = table.name;
        let is_there = self.lookups_in(scope).contains_key(&name);
        how.check(is_there, ["ICS-10203", "ICS-10201"], &format!("Lookup {name}"))?;
        let saved = LookupSpec::saved(&name, table.columns, table.rows, CALLER);
        self.lookups_mut(scope)?.insert(name, saved);
        Ok(())
    }

    /// Gives a lookup other columns and rows.
    pub fn put_lookup(
        &mut self,
        scope: &Scope,
        name: &str,
        body: &Value,
    ) -> Result<(), ServiceRefusal> {
        if !self.lookups_in(scope).contains_key(name) {
            return refuse(404, "ICS-10201", format!("Lookup {name} does not exist."));
        }
        let texts = |value: &Value| serde_json::from_value::<Vec<String>>(value.clone()).ok();
        let rows = body["rows"].as_array().and_then(|rows| {
            rows.iter().map(|row| texts(&row["rowData"])).collect::<Option<Vec<_>>>()
        });
        let (Some(columns), Some(rows)) = (texts(&body["columns"]), rows) else {
            return refuse(400, "ICS-10202", "The lookup is not valid: it has no columns and rows");
        };
        let saved = LookupSpec::saved(name, columns, rows, CALLER);
        self.lookups_mut(scope)?.insert(name.to_owned(), saved);
        Ok(())
    }

    /// Removes a lookup, also one that integrations use.
    pub fn delete_lookup(&mut self, scope: &Scope, name: &str) -> Result<(), ServiceRefusal> {
        match self.lookups_mut(scope)?.remove(name) {
            Some(_) => Ok(()),
            None => refuse(404, "ICS-10201", format!("Lookup {name} does not exist.")),
        }
    }

    /// Imports a library from a `.jar` or from the bare script, as a new one or in place of the one
    /// with that code and version.
    pub fn import_library(
        &mut self,
        scope: &Scope,
        (code, name, version): (&str, &str, Version),
        bytes: &[u8],
        how: ImportAs,
    ) -> Result<(), ServiceRefusal> {
        let bare = format!("{}.js", code.to_ascii_lowercase());
        let files = archive::unpack(bytes).unwrap_or_else(|_| vec![(bare, bytes.to_vec())]);
        let Some((file, script)) = files.into_iter().find(|(name, _)| name.ends_with(".js")) else {
            return refuse(400, "ICS-10302", "The library has no script.");
        };
        let (code, name) = (code.to_owned(), name.to_owned());
        let script = String::from_utf8_lossy(&script).into_owned();
        let library = LibrarySpec {
            code,
            name,
            version,
            script,
            file: Some(file),
            updated: Some(When::now()),
            missing_in: vec![],
        };
        let id = library.id();
        let here = self.libraries_mut(scope)?;
        let is_there = here.contains_key(&id);
        how.check(is_there, ["ICS-10303", "ICS-10301"], &format!("Library {id}"))?;
        here.insert(id, library);
        Ok(())
    }

    /// Removes a library by its id `CODE|01.02.0003`, also one that integrations use.
    pub fn delete_library(&mut self, scope: &Scope, id: &str) -> Result<(), ServiceRefusal> {
        match self.libraries_mut(scope)?.remove(id) {
            Some(_) => Ok(()),
            None => refuse(404, "ICS-10301", format!("Library {id} does not exist.")),
        }
    }

    /// Imports a package with all its integrations, or nothing of it.
    pub fn import_package(&mut self, bytes: &[u8], how: ImportAs) -> Result<(), ServiceRefusal> {
        let bad = |why: String| ServiceRefusal { status: 400, code: "ICS-10402", words: why };
        let unpacked =
            UnpackedArchive::read(bytes, Some("x.par")).map_err(|e| bad(e.to_string()))?;
        let crate::archive::ContentsBody::Package(read) = &unpacked.contents.body else {
            return refuse(400, "ICS-10402", "The archive is not a package.");
        };
        let name = read.name.clone();
        let is_there = self.others.packages.contains_key(&name);
        how.check(is_there, ["ICS-10405", "ICS-10401"], &format!("Package {name}"))?;
        let files = archive::unpack(bytes).map_err(|e| bad(e.to_string()))?;
        let mut members = Vec::new();
        for (_, part) in files.iter().filter(|(n, _)| n.ends_with(".iar")) {
            let id = Iar::read(part).map_err(|e| bad(e.to_string()))?.id;
            members.push((id, part));
        }
        for (id, _) in &members {
            match self.integrations.get(id) {
                Some(_) if how == ImportAs::New => {
                    return refuse(409, "ICS-10405", format!("Integration {id} exists already."));
                }
                Some(live) if live.status == Status::Active || live.locked_by.is_some() => {
                    return refuse(
                        412,
                        "ICS-10406",
                        format!("{id} in the package is active or locked."),
                    );
                }
                _ => {}
            }
        }
        for (id, part) in &members {
            let how = match self.integrations.contains_key(id) {
                true => ImportAs::Replacement,
                false => ImportAs::New,
            };
            self.import(part, &Scope::Global, how)?;
        }
        let integrations = members.into_iter().map(|(id, _)| id.code).collect();
        self.others.packages.insert(name.clone(), PackageSpec { name, integrations });
        Ok(())
    }

    /// Imports a new project. Its connections arrive without credentials, and nothing runs
    /// (docs/projects.md, Import).
    pub fn import_project(&mut self, bytes: &[u8]) -> Result<(), ServiceRefusal> {
        let parts = archive::project_parts(bytes).map_err(unreadable_project)?;
        let code = parts.project.code.clone();
        if self.others.projects.contains_key(&code) {
            return refuse(409, "ICS-10503", format!("Project {code} exists already."));
        }
        for part in &parts.integrations {
            Iar::read(part).map_err(unreadable_project)?;
        }
        let scope = Scope::of_project(code.as_str());
        let mut space = ProjectSpace::empty(parts.project);
        (space.updated, space.by) = (Timestamp::now(), CALLER.to_owned());
        for table in parts.lookups {
            let saved = LookupSpec::saved(&table.name, table.columns, table.rows, CALLER);
            space.lookups.insert(table.name, saved);
        }
        let renames = self.settings.manners.renames_libraries;
        let libraries = parts.libraries.into_iter().map(|library| match renames {
            true => LibrarySpec { name: library.code.clone(), ..library },
            false => library,
        });
        space.libraries = libraries.map(|l| (l.id(), l)).collect();
        for code in parts.connections {
            let needs = self.connection_needs.get(&code).cloned().unwrap_or_default();
            let empty = LiveConnection::brought_along(&code, needs);
            space.connections.insert(code, empty);
        }
        self.others.projects.insert(code, space);
        for part in &parts.integrations {
            self.import(part, &scope, ImportAs::New)?;
        }
        let takes = Duration::from_millis(self.settings.manners.project_import_ms);
        if !takes.is_zero() {
            let at = Instant::now() + takes;
            let here = self.integrations.extract_if(.., |id, _| id.scope == scope);
            self.arriving.extend(here.map(|(id, live)| (at, id, live)));
        }
        Ok(())
    }

    /// Imports a project's archive as the console does where the project is there: integrations
    /// that are missing are added, and nothing is replaced (docs/projects.md, Import).
    pub fn import_in_console(&mut self, bytes: &[u8]) -> Result<(), ServiceRefusal> {
        let parts = archive::project_parts(bytes).map_err(unreadable_project)?;
        let scope = Scope::of_project(parts.project.code.as_str());
        self.is_here(&scope)?;
        for part in &parts.integrations {
            match self.import(part, &scope, ImportAs::New) {
                Err(refusal) if refusal.status == 409 => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Removes a project with all its integrations; refuses where one of them is active or locked.
    pub fn delete_project(&mut self, code: &str) -> Result<(), ServiceRefusal> {
        let scope = Scope::of_project(code);
        self.is_here(&scope)?;
        let members = self.inside(&scope).cloned().collect();
        self.remove_members(members, "ICS-10504", "project")?;
        self.others.projects.remove(code);
        self.arriving.retain(|(_, id, _)| id.scope != scope);
        Ok(())
    }

    /// Removes the integrations of a package or project, or none where one is active or locked.
    fn remove_members(
        &mut self,
        members: Vec<IntegrationId>,
        refusal: &'static str,
        whole: &str,
    ) -> Result<(), ServiceRefusal> {
        for id in &members {
            let live = self.get(id)?;
            if live.status == Status::Active || live.locked_by.is_some() {
                return refuse(412, refusal, format!("{id} in the {whole} is active or locked."));
            }
        }
        members.iter().for_each(|id| drop(self.integrations.remove(id)));
        Ok(())
    }

    /// Imports a new certificate that is good for a year; of its bytes only the first words of a
    /// PEM file are checked.
    pub fn import_certificate(
        &mut self,
        alias: &str,
        r#type: &str,
        category: &str,
        bytes: &[u8],
    ) -> Result<(), ServiceRefusal> {
        if !bytes.starts_with(b"-----BEGIN") {
            return refuse(400, "ICS-10602", "The file is not a certificate in PEM form.");
        }
        if self.others.certificates.contains_key(alias) {
            return refuse(409, "ICS-10603", format!("Certificate {alias} exists already."));
        }
        let expires = When::at(Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365));
        let (alias, r#type, category) = (alias.to_owned(), r#type.to_owned(), category.to_owned());
        let certificate =
            CertificateSpec { alias: alias.clone(), r#type, category, expires, missing_in: vec![] };
        self.others.certificates.insert(alias, certificate);
        Ok(())
    }

    /// Removes a certificate, also one that connections use.
    pub fn delete_certificate(&mut self, alias: &str) -> Result<(), ServiceRefusal> {
        match self.others.certificates.remove(alias) {
            Some(_) => Ok(()),
            None => refuse(404, "ICS-10601", format!("Certificate {alias} does not exist.")),
        }
    }

    /// Removes a package with all its integrations; refuses where one of them is active or locked.
    pub fn delete_package(&mut self, name: &str) -> Result<(), ServiceRefusal> {
        let Some(package) = self.others.packages.get(name).cloned() else {
            return refuse(404, "ICS-10401", format!("Package {name} does not exist."));
        };
        let members = self.members(&package.integrations).cloned().collect();
        self.remove_members(members, "ICS-10406", "package")?;
        self.others.packages.remove(name);
        Ok(())
    }
}

fn unreadable_project(why: crate::archive::ArchiveError) -> ServiceRefusal {
    ServiceRefusal { status: 400, code: "ICS-10502", words: why.to_string() }
}
