//! Transcripts: recorded by a walk that only reads, blanked, checked with every reader, replayed.

use std::path::PathBuf;

use oicx::model::Transcript;
use oicx::sim::Replay;
use serde_json::Value;

use crate::cli::{json, oicx, run};
use crate::projects::LANDSCAPE;
use crate::support::World;

/// A world with a record of `prod`.
async fn recorded() -> (World, PathBuf, PathBuf) {
    let world = World::of(LANDSCAPE).await;
    let config = world.config_file("");
    let file = config.with_file_name("prod.transcript");
    let changes = |w: &World| {
        ["POST", "PUT", "DELETE", "PATCH"]
            .map(|m| w.sim.calls(&format!("prod {m} ")))
            .iter()
            .sum::<usize>()
    };
    let arguments = ["doctor", "prod", "--record", file.to_str().unwrap()];
    let (code, out, err) = run(oicx(&config), &arguments).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("nothing was sent"), "{out}");
    assert_eq!(changes(&world), 0, "it only reads");
    (world, config, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_the_shapes_and_none_of_the_names() {
    let (_world, config, file) = recorded().await;
    let text = std::fs::read_to_string(&file).unwrap();
    let names = [
        "PAY_FEED",
        "Pay feed",
        "TWIN",
        "LEDGER",
        "GLOBAL_ONE",
        "PEOPLE",
        "People",
        "MONEY",
        "GRADES",
        "HCM",
        "hcm.example",
        "acme-prod",
        "127.0.0.1",
        "a.integrator",
    ];
    for name in names {
        assert!(!text.contains(name), "{name} is in the transcript");
    }
    for word in ["ACTIVATED", "\"hasMore\"", "\"scheduleApplicableFlag\"", "01.00.0000"] {
        assert!(text.contains(word), "{word} is not in the transcript");
    }
    // The same name is the same everywhere: what a list names is asked for.
    let transcript = Transcript::parse(&text).unwrap();
    let list = transcript.calls.iter().find(|c| c.path == "/integrations" && c.query.len() > 1);
    let list = serde_json::to_value(&list.unwrap().body).unwrap();
    let code = list["json"]["items"][0]["code"].as_str().unwrap();
    assert!(
        transcript.calls.iter().any(|c| c.path.starts_with(&format!("/integrations/{code}%7C")))
    );
    // A file that is there is not written over.
    let arguments = ["doctor", "prod", "--record", file.to_str().unwrap()];
    let (code, _, err) = run(oicx(&config), &arguments).await;
    assert_eq!(code, 1);
    assert!(err.contains("name another file"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_read_by_every_reader_and_replayed() {
    let (world, config, file) = recorded().await;
    let (code, found) =
        json(&config, &["doctor", "--check", file.to_str().unwrap(), "--json"]).await;
    assert_eq!(code, 0, "{found}");
    let walked: Vec<&Value> = found["walked"].as_array().unwrap().iter().collect();
    assert!(walked.len() > 20, "{found}");
    assert!(walked.iter().all(|c| c["problem"].is_null() || c["refused"] == true), "{found}");
    let text = std::fs::read_to_string(&file).unwrap();
    let transcript = Transcript::parse(&text).unwrap();
    let replay = Replay::start(&transcript, ([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut environment = world.environment("prod");
    environment.url = replay.url().parse().unwrap();
    if let oicx::config::AuthConfig::ClientCredentials { token_url, .. } = &mut environment.auth {
        *token_url = format!("{}/oauth2/v1/token", replay.url()).parse().unwrap();
    }
    let client = world.client_of(environment);
    let replayed = client.integrations_everywhere().await.unwrap();
    let live = world.client("prod").integrations_everywhere().await.unwrap();
    assert_eq!(replayed.found.len(), live.found.len());
    let public = Replay::start(&transcript, ([0, 0, 0, 0], 0).into()).await;
    assert!(public.is_err(), "it never listens to a network");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_transcript_is_half_the_calls_and_what_is_none_is_told() {
    let (_world, config, file) = recorded().await;
    let text = std::fs::read_to_string(&file).unwrap();
    let path = file.to_str().unwrap();
    let lines = text.lines().count();
    // In the middle of a line.
    let middle = text.len() / 2;
    let cut = (middle..).find(|at| text.is_char_boundary(*at) && !text[..*at].ends_with('\n'));
    std::fs::write(&file, &text[..cut.unwrap()]).unwrap();
    let (code, out, err) = run(oicx(&config), &["doctor", "--check", path]).await;
    assert!(code == 3 || code == 1, "{code}: {out}{err}");
    assert!(err.contains("is left out"), "{err}");
    assert!(Transcript::parse(&text[..cut.unwrap()]).unwrap().calls.len() < lines - 1);
    for none in ["", "{}", "not a transcript\n", "{\"oicx_transcript\":1,\"made_by\":\"x\"}\n"] {
        std::fs::write(&file, none).unwrap();
        let (code, _, err) = run(oicx(&config), &["doctor", "--check", path]).await;
        assert_eq!(code, 2, "{none}: {err}");
        assert!(err.contains("--record"), "{err}");
    }
    std::fs::write(&file, "{\"oicx_transcript\":99,\"made_by\":\"x\"}\n").unwrap();
    let (code, _, err) = run(oicx(&config), &["doctor", "--check", path]).await;
    assert_eq!(code, 2);
    assert!(err.contains("format 99"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_no_reader_can_read_is_named() {
    let (_world, config, file) = recorded().await;
    let text = std::fs::read_to_string(&file).unwrap();
    // Projects whose code and id have other names.
    let strange = text.replace("\"lastUpdated\"", "\"last_updated\"");
    assert_ne!(strange, text);
    let strange: String = strange
        .lines()
        .map(|line| match line.contains("\"path\":\"/projects\"") {
            true => {
                line.replace("\"code\":", "\"key\":")
                    .replace("\"id\":", "\"uid\":")
                    .replace("\"name\":", "\"title\":")
                    + "\n"
            }
            false => line.to_owned() + "\n",
        })
        .collect();
    std::fs::write(&file, strange).unwrap();
    let (code, out, err) = run(oicx(&config), &["doctor", "--check", file.to_str().unwrap()]).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("✗ projects") && out.contains("uid"), "{out}");
}

/// The manners of real instances, each as a report shows it (the first line names the source).
#[tokio::test(flavor = "multi_thread")]
async fn what_real_instances_answer_is_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts");
    let config = World::of(LANDSCAPE).await.config_file("");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let head: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert!(
            head["source"].as_str().is_some_and(|s| s.len() > 10),
            "{} has no source",
            file.display()
        );
        let (_, found) =
            json(&config, &["doctor", "--check", file.to_str().unwrap(), "--json"]).await;
        let walked = found["walked"].as_array().unwrap();
        let broken: Vec<&Value> =
            walked.iter().filter(|c| !c["problem"].is_null() && c["refused"] == false).collect();
        assert!(broken.is_empty(), "{}: {broken:#?}", file.display());
        assert_eq!(found["unread_records"].as_array().unwrap().len(), 0, "{}", file.display());
        // What the head promises is found.
        for (what, wanted) in head["found"].as_object().unwrap() {
            let call = walked.iter().find(|c| c["what"] == what.as_str());
            let call =
                call.unwrap_or_else(|| panic!("{}: no call {what}: {walked:#?}", file.display()));
            assert_eq!(call["found"], *wanted, "{}: {what}", file.display());
        }
        count += 1;
    }
    assert!(count >= 4, "{count} transcripts");
}
