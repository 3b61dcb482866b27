//! A mapping: which target field gets which expression, read from the XSL as XML.

use std::borrow::Cow;

use roxmltree::Node;

use super::{definitions::local, secret, xml};

const XSL: &str = "http://www.w3.org/1999/XSL/Transform";
const MAPPER: &str = "http://www.oracle.com/xsl/mapper/schemas";
/// Real mappings nest under 30.
const MAX_DEPTH: usize = 150;

/// One `.xsl` of a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The message it fills: `getWorkers request`.
    pub target: String,
    /// What it reads, by name: endpoints, variables.
    pub sources: Vec<String>,
    /// Its file, by path in the integration.
    pub file: String,
    pub assignments: Vec<Assignment>,
}

/// One target field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Path in the target by local names: `request/employee/payGrade`, `…/@id`.
    pub target: String,
    /// The expression as a person reads it: prefixes of elements left out.
    pub expression: String,
    /// The same with prefixes replaced by what they stand for. This is what is compared.
    pub exact: String,
    /// Loops and conditions around it, outermost first: `for-each $x/item`, `when test`.
    pub within: Vec<String>,
}

impl Assignment {
    /// The expression with a secret blanked: a field named `password` may be filled with one.
    pub fn shown(&self) -> Cow<'_, str> {
        let field = self.target.rsplit('/').next().unwrap_or_default();
        secret::blank_value(field, &self.expression)
    }
}

impl Mapping {
    /// Reads the assignments of a stylesheet; none where it is no well-formed XML.
    pub fn assignments_of(bytes: &[u8]) -> Option<Vec<Assignment>> {
        let doc = xml::parse(bytes)?;
        let mut walk = Walk::default();
        for template in doc.root_element().children().filter(Node::is_element) {
            walk.top(template);
        }
        Some(walk.found)
    }

    /// What the mapper wrote down as its sources.
    pub fn params_of(bytes: &[u8]) -> Vec<String> {
        let Some(doc) = xml::parse(bytes) else { return Vec::new() };
        doc.root_element()
            .children()
            .filter(|n| is_xsl(*n) && local(*n) == "param")
            .filter_map(|n| n.attribute("name"))
            .map(str::to_owned)
            .collect()
    }
}

fn is_xsl(node: Node<'_, '_>) -> bool {
    node.tag_name().namespace() == Some(XSL)
}

#[derive(Default)]
struct Walk {
    path: Vec<String>,
    within: Vec<String>,
    found: Vec<Assignment>,
}

impl Walk {
    fn top(&mut self, node: Node<'_, '_>) {
        let name = local(node);
        match (is_xsl(node), name) {
            (_, _) if node.tag_name().namespace() == Some(MAPPER) => {}
            (
                true,
                "param" | "output" | "strip-space" | "preserve-space" | "import" | "include",
            ) => {}
            (true, "template") if node.attribute("match") == Some("/") => self.children(node, 0),
            (true, "template" | "function") => {
                let name =
                    node.attribute("name").or_else(|| node.attribute("match")).unwrap_or_default();
                self.nested(format!("template {name}"), node, 0);
            }
            (true, "variable") => self.variable(node, 0),
            _ => self.node(node, 0),
        }
    }

    fn children(&mut self, node: Node<'_, '_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for child in node.children() {
            if child.is_element() {
                self.node(child, depth + 1);
            } else if let (true, Some(text)) = (child.is_text(), child.text().map(str::trim))
                && !text.is_empty()
            {
                self.assign(format!("'{text}'"), format!("'{text}'"));
            }
        }
    }

    fn node(&mut self, node: Node<'_, '_>, depth: usize) {
        if !is_xsl(node) {
            self.path.push(local(node).to_owned());
            for attribute in node.attributes().filter(|a| a.namespace().is_none()) {
                self.path.push(format!("@{}", attribute.name()));
                self.assign(attribute.value().to_owned(), attribute.value().to_owned());
                self.path.pop();
            }
            if node.has_children() {
                self.children(node, depth);
            } else {
                self.assign("(empty)".into(), "(empty)".into());
            }
            self.path.pop();
            return;
        }
        self.instruction(node, depth);
    }

