//! What carries meaning and what does not, a row a rule (docs/archive-format.md).

use rstest::rstest;

use super::{Canonical, Fingerprints};

const PROJECT: &str = "PROJECT-INF/project.xml";
const ATTRIBUTES: &str = "ics_project_attributes.properties";
const EXPRESSION: &str = "resources/processor_1/expr.properties";
const CONNECTION: &str = "appinstances/HCM.xml";
const JCA: &str = "resources/a.jca";
const MAPPING: &str = "resources/processor_1/map.xsl";
const WSDL: &str = "resources/a.wsdl";

fn of(path: &str, text: &str) -> Fingerprints {
    Canonical::of_files([(path, text.as_bytes())]).fingerprints()
}

#[rstest]
#[case::canvas("PROJECT-INF/layout3.json", "{}", r#"{"saves":2}"#)]
#[case::analysis("PROJECT-INF/analysis.json", "{}", r#"{"processorCount":9}"#)]
#[case::editor_state("resources/processor_1/req_stateinfo.json", "{}", "[1]")]
#[case::mapper_state("resources/processor_1/req_1_stateinfo.xml", "<s/>", "<s saved='1'/>")]
#[case::date_comment(ATTRIBUTES, "#Mon\nproject_code=A\n", "#Tue\nproject_code=A\n")]
#[case::order_of_attributes(ATTRIBUTES, "a=1\nb=2\n", "b=2\na=1\n")]
#[case::checksum(ATTRIBUTES, "mod=a\n", "mod=b\n")]
#[case::time_of_export(ATTRIBUTES, "validity=1\n", "validity=2\n")]
#[case::service_version(ATTRIBUTES, "version=26.07\n", "version=26.10\n")]
#[case::state(
    ATTRIBUTES,
    "project_persisted_state=ACTIVATED\n",
    "project_persisted_state=CONFIGURED\n"
)]
#[case::blanks_between_elements(PROJECT, "<p><a/></p>", "<p>\n  <a/>\n</p>")]
#[case::order_of_xml_attributes(PROJECT, r#"<p a="1" b="2"/>"#, r#"<p b="2" a="1"/>"#)]
#[case::prefix(PROJECT, r#"<n:p xmlns:n="u"/>"#, r#"<m:p xmlns:m="u"/>"#)]
#[case::comment_in_xml(PROJECT, "<p/>", "<p><!-- saved --></p>")]
#[case::who_saved(PROJECT, "<p><lastSaved>1</lastSaved></p>", "<p><lastSaved>2</lastSaved></p>")]
#[case::counted_step_id(
    PROJECT,
    r#"<p><orchestration><stop id="s1"/></orchestration></p>"#,
    r#"<p><orchestration><stop id="s9"/></orchestration></p>"#
)]
#[case::order_of_definitions(
    PROJECT,
    r#"<p><icsflow><processor name="x"/><application name="y"/></icsflow></p>"#,
    r#"<p><icsflow><application name="y"/><processor name="x"/></icsflow></p>"#
)]
#[case::plugin_version(
    CONNECTION,
    "<c><pluginVersion>1</pluginVersion></c>",
    "<c><pluginVersion>2</pluginVersion></c>"
)]
#[case::credential_key(
    "resources/a.jca",
    r#"<j><property name="csfkey" value="1"/></j>"#,
    r#"<j><property name="csfkey" value="2"/></j>"#
)]
#[case::adapter_sdk(
    "resources/a.jca",
    r#"<j><property name="cloud.adapter.sdk.version" value="1"/></j>"#,
    r#"<j><property name="cloud.adapter.sdk.version" value="2"/></j>"#
)]
#[case::when_it_was_saved(
    JCA,
    r#"<j><property name="lastSaved" value="2024.01.18"/></j>"#,
    r#"<j><property name="lastSaved" value="2026.01.01"/></j>"#
)]
#[case::a_flag_of_a_newer_adapter(
    JCA,
    "<j/>",
    r#"<j><property name="forceWsdlTypesBuild" value="true"/></j>"#
)]
#[case::a_flag_that_is_not_set(JCA, "<j/>", r#"<j><property name="raw" value="false"/></j>"#)]
#[case::a_property_without_a_value(JCA, "<j/>", r#"<j><property name="path" value=""/></j>"#)]
#[case::blanks_in_a_sample(
    JCA,
    r#"<j><property name="RequestSample" value='{"a": "b  c"}'/></j>"#,
    r#"<j><property name="RequestSample" value='{ "a" : "b  c" }'/></j>"#
)]
#[case::id_of_a_connection(CONNECTION, "<c><id>1</id></c>", "<c><id>2</id></c>")]
#[case::group_of_a_connection(CONNECTION, "<c><groupId>1</groupId></c>", "<c/>")]
#[case::status_of_a_connection(
    CONNECTION,
    "<c><status>A</status></c>",
    "<c><status>B</status></c>"
)]
#[case::when_a_connection_was_saved(
    CONNECTION,
    "<c><p><connectionProperty><name>lastSaved</name><value>1</value></connectionProperty></p></c>",
    "<c><p><connectionProperty><name>lastSaved</name><value>2</value></connectionProperty></p></c>"
)]
#[case::order_of_parameters(
    MAPPING,
    r#"<x:t xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:param name="a"/><x:param name="b"/><x:template/></x:t>"#,
    r#"<x:t xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:param name="b"/><x:template/><x:param name="a"/></x:t>"#
)]
#[case::numbers_in_a_generated_name(
    WSDL,
    r#"<w><partnerLinkType name="jitsi_18_outbound_19"/></w>"#,
    r#"<w><partnerLinkType name="jitsi_7_outbound_201"/></w>"#
)]
#[case::checksum_of_a_project("project/oic_project.properties", "mod=a\n", "mod=b\n")]
#[case::order_of_dependencies(
    "info.json",
    r#"{"dependencies":{"lookups":["a","b"]}}"#,
    r#"{"dependencies":{"lookups":["b","a"]}}"#
)]
#[case::saves_of_a_deployment(
    "project/labels/D.json",
    r#"{"revision":1,"integrations":[{"code":"A"},{"code":"B"}]}"#,
    r#"{"revision":2,"integrations":[{"code":"B"},{"code":"A"}]}"#
)]
#[case::blanks_in_the_sample_of_an_event(
    "project/eventtypes/E_1.json",
    r#"{"schema":"{\"a\":1}"}"#,
    r#"{"schema":"{ \"a\" : 1 }"}"#
)]
#[case::warnings(
    EXPRESSION,
    "XpathExpression : 1\nNumberOfWarnings : 0\n",
    "XpathExpression : 1\nNumberOfWarnings : 2\n"
)]
#[case::prefix_in_expression(
    EXPRESSION,
    "XpathExpression : $x/a:b\nNamespaceList : a=urn\n",
    "XpathExpression : $x/c:b\nNamespaceList : c=urn\n"
)]
#[case::order_in_json("resources/x.json", r#"{"a":1,"b":2}"#, r#"{ "b": 2, "a": 1 }"#)]
#[case::member_state(
    "info.json",
    r#"{"properties":{"persistedState":"A"}}"#,
    r#"{"properties":{"persistedState":"B"}}"#
)]
#[case::form_of_a_lookup(
    "dvms/L.dvm",
    r#"<dvm name="L"><columns><column name="a"/></columns></dvm>"#,
    r#"<d:dvm xmlns:d="u" name="L">
