//! JSON of an export written in one way. A stitch names its prefixes in a list of its own; they are
//! resolved there as XML's are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::xml;

/// What carries meaning in a JSON document.
pub struct JsonRules<'a> {
    /// Whether a key carries meaning.
    pub keep: &'a dyn Fn(&str) -> bool,
    /// Changes a string, given the key that it stands under.
    pub text: &'a dyn Fn(&str, &str) -> String,
    /// Whether lists stand in no order.
    pub sort_lists: bool,
}

/// The canonical text of a JSON document: objects have their keys sorted. `None` where the bytes
/// are no JSON.
pub fn canonical(bytes: &[u8], rules: &JsonRules<'_>) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let prefixes = prefixes_of(&value);
    let mut out = String::new();
    write("", &value, &Writer { rules, prefixes: &prefixes }, &mut out);
    Some(out)
}

struct Writer<'a> {
    rules: &'a JsonRules<'a>,
    prefixes: &'a BTreeMap<String, String>,
}

/// Every `prefixNamespaceMap` of the document.
pub fn prefixes_of(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let stitches = value.get("stitches").and_then(Value::as_array).into_iter().flatten();
    for map in stitches.filter_map(|s| s.get("prefixNamespaceMap")?.as_object()) {
        found.extend(map.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))));
    }
    found
}

fn write(key: &str, value: &Value, writer: &Writer<'_>, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map
                .keys()
                .filter(|k| (writer.rules.keep)(k) && *k != "prefixNamespaceMap")
                .collect();
            keys.sort_unstable();
            out.push('{');
            for key in keys {
                out.push_str(key);
                out.push(':');
                write(key, &map[key], writer, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            let written = |item: &Value| {
                let mut out = String::new();
                write(key, item, writer, &mut out);
                out
            };
            let mut items: Vec<String> = items.iter().map(written).collect();
            if writer.rules.sort_lists {
                items.sort_unstable();
            }
            out.push('[');
            items.iter().for_each(|item| out.extend([item, ","]));
            out.push(']');
        }
        Value::String(text) => {
            let resolved = xml::with_namespaces(text, |prefix| {
                writer.prefixes.get(prefix).map(String::as_str)
            });
            out.push('"');
            out.push_str(&(writer.rules.text)(key, &resolved));
            out.push('"');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_white_space_and_prefixes_carry_no_meaning() {
        let rules = JsonRules { keep: &|_| true, text: &|_, t| t.to_owned(), sort_lists: false };
        let read = |text: &str| canonical(text.as_bytes(), &rules).unwrap();
        let a = r#"{"a":1,"stitches":[{"prefixNamespaceMap":{"n":"u"}},{"expression":"$x/n:y"}]}"#;
        let b = r#"{ "stitches":[{"prefixNamespaceMap":{"m":"u","z":"w"}},
            {"expression":"$x/m:y"}], "a":1 }"#;
        assert_eq!(read(a), read(b));
        assert_ne!(read(a), read(&a.replace("\"u\"", "\"v\"")));
        assert!(canonical(b"{", &rules).is_none());
        let sorted = JsonRules { sort_lists: true, ..rules };
        let of = |text: &str, rules: &JsonRules<'_>| canonical(text.as_bytes(), rules).unwrap();
        assert_ne!(of("[1,2]", &rules), of("[2,1]", &rules));
        assert_eq!(of("[1,2]", &sorted), of("[2,1]", &sorted));
    }
}
