//! Exports that hold a part which their meaning needs and which cannot be read: they are no backup
//! and no source of a restore, and what came is set aside.

use std::sync::Arc;

use oicx::archive::{Contents, Iar, ValidatedArchive};
use oicx::model::{ArtifactKey, Kind};
use oicx::restore::PayloadArchive;
use oicx::sim::ArchiveBody;
use oicx::store::is_artifact;
use rstest::rstest;
use zip::CompressionMethod::Deflated;

use crate::outside_input::whole;
use crate::support::shuffle::{pack, unpack};
use crate::support::{World, id};

const SYNC: &str = "SYNC|01.00.0000";

/// An archive in which one file is spoilt.
fn spoilt(archive: &[u8], file: &str, spoil: fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut entries = unpack(archive);
    let found = entries.iter_mut().find(|(name, _)| name.ends_with(file));
    spoil(&mut found.unwrap_or_else(|| panic!("no {file}")).1);
    pack(&entries, Deflated)
}

fn with_nul(bytes: &mut Vec<u8>) {
    let at = bytes.iter().rposition(|b| *b == b'<').unwrap();
    bytes.insert(at, 0);
}

fn with_other_text(bytes: &mut Vec<u8>) {
    let at = bytes.iter().rposition(|b| *b == b'<').unwrap();
    bytes.insert(at, 0xe4);
}

fn with_a_dtd(bytes: &mut Vec<u8>) {
    let text = String::from_utf8(std::mem::take(bytes)).unwrap();
    let start = text.find("?>").map_or(0, |at| at + 2);
    let (head, rest) = text.split_at(start);
    *bytes = format!("{head}<!DOCTYPE x [<!ENTITY a \"b\">]>{rest}").into_bytes();
}

fn cut(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() / 2);
}

#[rstest]
fn a_part_that_cannot_be_read_makes_the_whole_unfit(
    #[values("PROJECT-INF/project.xml", ".jca", ".xsl", ".dvm")] file: &str,
    #[values(with_nul, with_other_text, with_a_dtd, cut)] spoil: fn(&mut Vec<u8>),
) {
    // A mapping that somebody uploaded may have one.
    if file == ".xsl" && spoil as usize == with_a_dtd as fn(&mut Vec<u8>) as usize {
        return;
    }
    let archive = spoilt(&whole(), file, spoil);
    let why = ValidatedArchive::read(&archive, Some("x.iar")).unwrap_err().to_string();
    assert!(why.contains(file) && why.contains("is broken"), "{why}");
    let key = ArtifactKey::from(id(SYNC));
    assert!(PayloadArchive::read(&key, &archive.clone().into()).is_err());
    // A person can look at the rest all the same.
    assert_eq!(Contents::read(&archive, None).unwrap().integrations().len(), 1);
}

#[tokio::test]
async fn a_backup_fails_it_and_sets_it_aside_once() {
    let world = World::new().await;
    let good = world.sim.with_instance("prod", |i| i.export(&id(SYNC)).unwrap()).unwrap();
    let archive = spoilt(&good, "PROJECT-INF/project.xml", with_nul);
    let body =
        ArchiveBody::Imported(Arc::from(archive.as_slice()), Box::new(Iar::read(&good).unwrap()));
    world.sim.with_instance("prod", |i| i.get_mut(&id(SYNC)).unwrap().body = body).unwrap();
    for _ in 0..2 {
        let outcome = crate::store::take_backup(&world, "prod").await;
        let failed: Vec<_> = outcome.failed.iter().filter(|f| f.artifact.code == "SYNC").collect();
        assert_eq!(failed.len(), 1, "{:?}", outcome.failed);
        let error = &failed[0].error;
        assert!(
            error.contains("project.xml")
                && error.contains("set aside in prod/set-aside/integrations/SYNC-01")
        );
    }
    let files = world.store().await.list(None).await.unwrap();
    let aside: Vec<_> = files.iter().filter(|f| f.path.contains("/set-aside/")).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert!(!is_artifact(&aside[0].path));
    let versions = world.store().await.index().await.unwrap();
    assert!(versions.versions().iter().all(|v| v.kind != Kind::Integration || v.code != "SYNC"));
}

/// A member that cannot be read is failed alone; the project is kept, and not imported as it is.
#[tokio::test]
async fn a_member_of_a_project_fails_alone() {
    let world = World::of(include_str!("support/projects.toml")).await;
    let project = |i: &mut oicx::sim::ServiceInstance| {
        let code = i.others.projects.keys().next().unwrap().clone();
        (code.clone(), i.export_project(&code).unwrap())
    };
    let environment = world.sim.places()[0].name.to_string();
    let (code, good) = world.sim.with_instance(&environment, project).unwrap();
    let archive = spoilt(&good, "PROJECT-INF/project.xml", with_nul);
    let (before, after) = (
        ValidatedArchive::read(&good, Some("x.car")).unwrap(),
        ValidatedArchive::read(&archive, Some("x.car")).unwrap(),
    );
    assert_eq!((after.broken.len(), before.broken.len()), (1, 0));
    assert_eq!(after.parts.len() + 1, before.parts.len());
    let key = ArtifactKey::new(Kind::Project, &code, None);
    assert!(PayloadArchive::read(&key, &good.into()).unwrap().broken.is_empty());
    let broken = PayloadArchive::read(&key, &archive.into()).unwrap().broken;
    assert!(broken[0].contains("project.xml"), "{broken:?}");
}
