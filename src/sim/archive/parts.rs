//! The files of one archive, each as text.

use std::{collections::BTreeMap, fmt::Write};

use super::{ExportContext, date_comment, template::fill};
use crate::model::IntegrationId;
use crate::sim::landscape::{ConnectionSpec, FlowSpec, LookupSpec};

/// Gathers an archive's files. Numbers are dealt out in the order of the definitions, from a start
/// that moves with each save.
pub struct Parts<'a> {
    flow: &'a FlowSpec,
    around: &'a ExportContext<'a>,
    root: String,
    id: &'a IntegrationId,
    next: u32,
    definitions: String,
    orchestration: String,
    steps: u32,
    /// Endpoint -> the numbers of its request and its answer.
    messages: BTreeMap<String, (u32, u32)>,
    files: Vec<(String, Vec<u8>)>,
}

impl<'a> Parts<'a> {
    /// Prepares the parts of one archive; no file is made before [`Parts::files`].
    pub fn new(id: &'a IntegrationId, flow: &'a FlowSpec, around: &'a ExportContext<'a>) -> Self {
        let root = format!("icspackage/project/{}_{}", id.code, id.version);
        Self {
            flow,
            around,
            root,
            id,
            next: 1 + around.saves * 3,
            definitions: String::new(),
            orchestration: String::new(),
            steps: 0,
            messages: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// Makes the files of the flow, each with its path in the archive; connections, lookups and the
    /// attributes are not among them.
    pub fn files(mut self) -> Vec<(String, Vec<u8>)> {
        self.metadata();
        match &self.flow.schedule {
            Some(_) => self.schedule_receive(),
            None => self.rest_trigger(),
        }
        self.assignment("lastRun", "$schedule/startTime");
        let flow = self.flow;
        self.mapping(&flow.source.name, &[("query", "$lastRun")]);
        self.invoke(
            &flow.source.name,
            &flow.source.connection,
            &flow.source.adapter,
            &flow.source.verb,
            &flow.source.resource,
        );
        self.open_loop();
        let fields: Vec<(&str, &str)> =
            flow.fields.iter().map(|(t, e)| (t.as_str(), e.as_str())).collect();
        self.mapping(&flow.target.name, &fields);
        self.invoke(
            &flow.target.name,
            &flow.target.connection,
            &flow.target.adapter,
            &flow.target.verb,
            &flow.target.resource,
        );
        self.close_loop();
        for text in &flow.loggers {
            self.logger(text);
        }
        for child in &flow.calls {
            self.call(child);
        }
        self.orchestration.push_str(if flow.schedule.is_some() {
            "<ns2:stop id=\"st0\"/>"
        } else {
            "<ns2:reply id=\"y0\"/>"
        });
        self.finish()
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn step(&mut self) -> u32 {
        self.steps += 1;
        self.steps
    }

    fn resource(&mut self, folder: &str, file: &str, kind: &str, text: String) -> String {
        let (group, number) = (self.number(), self.number());
        let place = format!("resources/{folder}/resourcegroup_{group}/{file}");
        self.files.push((format!("{}/{place}", self.root), text.into_bytes()));
        format!(
            "<ns2:resourceGroup name=\"resourcegroup_{group}\"><ns2:resource \
                name=\"resource_{number}\" location=\"../{place}\" \
                type=\"{kind}\"/></ns2:resourceGroup>"
        )
    }

    fn processor(&mut self, kind: &str, file: &str, text: String) -> u32 {
        self.processor_with(kind, file, text, "")
    }

    /// Adds a processor and gives its number; `more` follows the resources in its definition.
    fn processor_with(&mut self, kind: &str, file: &str, text: String, more: &str) -> u32 {
        let n = self.number();
        let ending = file.rsplit('.').next().unwrap_or_default();
        let resource = self.resource(
            &format!("processor_{n}"),
            file,
            if ending == "xsl" { "xslt" } else { ending },
            text,
        );
        self.definitions.push_str(&fill(
            include_str!("../../../assets/sim/processor.xml"),
            &[("number", &n.to_string()), ("kind", kind), ("resource", &resource), ("more", more)],
        ));
        n
    }

    /// The numbers of an endpoint's two messages, dealt out when they are first named.
    fn messages(&mut self, endpoint: &str) -> (u32, u32) {
        if let Some(known) = self.messages.get(endpoint) {
            return *known;
        }
        let dealt = (self.number(), self.number());
        self.messages.insert(endpoint.to_owned(), dealt);
        dealt
    }

    fn metadata(&mut self) {
        let n =
            self.processor("integrationMetadata", "ICSIntegrationMetadata.xsd", schema("metadata"));
        let _ = write!(
            self.orchestration,
            "<ns2:integrationMetadata id=\"im0\" refUri=\"processor_{n}\"/>"
        );
    }

    fn schedule_receive(&mut self) {
        let (request, _) = self.messages("schedule");
        let port = self.number();
        let output = port_text("output", port, "", request);
        let n = self.processor_with(
            "scheduleReceive",
            "ICSSchedule_1.xsd",
            schema("schedule"),
            &output,
        );
        let _ = write!(
            self.orchestration,
            "<ns2:scheduleReceive id=\"sr0\" refUri=\"processor_{n}\"/>"
        );
        let fixed = format!("{}/resources/scheduledOrc/schedule.wsdl", self.root);
        self.files.push((fixed, wsdl("schedule").into_bytes()));
    }

    fn rest_trigger(&mut self) {
        let flow = self.flow;
        let endpoint = EndpointFiles {
            name: "trigger",
            connection: &flow.trigger_connection,
            adapter: "rest",
            role: "source",
            properties: &[("HttpVerb", "POST"), ("ResourceURI", "/events")],
        };
        let n = self.application(&endpoint);
        let _ = write!(self.orchestration, "<ns2:receive id=\"r0\" refUri=\"application_{n}\"/>");
    }

    fn invoke(&mut self, name: &str, connection: &str, adapter: &str, verb: &str, resource: &str) {
        let properties =
            [("HttpVerb", verb), ("ResourceURI", resource), ("targetOperation", "execute")];
        let n = self.application(&EndpointFiles {
            name,
            connection,
            adapter,
            role: "target",
            properties: &properties,
        });
        let step = self.step();
        let _ = write!(
            self.orchestration,
            "<ns2:invoke id=\"i{step}\" refUri=\"application_{n}\" name=\"{}\"/>",
            xml(name)
        );
    }

    fn call(&mut self, child: &str) {
        let (child, version) = child.split_once('|').unwrap_or((child, "01.00.0000"));
        let id = format!("{child}|{version}");
        let inside = self.around.neighbours.contains(child);
        let properties = [
            ("integrationContext", if inside { "INTRA_PROJECT" } else { "GLOBAL" }),
            ("integration_code", child),
            ("integration_version", version),
            ("integration_id", id.as_str()),
        ];
        let connection = "PRESEEDED_COLLOCATED_CONN_1741";
        let endpoint = EndpointFiles {
            name: child,
            connection,
            adapter: "collocatedics",
            role: "target",
            properties: &properties,
        };
        let n = self.application(&endpoint);
        let step = self.step();
        let _ = write!(
            self.orchestration,
            "<ns2:invoke id=\"i{step}\" refUri=\"application_{n}\" name=\"{}\"/>",
            xml(child)
        );
    }

    fn application(&mut self, endpoint: &EndpointFiles<'_>) -> u32 {
        let (n, bound) = (self.number(), self.number());
        let side = if endpoint.role == "source" { "outbound" } else { "inbound" };
        let folder = format!("application_{n}/{side}_{bound}");
        let jca = self.resource(
            &folder,
            &format!("{}_REQUEST.jca", endpoint.name),
            "jca",
            endpoint.jca(),
        );
        let wsdl = self.resource(
            &folder,
            &format!("{}_REQUEST.wsdl", endpoint.name),
            "wsdl",
            wsdl(endpoint.name),
        );
        let (request, answer) = self.messages(endpoint.name);
        let (input, output) = (self.number(), self.number());
        // The request is the output of a trigger, and the input of every other endpoint.
        let ports = if endpoint.role == "source" {
            port_text("input", input, "response", answer)
                + &port_text("output", output, "request", request)
        } else {
            port_text("input", input, "request", request)
                + &port_text("output", output, "response", answer)
        };
        self.definitions.push_str(&fill(
            include_str!("../../../assets/sim/application.xml"),
            &[
                ("number", &n.to_string()),
                ("role", endpoint.role),
                ("connection", &xml(endpoint.connection)),
                ("name", &xml(endpoint.name)),
                ("side", side),
                ("bound", &bound.to_string()),
                ("resources", &(jca + &wsdl)),
                ("ports", &ports),
            ],
        ));
        n
    }

    fn mapping(&mut self, target: &str, fields: &[(&str, &str)]) {
        // The service names a mapping's file by a hash that changes with each save.
        let n = self.next;
        let hash = crate::archive::sha256_hex(format!("{}{n}", self.root).as_bytes());
        let given = if self.flow.schedule.is_some() { "schedule" } else { "trigger" };
        let (from, to) = (self.messages(given).0, self.messages(target).0);
        let (input, output) = (self.number(), self.number());
        let ports = port_text("input", input, "", from) + &port_text("output", output, "", to);
        let file = format!("req_{}.xsl", &hash[..32]);
        let n = self.processor_with("transformer", &file, stylesheet(target, fields), &ports);
        let step = self.step();
        let _ = write!(
            self.orchestration,
            "<ns2:transformer id=\"m{step}\" refUri=\"processor_{n}\"/>"
        );
        let state = format!(
            "{}/resources/processor_{n}/resourcegroup_{}/req_{}_stateinfo.xml",
            self.root,
            n + 1,
            &hash[..32]
        );
        self.files
            .push((state, format!("<stateinfo saved=\"{}\"/>", self.around.now).into_bytes()));
    }

    fn assignment(&mut self, variable: &str, expression: &str) {
        let n =
            self.processor("assignment", "expr.properties", expression_file(variable, expression));
        let step = self.step();
        let _ =
            write!(self.orchestration, "<ns2:assignment id=\"a{step}\" refUri=\"processor_{n}\"/>");
    }

    fn logger(&mut self, text: &str) {
        let step = self.step();
        let name = format!("log{step}");
        let n =
            self.processor("activityStreamLogger", "expr.properties", expression_file(&name, text));
        let _ = write!(
            self.orchestration,
            "<ns2:activityStreamLogger id=\"l{step}\" refUri=\"processor_{n}\"/>"
        );
    }

    fn open_loop(&mut self) {
        let each = format!("${}/items/item", self.flow.source.name);
        let name = "<ns2:processorName>item</ns2:processorName>";
        let n =
            self.processor_with("for", "expr.properties", expression_file("current", &each), name);
        let (route, output) = (self.number(), self.number());
        let folder = format!("processor_{route}/output_{output}");
        let condition = expression_file("", "$current/status = 'ACTIVE'");
        let resource = self.resource(&folder, "expr.properties", "properties", condition);
        self.definitions.push_str(&fill(
            include_str!("../../../assets/sim/router.xml"),
            &[
                ("number", &route.to_string()),
                ("output", &output.to_string()),
                ("resource", &resource),
            ],
        ));
        let _ = write!(
            self.orchestration,
            "<ns2:for id=\"f1\" refUri=\"processor_{n}\"><ns2:router id=\"s1\" \
                refUri=\"processor_{route}\"><ns2:route id=\"sc1\" \
                refUri=\"processor_{route}/output_{output}\">"
        );
    }

    fn close_loop(&mut self) {
        self.orchestration.push_str("</ns2:route></ns2:router></ns2:for>");
    }

    fn finish(mut self) -> Vec<(String, Vec<u8>)> {
        let project = fill(
            include_str!("../../../assets/sim/project.xml"),
            &[
                ("code", &xml(&self.id.code)),
                ("version", &self.id.version.to_string()),
                ("name", &xml(&self.flow.name)),
                ("description", &xml(&self.flow.description)),
                ("definitions", &self.definitions),
                ("orchestration", &self.orchestration),
            ],
        );
        let mut put = |file: &str, text: String| {
            self.files.push((format!("{}/{file}", self.root), text.into_bytes()))
        };
        put("PROJECT-INF/project.xml", project);
        put(
            "PROJECT-INF/layout3.json",
            format!("{{\"savedInSpectra\":true,\"saves\":{}}}", self.around.saves),
        );
        put("PROJECT-INF/analysis.json", format!("{{\"processorCount\":{}}}", self.steps));
        put("PROJECT-INF/project_messages.json", "{\"messages\":{}}".into());
        put("resources/RuntimeFault.wsdl", wsdl("RuntimeFault"));
        put("resources/ICSFault.xsd", schema("fault"));
        self.files
    }
}

struct EndpointFiles<'a> {
    name: &'a str,
    connection: &'a str,
    adapter: &'a str,
    role: &'a str,
    properties: &'a [(&'a str, &'a str)],
}

impl EndpointFiles<'_> {
    fn jca(&self) -> String {
        let mut properties = String::new();
        for (name, value) in self.properties {
            let _ =
                writeln!(properties, "    <property name=\"{name}\" value=\"{}\"/>", xml(value));
        }
        fill(
            include_str!("../../../assets/sim/endpoint.jca"),
            &[
                ("name", &xml(self.name)),
                ("adapter", &xml(self.adapter)),
                ("properties", &properties),
            ],
        )
    }
}

/// An `appinstances/` file: the connection as this environment has it, without secrets.
pub fn appinstance(connection: &ConnectionSpec) -> String {
    let certificate = connection.certificate.as_ref().map_or_else(String::new, |alias| {
        fill(
            include_str!("../../../assets/sim/connection_certificate.xml"),
            &[("alias", &xml(alias))],
        )
    });
    let agent = connection.agent.as_ref().map_or_else(String::new, |group| {
        format!("<agentDefinition>{}</agentDefinition>", xml(group))
    });
    fill(
        include_str!("../../../assets/sim/connection.xml"),
        &[
            ("code", &xml(&connection.code)),
            ("name", &xml(&connection.name)),
            ("adapter", &xml(&connection.adapter)),
            ("url", &xml(&connection.url)),
            ("certificate", &certificate),
            ("agent", &agent),
            ("policy", &xml(&connection.policy)),
        ],
    )
}

/// A `dvms/` file: the copy of a lookup that travels in an archive.
pub fn dvm(lookup: &LookupSpec) -> String {
    let column = |name: &String| format!("<column name=\"{}\"/>", xml(name));
    let cell = |text: &String| format!("<cell>{}</cell>", xml(text));
    let row =
        |cells: &Vec<String>| format!("<row>{}</row>", cells.iter().map(cell).collect::<String>());
    fill(
        include_str!("../../../assets/sim/lookup.dvm"),
        &[
            ("name", &xml(&lookup.name)),
            ("columns", &lookup.columns.iter().map(column).collect::<String>()),
            ("rows", &lookup.rows.iter().map(row).collect::<String>()),
        ],
    )
}

/// The text of `ics_project_attributes.properties`.
pub fn attributes(
    id: &IntegrationId,
    flow: &FlowSpec,
    around: &ExportContext<'_>,
    digest: &str,
) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:").replace('=', "\\=");
    let (mep, style) = if flow.schedule.is_some() {
        ("MEP07", "scheduled orchestration")
    } else {
        ("MEP00", "app driven orchestration")
    };
    fill(
        include_str!("../../../assets/sim/project_attributes.properties"),
        &[
            ("date", &date_comment(around.now)),
            ("code", &escaped(&id.code)),
            ("name", &escaped(&flow.name)),
            ("version", &id.version.to_string()),
            ("type", if flow.prebuilt { "PREBUILT" } else { "DEVELOPED" }),
            ("mep", mep),
            ("status", &String::from(around.status.clone())),
            ("saves", &around.saves.to_string()),
            ("style", style),
            ("digest", digest),
            ("validity", &around.now.as_millisecond().to_string()),
        ],
    )
}

