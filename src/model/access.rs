//! Who may do what in a project: its access list (docs/projects.md, Project calls).

use std::collections::BTreeSet;

use serde_json::Value;

use super::visible;

/// The four rights of a project, from the widest, by the fields of the service.
const RIGHTS: [&str; 4] = ["administrators", "editors", "viewers", "monitors"];

/// An access list, read from what the service gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessList {
    /// Each right and who has it.
    pub rights: Vec<(&'static str, Grant)>,
}

/// Who has a right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Everybody who may use the service.
    pub everyone: bool,
    pub only: Vec<Principal>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What the service knows it by: names may be borne by several.
    pub id: String,
    pub name: String,
    pub group: bool,
    /// Whether the service does not know it any more (`idNotFound`).
    pub gone: bool,
}

impl AccessList {
    /// Reads a list. A right that is not in it is granted to nobody.
    pub fn read(list: &Value) -> Self {
        let grant = |right: &str| {
            let said = &list[right];
            let allowed = said["allowed"].as_array().map(Vec::as_slice).unwrap_or_default();
            Grant {
                everyone: said["allowAll"] == true,
                only: allowed.iter().map(Principal::read).collect(),
            }
        };
        Self { rights: RIGHTS.map(|right| (right, grant(right))).to_vec() }
    }

    /// Whether two lists grant the same to the same principals, in whatever order.
    pub fn grants_as(&self, other: &Self) -> bool {
        let granted = |list: &Self| -> Vec<(bool, BTreeSet<(bool, String)>)> {
            let who = |g: &Grant| g.only.iter().map(|p| (p.group, p.id.clone())).collect();
            list.rights.iter().map(|(_, grant)| (grant.everyone, who(grant))).collect()
        };
        granted(self) == granted(other)
    }

    /// Whether nobody may administer the project, but for administrators of the service.
    pub fn has_no_administrator(&self) -> bool {
        self.rights.iter().any(|(right, grant)| {
            *right == "administrators" && !grant.everyone && grant.only.is_empty()
        })
    }

    /// `administrators: everyone; editors: nobody; …`
    pub fn describe(&self) -> String {
        let right = |(right, grant): &(&str, Grant)| format!("{right}: {}", grant.describe());
        self.rights.iter().map(right).collect::<Vec<_>>().join("; ")
    }

    /// The same list, as the service writes it, without principals that are gone: it refuses to
    /// take them back. The second value names them.
    ///
    /// `unknown` are ids that the service said are gone.
    pub fn without_gone(list: &Value, unknown: &BTreeSet<String>) -> (Value, Vec<String>) {
        let (mut list, mut gone) = (list.clone(), Vec::new());
        for right in RIGHTS {
            let allowed = list.get_mut(right).and_then(|r| r.get_mut("allowed"));
            let Some(allowed) = allowed.and_then(Value::as_array_mut) else { continue };
            allowed.retain(|one| {
                let mut principal = Principal::read(one);
                principal.gone |= unknown.contains(&principal.id);
                if principal.gone && !gone.contains(&principal.name) {
                    gone.push(principal.name.clone());
                }
                !principal.gone
            });
        }
        (list, gone)
    }

    /// The ids of principals that another list does not have at all.
    pub fn ids_that_lack(&self, other: &Self) -> BTreeSet<String> {
        let theirs: BTreeSet<&str> = other.ids().collect();
        self.ids().filter(|id| !theirs.contains(id)).map(str::to_owned).collect()
    }

    /// The ids of principals that are named in words of the service.
    pub fn named_in(&self, words: &str) -> BTreeSet<String> {
        let is_of_id = |c: char| c.is_alphanumeric() || "._@-".contains(c);
        let words: BTreeSet<&str> =
            words.split(|c| !is_of_id(c)).map(|w| w.trim_matches('.')).collect();
        self.ids().filter(|id| words.contains(id)).map(str::to_owned).collect()
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.rights.iter().flat_map(|(_, grant)| &grant.only).map(|p| p.id.as_str())
    }
}

impl Grant {
    /// `everyone`, `nobody`, `Ada Lovelace, group Integrators`
    pub fn describe(&self) -> String {
        if self.everyone {
            return "everyone".into();
        }
        let names: Vec<String> = self.only.iter().map(Principal::describe).collect();
        if names.is_empty() { "nobody".into() } else { names.join(", ") }
    }
}

impl Principal {
    fn read(one: &Value) -> Self {
        let text = |key: &str| one[key].as_str().filter(|t| !t.is_empty());
        let name = text("displayName").or_else(|| text("id")).unwrap_or("?");
        Self {
            id: text("id").unwrap_or(name).to_owned(),
            name: visible(name).into_owned(),
            group: text("type").is_some_and(|t| t.eq_ignore_ascii_case("group")),
            gone: match &one["idNotFound"] {
                Value::Bool(gone) => *gone,
                Value::String(word) => word.eq_ignore_ascii_case("true"),
                _ => false,
            },
        }
    }

    /// `Ada Lovelace`, `group Integrators`, `old.user (gone)`
    fn describe(&self) -> String {
        let group = if self.group { "group " } else { "" };
        let gone = if self.gone { " (gone)" } else { "" };
        format!("{group}{}{gone}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_access_list_names_who_has_each_right() {
        let list = json!({
            "administrators": { "allowAll": false, "allowed": [
                { "id": "1", "displayName": "Ada Lovelace", "type": "user" },
                { "id": "2", "displayName": "Integrators", "type": "group" },
                { "id": "old.user", "idNotFound": true } ] },
            "editors": { "allowAll": true } });
        let read = AccessList::read(&list);
        let told: Vec<String> =
            read.rights.iter().map(|(right, g)| format!("{right}: {}", g.describe())).collect();
        assert_eq!(
            told,
            [
                "administrators: Ada Lovelace, group Integrators, old.user (gone)",
                "editors: everyone",
                "viewers: nobody",
                "monitors: nobody"
            ]
        );
        let (sent, gone) = AccessList::without_gone(&list, &BTreeSet::new());
        assert_eq!(gone, ["old.user"]);
        assert_eq!(sent["administrators"]["allowed"].as_array().map(Vec::len), Some(2));
        assert_eq!(sent["editors"], list["editors"]);
        let one = |id: &str| json!({ "id": id, "displayName": "Ada", "type": "user" });
        let of = |all: [serde_json::Value; 2]| {
            AccessList::read(&json!({ "administrators": { "allowed": all } }))
        };
        assert!(of([one("1"), one("2")]).grants_as(&of([one("2"), one("1")])), "another order");
        assert!(!of([one("1"), one("2")]).grants_as(&of([one("1"), one("3")])), "another person");
        assert!(AccessList::default().rights.is_empty());
        assert!(AccessList::read(&json!({})).has_no_administrator());
    }
}
