//! The client against the simulator: sign-in, paging, redirects, retries, and what bad answers
//! become.

use std::time::{Duration, Instant};

use oicx::config::{AuthConfig, Deadlines, EnvironmentConfig, JwtAuth, SecretSource};
use oicx::model::{Kind, Scope};
use oicx::oic::{ErrorKind, OicError, Tuning, Window};
use oicx::sim::{Landscape, ServerOptions, Simulator};
use oicx::workspace::listing;

use crate::support::{World, id, key, name, tuning};

fn with_secret(
    world: &World,
    environment: EnvironmentConfig,
    client: &str,
    secret: &str,
) -> EnvironmentConfig {
    let AuthConfig::ClientCredentials { token_url, scope, .. } = environment.auth else {
        unreachable!()
    };
    let auth = AuthConfig::ClientCredentials {
        token_url,
        client_id: client.into(),
        client_secret: world.secret(secret),
        scope,
    };
    EnvironmentConfig { auth, ..environment }
}

#[tokio::test]
async fn one_token_serves_many_calls_side_by_side() {
    let world = World::new().await;
    let client = world.client("prod");
    let calls = (0..10).map(|_| client.integrations());
    for result in futures::future::join_all(calls).await {
        assert_eq!(result.unwrap().len(), 4);
    }
    assert_eq!(world.sim.calls("/oauth2/v1/token"), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_made_again() {
    let world = World::new().await;
    let client = world.client("prod");
    client.integrations().await.unwrap();
    world.fault("expired-token times=1");
    assert_eq!(client.integrations().await.unwrap().len(), 4);
    assert_eq!(world.sim.calls("/oauth2/v1/token"), 2);
    world.fault("expired-token");
    let error = client.integrations().await.unwrap_err();
    assert_eq!(error.status(), Some(401), "{error}");
    assert_eq!(world.sim.calls("/oauth2/v1/token"), 3);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let world = World::of(
        &crate::support::LANDSCAPE.replace("activation_ms", "token_seconds = 2\nactivation_ms"),
    )
    .await;
    let client = world.client("dev");
    client.integrations().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    client.integrations().await.unwrap();
    // Renewed at half of its two seconds: the service still took the old one, so no call was
    // refused.
    assert_eq!(world.sim.calls("/oauth2/v1/token"), 2);
    assert_eq!(world.sim.calls("dev GET"), 2);
}

#[tokio::test]
async fn a_jwt_assertion_signs_in_and_one_of_another_key_does_not() {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
        .unwrap();
    let other = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
        .unwrap();
    let key = format!("name = \"dev\"\njwt_public_key = '''\n{}'''", pair.public_key_pem());
    let world = World::of(&crate::support::LANDSCAPE.replace("name = \"dev\"", &key)).await;
    let environment = |pem: String| {
        let path = world
            .folder
            .path()
            .join(format!("key-{}.pem", oicx::archive::sha256_hex(pem.as_bytes())));
        std::fs::write(&path, pem).unwrap();
        let base = world.environment("dev");
        let AuthConfig::ClientCredentials { token_url, client_id, client_secret, scope } =
            base.auth.clone()
        else {
            unreachable!()
        };
        let jwt = JwtAuth {
            token_url,
            client_id,
            client_secret,
            scope,
            user: "oicx@example.com".into(),
            private_key: SecretSource::File(path),
            key_id: "oicx".into(),
            audience: "https://identity.oraclecloud.com/".into(),
        };
        world.client_of(EnvironmentConfig { auth: AuthConfig::Jwt(Box::new(jwt)), ..base })
    };
    assert_eq!(environment(pair.serialize_pem()).integrations().await.unwrap().len(), 3);
    let error = environment(other.serialize_pem()).integrations().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::SignIn { status: 401, .. }), "{error}");
    let error = environment("no key at all".into()).integrations().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::SigningKey(_)), "{error}");
}

#[tokio::test]
async fn basic_signs_in_to_generation_2_and_generation_3_refuses_it() {
    let landscape =
        crate::support::LANDSCAPE.replace("name = \"dev\"", "name = \"dev\"\ngeneration = 2");
    let world = World::of(&landscape).await;
    let basic = |name: &str, instance: Option<String>| {
        let auth = AuthConfig::Basic { user: "oicx".into(), password: world.secret("demo") };
        world.client_of(EnvironmentConfig { instance, auth, ..world.environment(name) })
    };
    assert_eq!(basic("dev", None).integrations().await.unwrap().len(), 3);
    let refused = basic("prod", Some("acme-prod".into())).integrations().await.unwrap_err();
    assert_eq!(refused.status(), Some(401), "{refused}");
}

