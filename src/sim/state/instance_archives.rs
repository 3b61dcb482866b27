//! The archives of a whole instance, and the jobs that make and read them. The object storage is
//! a list of names.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{LiveConnection, LiveIntegration, ServiceInstance, ServiceRefusal, refuse};
use crate::model::{IntegrationId, Status};
use crate::sim::landscape::LookupSpec;

/// The archives of an instance, and the jobs that make and read them.
#[derive(Debug, Default)]
pub(super) struct InstanceArchives {
    /// In the order in which they were started; the place is the id.
    jobs: Vec<Job>,
    /// Name -> what is in it.
    archives: BTreeMap<String, InstanceArchive>,
}

#[derive(Debug)]
struct Job {
    name: String,
    ends: Instant,
}

/// What the global space held: projects are not in it (docs/projects.md, Open questions).
#[derive(Debug, Clone)]
struct InstanceArchive {
    integrations: BTreeMap<IntegrationId, LiveIntegration>,
    connections: BTreeMap<String, LiveConnection>,
    lookups: BTreeMap<String, LookupSpec>,
}

impl ServiceInstance {
    /// Starts an export of the whole. Its archive is named like the job. Gives the job's id.
    pub fn export_whole(&mut self, name: &str) -> Result<String, ServiceRefusal> {
        let job = self.start_job(name)?;
        let global = self.integrations.iter().filter(|(id, _)| id.scope.is_global());
        let archive = InstanceArchive {
            integrations: global.map(|(id, live)| (id.clone(), live.clone())).collect(),
            connections: self.connections.clone(),
            lookups: self.lookups.clone(),
        };
        self.instance_archives.archives.insert(format!("{name}.zip"), archive);
        Ok(job)
    }

    /// Starts an import of such an archive: what is missing is added, and nothing runs.
    pub fn import_whole(&mut self, name: &str, archive: &str) -> Result<String, ServiceRefusal> {
        let Some(whole) = self.instance_archives.archives.get(archive).cloned() else {
            return refuse(404, "ICS-10701", format!("There is no archive {archive}."));
        };
        let job = self.start_job(name)?;
        for (id, live) in whole.integrations {
            let inactive = LiveIntegration { status: Status::Configured, ..live };
            self.integrations.entry(id).or_insert(inactive);
        }
        for (code, connection) in whole.connections {
            self.connections.entry(code).or_insert(connection);
        }
        for (name, lookup) in whole.lookups {
            self.lookups.entry(name).or_insert(lookup);
        }
        Ok(job)
    }

    fn start_job(&mut self, name: &str) -> Result<String, ServiceRefusal> {
        let jobs = &self.instance_archives.jobs;
        if name.is_empty() {
            return refuse(400, "ICS-10702", "jobName is missing.");
        }
        if jobs.iter().any(|job| job.ends > Instant::now()) {
            return refuse(409, "ICS-10703", "Another export or import is running.");
        }
        if jobs.iter().any(|job| job.name == name) {
            return refuse(409, "ICS-10704", format!("A job named {name} exists already."));
        }
        let takes = Duration::from_millis(self.settings.manners.instance_job_ms);
        self.instance_archives
            .jobs
            .push(Job { name: name.to_owned(), ends: Instant::now() + takes });
        Ok(self.instance_archives.jobs.len().to_string())
    }

    /// The service's word for how a job stands.
    pub fn job_word(&self, id: &str) -> Result<&'static str, ServiceRefusal> {
        let place = id.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        match place.and_then(|place| self.instance_archives.jobs.get(place)) {
            None => refuse(404, "ICS-10705", format!("There is no job {id}.")),
            Some(job) if job.ends > Instant::now() => Ok("RUNNING"),
            Some(_) => Ok("COMPLETED"),
        }
    }
}