    /// One of XSLT's own elements (XSLT 2.0, appendix D).
    fn instruction(&mut self, node: Node<'_, '_>, depth: usize) {
        let value = |name: &str| node.attribute(name).unwrap_or_default();
        match local(node) {
            "value-of" | "copy-of" | "sequence" => {
                let word = if local(node) == "copy-of" { "copy of " } else { "" };
                let (short, exact) = both(node, value("select"));
                self.assign(format!("{word}{short}"), format!("{word}{exact}"));
            }
            "text" => {
                let text = node.text().unwrap_or_default();
                self.assign(format!("'{text}'"), format!("'{text}'"));
            }
            "attribute" | "element" => {
                let at = if local(node) == "attribute" { "@" } else { "" };
                let name = value("name");
                self.path.push(format!("{at}{}", name.rsplit(':').next().unwrap_or(name)));
                self.children(node, depth);
                self.path.pop();
            }
            "for-each" | "for-each-group" => {
                self.nested_by(node, "for-each", value("select"), depth)
            }
            "if" => self.nested_by(node, "if", value("test"), depth),
            "when" => self.nested_by(node, "when", value("test"), depth),
            "otherwise" => self.nested("otherwise".into(), node, depth),
            "choose" => self.children(node, depth),
            "variable" | "param" | "with-param" => self.variable(node, depth),
            "sort" => {
                let (short, exact) = both(node, value("select"));
                self.assign(format!("sorted by {short}"), format!("sorted by {exact}"));
            }
            other => {
                let attributes: String =
                    node.attributes().map(|a| format!(" {}=\"{}\"", a.name(), a.value())).collect();
                self.assign(format!("<{other}{attributes}>"), format!("<{other}{attributes}>"));
                self.nested(other.to_owned(), node, depth);
            }
        }
    }

    fn variable(&mut self, node: Node<'_, '_>, depth: usize) {
        self.path.push(format!("${}", node.attribute("name").unwrap_or_default()));
        if let Some(select) = node.attribute("select") {
            let (short, exact) = both(node, select);
            self.assign(short, exact);
        }
        self.children(node, depth);
        self.path.pop();
    }

    fn nested_by(&mut self, node: Node<'_, '_>, word: &str, expression: &str, depth: usize) {
        self.nested(format!("{word} {}", both(node, expression).0), node, depth);
    }

    fn nested(&mut self, within: String, node: Node<'_, '_>, depth: usize) {
        self.within.push(within);
        self.children(node, depth);
        self.within.pop();
    }

    fn assign(&mut self, expression: String, exact: String) {
        let target = self.path.join("/");
        self.found.push(Assignment { target, expression, exact, within: self.within.clone() });
    }
}

fn both(node: Node<'_, '_>, expression: &str) -> (String, String) {
    (short(expression), xml::resolve_prefixes(node, expression).into_owned())
}

/// An expression without the prefixes of elements. The prefixes of functions stay: they say whose
/// the functions are.
pub fn short(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut pieces = xml::prefixed_names(expression).peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            xml::Piece::Text(text) => out.push_str(text),
            xml::Piece::Name { written, .. } => {
                let next = match pieces.peek() {
                    Some(xml::Piece::Text(text)) => text,
                    _ => "",
                };
                let name =
                    next.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
                let is_call = name.is_some_and(|end| next[end..].trim_start().starts_with('('));
                if is_call {
                    out.push_str(written);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:t="urn:t"
      xmlns:src="urn:s" xmlns:dvm="urn:dvm">
      <xsl:param name="getWorkers"/>
      <xsl:template match="/">
        <t:request version="2">
          <t:grade><xsl:value-of
            select="dvm:lookupValue (&quot;PAY_GRADE&quot;, $getWorkers/src:w/src:grade)"/></t:grade>
          <xsl:for-each select="/src:list/src:item">
            <t:item><xsl:choose><xsl:when test="src:a = 'x:y'">
                <t:id><xsl:text>one</xsl:text></t:id></xsl:when>
              <xsl:otherwise><t:id>two</t:id></xsl:otherwise></xsl:choose></t:item>
          </xsl:for-each>
          <t:none/>
        </t:request>
      </xsl:template></xsl:stylesheet>"#;

    #[test]
    fn each_target_field_has_its_expression_and_what_is_around_it() {
        let found = Mapping::assignments_of(MAP.as_bytes()).unwrap();
        let lines: Vec<_> = found
            .iter()
            .map(|a| format!("{} {} <- {}", a.within.join(" > "), a.target, a.expression))
            .collect();
        assert_eq!(
            lines,
            [
                " request/@version <- 2",
                " request/grade <- dvm:lookupValue (\"PAY_GRADE\", $getWorkers/w/grade)",
                "for-each /list/item > when a = 'x:y' request/item/id <- 'one'",
                "for-each /list/item > otherwise request/item/id <- 'two'",
                " request/none <- (empty)",
            ]
        );
        assert_eq!(
            found[1].exact,
            "{urn:dvm}lookupValue (\"PAY_GRADE\", $getWorkers/{urn:s}w/{urn:s}grade)"
        );
        assert_eq!(Mapping::params_of(MAP.as_bytes()), ["getWorkers"]);
    }

    #[test]
    fn other_prefixes_are_the_same_mapping() {
        let other = MAP.replace("src:", "q:").replace("xmlns:src", "xmlns:q");
        assert_ne!(other, MAP);
        assert_eq!(
            Mapping::assignments_of(MAP.as_bytes()),
            Mapping::assignments_of(other.as_bytes())
        );
        assert!(Mapping::assignments_of(b"<not closed").is_none());
    }
}