<d:columns><d:column name="a"/></d:columns></d:dvm>"#
)]
fn what_another_save_writes_is_cosmetic(
    #[case] path: &str,
    #[case] before: &str,
    #[case] after: &str,
) {
    assert_eq!(of(path, before), of(path, after));
}

#[rstest]
#[case::code(ATTRIBUTES, "project_code=A\n", "project_code=B\n")]
#[case::name(ATTRIBUTES, "project_name=A\n", "project_name=B\n")]
#[case::text(PROJECT, "<p><a>1</a></p>", "<p><a>2</a></p>")]
#[case::namespace(PROJECT, r#"<n:p xmlns:n="u"/>"#, r#"<n:p xmlns:n="v"/>"#)]
#[case::order_of_steps(
    PROJECT,
    "<p><orchestration><map/><invoke/></orchestration></p>",
    "<p><orchestration><invoke/><map/></orchestration></p>"
)]
#[case::property(
    "resources/a.jca",
    r#"<j><property name="HttpVerb" value="GET"/></j>"#,
    r#"<j><property name="HttpVerb" value="PUT"/></j>"#
)]
#[case::a_flag_that_is_set(JCA, "<j/>", r#"<j><property name="raw" value="true"/></j>"#)]
#[case::text_in_a_sample(
    JCA,
    r#"<j><property name="RequestSample" value='{"a": "b c"}'/></j>"#,
    r#"<j><property name="RequestSample" value='{"a": "b  c"}'/></j>"#
)]
#[case::a_parameter(
    MAPPING,
    r#"<x:t xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:param name="a"/></x:t>"#,
    r#"<x:t xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:param name="b"/></x:t>"#
)]
#[case::order_in_a_mapping(MAPPING, "<t><a/><b/></t>", "<t><b/><a/></t>")]
#[case::a_field_with_the_name_of_an_audit(
    MAPPING,
    "<t><lastSaved>1</lastSaved></t>",
    "<t><lastSaved>2</lastSaved></t>"
)]
#[case::a_generated_name(
    WSDL,
    r#"<w><partnerLinkType name="jitsi_18_outbound_19"/></w>"#,
    r#"<w><partnerLinkType name="jitsi_18_inbound_19"/></w>"#
)]
#[case::a_dependency(
    "info.json",
    r#"{"dependencies":{"lookups":["a"]}}"#,
    r#"{"dependencies":{"lookups":["b"]}}"#
)]
#[case::a_member_of_a_deployment(
    "project/labels/D.json",
    r#"{"integrations":[{"code":"A","version":"1"}]}"#,
    r#"{"integrations":[{"code":"A","version":"2"}]}"#
)]
#[case::revision_of_an_event(
    "project/eventtypes/E_1.json",
    r#"{"revision":"1"}"#,
    r#"{"revision":"2"}"#
)]
#[case::expression(EXPRESSION, "XpathExpression : 1\n", "XpathExpression : 2\n")]
#[case::variable(EXPRESSION, "VariableName : a\n", "VariableName : b\n")]
#[case::namespace_of_an_expression(
    EXPRESSION,
    "XpathExpression : $x/a:b\nNamespaceList : a=urn\n",
    "XpathExpression : $x/a:b\nNamespaceList : a=other\n"
)]
#[case::order_in_a_json_list("resources/x.json", "[1,2]", "[2,1]")]
#[case::bytes_that_nobody_reads("resources/x.bin", "1", "2")]
#[case::name_of_a_file_counts("resources/x.bin", "1", "")]
#[case::version_of_a_member(
    "info.json",
    r#"{"properties":{"version":"1"}}"#,
    r#"{"properties":{"version":"2"}}"#
)]
fn what_a_person_changes_is_meaning(#[case] path: &str, #[case] before: &str, #[case] after: &str) {
    let (before, after) = (of(path, before), of(path, after));
    assert_ne!(before.full, after.full);
    assert_ne!(before.portable, after.portable);
}

