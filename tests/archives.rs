//! Real exports: what is read from them, what their fingerprint depends on, what compare says.

use std::collections::BTreeMap;
use std::path::Path;

use oicx::archive::{
    CalledScope, Contents, ContentsBody, Fingerprints, NeedKind, UnpackedArchive, count_steps,
    flow_steps,
};
use oicx::diff::{Change, ChangeGroup, ChangeKind, Comparison, compare};
use oicx::ops::inspect::InspectReport;
use rstest::rstest;

use crate::support::shuffle::{Entries, pack, shuffle, unpack};

const JITSI: &str = "JITSIEVENTS_01.00.0000.iar";
const LOGS: &str = "OIC_LOG_COLLE_FTP_UNZIP_6_01.00.0000.iar";
const BUSINESS: &str = "OIO_SAMPLE_BUSINESS_FLOW_01.00.0000.iar";
const PACKAGE: &str = "oic.ocw.hol.par";
const PROJECT: &str = "HEALTHCARE_ADT_PROJECT.car";

/// A public export, where the folder is there.
pub fn real(name: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/archives").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {} is not there", path.display());
    }
    bytes
}

fn read(bytes: &[u8]) -> Contents {
    Contents::read(bytes, None).unwrap()
}

fn fingerprints(bytes: &[u8]) -> Fingerprints {
    UnpackedArchive::read(bytes, None).unwrap().fingerprints()
}

#[test]
fn each_real_export_is_read_whole() {
    // Counted by eye in each project.xml: steps of the orchestration, applications, mappings.
    let expected = [
        (JITSI, "JITSIEVENTS", 4, 2, 1),
        (LOGS, "OIC_LOG_COLLE_FTP_UNZIP_6", 19, 6, 6),
        (BUSINESS, "OIO_SAMPLE_BUSINESS_FLOW", 17, 3, 4),
        (PACKAGE, "CHANGE_ORDER_ERP_PO_PROXY", 6, 2, 2),
        (PACKAGE, "PURCHASE_ORDER_DETAILS_PROXY", 6, 2, 2),
        (PROJECT, "HANDLE_INBOUND_HEALTHCA_MESSAGES", 10, 3, 2),
        (PROJECT, "PROCES_ADT_HL7_V25_MESSAG", 44, 7, 6),
        ("KNEX_SUBSET.car", "SM_BASIC_MATH_JS", 18, 4, 4),
        ("KNEX_SUBSET.car", "SM_POC_FAULT_HANDLER", 27, 5, 5),
        ("DEMO_FIRST_PROJECT_4.car", "CREATE_PENDING_WORKERS", 19, 4, 5),
        ("B30_FLOWS.car", "B30_HB_FTP_INT", 12, 2, 2),
    ];
    for (file, code, steps, endpoints, mappings) in expected {
        let Some(bytes) = real(file) else { continue };
        let contents = read(&bytes);
        let it = contents.integrations().iter().find(|i| i.id.code == code).unwrap();
        assert_eq!(
            (count_steps(&it.flow), it.endpoints.len(), it.mappings.len()),
            (steps, endpoints, mappings),
            "{code}"
        );
        assert!(contents.findings.is_empty(), "{file}: {:?}", contents.findings);
        flow_steps(&it.flow, &mut |s| assert!(!s.title().is_empty(), "{s:?}"));
    }
}

#[test]
fn a_flow_says_what_each_step_calls_maps_and_tests() {
    let Some(bytes) = real(LOGS) else { return };
    let contents = read(&bytes);
    let it = &contents.integrations()[0];
    let mut lines = Vec::new();
    it.flow.iter().for_each(|s| {
        s.walk(0, &mut |s, depth| lines.push(format!("{depth} {} | {}", s.title(), s.detail)))
    });
    for line in [
        "0 schedule | ",
        "0 map to getOICLogs | 1 assignment",
        "0 invoke getOICLogs | GET /ic/api/integration/v1/monitoring/logs/icsflowlog",
        "0 stage file unzipFile | Unzip",
        "0 for each ForEachFile | $thisFile in ICSFile",
        "2 if filename = \"ics-flow.log\" | ",
        "3 invoke writeToObject | PUT \
            /n/orasenatdpltintegration01/b/Alex_macdonald_bucket/o/{object}",
        "2 otherwise | ",
    ] {
        assert!(lines.iter().any(|l| l == line), "{line} is not among\n{}", lines.join("\n"));
    }
    assert!(it.scheduled());
}

