//! Each kind of change, told of one small archive before and after one edit.

use rstest::rstest;

use super::fixture::{FileTexts, iar, opened, zip};
use super::{ChangeGroup as Group, ChangeKind as Kind, Comparison, compare};
use crate::archive::UnpackedArchive;
use crate::model::{self, Description};

const PROJECT: &str = r#"<p><projectDescription>Copies people</projectDescription><icsflow>
<application name="application_1"><role>source</role>
  <adapter><code>OIC_REST</code><name>trigger</name></adapter><mep>push-sync</mep>
  <outbound name="outbound_1"><operation>execute</operation>
    <output name="output_1"><role>request</role><messageContextRef refUri="messagecontext_1"/>
    </output></outbound></application>
<application name="application_2"><role>target</role>
  <adapter><code>HCM</code><name>getWorkers</name></adapter><mep>push-sync</mep>
  <inbound name="inbound_1"><operation>execute</operation><resourceGroup name="resourcegroup_1">
    <resource name="resource_1" location="../resources/application_2/get.jca" type="jca"/>
    <resource name="resource_2" location="../resources/application_2/get.xsd" type="xsd"/>
    </resourceGroup><input name="input_1"><role>request</role>
    <messageContextRef refUri="messagecontext_2"/></input></inbound></application>
<processor name="processor_1"><type>assignment</type><resourceGroup name="resourcegroup_2">
  <resource name="resource_3" location="../resources/processor_1/expr.properties"/>
  </resourceGroup></processor>
<processor name="processor_2"><type>transformer</type><resourceGroup name="resourcegroup_3">
  <resource name="resource_4" location="../resources/processor_2/map.xsl" type="xslt"/>
  </resourceGroup><output name="output_2"><messageContextRef refUri="messagecontext_2"/></output>
  </processor>
<processor name="processor_3"><type>for</type><processorName>worker</processorName>
  <resourceGroup name="resourcegroup_4">
  <resource name="resource_5" location="../resources/processor_3/expr.properties"/>
  </resourceGroup></processor>
<processor name="processor_4"><type>contentBasedRouter</type><output name="output_3">
  <resource name="resource_6" location="../resources/processor_4/expr.properties"/></output>
  </processor>
<processor name="processor_5"><type>activityStreamLogger</type>
  <resourceGroup name="resourcegroup_5">
  <resource name="resource_7" location="../resources/processor_5/expr.properties"/>
  </resourceGroup></processor>
<processor name="processor_6"><type>wait</type><processorName>pause</processorName>
  <property name="seconds" value="5"/></processor>
<trackingVariable><name>person</name><xpath>/id</xpath><primary>true</primary>
  <messageContextRef refUri="messagecontext_1"/></trackingVariable>
<orchestration><receive refUri="application_1"/><assignment refUri="processor_1"/>
<transformer refUri="processor_2"/><invoke refUri="application_2"/>
<for refUri="processor_3"><router name="by status" refUri="processor_4">
<route refUri="processor_4/output_3">
<activityStreamLogger name="tell" refUri="processor_5"/></route></router></for><wait refUri="processor_6"/><reply/></orchestration></icsflow></p>"#;

const MAP: &str = r#"<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><request>
<grade><xsl:value-of select="dvm:lookupValue('GRADE', 'from', $in, 'to', '')"
  xmlns:dvm="urn:dvm"/></grade><name><xsl:value-of select="/in/name"/></name>
</request></xsl:template></xsl:stylesheet>"#;

const JCA: &str = r#"<adapter-config name="get" adapter="rest"><endpoint-interaction>
<interaction-spec><property name="HttpVerb" value="GET"/><property name="ResourceURI"
  value="/workers"/></interaction-spec></endpoint-interaction></adapter-config>"#;

const SCHEMA: &str = r#"<schema><element name="worker"><complexType>
<element name="id" type="int"/><element name="name" type="string"/>
</complexType></element></schema>"#;

const CONNECTION: &str = "<c><instanceCode>HCM</instanceCode><displayName>People</displayName>
<applicationTypeRef>rest</applicationTypeRef><connectionProperties><connectionProperty>
<name>url</name><value>https://a.example</value></connectionProperty></connectionProperties>
<securityPolicy>BASIC</securityPolicy></c>";