#[rstest]
#[case::connection(CONNECTION, "<c><url>a</url></c>", "<c><url>b</url></c>")]
#[case::id_of_something_in_a_connection(
    CONNECTION,
    "<c><remoteResource><id>a</id></remoteResource></c>",
    "<c><remoteResource><id>b</id></remoteResource></c>"
)]
#[case::connection_of_a_project(
    "project/connections/HCM.xml",
    "<c><url>a</url></c>",
    "<c><url>b</url></c>"
)]
#[case::lookup(
    "dvms/L.dvm",
    r#"<dvm name="L"><description>a</description></dvm>"#,
    r#"<dvm name="L"><description>b</description></dvm>"#
)]
fn a_copy_that_the_target_has_as_its_own_is_not_portable(
    #[case] path: &str,
    #[case] before: &str,
    #[case] after: &str,
) {
    let (before, after) = (of(path, before), of(path, after));
    assert_ne!(before.full, after.full);
    assert_eq!(before.portable, after.portable);
}

#[test]
fn numbers_that_are_dealt_anew_carry_no_meaning_and_what_they_name_does() {
    let flow = |first: u32, second: u32, shown: [&str; 2]| {
        let definition = |n: u32| {
            format!(
                r#"<processor name="processor_{n}"><resource
                location="../resources/processor_{n}/expr.properties"/></processor>"#
            )
        };
        let project = format!(
            r#"<p><icsflow>{}{}<orchestration><assignment refUri="processor_{first}"/>
            <assignment refUri="processor_{second}"/></orchestration></icsflow></p>"#,
            definition(first),
            definition(second)
        );
        let text = |name: &str| format!("XpathExpression : ${name}\n");
        let files = [
            (PROJECT.to_owned(), project),
            (format!("resources/processor_{first}/expr.properties"), text(shown[0])),
            (format!("resources/processor_{second}/expr.properties"), text(shown[1])),
        ];
        Canonical::of_files(files.iter().map(|(p, t)| (p.as_str(), t.as_bytes()))).fingerprints()
    };
    assert_eq!(flow(1, 2, ["a", "b"]), flow(24, 7, ["a", "b"]));
    assert_ne!(flow(1, 2, ["a", "b"]), flow(1, 2, ["b", "a"]));
}

/// A zip of one file, written in a year.
fn zipped(name: &str, text: &[u8], year: u16) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let time = zip::DateTime::from_date_and_time(year, 1, 1, 0, 0, 0).unwrap();
    let options = zip::write::SimpleFileOptions::default().last_modified_time(time);
    zip.start_file(name, options).unwrap();
    zip.write_all(text).unwrap();
    zip.finish().unwrap().into_inner()
}

#[rstest]
#[case::times(zipped("a.txt", b"1", 2024), zipped("a.txt", b"1", 2026), true)]
#[case::times_of_a_zip_in_it(
    zipped("a.zip", &zipped("a.txt", b"1", 2024), 2024),
    zipped("a.zip", &zipped("a.txt", b"1", 2026), 2024),
    true
)]
#[case::who_packed_a_jar(
    zipped("META-INF/MANIFEST.MF", b"Created-By: a", 2024),
    zipped("META-INF/MANIFEST.MF", b"Created-By: b", 2024),
    true
)]
#[case::its_contents(zipped("a.txt", b"1", 2024), zipped("a.txt", b"2", 2024), false)]
#[case::names_in_it(zipped("a.txt", b"1", 2024), zipped("b.txt", b"1", 2024), false)]
fn a_zip_is_what_is_in_it(#[case] before: Vec<u8>, #[case] after: Vec<u8>, #[case] same: bool) {
    let of = |bytes: &[u8]| Canonical::of_files([("project/rpa.zip", bytes)]).fingerprints();
    assert_ne!(before, after);
    assert_eq!(of(&before) == of(&after), same);
}