#[test]
fn dependencies_say_where_each_was_seen() {
    let Some(bytes) = real(PROJECT) else { return };
    let contents = read(&bytes);
    let ContentsBody::Project(project) = &contents.body else { panic!("no project") };
    assert_eq!(project.lookups.len(), 4);
    let parent = &project.integrations[0];
    let find = |kind, name: &str| parent.needs.iter().find(|n| n.kind == kind && n.name == name);
    let lookup = find(NeedKind::Lookup, "HL7ProcessorRoutes").unwrap();
    assert!(
        lookup.seen_in.iter().any(|p| p.ends_with(".xsl"))
            && lookup.seen_in.contains(&"project.xml".to_owned())
    );
    let child = find(NeedKind::Integration, "PROCES_ADT_HL7_V25_MESSAG|01.00.0000").unwrap();
    assert_eq!(child.scope, Some(CalledScope::Own));
    assert!(find(NeedKind::Agent, "HC_DEMO").is_some());
    assert!(find(NeedKind::Connection, "PRESEEDED_COLLOCATED_CONN_1741").unwrap().preseeded);
    // The project's other connections are not this integration's.
    assert!(find(NeedKind::Connection, "HAPI_FHIR_TEST_SERVER").is_none());
}

#[rstest]
#[case::subscribed("KNEX_SUBSET.car", "ERROR_EVENT", NeedKind::Event, &["ERROREVENT"])]
#[case::published("KNEX_SUBSET.car", "HELLO_SY", NeedKind::Event, &["ERROREVENT"])]
#[case::called("KNEX_SUBSET.car", "SM_BASIC_MATH_JS", NeedKind::Library, &["MYFUNCTION"])]
#[case::a_key("KNEX_SUBSET.car", "POC_ENCRYPT_EMAIL", NeedKind::Certificate, &["PGP_PUBLIC_KEY"])]
#[case::looked_up("B30_FLOWS.car", "LOOKUP_INT", NeedKind::Lookup, &["Sample_lookup"])]
fn what_a_member_needs_is_read_by_its_code(
    #[case] file: &str,
    #[case] code: &str,
    #[case] kind: NeedKind,
    #[case] expected: &[&str],
) {
    let Some(bytes) = real(file) else { return };
    let contents = read(&bytes);
    let it = contents.integrations().iter().find(|i| i.id.code == code).unwrap();
    let found: Vec<&str> =
        it.needs.iter().filter(|n| n.kind == kind).map(|n| n.name.as_str()).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_project_says_what_lies_beside_its_integrations() {
    let Some(bytes) = real("KNEX_SUBSET.car") else { return };
    let report = serde_json::to_value(InspectReport::of_contents(&read(&bytes))).unwrap();
    let count = |key: &str| report[key].as_array().unwrap().len();
    assert_eq!(["integrations", "connections", "lookups"].map(count), [7, 13, 2]);
    assert_eq!(["libraries", "deployments", "schedules", "events"].map(count), [20, 4, 1, 8]);
    let hello = report["deployments"].as_array().unwrap().iter().find(|d| d["code"] == "HELLOSY");
    assert_eq!(hello.unwrap()["members"], serde_json::json!(["HELLO_SY 01.00.0000"]));
    assert_eq!(report["schedules"][0]["name"], "KNX_IMPORT_AP_INVOICE 01.00.0000");
    let when = report["schedules"][0]["value"].as_str().unwrap();
    assert!(when.starts_with("every 15 minutes"), "{when}");
    assert_eq!(report["events"][0], "ERROREVENT revision 1");
}

#[test]
fn each_operation_of_a_trigger_says_its_call() {
    let Some(bytes) = real("KNEX_SUBSET.car") else { return };
    let contents = read(&bytes);
    let math = contents.integrations().iter().find(|i| i.id.code == "SM_BASIC_MATH_JS").unwrap();
    let mut calls: Vec<(String, String)> =
        math.endpoints.iter().map(|e| (e.adapter.clone(), e.call())).collect();
    calls.sort();
    let expected = ["POST /divide", "POST /multiply", "POST /subtract", "POST /sum"];
    assert_eq!(calls, expected.map(|call| ("rest".to_owned(), call.to_owned())));
}

#[test]
fn lookups_are_the_same_as_csv_and_in_a_project() {
    let Some(bytes) = real(PROJECT) else { return };
    let contents = read(&bytes);
    let ContentsBody::Project(project) = &contents.body else { panic!("no project") };
    for lookup in &project.lookups {
        let Some(csv) = real(&format!("lookups/{}.csv", lookup.name)) else { continue };
        assert_eq!(fingerprints(&csv).full, lookup.fingerprint(), "{}", lookup.name);
    }
}

#[test]
fn the_private_key_of_a_public_export_is_found_and_nothing_else_is() {
    for name in [JITSI, LOGS, BUSINESS, PACKAGE, PROJECT] {
        let Some(bytes) = real(name) else { continue };
        let secrets = UnpackedArchive::read(&bytes, None).unwrap().secrets();
        let found: Vec<_> =
            secrets.iter().map(|s| (s.file.clone(), s.kind, s.carrier.clone())).collect();
        let expected = if name == LOGS { 1 } else { 0 };
        assert_eq!(found.len(), expected, "{name}: {found:?}");
        if let Some((file, _, carrier)) = found.first() {
            assert!(
                file.ends_with("REST_OBJECT_STORAGE_CONN.xml")
                    && carrier.contains("OpenSSH-and-API_private.pem")
            );
        }
    }
}

/// The names of all real exports beside the project.
fn all_real() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/archives");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let files = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file());
    let mut names: Vec<String> =
        files.map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn another_save_keeps_the_fingerprint_and_compares_as_the_same() {
    for name in all_real() {
        let Some(bytes) = real(&name) else { continue };
        let before = UnpackedArchive::read(&bytes, None).unwrap();
        // The large ones take seconds each where nothing is optimised.
        let saves = if bytes.len() < 60_000 { 3 } else { 1 };
        for seed in 1..=saves {
            let again = shuffle(&bytes, seed);
            assert_ne!(bytes, again);
            let after = UnpackedArchive::read(&again, None).unwrap();
            let found = compare(&before, &after).unwrap();
            assert!(found.same && found.changes.is_empty(), "{name} {seed}: {:#?}", found.changes);
            assert_eq!(before.fingerprints(), after.fingerprints(), "{name} {seed}");
            assert!(found.cosmetic.len() > 10, "{name}: {:?}", found.cosmetic);
        }
    }
}

/// One meaningful edit of a real export.
struct Edit {
    what: &'static str,
    archive: &'static str,
    group: ChangeGroup,
    change: ChangeKind,
    make: fn(&mut Entries),
}

/// Replaces text in the files whose name ends so; it must be there exactly once in all of them.
fn replace(entries: &mut Entries, ending: &str, from: &str, to: &str) {
    let mut hits = 0;
    for (_, bytes) in entries.iter_mut().filter(|(n, _)| n.ends_with(ending)) {
        let text = String::from_utf8(bytes.clone()).unwrap();
        hits += text.matches(from).count();
        *bytes = text.replace(from, to).into_bytes();
    }
    assert_eq!(hits, 1, "`{from}` in {ending}");
}

/// Cuts an element's text out of a file and gives it back.
fn cut(entries: &mut Entries, ending: &str, from: &str, to: &str) -> String {
    let (_, bytes) = entries.iter_mut().find(|(n, _)| n.ends_with(ending)).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let start = text.find(from).unwrap_or_else(|| panic!("{from} in {ending}"));
    let end = start + text[start..].find(to).unwrap() + to.len();
    *bytes = format!("{}{}", &text[..start], &text[end..]).into_bytes();
    text[start..end].to_owned()
}

fn add(entries: &mut Entries, name: &str, text: &str) {
    entries.push((name.into(), text.as_bytes().to_vec()));
}

const EDITS: &[Edit] = &[
    Edit {
        what: "a mapping's expression",
        archive: BUSINESS,
        group: ChangeGroup::Mapping,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "req_22397a7923824ac1bbe48cfa695b6631.xsl",
                "The transaction was completed successfully.",
                "Done.",
            )
        },
    },
    Edit {
        what: "a mapped field removed",
        archive: BUSINESS,
        group: ChangeGroup::Mapping,
        change: ChangeKind::Removed,
        make: |e| {
            drop(cut(
                e,
                "req_baedc4719bc04476b94732038bf53bad.xsl",
                "<ns25:attr2Value",
                "</ns25:attr2Value>",
            ))
        },
    },
    Edit {
        what: "a mapped field added",
        archive: LOGS,
        group: ChangeGroup::Mapping,
        change: ChangeKind::Added,
        make: |e| {
            replace(
                e,
                "req_c59718e0e6054b7783298ab8e108bd8d.xsl",
                "</ns29:DownloadRequest>",
                "<ns29:directory>in</ns29:directory></ns29:DownloadRequest>",
            )
        },
    },
    Edit {
        what: "a route's condition",
        archive: LOGS,
        group: ChangeGroup::Expression,
        change: ChangeKind::Changed,
        make: |e| {
            for (_, bytes) in
                e.iter_mut().filter(|(n, _)| n.ends_with("resourcegroup_758/expr.properties"))
            {
                *bytes = String::from_utf8(bytes.clone())
                    .unwrap()
                    .replace("ics-flow.log", "ics-audit.log")
                    .into_bytes();
            }
        },
    },
    Edit {
        what: "an assignment's expression",
        archive: PROJECT,
        group: ChangeGroup::Expression,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "processor_345/resourcegroup_349/expr.properties",
                "XpathExpression : concat(",
                "XpathExpression : fn:concat(",
            )
        },
    },
    Edit {
        what: "what a loop runs over",
        archive: LOGS,
        group: ChangeGroup::Expression,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "resourcegroup_714/expr.properties",
                "nsmpr10:FileList/nsmpr9:ICSFile\n",
                "nsmpr10:FileList/nsmpr9:ICSFile[1]\n",
            )
        },
    },
    Edit {
        what: "a stitch's assignment",
        archive: BUSINESS,
        group: ChangeGroup::Expression,
        change: ChangeKind::Changed,
        make: |e| replace(e, "stitch.json", r#""expression":"\"I\"""#, r#""expression":"\"D\"""#),
    },
    Edit {
        what: "a stage file's name",
        archive: LOGS,
        group: ChangeGroup::Expression,
        change: ChangeKind::Changed,
        make: |e| {
            let (_, bytes) =
                e.iter_mut().find(|(n, _)| n.ends_with("UNZIP_FILENAMEexpr.properties")).unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap();
            let lines: Vec<_> =
                text.lines()
                    .map(|l| {
                        if l.starts_with("XpathExpression") {
                            "XpathExpression : 'x.zip'"
                        } else {
                            l
                        }
                    })
                    .collect();
            *bytes = lines.join("\n").into_bytes();
        },
    },
    Edit {
        what: "a stage file's operation",
        archive: LOGS,
        group: ChangeGroup::Step,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "project.xml",
                r#"name="operation" value="Unzip""#,
                r#"name="operation" value="List""#,
            )
        },
    },
    Edit {
        what: "an endpoint's verb",
        archive: BUSINESS,
        group: ChangeGroup::Endpoint,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "trigger_REQUEST.jca",
                r#"name="HttpVerb" value="POST""#,
                r#"name="HttpVerb" value="PUT""#,
            )
        },
    },
    Edit {
        what: "an endpoint's resource",
        archive: JITSI,
        group: ChangeGroup::Endpoint,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "JitsiEvents_REQUEST.jca",
                r#"name="ResourceURI" value="/notifyevents""#,
                r#"name="ResourceURI" value="/events""#,
            )
        },
    },
    Edit {
        what: "the version of a called integration",
        archive: BUSINESS,
        group: ChangeGroup::Endpoint,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "registerLog_REQUEST.jca",
                r#"name="integration_version" value="01.00.0000""#,
                r#"name="integration_version" value="01.00.0001""#,
            )
        },
    },
    Edit {
        what: "a connection's policy",
        archive: BUSINESS,
        group: ChangeGroup::Connection,
        change: ChangeKind::Changed,
        make: |e| replace(e, "CON_OIC_REST.xml", "MULTI_TOKEN_INBOUND", "NONE"),
    },
    Edit {
        what: "a connection's property",
        archive: PROJECT,
        group: ChangeGroup::Connection,
        change: ChangeKind::Changed,
        make: |e| replace(e, "connections/HC_SEND_HL7.xml", "%%HC_SEND_HL7_Port", "2575"),
    },
    Edit {
        what: "a lookup's cell",
        archive: PROJECT,
        group: ChangeGroup::Lookup,
        change: ChangeKind::Changed,
        make: |e| replace(e, "HL7ProcessorRoutes.dvm", "PROCESSADT_A08", "PROCESSADT_A09"),
    },
    Edit {
        what: "a lookup's row added",
        archive: PROJECT,
        group: ChangeGroup::Lookup,
        change: ChangeKind::Added,
        make: |e| {
            replace(
                e,
                "HL7ProcessorRoutes.dvm",
                "</rows>",
                "<row><cell>x</cell><cell>y</cell><cell>z</cell></row></rows>",
            )
        },
    },
    Edit {
        what: "a schema element's type",
        archive: BUSINESS,
        group: ChangeGroup::Schema,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "/trigger_REQUEST.wsdl",
                r#"name="amount" type="xsd:double""#,
                r#"name="amount" type="xsd:string""#,
            )
        },
    },
    Edit {
        what: "a schema element removed",
        archive: BUSINESS,
        group: ChangeGroup::Schema,
        change: ChangeKind::Removed,
        make: |e| {
            drop(cut(e, "/trigger_REQUEST.wsdl", "<xsd:element name=\"amount\"", "</xsd:element>"))
        },
    },
    Edit {
        what: "a step moved",
        archive: PROJECT,
        group: ChangeGroup::Step,
        change: ChangeKind::Moved,
        make: |e| {
            const FILE: &str = "PROCES_ADT_HL7_V25_MESSAG_01.00.0000/PROJECT-INF/project.xml";
            let (_, bytes) = e.iter().find(|(n, _)| n.ends_with(FILE)).unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap();
            let at = text.find("id=\"lg1\"").unwrap();
            let start = text[..at].rfind('<').unwrap();
            let end = text[at..].find("/>").unwrap() + at + 2;
            let step = text[start..end].to_owned();
            let mut rest = format!("{}{}", &text[..start], &text[end..]);
            let stop = rest.find("id=\"st0\"").unwrap();
            let stop = rest[..stop].rfind('<').unwrap();
            rest.insert_str(stop, &step);
            e.iter_mut().find(|(n, _)| n.ends_with(FILE)).unwrap().1 = rest.into_bytes();
        },
    },
    Edit {
        what: "a step removed",
        archive: LOGS,
        group: ChangeGroup::Step,
        change: ChangeKind::Removed,
        make: |e| {
            let (_, bytes) = e.iter_mut().find(|(n, _)| n.ends_with("project.xml")).unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap();
            let at = text.find("id=\"sf0\"").unwrap();
            let start = text[..at].rfind('<').unwrap();
            let end = text[at..].find("/>").unwrap() + at + 2;
            *bytes = format!("{}{}", &text[..start], &text[end..]).into_bytes();
        },
    },
    Edit {
        what: "a tracking variable's path",
        archive: BUSINESS,
        group: ChangeGroup::Tracking,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "project.xml",
                "/execute/request-wrapper/inputRequest/amount<",
                "/execute/request-wrapper/inputRequest/total<",
            )
        },
    },
    Edit {
        what: "an endpoint's description",
        archive: LOGS,
        group: ChangeGroup::Endpoint,
        change: ChangeKind::Changed,
        make: |e| replace(e, "project.xml", "Collect OIC logs using REST API", "Collect all logs"),
    },
    Edit {
        what: "the integration's description",
        archive: LOGS,
        group: ChangeGroup::Integration,
        change: ChangeKind::Changed,
        make: |e| replace(e, "project.xml", "This is for collection of logs", "Collects logs"),
    },
    Edit {
        what: "the integration's name",
        archive: BUSINESS,
        group: ChangeGroup::Integration,
        change: ChangeKind::Changed,
        make: |e| {
            replace(
                e,
                "attributes.properties",
                "project_name=OIO_SAMPLE_BUSINESS_FLOW",
                "project_name=Business flow",
            );
            replace(
                e,
                "project.xml",
                "projectName>OIO_SAMPLE_BUSINESS_FLOW<",
                "projectName>Business flow<",
            );
        },
    },
    Edit {
        what: "a library that travels along",
        archive: BUSINESS,
        group: ChangeGroup::Library,
        change: ChangeKind::Added,
        make: |e| {
            add(e, "icspackage/libraries/TRIM/trim.js", "function trimAll(s) { return s.trim(); }")
        },
    },
    Edit {
        what: "an event's schema",
        archive: BUSINESS,
        group: ChangeGroup::Event,
        change: ChangeKind::Added,
        make: |e| add(e, "icspackage/eventtypes/ORDER_1.json", r#"{"code":"ORDER"}"#),
    },
];