const LOOKUP: &str = r#"<dvm name="GRADE"><description>Pay</description>
<columns><column name="from"/><column name="to"/></columns>
<rows><row><cell>1</cell><cell>A</cell></row><row><cell>2</cell><cell>B</cell></row></rows></dvm>"#;

const ATTRIBUTES: &str = "project_code=SYNC\nproject_version=01.00.0000\nproject_name=People\n\
    project_type=DEVELOPED\nsmartTags=hr\n";

fn expression(short: &str, variable: &str) -> String {
    format!("TextExpression : {short}\nXpathExpression : ${short}\nVariableName : {variable}\n")
}

/// The files of one export, by path in the integration.
fn export() -> FileTexts {
    let files = [
        ("PROJECT-INF/project.xml", PROJECT.to_owned()),
        ("PROJECT-INF/layout.json", "{}".to_owned()),
        ("ics_project_attributes.properties", ATTRIBUTES.to_owned()),
        ("resources/application_2/get.jca", JCA.to_owned()),
        ("resources/application_2/get.xsd", SCHEMA.to_owned()),
        ("resources/processor_1/expr.properties", expression("startTime", "lastRun")),
        ("resources/processor_2/map.xsl", MAP.to_owned()),
        ("resources/processor_3/expr.properties", expression("items", "current")),
        ("resources/processor_4/expr.properties", expression("isActive", "")),
        ("resources/processor_5/expr.properties", expression("count", "")),
        ("resources/processor_9/notes.txt", "by hand".to_owned()),
        ("appinstances/HCM.xml", CONNECTION.to_owned()),
        ("dvms/GRADE.dvm", LOOKUP.to_owned()),
        ("eventtypes/HIRED.json", r#"{"a":1}"#.to_owned()),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
}

fn compared(before: FileTexts, after: FileTexts) -> Comparison {
    compare(&opened(&iar(before), "a.iar"), &opened(&iar(after), "b.iar")).unwrap()
}

/// One edit of a file: a text that stands there once, and what comes in its place.
fn edited(mut files: FileTexts, path: &str, from: &str, to: &str) -> FileTexts {
    let text = files.get_mut(path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from} stands once in {path}");
    *text = text.replace(from, to);
    files
}

type Told<'t> = (Group, Kind, &'t str, Option<&'t str>, Option<&'t str>);

fn told(comparison: &Comparison) -> Vec<Told<'_>> {
    let changes = comparison.changes.iter();
    changes
        .map(|c| (c.group, c.change, c.place.as_str(), c.before.as_deref(), c.after.as_deref()))
        .collect()
}

const P: &str = "PROJECT-INF/project.xml";

#[rstest]
#[case::step_removed(P, r#"<invoke refUri="application_2"/>"#, "",
    (Group::Step, Kind::Removed, "after map to getWorkers: invoke getWorkers",
     Some("GET /workers"), None))]
#[case::step_added(P, "<reply/>", "<reply/><stop/>",
    (Group::Step, Kind::Added, "after reply: stop", None, None))]
#[case::scope_removed(P, r#"<for refUri="processor_3"><router name="by status" refUri="processor_4">
<route refUri="processor_4/output_3">
<activityStreamLogger name="tell" refUri="processor_5"/></route></router></for>"#, "",
    (Group::Step, Kind::Removed, "after invoke getWorkers: for each worker with 3 steps in it",
     Some("$current in items"), None))]
#[case::step_moved(P, r#"<wait refUri="processor_6"/><reply/>"#,
    r#"<reply/><wait refUri="processor_6"/>"#,
    (Group::Step, Kind::Moved, "wait pause", Some("after for each worker"), Some("after reply")))]
#[case::step_renamed(P, r#"name="by status""#, r#"name="by state""#,
    (Group::Step, Kind::Changed, "switch by state: name", Some("by status"), Some("by state")))]
