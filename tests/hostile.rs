//! Property tests: whatever comes from outside is an answer or an error, never a panic.

use std::path::Path;

use oicx::archive::Iar;
use oicx::model::{Reference, parse_service_time, visible};
use oicx::sim::{Landscape, archive};
use oicx::store::safe_name;
use proptest::prelude::*;

/// A whole archive, to be spoilt.
fn whole() -> Vec<u8> {
    let landscape = Landscape::parse(crate::support::LANDSCAPE, Path::new("test.toml")).unwrap();
    let item = &landscape.integrations[0];
    let around = archive::Surroundings {
        connections: landscape.connections.iter().collect(),
        lookups: landscape.lookups.iter().collect(),
        status: &oicx::model::Status::Active,
        saves: 1,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    archive::build(&crate::support::id("SYNC|01.00.0000"), &item.flow, &around)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_an_archive_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Iar::read(&bytes);
    }

    #[test]
    fn an_archive_with_bytes_changed_is_an_archive_or_an_error(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = whole();
        for (place, byte) in changes {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Iar::read(&bytes);
    }

    #[test]
    fn a_config_is_valid_or_a_problem_with_a_place(text in "[a-z_.=\\[\\]\"{}# \n0-9]{0,200}") {
        if let Err(oicx::config::ConfigError::Invalid(problem)) = oicx::config::parse(&text, Path::new("c.toml")) {
            prop_assert!(problem.line >= 1 && problem.column >= 1);
            prop_assert!(problem.line <= text.lines().count().max(1) + 1);
        }
    }

    #[test]
    fn a_reference_prints_back_as_it_was_read(text in "(store:)?[a-z]{1,8}[:/][A-Z_]{1,20}(@[0-9]{2}\\.[0-9]{2}\\.[0-9]{4})?(~[1-9])?") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn names_in_the_store_are_safe_whatever_the_code(code in any::<String>()) {
        let name = safe_name(&code);
        prop_assert!(!name.is_empty() && name.len() <= 80 && name != "." && name != "..");
        prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')), "{name}");
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal(text in any::<String>()) {
        prop_assert!(!visible(&text).chars().any(char::is_control));
        let _ = parse_service_time(&text);
    }
}
