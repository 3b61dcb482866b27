//! JSON of an export written in one way. A stitch names its prefixes in a list of its own; they are
//! resolved there as XML's are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::xml;

/// The canonical text of a JSON document: objects have their keys sorted, `keep` says which keys
/// carry meaning, `text` changes each string. `None` where the bytes are no JSON.
pub fn canonical(
    bytes: &[u8],
    keep: &dyn Fn(&str) -> bool,
    text: &dyn Fn(&str) -> String,
) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let prefixes = prefixes_of(&value);
    let mut out = String::new();
    write(&value, &JsonRules { keep, text, prefixes: &prefixes }, &mut out);
    Some(out)
}

struct JsonRules<'a> {
    keep: &'a dyn Fn(&str) -> bool,
    text: &'a dyn Fn(&str) -> String,
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

fn write(value: &Value, rules: &JsonRules<'_>, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> =
                map.keys().filter(|k| (rules.keep)(k) && *k != "prefixNamespaceMap").collect();
            keys.sort_unstable();
            out.push('{');
            for key in keys {
                out.push_str(key);
                out.push(':');
                write(&map[key], rules, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write(item, rules, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::String(text) => {
            let resolved =
                xml::with_namespaces(text, |prefix| rules.prefixes.get(prefix).map(String::as_str));
            out.push('"');
            out.push_str(&(rules.text)(&resolved));
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
        let read = |text: &str| canonical(text.as_bytes(), &|_| true, &|t| t.to_owned()).unwrap();
        let a = r#"{"a":1,"stitches":[{"prefixNamespaceMap":{"n":"u"}},{"expression":"$x/n:y"}]}"#;
        let b = r#"{ "stitches":[{"prefixNamespaceMap":{"m":"u","z":"w"}},
            {"expression":"$x/m:y"}], "a":1 }"#;
        assert_eq!(read(a), read(b));
        assert_ne!(read(a), read(&a.replace("\"u\"", "\"v\"")));
        assert!(canonical(b"{", &|_| true, &|t| t.to_owned()).is_none());
    }
}