#[tokio::test]
async fn the_runtime_host_redirects_and_the_token_goes_along() {
    let world = World::new().await;
    let environment = EnvironmentConfig {
        url: world.place("prod").runtime.parse().unwrap(),
        ..world.environment("prod")
    };
    let client = world.client_of(environment);
    assert_eq!(client.integrations().await.unwrap().len(), 4);
    client.deactivate(&id("SYNC|01.00.0000")).await.unwrap();
}

/// A host that answers every call alike, and counts them.
async fn host_that_says(answer: String) -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, calls) = (listener.local_addr().unwrap().port(), std::sync::Arc::default());
    let count: std::sync::Arc<std::sync::atomic::AtomicUsize> = std::sync::Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, calls)
}

/// A file may lie elsewhere; what an environment says of itself is believed of nobody else.
#[tokio::test]
async fn only_a_file_is_read_from_another_host() {
    let body = r#"{"items":[],"hasMore":false}"#;
    let found = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: \
         {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let (elsewhere, calls) = host_that_says(found).await;
    let moved = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: \
         http://localhost:{elsewhere}/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (here, _) = host_that_says(moved).await;
    let world = World::new().await;
    let client = world.client_of(EnvironmentConfig {
        url: format!("http://127.0.0.1:{here}").parse().unwrap(),
        auth: AuthConfig::Basic { user: "oicx".into(), password: world.secret("demo") },
        ..world.environment("prod")
    });
    let refused = client.integrations().await.unwrap_err();
    assert!(matches!(refused.kind, ErrorKind::ForeignRedirect(_)), "{refused}");
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(client.archive(&id("SYNC|01.00.0000")).await.unwrap(), body.as_bytes());
}

/// 250 integrations: three pages.
fn many() -> String {
    let mut text = String::from(
        "[[environment]]\nname = \"big\"\ninstance = \"big\"\nclients = \
            [{ id = \"a\", secret = \"b\", role = \"ServiceDeveloper\" }]\n",
    );
    text.push_str("[[spread]]\nenvironment = \"big\"\ntotal = 250\n[[family]]\n");
    let words = |prefix: &str, n: usize| {
        (0..n).map(|i| format!("\"{prefix}{i}\"")).collect::<Vec<_>>().join(",")
    };
    text.push_str(&format!(
        "objects = [{}]\nactions = [{}]\nfields = {{ a = \"1\" }}\n",
        words("O", 25),
        words("A", 10)
    ));
    for side in ["source", "target"] {
        text.push_str(&format!(
            "{side} = \
                {{ name = \"x\", connection = \"C\", adapter = \"rest\", verb = \"GET\", \
                resource = \"/\" }}\n"
        ));
    }
    text
}

#[tokio::test]
async fn every_page_is_read_and_each_integration_comes_once() {
    let world = World::of(&many()).await;
    let all = world.client("big").integrations().await.unwrap();
    let ids: std::collections::BTreeSet<_> = all.iter().map(|i| i.id.clone()).collect();
    assert_eq!((all.len(), ids.len()), (250, 250));
}

#[tokio::test]
async fn a_list_that_grows_while_it_is_paged_gives_no_doubles_and_no_holes() {
    let world = World::of(&many()).await;
    world.fault("drift path=/integrations");
    let all = world.client("big").integrations().await.unwrap();
    let ids: std::collections::BTreeSet<_> = all.iter().map(|i| i.id.clone()).collect();
    assert_eq!(ids.len(), all.len());
    assert!(ids.iter().filter(|i| i.code.starts_with('O')).count() == 250, "{}", ids.len());
}

/// The first page of a long list is shown before the others, the runs and the other kinds have
/// come; nothing behind it is taken for missing.
#[tokio::test]
async fn the_first_rows_do_not_wait_for_the_last() {
    let world = World::of(&many()).await;
    world.fault("latency=400ms path=/monitoring/integrations");
    let parts = std::sync::Mutex::new(Vec::new());
    let part = |listing: listing::Listing| parts.lock().unwrap().push(listing);
    let client = world.client("big");
    let whole = listing::read_in_parts(&client, part).await.unwrap();
    let parts = parts.into_inner().unwrap();
    let of =
        |l: &listing::Listing| l.artifacts.iter().filter(|a| a.kind == Kind::Integration).count();
    assert_eq!((of(&parts[0]), of(&whole)), (100, 250));
    let first = &parts[0];
    assert!(first.is_growing() && !first.runs_known);
    for kind in [Kind::Integration, Kind::Lookup] {
        assert!(first.unseen.iter().any(|u| u.hides(kind, &Scope::Global)), "{kind}");
    }
    assert_eq!(first.refused(None).count(), 0, "nothing is refused");
    assert!(!whole.is_growing() && whole.runs_known);
}

#[tokio::test]
async fn names_in_kebab_case_are_read_as_well() {
    let world =
        World::of(&many().replace("instance = \"big\"", "instance = \"big\"\nkebab_case = true"))
            .await;
    let client = world.client("big");
    let all = client.integrations().await.unwrap();
    assert_eq!(all.len(), 250);
    assert!(all.iter().all(|i| i.state.last_updated.is_some()));
    assert_eq!(client.instance_counts(Window::Day).await.unwrap().iter().count(), 250);
}

#[tokio::test]
async fn passing_trouble_is_repeated_for_reads_and_retry_after_is_honoured() {
    let world = World::new().await;
    let client = world.client("prod");
    for trouble in [
        "status=503 times=2",
        "status=500 times=1",
        "reset times=1",
        "truncate times=1",
        "status=429 times=2",
    ] {
        world.fault(&format!("{trouble} path=/archive"));
        assert!(client.archive(&id("SYNC|01.00.0000")).await.is_ok(), "{trouble}");
        world.sim.clear_faults();
    }
    world.fault("status=429 retry-after=1 times=1");
    let start = Instant::now();
    client.integrations().await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    world.fault("status=429 retry-after=3600 times=1");
    assert_eq!(
        client.integrations().await.unwrap_err().status(),
        Some(429),
        "an hour is not waited for"
    );
}

#[tokio::test]
async fn a_change_is_never_repeated_by_itself_after_an_answer_that_leaves_things_open() {
    let world = World::new().await;
    let client = world.client("prod");
    for trouble in ["status=503", "lost", "reset"] {
        world.fault(&format!("{trouble} method=POST path=/integrations"));
        let before = world.sim.calls("prod POST");
        let error = client.deactivate(&id("SYNC|01.00.0000")).await.unwrap_err();
        assert!(error.is_ambiguous(), "{error}");
        assert_eq!(world.sim.calls("prod POST") - before, 1, "{trouble}");
        world.sim.clear_faults();
    }
}

#[tokio::test]
async fn read_only_sends_no_change_at_all() {
    let world = World::new().await;
    let client =
        world.client_of(EnvironmentConfig { read_only: true, ..world.environment("prod") });
    let sync = id("SYNC|01.00.0000");
    client.integrations().await.unwrap();
    let bytes = client.archive(&sync).await.unwrap();
    let before = world.sim.calls("prod ");
    let mut errors = vec![
        client.deactivate(&sync).await.unwrap_err(),
        client.activate(&sync).await.unwrap_err(),
    ];
    errors.push(
        client
            .replace_file(&key(Kind::Integration, "SYNC|01.00.0000"), bytes.clone())
            .await
            .unwrap_err(),
    );
    errors.push(
        client.import_file(&key(Kind::Integration, "SYNC|01.00.0000"), bytes).await.unwrap_err(),
    );
    errors.push(client.delete_one(&key(Kind::Integration, "SYNC|01.00.0000")).await.unwrap_err());
    errors.push(client.start_schedule(&sync).await.unwrap_err());
    assert!(errors.iter().all(|e| matches!(e.kind, ErrorKind::ReadOnly)));
    assert_eq!(world.sim.calls("prod "), before);
}

fn says(error: &OicError, parts: &[&str]) {
    let text = format!("{error} {}", error.advice());
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(!text.contains("demo"), "a secret in: {text}");
}

#[tokio::test]
async fn each_refusal_names_environment_artifact_status_words_and_request_id() {
    let world = World::new().await;
    let prod = world.client("prod");
    let missing = prod.archive(&id("NOTHING|01.00.0000")).await.unwrap_err();
    says(
        &missing,
        &[
            "prod: export NOTHING|01.00.0000",
            "404",
            "does not exist",
            "opc-request-id SIM",
            "refresh",
        ],
    );
    let locked = prod.archive(&id("LOCKED|01.00.0000")).await.unwrap_err();
    says(&locked, &["423", "k.lindqvist", "lock"]);
    let bytes = prod.archive(&id("SYNC|01.00.0000")).await.unwrap();
    let there = prod
        .import_file(&key(Kind::Integration, "SYNC|01.00.0000"), bytes.clone())
        .await
        .unwrap_err();
    says(&there, &["409", "exists already", "replace"]);
    let active =
        prod.replace_file(&key(Kind::Integration, "SYNC|01.00.0000"), bytes).await.unwrap_err();
    says(&active, &["412", "Deactivate it"]);
    let broken = prod
        .import_file(&key(Kind::Integration, "X|01.00.0000"), "no zip".into())
        .await
        .unwrap_err();
    says(&broken, &["400", "not valid"]);
}

#[tokio::test]
async fn a_wrong_secret_and_a_role_that_may_not_say_what_to_do() {
    let world = World::new().await;
    let wrong =
        world.client_of(with_secret(&world, world.environment("dev"), "oicx", "wrong-demo-secret"));
    says(
        &wrong.integrations().await.unwrap_err(),
        &["sign-in refused (401)", "invalid_client", "client_secret"],
    );
    let invoker = world.client_of(with_secret(&world, world.environment("dev"), "invoker", "demo"));
    says(&invoker.integrations().await.unwrap_err(), &["403", "ServiceInvoker", "ServiceViewer"]);
    let viewer = world.client_of(with_secret(&world, world.environment("dev"), "viewer", "demo"));
    viewer.archive(&id("SYNC|01.00.0000")).await.unwrap();
    says(
        &viewer.deactivate(&id("SYNC|01.00.0000")).await.unwrap_err(),
        &["403", "ServiceDeveloper"],
    );
}

#[tokio::test]
async fn a_page_instead_of_json_is_named() {
    let world = World::new().await;
    world.fault("html path=/integrations");
    says(
        &world.client("dev").integrations().await.unwrap_err(),
        &["text/html", "<!DOCTYPE html>", "proxy"],
    );
}

#[tokio::test]
async fn a_host_that_is_not_there_or_does_not_answer_is_told_apart() {
    let world = World::new().await;
    let read = Duration::from_millis(300);
    let deadlines = Deadlines { read, ..Deadlines::default() };
    let dev = EnvironmentConfig { deadlines, ..world.environment("dev") };
    let nobody = EnvironmentConfig { url: "http://127.0.0.1:9".parse().unwrap(), ..dev.clone() };
    let quick = Tuning { tries: 1, ..tuning() };
    let error = oicx::oic::Client::new(nobody, quick.clone()).integrations().await.unwrap_err();
    says(&error, &["dev: list integrations: cannot connect", "VPN"]);
    world.fault("hang path=/integrations");
    let error = oicx::oic::Client::new(dev, quick).integrations().await.unwrap_err();
    says(&error, &["no answer within 1 s"]);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::Pkcs8(
        made.signing_key.serialize_der().into(),
    );
    let config = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let world = World::new().await;
    let environment = EnvironmentConfig {
        url: format!("https://127.0.0.1:{port}").parse().unwrap(),
        ..world.environment("dev")
    };
    let error = world.client_of(environment).integrations().await.unwrap_err();
    says(&error, &["certificate is refused", "trust store"]);
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_the_config_says() {
    let world = World::new().await;
    let client = world.client_of(EnvironmentConfig { concurrency: 2, ..world.environment("dev") });
    client.integrations().await.unwrap();
    world.fault("latency=60ms path=/archive");
    let start = Instant::now();
    let sync = id("SYNC|01.00.0000");
    futures::future::join_all((0..8).map(|_| client.archive(&sync))).await;
    // Eight calls of 60 ms, two at once: four rounds. An upper bound would test the machine.
    assert!(start.elapsed() >= Duration::from_millis(4 * 60));
}

#[tokio::test]
async fn the_simulator_listens_to_loopback_only_and_keeps_environments_apart() {
    let landscape = Landscape::demo().unwrap();
    let open = ServerOptions { listen: "0.0.0.0:0".parse().unwrap(), ..ServerOptions::default() };
    assert!(
        Simulator::start(&landscape, &open).await.unwrap_err().to_string().contains("loopback")
    );
    let apart =
        Simulator::start(&landscape, &ServerOptions { separate: true, ..ServerOptions::default() })
            .await
            .unwrap();
    let designs: std::collections::BTreeSet<_> =
        apart.places().iter().map(|p| p.design.clone()).collect();
    assert_eq!(designs.len(), 3);
    let world = World::new().await;
    let wrong =
        EnvironmentConfig { instance: Some("acme-nowhere".into()), ..world.environment("dev") };
    says(
        &world.client_of(wrong).integrations().await.unwrap_err(),
        &["404", "acme-nowhere", "instance"],
    );
    assert_eq!(world.client("dev").name(), &name("dev"));
}

#[tokio::test]
async fn connections_are_read_and_tested_and_a_test_that_fails_says_why() {
    let world = World::of(
        &crate::support::LANDSCAPE
            .replace("name = \"Payroll\"", "name = \"Payroll\"\ntest_fails = \"no agent runs\""),
    )
    .await;
    let dev = world.client("dev");
    assert_eq!(dev.connections(&Scope::Global).await.unwrap().len(), 4);
    assert_eq!(dev.connection(&Scope::Global, "HCM").await.unwrap().adapter, "rest");
    assert!(dev.test_connection(&Scope::Global, "HCM").await.unwrap().success);
    let failed = dev.test_connection(&Scope::Global, "PAYROLL").await.unwrap();
    assert_eq!((failed.success, failed.details.as_str()), (false, "no agent runs"));
    says(
        &dev.connection(&Scope::Global, "NOTHING").await.unwrap_err(),
        &["dev: read connection NOTHING", "404"],
    );
    world.sim.with_instance("dev", |i| i.connections.get_mut("HCM").unwrap().configured = false);
    says(
        &dev.test_connection(&Scope::Global, "HCM").await.unwrap_err(),
        &["409", "not configured"],
    );
    assert_eq!(dev.catalog(Kind::Lookup).await.unwrap()[0].code, "PAY_GRADE");
}

/// A service that repeats what it was sent in what it says.
async fn echo(token: &'static str) -> std::net::SocketAddr {
    use axum::{Json, Router, http::HeaderMap, http::StatusCode, routing::post};
    let said = |headers: HeaderMap, body: String| {
        let sent = headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
        serde_json::json!({ "detail": format!("refused: {} {body}", sent.unwrap_or_default()) })
    };
    let answer = move |headers: HeaderMap, body: String| async move {
        (StatusCode::BAD_REQUEST, Json(said(headers, body)))
    };
    let give = move |headers: HeaderMap, body: String| async move {
        match token {
            "" => (StatusCode::FORBIDDEN, Json(said(headers, body))),
            token => (
                StatusCode::OK,
                Json(serde_json::json!({ "access_token": token, "expires_in": 60 })),
            ),
        }
    };
    let app = Router::new().route("/oauth2/v1/token", post(give)).fallback(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn what_the_service_repeats_of_what_was_sent_is_not_shown() {
    let world = World::new().await;
    let client = |address: std::net::SocketAddr| {
        let auth = AuthConfig::ClientCredentials {
            token_url: format!("http://{address}/oauth2/v1/token").parse().unwrap(),
            client_id: "oicx".into(),
            client_secret: world.secret("sec-ret-of-the-client"),
            scope: "s".into(),
        };
        let url = format!("http://{address}").parse().unwrap();
        world.client_of(EnvironmentConfig { url, auth, ..world.environment("dev") })
    };
    let with_token = client(echo("tok-en-that-was-given").await);
    let said = with_token.integrations().await.unwrap_err().to_string();
    assert!(said.contains("refused: Bearer ••••••"), "{said}");
    let settings = oicx::oic::ConnectionSettings {
        security: [("password".to_owned(), "pass-word-of-hcm".into())].into(),
        ..Default::default()
    };
    let scope = oicx::model::Scope::Global;
    let set = with_token.configure_connection(&scope, "HCM", &settings).await;
    let said = set.unwrap_err().to_string();
    assert!(said.contains("refused") && !said.contains("pass-word-of-hcm"), "{said}");
    let without = client(echo("").await);
    let said = without.integrations().await.unwrap_err().to_string();
    assert!(said.contains("refused: Basic ••••••"), "{said}");
}