#[case::step_setting(P, r#"name="seconds" value="5""#, r#"name="seconds" value="9""#,
    (Group::Step, Kind::Changed, "wait pause: seconds", Some("5"), Some("9")))]
#[case::mapping_expression("resources/processor_2/map.xsl", "/in/name", "/in/fullName",
    (Group::Mapping, Kind::Changed, "map to getWorkers: request/name", Some("/in/name"),
     Some("/in/fullName")))]
#[case::mapping_field_removed("resources/processor_2/map.xsl",
    r#"<name><xsl:value-of select="/in/name"/></name>"#, "",
    (Group::Mapping, Kind::Removed, "map to getWorkers: request/name", Some("/in/name"), None))]
#[case::mapping_field_added("resources/processor_2/map.xsl", "</request>", "<id>7</id></request>",
    (Group::Mapping, Kind::Added, "map to getWorkers: request/id", None, Some("'7'")))]
#[case::assignment("resources/processor_1/expr.properties",
    "startTime\nXpathExpression : $startTime",
    "endTime\nXpathExpression : $endTime",
    (Group::Expression, Kind::Changed, "assign lastRun", Some("startTime"), Some("endTime")))]
#[case::condition("resources/processor_4/expr.properties", "isActive\nXpathExpression : $isActive",
    "isNew\nXpathExpression : $isNew",
    (Group::Expression, Kind::Changed, "if isNew", Some("isActive"), Some("isNew")))]
#[case::loop_over("resources/processor_3/expr.properties", "items\nXpathExpression : $items",
    "rows\nXpathExpression : $rows",
    (Group::Expression, Kind::Changed, "for each worker", Some("items"), Some("rows")))]
#[case::endpoint_pattern(P, "<name>trigger</name></adapter><mep>push-sync</mep>",
    "<name>trigger</name></adapter><mep>fire-and-forget</mep>",
    (Group::Endpoint, Kind::Changed, "trigger: exchange pattern", Some("push-sync"),
     Some("fire-and-forget")))]
#[case::endpoint_verb("resources/application_2/get.jca", r#"value="GET""#, r#"value="POST""#,
    (Group::Endpoint, Kind::Changed, "getWorkers: HttpVerb", Some("GET"), Some("POST")))]
#[case::endpoint_resource("resources/application_2/get.jca", "/workers", "/people",
    (Group::Endpoint, Kind::Changed, "getWorkers: ResourceURI", Some("/workers"), Some("/people")))]
#[case::connection_property("appinstances/HCM.xml", "https://a.example", "https://b.example",
    (Group::Connection, Kind::Changed, "HCM: url", Some("https://a.example"),
     Some("https://b.example")))]
#[case::connection_policy("appinstances/HCM.xml", "BASIC", "OAUTH",
    (Group::Connection, Kind::Changed, "HCM: policy", Some("BASIC"), Some("OAUTH")))]
#[case::lookup_cell("dvms/GRADE.dvm", "<cell>B</cell>", "<cell>C</cell>",
    (Group::Lookup, Kind::Changed, "GRADE: row 2, to", Some("B"), Some("C")))]
#[case::lookup_row_removed("dvms/GRADE.dvm", "<row><cell>2</cell><cell>B</cell></row>", "",
    (Group::Lookup, Kind::Removed, "GRADE: row 2", Some("2 │ B"), None))]
#[case::lookup_row_added("dvms/GRADE.dvm", "</rows>",
    "<row><cell>3</cell><cell>C</cell></row></rows>",
    (Group::Lookup, Kind::Added, "GRADE: row 3", None, Some("3 │ C")))]
#[case::lookup_rows_in_another_order("dvms/GRADE.dvm",
    "<row><cell>1</cell><cell>A</cell></row><row><cell>2</cell><cell>B</cell></row>",
    "<row><cell>2</cell><cell>B</cell></row><row><cell>1</cell><cell>A</cell></row>",
    (Group::Lookup, Kind::Moved, "GRADE: the rows stand in another order", None, None))]
#[case::lookup_description("dvms/GRADE.dvm", "Pay", "Salary",
    (Group::Lookup, Kind::Changed, "GRADE: description", Some("Pay"), Some("Salary")))]