fn edited(edit: &Edit) -> Option<(Vec<u8>, Vec<u8>)> {
    let bytes = real(edit.archive)?;
    let mut entries = unpack(&bytes);
    (edit.make)(&mut entries);
    Some((bytes, pack(&entries, zip::CompressionMethod::Deflated)))
}

#[test]
fn every_kind_of_edit_changes_the_fingerprint() {
    for edit in EDITS {
        let Some((before, after)) = edited(edit) else { continue };
        let (x, y) = (fingerprints(&before), fingerprints(&after));
        assert_ne!(x.full, y.full, "{}", edit.what);
        // An import leaves the target's own connections: they are no part of the flow.
        if edit.archive == BUSINESS {
            assert_eq!(
                x.portable == y.portable,
                edit.group == ChangeGroup::Connection,
                "{}",
                edit.what
            );
        }
        assert_eq!(fingerprints(&shuffle(&after, 11)), y, "{} and another save", edit.what);
    }
}

#[test]
fn one_edit_in_another_save_is_one_change() {
    let mut counts: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for edit in EDITS {
        let Some((before, after)) = edited(edit) else { continue };
        let open = |bytes: &[u8]| UnpackedArchive::read(bytes, None).unwrap();
        let found: Comparison = compare(&open(&before), &open(&shuffle(&after, 5))).unwrap();
        let hit = found.changes.iter().any(|c| c.group == edit.group && c.change == edit.change);
        assert!(hit, "{}: {:#?}", edit.what, found.changes);
        if found.changes.len() > 1 {
            println!("{}: {:#?}", edit.what, found.changes);
        }
        counts.entry(found.changes.len()).or_default().push(edit.what);
    }
    println!("changes reported -> edits: {counts:#?}");
    let noisy: usize = counts.iter().filter(|(n, _)| **n > 1).map(|(_, all)| all.len()).sum();
    assert_eq!(noisy, 0, "{counts:#?}");
}

