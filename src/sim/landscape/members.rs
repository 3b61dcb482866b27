//! Lists of codes in packages and projects: `WORKER_*` stands for every integration whose code
//! begins so.

use super::{PackageSpec, ProjectSpec};
use crate::model::Scope;

/// A pattern that stands for no integration.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownPattern(pub String);

/// Puts the codes that are meant into the lists of packages and projects. A project's pattern
/// leaves its twins out, since they are in the global space too.
///
/// # Errors
/// [`UnknownPattern`].
pub fn unfold(
    packages: &mut [PackageSpec],
    projects: &mut [ProjectSpec],
    codes: &[String],
) -> Result<(), UnknownPattern> {
    for package in packages {
        package.integrations = matching(&package.integrations, codes, &[])?;
    }
    for project in projects {
        project.twins = matching(&project.twins, codes, &[])?;
        project.integrations = matching(&project.integrations, codes, &project.twins)?;
    }
    Ok(())
}

fn matching(
    patterns: &[String],
    codes: &[String],
    without: &[String],
) -> Result<Vec<String>, UnknownPattern> {
    let mut out = Vec::new();
    for pattern in patterns {
        let Some(prefix) = pattern.strip_suffix('*') else {
            out.push(pattern.clone());
            continue;
        };
        let mut meant = codes.iter().filter(|c| c.starts_with(prefix)).peekable();
        if meant.peek().is_none() {
            return Err(UnknownPattern(pattern.clone()));
        }
        out.extend(meant.filter(|c| !without.contains(c)).cloned());
    }
    Ok(out)
}

/// Where integrations of that code live: in projects, in the global space, or in both.
pub fn scopes_of<'a>(
    projects: impl IntoIterator<Item = &'a ProjectSpec>,
    code: &str,
) -> Vec<Scope> {
    let mut scopes = Vec::new();
    let mut moved = false;
    for project in projects {
        moved |= project.integrations.iter().any(|c| c == code);
        if project.codes().any(|c| c == code) {
            scopes.push(Scope::of_project(project.code.as_str()));
        }
    }
    if !moved {
        scopes.push(Scope::Global);
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|c| (*c).to_owned()).collect()
    }

    fn project(integrations: &[&str], twins: &[&str]) -> ProjectSpec {
        let lists = (owned(integrations), owned(twins));
        ProjectSpec {
            code: "PEOPLE".into(),
            name: "People".into(),
            description: String::new(),
            integrations: lists.0,
            twins: lists.1,
            lookups: vec![],
            libraries: vec![],
            deployments: vec![],
            access: None,
            r#type: "DEVELOPED".into(),
        }
    }

    #[test]
    fn a_pattern_stands_for_all_codes_that_begin_so_and_leaves_twins_out() {
        let codes = owned(&["WORKER_EXPORT", "WORKER_SYNC", "WORKERS", "ORDER_SPLIT"]);
        let mut projects = [project(&["WORKER_*", "ORDER_SPLIT"], &["WORKER_SYNC"])];
        let mut packages =
            [PackageSpec { name: "a.b".into(), integrations: owned(&["ORDER_*", "WORKERS"]) }];
        unfold(&mut packages, &mut projects, &codes).unwrap();
        assert_eq!(packages[0].integrations, ["ORDER_SPLIT", "WORKERS"]);
        assert_eq!(projects[0].integrations, ["WORKER_EXPORT", "ORDER_SPLIT"]);
        let people = Scope::of_project("PEOPLE");
        assert_eq!(scopes_of(&projects, "WORKER_EXPORT"), std::slice::from_ref(&people));
        assert_eq!(scopes_of(&projects, "WORKER_SYNC"), [people, Scope::Global]);
        assert_eq!(scopes_of(&projects, "WORKERS"), [Scope::Global]);
    }

    #[test]
    fn a_pattern_that_stands_for_nothing_is_a_mistake() {
        let mut projects = [project(&["WORKRE_*"], &[])];
        let wrong = unfold(&mut [], &mut projects, &owned(&["WORKER_EXPORT"])).unwrap_err();
        assert_eq!(wrong, UnknownPattern("WORKRE_*".into()));
    }
}