#[case::schema_type("resources/application_2/get.xsd", r#"type="int""#, r#"type="long""#,
    (Group::Schema, Kind::Changed, "get.xsd: worker/id", Some("element type int"),
     Some("element type long")))]
#[case::schema_element_removed("resources/application_2/get.xsd",
    r#"<element name="name" type="string"/>"#, "",
    (Group::Schema, Kind::Removed, "get.xsd: worker/name", Some("element type string"), None))]
#[case::schema_element_added("resources/application_2/get.xsd", "</complexType>",
    r#"<element name="age" type="int"/></complexType>"#,
    (Group::Schema, Kind::Added, "get.xsd: worker/age", None, Some("element type int")))]
#[case::tracking(P, "<xpath>/id</xpath>", "<xpath>/name</xpath>",
    (Group::Tracking, Kind::Changed, "person", Some("person (primary) = /id"),
     Some("person (primary) = /name")))]
#[case::name("ics_project_attributes.properties", "project_name=People", "project_name=Staff",
    (Group::Integration, Kind::Changed, "name", Some("People"), Some("Staff")))]
#[case::version("ics_project_attributes.properties", "01.00.0000", "01.00.0001",
    (Group::Integration, Kind::Changed, "version", Some("01.00.0000"), Some("01.00.0001")))]
#[case::description(P, "Copies people", "Copies staff",
    (Group::Integration, Kind::Changed, "description", Some("Copies people"),
     Some("Copies staff")))]
#[case::attribute("ics_project_attributes.properties", "smartTags=hr", "smartTags=pay",
    (Group::Integration, Kind::Changed, "attribute: smartTags", Some("hr"), Some("pay")))]
#[case::file_that_no_reader_knows("resources/processor_9/notes.txt", "by hand", "by mouse",
    (Group::File, Kind::Changed, "resources/processor_9/notes.txt", None, None))]
fn one_edit_is_told_as_one_change(
    #[case] path: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: Told<'_>,
) {
    let found = compared(export(), edited(export(), path, from, to));
    assert_eq!(told(&found), [expected]);
    assert!(!found.same);
    // The way back is the same change the other way round.
    let back = compared(edited(export(), path, from, to), export());
    assert_eq!(back.changes.len(), 1, "{:?}", told(&back));
    assert_eq!(back.changes[0].group, expected.0);
}

#[rstest]
#[case::endpoint_connection(P, "<code>OIC_REST</code>", "<code>CRM_REST</code>", &[
    (Group::Endpoint, Kind::Changed, "trigger: connection", Some("OIC_REST"), Some("CRM_REST")),
    (Group::Connection, Kind::Removed, "OIC_REST no longer used", None, None),
    (Group::Connection, Kind::Added, "CRM_REST now used", None, None),
])]
#[case::connection_agent("appinstances/HCM.xml", "</c>", "<agentGroup>DC1</agentGroup></c>", &[
    (Group::Connection, Kind::Added, "HCM: agent group", None, Some("DC1")),
    (Group::Connection, Kind::Added, "agent group DC1 now used", None, None),
])]
fn what_is_used_is_told_where_it_stands_and_as_used(
    #[case] path: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &[Told<'_>],
) {
    assert_eq!(told(&compared(export(), edited(export(), path, from, to))), expected);
}

#[rstest]
#[case::connection("appinstances/CRM.xml", &CONNECTION.replace("HCM", "CRM"),
    (Group::Connection, Kind::Added, "CRM now used", None, None))]
#[case::lookup("dvms/SITES.dvm", &LOOKUP.replace("GRADE", "SITES"),
    (Group::Lookup, Kind::Added, "SITES now used", None, None))]
#[case::library("libraries/TRIM/trim.js", "function trim(x) {}",
    (Group::Library, Kind::Added, "TRIM now used", None, None))]
#[case::event("eventtypes/FIRED.json", "{}",
    (Group::Event, Kind::Added, "FIRED now used", None, None))]
#[case::file("resources/other.txt", "x",
    (Group::File, Kind::Added, "resources/other.txt", None, None))]
