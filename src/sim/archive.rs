//! Builds `.iar` archives with the layout of real ones (docs/archive-format.md), so that every
//! reader works on them, and packs imported ones again as the service does: other bytes, the same
//! meaning.

mod bundles;
mod parts;
mod template;

use std::{
    collections::BTreeSet,
    io::{Cursor, Write},
};

use jiff::Timestamp;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::landscape::{ConnectionSpec, FlowSpec, LookupSpec};
use crate::archive::{ArchiveError, BoundedZip, sha256_hex};
use crate::model::{IntegrationId, Status};
pub use bundles::{
    ProjectParts, label, library_jar, lookup_csv, package_par, project_car, project_parts,
};
use parts::Parts;

/// What an export is made of besides the flow.
#[derive(Debug)]
pub struct ExportContext<'a> {
    pub connections: Vec<&'a ConnectionSpec>,
    pub lookups: Vec<&'a LookupSpec>,
    /// The codes of the integrations in the same project; none for one of the global space.
    pub neighbours: BTreeSet<&'a str>,
    pub status: &'a Status,
    /// Each save renumbers steps and resources, as the service does.
    pub saves: u32,
    /// The time of this export.
    pub now: Timestamp,
}

/// Builds the `.iar` of a flow.
pub fn build(id: &IntegrationId, flow: &FlowSpec, around: &ExportContext<'_>) -> Vec<u8> {
    let mut files = Parts::new(id, flow, around).files();
    for connection in &around.connections {
        let path = format!("icspackage/appinstances/{}.xml", connection.code);
        files.push((path, parts::appinstance(connection).into_bytes()));
    }
    for lookup in &around.lookups {
        files.push((
            format!("icspackage/dvms/{}.dvm", lookup.name),
            parts::dvm(lookup).into_bytes(),
        ));
    }
    let attributes = parts::attributes(id, flow, around, &digest(&files));
    files.push((attributes_path(id), attributes.into_bytes()));
    pack(&files, around.now)
}

fn attributes_path(id: &IntegrationId) -> String {
    format!("icspackage/project/{}_{}/ics_project_attributes.properties", id.code, id.version)
}

/// Packs an imported archive again, as the service exports it: other bytes, the same meaning.
///
/// # Errors
/// Where the bytes are no archive.
pub fn repack(bytes: &[u8], now: Timestamp) -> Result<Vec<u8>, ArchiveError> {
    let mut files = unpack(bytes)?;
    for (name, part) in &mut files {
        if name.ends_with("/ics_project_attributes.properties") {
            *part = with_new_date(&String::from_utf8_lossy(part), now).into_bytes();
        }
    }
    files.reverse();
    Ok(pack(&files, now))
}

