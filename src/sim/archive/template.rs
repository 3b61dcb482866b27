//! Fills the templates of `assets/sim`, from which the simulator's archives are made.

/// Fills a template: each `{{name}}` is replaced by its value. Values are not escaped: the caller
/// escapes them for the format. As in a Rust string, a backslash at the end of a line joins it with
/// the next one, whose leading blanks are dropped.
///
/// A name without a value, and a value that the template does not name, are mistakes of this
/// crate: they stop a build with debug assertions, and with it every test that builds an archive.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut used = vec![false; values.len()];
    let joined = join_lines(template);
    let mut rest = joined.as_str();
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(b, r)| Some((b, r.split_once("}}")?)))
    {
        out.push_str(before);
        let place = values.iter().position(|(known, _)| *known == name);
        debug_assert!(place.is_some(), "a template names `{name}`, which has no value");
        if let Some(place) = place {
            used[place] = true;
            out.push_str(values[place].1);
        }
        rest = after;
    }
    out.push_str(rest);
    debug_assert!(used.iter().all(|u| *u), "values without a place: {values:?}, {used:?}");
    out
}

fn join_lines(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut joins = false;
    for line in template.split_inclusive('\n') {
        let line = if joins { line.trim_start_matches(' ') } else { line };
        let kept = line.strip_suffix("\\\n");
        joins = kept.is_some();
        out.push_str(kept.unwrap_or(line));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_stand_where_they_are_named_and_are_not_read_again() {
        let text = fill("a={{a}}\\\n   b={{b}} {{a}}\n", &[("a", "{{b}}"), ("b", "2")]);
        assert_eq!(text, "a={{b}}b=2 {{b}}\n");
    }

    #[test]
    #[should_panic(expected = "names `b`")]
    fn a_name_without_a_value_is_a_mistake() {
        fill("{{b}}", &[]);
    }

    #[test]
    #[should_panic(expected = "without a place")]
    fn a_value_without_a_name_is_a_mistake() {
        fill("", &[("a", "1")]);
    }
}