fn a_file_that_came_is_told_by_what_it_is(
    #[case] path: &str,
    #[case] text: &str,
    #[case] expected: Told<'_>,
) {
    let mut after = export();
    after.insert(path.to_owned(), text.to_owned());
    assert_eq!(told(&compared(export(), after.clone())), [expected]);
    let back = compared(after, export());
    assert_eq!(back.changes.len(), 1, "{:?}", told(&back));
    assert_eq!(back.changes[0].change, Kind::Removed);
}

#[rstest]
#[case::canvas("PROJECT-INF/layout.json", "{}", r#"{"x":1}"#)]
#[case::numbers(P, r#"name="resource_7""#, r#"name="resource_70""#)]
#[case::comment("ics_project_attributes.properties", "project_code", "#Mon\nproject_code")]
#[case::counted_errors(
    "resources/processor_1/expr.properties",
    "VariableName",
    "NumberOfErrors : 3\nVariableName"
)]
#[case::blanks_in_xml("appinstances/HCM.xml", "<c>", "<c>\n  ")]
fn what_carries_no_meaning_is_no_change(#[case] path: &str, #[case] from: &str, #[case] to: &str) {
    let found = compared(export(), edited(export(), path, from, to));
    assert_eq!((told(&found), found.same), (vec![], true));
}

fn lookup(text: &str) -> UnpackedArchive {
    opened(text.as_bytes(), "GRADE.csv")
}

#[rstest]
#[case::cell("1,A", "1,B", (Group::Row, Kind::Changed, "1, to", Some("A"), Some("B")))]
#[case::row("1,A\n", "1,A\n2,B\n", (Group::Row, Kind::Added, "2", None, Some("2 │ B")))]
#[case::name("DVM,GRADE", "DVM,LEVEL",
    (Group::Property, Kind::Changed, "name", Some("GRADE"), Some("LEVEL")))]
#[case::column("from,to\n", "from,into\n",
    (Group::Property, Kind::Changed, "columns", Some("from, to"), Some("from, into")))]
fn a_lookup_by_itself_is_told_by_row(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: Told<'_>,
) {
    let text = "DVM,GRADE,Pay\nfrom,to\n1,A\n";
    let found = compare(&lookup(text), &lookup(&text.replace(from, to))).unwrap();
    assert_eq!(told(&found), [expected]);
}

#[rstest]
#[case::changed("url", "https://b",
    (Group::Property, Kind::Changed, "url", Some("https://a"), Some("https://b")))]
#[case::added("timeout", "5", (Group::Property, Kind::Added, "timeout", None, Some("5")))]
#[case::secret("password", "hunter2!",
    (Group::Property, Kind::Added, "password", None, Some("••••••")))]
fn a_description_is_told_by_property(
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: Told<'_>,
) {
    let mut description = Description::new(model::Kind::Connection, "HCM", "People");
    description.set("url", "https://a");
    let before = opened(&description.to_bytes(), "HCM.json");
    description.set(name, value);
    let found = compare(&before, &opened(&description.to_bytes(), "HCM.json")).unwrap();
    assert_eq!(told(&found), [expected]);
}

#[rstest]
#[case::function_added("function a() {}", "function a() {}\nfunction b() {}",
    (Group::Library, Kind::Added, "function b", None, None))]
#[case::function_removed("function a() {}\nfunction b() {}", "function a() {}",
    (Group::Library, Kind::Removed, "function b", None, None))]
#[case::body_changed("function a() {}", "function a() { return 1 }",
    (Group::Library, Kind::Changed, "trim.js", None, None))]
fn a_library_is_told_by_function(
    #[case] before: &str,
    #[case] after: &str,
    #[case] expected: Told<'_>,
) {
    let read = |text: &str| opened(text.as_bytes(), "trim.js");
    let found = compare(&read(before), &read(after)).unwrap();
    assert_eq!(told(&found), [expected]);
}