/// A project with one known edit, against the project itself: how many changes there are, and the
/// words of the one change.
#[rstest]
#[case::date_comment("DEMO4_reexport_props", &[])]
#[case::times_in_a_zip("DEMO4_reexport_rpa_time", &[])]
#[case::numbers("DEMO4_renumbered", &[])]
#[case::when_a_connection_was_saved("DEMO4_lastSaved", &[])]
#[case::a_path("DEMO4_hello1_path_changed", &[
    "~ endpoint HELLO_WORLD 01.00.0000 › helloWorld: ResourceURI",
    "/names/{name} → /people/{name}",
])]
#[case::a_schedule("DEMO4_schedule_changed", &[
    "~ schedule of CREATE_PENDING_WORKERS 01.00.0002: when",
    "on 2020-07-24 at 16:25:0 (Asia/Kolkata) → on 2020-07-24 at 03:00:0 (Asia/Kolkata)",
])]
#[case::an_email("DEMO4_email_body", &[
    "~ step HELLO_WORLD 02.00.0001 › notification sendEmail: body",
    "Welcome to Oracle Integration !!! → Goodbye from Oracle Integration !!!",
])]
fn an_edited_project_differs_in_what_was_edited_alone(
    #[case] name: &str,
    #[case] expected: &[&str],
) {
    let Some(before) = real("DEMO_FIRST_PROJECT_4.car") else { return };
    let Some(after) = real(&format!("edited/{name}.car")) else { return };
    let open = |bytes: &[u8]| UnpackedArchive::read(bytes, None).unwrap();
    let (x, y) = (open(&before), open(&after));
    let same = expected.is_empty();
    assert_eq!(x.fingerprints() == y.fingerprints(), same, "both fingerprints");
    assert_eq!(x.fingerprints().portable == y.fingerprints().portable, same, "the portable one");
    for (x, y, turned) in [(&x, &y, false), (&y, &x, true)] {
        let found = compare(x, y).unwrap();
        assert_eq!(
            (found.same, found.changes.len()),
            (same, expected.len() / 2),
            "{:#?}",
            found.changes
        );
        let told: Vec<String> = found.changes.iter().flat_map(|c| told(c, turned)).collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn a_version_that_came_beside_another_is_one_change_and_no_rewrite() {
    let (Some(before), Some(after)) =
        (real("DEMO_FIRST_PROJECT_3.car"), real("DEMO_FIRST_PROJECT_4.car"))
    else {
        return;
    };
    let open = |bytes: &[u8]| UnpackedArchive::read(bytes, None).unwrap();
    let found = compare(&open(&before), &open(&after)).unwrap();
    let told: Vec<String> =
        found.changes.iter().flat_map(|c| told(c, false)).filter(|t| t != " → ").collect();
    let (came, beside) = told.split_first().unwrap();
    let head = "+ integration RETRIEVE_COUNTRY_INFORMATIO 02.00.0000 (newer than 01.00.0000, compared with it: 12 steps, 1 mapping, ";
    assert!(came.starts_with(head), "{came}");
    assert_eq!(beside, ["+ library RANDOM 01.00.0000", "+ connection ALTERNATE_COUNTRY_SERVICE"]);
    let inside: Vec<&str> = found.changes[0].inside.iter().map(Change::place_in_member).collect();
    assert!(
        inside.contains(&"map to GetCountryInfo: execute/TemplateParameters/Code"),
        "{inside:?}"
    );
    assert!(!inside.iter().any(|place| place.contains("forceWsdlTypesBuild")), "{inside:?}");
    // White space is all that differs in the sample.
    assert!(!inside.iter().any(|place| place.contains("ResponseSample")), "{inside:?}");
}

/// Renames what stands in a project's archive under one version of a code.
fn renamed(entries: &Entries, from: &str, to: &str) -> Entries {
    let (code, old) = from.split_once(' ').unwrap();
    let new = to.split_once(' ').unwrap().1;
    let folder = format!("project/integrations/{code}_{old}/");
    let rename = |(name, bytes): &(String, Vec<u8>)| match name.strip_prefix(&folder) {
        None => (name.clone(), bytes.clone()),
        Some(rest) => {
            let text = String::from_utf8(bytes.clone());
            let bytes = match text {
                Ok(text) if rest == "info.json" || rest.ends_with("project.xml") => {
                    text.replace(old, new).into_bytes()
                }
                _ => bytes.clone(),
            };
            (format!("project/integrations/{code}_{new}/{rest}"), bytes)
        }
    };
    entries.iter().map(rename).collect()
}

#[test]
fn a_version_in_the_place_of_another_is_told_as_that() {
    let Some(before) = real("DEMO_FIRST_PROJECT_4.car") else { return };
    let entries = renamed(&unpack(&before), "HELLO_WORLD 02.00.0001", "HELLO_WORLD 02.00.0002");
    let after = pack(&entries, zip::CompressionMethod::Deflated);
    let open = |bytes: &[u8]| UnpackedArchive::read(bytes, None).unwrap();
    let found = compare(&open(&before), &open(&after)).unwrap();
    let told: Vec<String> = found.changes.iter().flat_map(|c| told(c, false)).collect();
    let member = "HELLO_WORLD 02.00.0001 → 02.00.0002";
    let expected =
        [format!("~ integration {member} › version"), "02.00.0001 → 02.00.0002".to_owned()];
    assert_eq!(told, expected);
    assert_eq!(found.changes[0].member.as_deref(), Some(member));
}

/// A change as `~ step where` and `before → after`; the latter the other way round where the sides
/// were turned.
fn told(change: &Change, turned: bool) -> [String; 2] {
    let value = |value: &Option<String>| value.clone().unwrap_or_default();
    let (before, after) = (value(&change.before), value(&change.after));
    let (before, after) = if turned { (after, before) } else { (before, after) };
    [
        format!("{} {} {}", change.change.mark(), change.group.label(), change.place),
        format!("{before} → {after}"),
    ]
}

#[test]
fn libraries_and_lookups_are_read_and_compared_by_what_is_in_them() {
    let script = |text: &str| UnpackedArchive::read(text.as_bytes(), Some("trim.js")).unwrap();
    let jar = |text: &str| {
        let manifest = ("META-INF/MANIFEST.MF".to_owned(), text.len().to_string().into_bytes());
        let parts = vec![manifest, ("trim.js".to_owned(), text.as_bytes().to_vec())];
        UnpackedArchive::read(&pack(&parts, zip::CompressionMethod::Stored), Some("trim.jar"))
            .unwrap()
    };
    let (old, new) = (
        "function trim(s) { return s; }",
        "function trim(s) { return s; }\nfunction pad(s) { return s; }",
    );
    for open in [&script as &dyn Fn(&str) -> UnpackedArchive, &jar] {
        let (x, y) = (open(old), open(new));
        let ContentsBody::Library(library) = &y.contents.body else { panic!("no library") };
        assert_eq!(
            library.scripts,
            [("trim.js".to_owned(), vec!["trim".to_owned(), "pad".to_owned()])]
        );
        let found = compare(&x, &y).unwrap();
        let places: Vec<_> =
            found.changes.iter().map(|c| (c.group, c.change, c.place.as_str())).collect();
        assert_eq!(places, [(ChangeGroup::Library, ChangeKind::Added, "function pad")]);
        assert_ne!(x.fingerprints(), y.fingerprints());
        let inside = compare(&x, &open("function trim(s) { return 1; }")).unwrap();
        assert_eq!(inside.changes.len(), 1, "{:?}", inside.changes);
    }
    let table = |text: &str| UnpackedArchive::read(text.as_bytes(), Some("L.csv")).unwrap();
    let found =
        compare(&table("DVM,L,\na,b\n1,2\n3,4\n"), &table("DVM,L,\na,b\n1,5\n6,7\n")).unwrap();
    let lines: Vec<_> =
        found.changes.iter().map(|c| format!("{} {}", c.change.mark(), c.place)).collect();
    assert_eq!(lines, ["~ 1, b", "- 3", "+ 6"]);
}

/// What cannot be read on one side is missing there, and no person took it out: compare says so,
/// for each way in which a member can be broken.
#[rstest]
#[case::flow("PROJECT-INF/project.xml")]
#[case::identity("info.json")]
fn what_cannot_be_read_on_one_side_is_told_by_compare(#[case] file: &str) {
    let Some(bytes) = real("DEMO_FIRST_PROJECT_4.car") else { return };
    let mut entries = unpack(&bytes);
    let place = format!("project/integrations/HELLO_WORLD_02.00.0001/{file}");
    let (_, broken) = entries.iter_mut().find(|(name, _)| *name == place).unwrap();
    broken.truncate(broken.len() / 2);
    let bad = pack(&entries, zip::CompressionMethod::Deflated);
    let read = |bytes: &[u8]| UnpackedArchive::read(bytes, Some("x.car")).unwrap();
    for (a, b, side) in [(&bytes, &bad, "second"), (&bad, &bytes, "first")] {
        let found = compare(&read(a), &read(b)).unwrap();
        let told = format!("the {side} cannot be read whole: ");
        let change = found.changes.iter().find(|c| c.place.starts_with(&told));
        assert!(change.is_some_and(|c| c.place.contains("HELLO_WORLD")), "{:#?}", found.changes);
    }
}

/// Two versions of one code in a project are told apart by what searches and what tells needs.
#[tokio::test(flavor = "multi_thread")]
async fn versions_of_one_code_in_a_project_are_told_apart_by_grep_and_deps() {
    let Some(bytes) = real("DEMO_FIRST_PROJECT_4.car") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.car");
    std::fs::write(&file, bytes).unwrap();
    let (config, name) = (folder.path().join("none.toml"), file.to_str().unwrap());
    let (code, found) = crate::cli::json(&config, &["grep", "GET /country", name, "--json"]).await;
    assert_eq!(code, 0, "{found}");
    let hits: Vec<(&str, &str, usize)> = found["found"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let count = f["hits"].as_array().unwrap().len();
            (f["code"].as_str().unwrap(), f["version"].as_str().unwrap(), count)
        })
        .collect();
    let code = "RETRIEVE_COUNTRY_INFORMATIO";
    assert_eq!(hits, [(code, "01.00.0000", 2), (code, "02.00.0000", 5)]);
    let (_, out, _) = crate::cli::run(crate::cli::oicx(&config), &["deps", name]).await;
    assert!(out.contains("library DEMO_FIRST_PROJECT/RANDOM (02.00.0000 alone)"), "{out}");
    assert!(out.contains("connection DEMO_FIRST_PROJECT/GETINFO\n"), "both need it: {out}");
}