fn stylesheet(target: &str, fields: &[(&str, &str)]) -> String {
    let mut lines = String::new();
    for (field, expression) in fields {
        let _ = writeln!(
            lines,
            "      <nstrg:{field}><xsl:value-of select=\"{}\"/></nstrg:{field}>",
            xml(expression)
        );
    }
    fill(
        include_str!("../../../assets/sim/mapping.xsl"),
        &[("target", &xml(target)), ("fields", &lines)],
    )
}

/// An `input` or `output` and the message that it carries.
fn port_text(word: &str, port: u32, role: &str, message: u32) -> String {
    let role = if role.is_empty() { String::new() } else { format!("<ns2:role>{role}</ns2:role>") };
    format!(
        "<ns2:{word} name=\"{word}_{port}\">{role}<ns2:messageContextRef \
            refUri=\"messagecontext_{message}\"/></ns2:{word}>"
    )
}

/// An expression as the canvas shows it: each path is cut to its last name.
fn short_form(expression: &str) -> String {
    let in_path = |c: char| c.is_alphanumeric() || "_$/.-:".contains(c);
    let mut out = String::new();
    let mut rest = expression;
    while !rest.is_empty() {
        let path = rest.find(|c| !in_path(c)).unwrap_or(rest.len());
        let name = rest[..path].rsplit('/').next().unwrap_or_default();
        out.push_str(name.trim_start_matches('$'));
        rest = &rest[path..];
        let between = rest.find(in_path).unwrap_or(rest.len());
        out.push_str(&rest[..between]);
        rest = &rest[between..];
    }
    out
}

fn expression_file(variable: &str, expression: &str) -> String {
    fill(
        include_str!("../../../assets/sim/expression.properties"),
        &[("short", &short_form(expression)), ("expression", expression), ("variable", variable)],
    )
}

fn wsdl(name: &str) -> String {
    fill(include_str!("../../../assets/sim/endpoint.wsdl"), &[("name", &xml(name))])
}

fn schema(name: &str) -> String {
    fill(include_str!("../../../assets/sim/message.xsd"), &[("name", name)])
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