/// A project with one member, one connection and one lookup.
fn project(member: FileTexts) -> FileTexts {
    let mut files: FileTexts = member
        .into_iter()
        .filter(|(path, _)| path.starts_with("PROJECT-INF/") || path.starts_with("resources/"))
        .map(|(path, text)| (format!("project/integrations/SYNC_01.00.0000/{path}"), text))
        .collect();
    let mut add = |path: &str, text: &str| files.insert(path.to_owned(), text.to_owned());
    add("project/project.yaml", "code: HR\nname: People\ndescription: Staff\n");
    add("project/connections/HCM.xml", CONNECTION);
    add("project/lookups/GRADE.dvm", LOOKUP);
    add(
        "project/integrations/SYNC_01.00.0000/info.json",
        r#"{"properties":{"code":"SYNC","version":"01.00.0000","name":"People"}}"#,
    );
    files
}

#[rstest]
#[case::of_a_member("project/integrations/SYNC_01.00.0000/resources/application_2/get.jca",
    r#"value="GET""#, r#"value="POST""#,
    (Group::Endpoint, Kind::Changed, "SYNC 01.00.0000 › getWorkers: HttpVerb", Some("GET"), Some("POST")))]
#[case::of_its_connection("project/connections/HCM.xml", "BASIC", "OAUTH",
    (Group::Connection, Kind::Changed, "HCM: policy", Some("BASIC"), Some("OAUTH")))]
#[case::of_its_lookup("project/lookups/GRADE.dvm", "<cell>B</cell>", "<cell>C</cell>",
    (Group::Lookup, Kind::Changed, "GRADE: row 2, to", Some("B"), Some("C")))]
#[case::of_its_name("project/project.yaml", "name: People", "name: Humans",
    (Group::Integration, Kind::Changed, "the project's name", Some("People"), Some("Humans")))]
fn a_project_is_told_by_its_parts(
    #[case] path: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: Told<'_>,
) {
    let read = |files: FileTexts| opened(&zip(files), "HR.car");
    let before = project(export());
    let after = edited(before.clone(), path, from, to);
    let found = compare(&read(before), &read(after)).unwrap();
    assert_eq!(told(&found), [expected]);
}

#[test]
fn a_member_that_came_is_one_change() {
    let before = project(export());
    let mut after = before.clone();
    for (path, text) in &before {
        if path.contains("/SYNC_01.00.0000/") {
            after.insert(path.replace("SYNC_01", "PAY_01"), text.replace("SYNC", "PAY"));
        }
    }
    let read = |files: FileTexts| opened(&zip(files), "HR.car");
    let found = compare(&read(before), &read(after)).unwrap();
    assert_eq!(told(&found), [(Group::Integration, Kind::Added, "PAY 01.00.0000", None, None)]);
}

/// Adds a copy of the member `SYNC 01.00.0000` under another code and version.
fn with_member(mut files: FileTexts, code: &str, version: &str) -> FileTexts {
    let folder = format!("/{code}_{version}/");
    let copy = files.iter().filter(|(path, _)| path.contains("/SYNC_01.00.0000/"));
    let text = |t: &str| t.replace("SYNC", code).replace("01.00.0000", version);
    let copy: Vec<_> =
        copy.map(|(p, t)| (p.replace("/SYNC_01.00.0000/", &folder), text(t))).collect();
    files.extend(copy);
    files
}

