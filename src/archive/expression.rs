//! `expr.properties`: an expression of a step. `Key : value` lines, not Java properties; a value
//! may run over several lines (docs/archive-format.md, Expressions).

use std::collections::BTreeMap;

use super::xml;

/// One expression, as the person who built it sees it and as it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expression {
    /// `ExpressionName`: what a route is called.
    pub name: String,
    /// `VariableName`: what an assignment fills.
    pub variable: String,
    /// `TextExpression`: the short form.
    pub short: String,
    /// `XpathExpression`, with prefixes replaced by what they stand for.
    pub xpath: String,
    /// `XpathExpression` as it is written.
    pub written: String,
    /// Everything else that is filled in.
    pub others: BTreeMap<String, String>,
    /// The file it stands in, by path in the integration.
    pub file: String,
}

const KEYS: [&str; 10] = [
    "TextExpression",
    "XpathExpression",
    "NamespaceList",
    "NumberOfWarnings",
    "NumberOfErrors",
    "ExpressionName",
    "VariableName",
    "VariableDescription",
    "VariableType",
    "VariableTypeNamespace",
];

impl Expression {
    /// Reads an expression as `stateinfo` files keep it: a list of `key=value` with its namespaces.
    pub fn parse(text: &str) -> Self {
        let mut values = pairs(text);
        let mut take = |key: &str| values.remove(key).unwrap_or_default();
        let namespaces = take("NamespaceList");
        let namespaces: Vec<(&str, &str)> =
            namespaces.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
        let lookup =
            |prefix: &str| namespaces.iter().find(|(p, _)| *p == prefix).map(|(_, uri)| *uri);
        let written = take("XpathExpression");
        // These two are counts of the service's editor and say nothing about the expression.
        take("NumberOfWarnings");
        take("NumberOfErrors");
        Self {
            name: take("ExpressionName"),
            variable: take("VariableName"),
            short: take("TextExpression"),
            xpath: xml::with_namespaces(&written, lookup).into_owned(),
            written,
            others: values.into_iter().filter(|(_, v)| !v.is_empty()).collect(),
            file: String::new(),
        }
    }

    /// What a person reads: the short form, else the whole.
    pub fn shown(&self) -> &str {
        if self.short.is_empty() { &self.written } else { &self.short }
    }

    /// One text for all that carries meaning.
    pub fn canonical(&self) -> String {
        let own = [&self.name, &self.variable, &self.short, &self.xpath];
        let mut out = own.map(|v| v.as_str()).join("\n");
        self.others.iter().for_each(|(k, v)| out.push_str(&format!("\n{k} {v}")));
        out
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let head = line.split_once(':').map(|(k, v)| (k.trim(), v.trim()));
        match head {
            Some((key, value)) if KEYS.contains(&key) || is_key(key, line) => {
                current = key.to_owned();
                out.insert(current.clone(), value.to_owned());
            }
            _ if current.is_empty() || line.trim().is_empty() || line.starts_with('#') => {}
            _ => {
                let value = out.entry(current.clone()).or_default();
                value.push('\n');
                value.push_str(line.trim());
            }
        }
    }
    out
}

/// Whether `key` is one that a later version of the service may add: one word that begins a line,
/// then ` : `.
fn is_key(key: &str, line: &str) -> bool {
    line[key.len().min(line.len())..].starts_with(" :")
        && line.starts_with(|c: char| c.is_ascii_uppercase())
        && key.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_means_the_same_whatever_its_prefixes_are() {
        let text = "TextExpression : status\nXpathExpression : \
            $x/ns1:answer/ns1:status\nNamespaceList : ns1=http://a ns2=http://b\nNumberOfErrors : \
            0\nVariableName : state\n";
        let other = text.replace("ns1", "q7").replace(" ns2=http://b", "");
        let (a, b) = (Expression::parse(text), Expression::parse(&other));
        assert_eq!(a.canonical(), b.canonical());
        assert_eq!((a.variable.as_str(), a.shown()), ("state", "status"));
        assert_eq!(a.xpath, "$x/{http://a}answer/{http://a}status");
        assert_ne!(
            a.canonical(),
            Expression::parse(&text.replace("http://a", "http://c")).canonical()
        );
    }

    #[test]
    fn an_expression_over_several_lines_is_read_whole() {
        let e = Expression::parse("XpathExpression : concat('a',\n  'b: c')\nVariableName : x");
        assert_eq!(e.written, "concat('a',\n'b: c')");
        assert_eq!(e.variable, "x");
    }
}