fn with_new_date(text: &str, now: Timestamp) -> String {
    let mut out = date_comment(now);
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        match line.strip_prefix("validity=") {
            Some(_) => out.push_str(&format!("validity={}", now.as_millisecond())),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Whether an archive was changed since this simulator wrote its checksum `mod`. The `mod` of
/// another service cannot be checked and passes.
///
/// # Errors
/// Where the bytes are no archive.
pub fn was_edited(bytes: &[u8]) -> Result<bool, ArchiveError> {
    let files = unpack(bytes)?;
    let is_attributes = |name: &str| name.ends_with("/ics_project_attributes.properties");
    let attributes = files
        .iter()
        .find(|(n, _)| is_attributes(n))
        .map(|(_, b)| String::from_utf8_lossy(b).into_owned());
    let written = attributes
        .and_then(|text| text.lines().find_map(|l| Some(l.strip_prefix("mod=sim")?.to_owned())));
    let others: Vec<_> = files.into_iter().filter(|(n, _)| !is_attributes(n)).collect();
    Ok(written.is_some_and(|w| digest(&others) != format!("sim{w}")))
}

/// The copies of lookups that an archive carries; none where it is no archive.
pub fn lookups_in(bytes: &[u8]) -> Vec<crate::archive::Lookup> {
    let files = unpack(bytes).unwrap_or_default();
    let tables = files.iter().filter(|(name, _)| name.ends_with(".dvm"));
    tables.filter_map(|(_, part)| crate::archive::Lookup::from_dvm(part).ok()).collect()
}

/// The files of an archive with their names.
///
/// # Errors
/// Where the bytes are no archive.
pub fn unpack(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let mut zip = BoundedZip::open(bytes)?;
    let names: Vec<String> = zip.names().map(str::to_owned).collect();
    names.into_iter().map(|n| zip.read(&n).map(|b| (n, b))).collect()
}

/// The checksum in `mod`, over everything but the file that carries it.
fn digest(files: &[(String, Vec<u8>)]) -> String {
    let mut lines: Vec<_> = files.iter().map(|(n, b)| format!("{n} {}", sha256_hex(b))).collect();
    lines.sort_unstable();
    format!("sim{}", &sha256_hex(lines.join("\n").as_bytes())[..20])
}

fn date_comment(now: Timestamp) -> String {
    now.strftime("#%a %b %d %H:%M:%S UTC %Y\n").to_string()
}

fn pack(files: &[(String, Vec<u8>)], now: Timestamp) -> Vec<u8> {
    let time = zip_time(now);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .last_modified_time(time);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        // Writing to memory fails only for names over 64 KB, which no landscape has.
        if zip.start_file(name.as_str(), options).and_then(|()| Ok(zip.write_all(bytes)?)).is_err()
        {
            tracing::error!("the simulator could not pack {name}");
        }
    }
    zip.finish().map(Cursor::into_inner).unwrap_or_default()
}

fn zip_time(now: Timestamp) -> zip::DateTime {
    let t = jiff::tz::TimeZone::UTC.to_datetime(now);
    let part = |n: i8| u8::try_from(n).unwrap_or_default();
    let year = u16::try_from(t.year()).unwrap_or(1980);
    zip::DateTime::from_date_and_time(
        year,
        part(t.month()),
        part(t.day()),
        part(t.hour()),
        part(t.minute()),
        part(t.second()),
    )
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Iar;
    use crate::sim::landscape::Landscape;

    fn around(status: &Status, saves: u32, second: i64) -> ExportContext<'_> {
        let now = Timestamp::from_second(1_780_000_000 + second).unwrap();
        ExportContext {
            connections: vec![],
            lookups: vec![],
            neighbours: BTreeSet::new(),
            status,
            saves,
            now,
        }
    }

    fn flow() -> (IntegrationId, FlowSpec) {
        let landscape = Landscape::demo().unwrap();
        let item = landscape.integrations.iter().find(|i| i.code == "EMPLOYEE_DATA_SYNC").unwrap();
        (IntegrationId::new(&item.code, "01.02.0003".parse().unwrap()), item.flow.clone())
    }

    #[test]
    fn a_later_save_has_other_bytes_and_the_same_meaning() {
        let (id, flow) = flow();
        let first = build(&id, &flow, &around(&Status::Active, 1, 0));
        let later = build(&id, &flow, &around(&Status::Configured, 7, 100));
        assert_ne!(first, later);
        let (a, b) = (Iar::read(&first).unwrap(), Iar::read(&later).unwrap());
        assert_ne!(a.digest, b.digest, "a digest of the bytes");
        assert_eq!(a, Iar { digest: a.digest.clone(), ..b });
        assert_eq!(a.id, id);
        assert!(a.scheduled);
    }

    #[test]
    fn a_changed_flow_has_another_meaning() {
        let (id, mut flow) = flow();
        let before = Iar::read(&build(&id, &flow, &around(&Status::Active, 1, 0))).unwrap();
        flow.fields.insert("payGrade".into(), "'X'".into());
        let after = Iar::read(&build(&id, &flow, &around(&Status::Active, 2, 0))).unwrap();
        assert_ne!(before.fingerprints.portable, after.fingerprints.portable);
        assert!(
            before.needs.lookups.contains("PAY_GRADE")
                && !after.needs.lookups.contains("PAY_GRADE")
        );
    }

    #[test]
    fn an_import_comes_back_with_other_bytes_and_an_edited_one_is_noticed() {
        let (id, flow) = flow();
        let bytes = build(&id, &flow, &around(&Status::Active, 1, 0));
        let back = repack(&bytes, Timestamp::from_second(1_790_000_000).unwrap()).unwrap();
        assert_ne!(bytes, back);
        assert_eq!(Iar::read(&bytes).unwrap(), Iar::read(&back).unwrap());
        assert_eq!((was_edited(&bytes), was_edited(&back)), (Ok(false), Ok(false)));
        let mut files = unpack(&bytes).unwrap();
        let xsl = files.iter_mut().find(|(n, _)| n.ends_with(".xsl")).unwrap();
        xsl.1 = String::from_utf8_lossy(&xsl.1).replace("value-of", "copy-of").into_bytes();
        assert_eq!(was_edited(&pack(&files, Timestamp::UNIX_EPOCH)), Ok(true));
    }
}