#[test]
fn two_versions_of_one_code_are_two_members() {
    let read = |files: &FileTexts| opened(&zip(files.clone()), "HR.car");
    let before = with_member(project(export()), "SYNC", "02.00.0000");
    for version in ["01.00.0000", "02.00.0000"] {
        let path = format!("project/integrations/SYNC_{version}/resources/application_2/get.jca");
        let after = edited(before.clone(), &path, r#"value="GET""#, r#"value="PUT""#);
        let found = compare(&read(&before), &read(&after)).unwrap();
        let place = format!("SYNC {version} › getWorkers: HttpVerb");
        let change = (Group::Endpoint, Kind::Changed, place.as_str(), Some("GET"), Some("PUT"));
        assert_eq!(told(&found), [change]);
        assert_ne!(read(&before).fingerprints().portable, read(&after).fingerprints().portable);
    }
}

#[test]
fn the_changes_of_a_project_stand_in_the_order_in_which_they_are_read() {
    let read = |files: FileTexts| opened(&zip(files), "HR.car");
    let label = |version: &str| {
        format!(r#"{{"code":"LIVE","integrations":[{{"code":"SYNC","version":"{version}"}}]}}"#)
    };
    let schedule = |hour: u8| {
        format!(
            "<schedule><include-date><year>2026</year><month>1</month><day>2</day>\
            <time>0{hour}:00</time></include-date></schedule>"
        )
    };
    let add = |mut files: FileTexts, more: [(&str, String); 4]| {
        files.extend(more.map(|(path, text)| (path.to_owned(), text)));
        files
    };
    let before = add(
        with_member(project(export()), "GONE", "01.00.0000"),
        [
            ("project/labels/LIVE.json", label("01.00.0000")),
            ("project/schedules/Schedule_SYNC_01.00.0000.xml", schedule(1)),
            ("project/eventtypes/HIRED_1.json", r#"{"code":"HIRED","name":"Hired"}"#.into()),
            ("project/libraries/TRIM_01.00.0000/trim.js", "function a() {}".into()),
        ],
    );
    let mut after = add(
        with_member(project(export()), "SYNC", "01.00.0001"),
        [
            ("project/labels/LIVE.json", label("01.00.0001")),
            ("project/schedules/Schedule_SYNC_01.00.0000.xml", schedule(2)),
            ("project/eventtypes/HIRED_1.json", r#"{"code":"HIRED","name":"Joined"}"#.into()),
            ("project/libraries/TRIM_01.00.0000/trim.js", "function b() {}".into()),
        ],
    );
    for (path, from, to) in [
        ("project/connections/HCM.xml", "BASIC", "OAUTH"),
        ("project/lookups/GRADE.dvm", "<cell>B</cell>", "<cell>C</cell>"),
        ("project/project.yaml", "name: People", "name: Humans"),
        ("project/integrations/SYNC_01.00.0000/resources/application_2/get.jca", "GET", "PUT"),
    ] {
        after = edited(after, path, from, to);
    }
    let found = compare(&read(before), &read(after)).unwrap();
    assert_eq!(
        told(&found),
        [
            (
                Group::Integration,
                Kind::Added,
                "SYNC 01.00.0001 (newer than 01.00.0000, compared with it: the same)",
                None,
                None
            ),
            (Group::Integration, Kind::Removed, "GONE 01.00.0000", None, None),
            (
                Group::Endpoint,
                Kind::Changed,
                "SYNC 01.00.0000 › getWorkers: HttpVerb",
                Some("GET"),
                Some("PUT")
            ),
            (Group::Lookup, Kind::Changed, "GRADE: row 2, to", Some("B"), Some("C")),
            (Group::Library, Kind::Changed, "TRIM 01.00.0000: trim.js", None, None),
            (Group::Connection, Kind::Changed, "HCM: policy", Some("BASIC"), Some("OAUTH")),
            (
                Group::Deployment,
                Kind::Changed,
                "LIVE: SYNC",
                Some("01.00.0000"),
                Some("01.00.0001")
            ),
            (
                Group::Schedule,
                Kind::Changed,
                "of SYNC 01.00.0000: when",
                Some("on 2026-01-02 at 01:00"),
                Some("on 2026-01-02 at 02:00")
            ),
            (Group::Event, Kind::Changed, "HIRED revision 1: name", Some("Hired"), Some("Joined")),
            (
                Group::Integration,
                Kind::Changed,
                "the project's name",
                Some("People"),
                Some("Humans")
            ),
        ]
    );
    // What is inside one member is one section.
    assert_eq!(found.sections().len(), found.changes.len());
    let inside: Vec<_> = found.changes[0].inside.iter().map(|c| c.place_in_member()).collect();
    assert_eq!(inside, ["version"]);
}

#[test]
fn two_of_different_kinds_are_not_compared() {
    let found = compare(&lookup("DVM,GRADE,\na\n"), &opened(b"function a() {}", "a.js"));
    assert!(found.unwrap_err().to_string().contains("of kind lookup"));
}
