//! Signing in: a person with a browser, and processes that share one token.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use oicx::config::{AuthConfig, EnvironmentConfig, PersonAuth};
use oicx::oic::{Client, ErrorKind, Login, LoginError, LoginFile};
use std::time::Duration;

use crate::cli::{oicx, run};
use crate::support::{World, tuning};

const LONG: Duration = Duration::from_secs(20);

/// The environment `prod`, in which a person signs in through a public client.
fn of_a_person(world: &World, folder: &Path) -> (EnvironmentConfig, PersonAuth) {
    let design = &world.place("prod").design;
    let person = PersonAuth {
        authorize_url: format!("{design}/oauth2/v1/authorize").parse().unwrap(),
        token_url: format!("{design}/oauth2/v1/token").parse().unwrap(),
        client_id: "oicx".into(),
        client_secret: None,
        scope: "all offline_access".into(),
        redirect_port: 0,
        login_folder: folder.into(),
    };
    let auth = AuthConfig::Person(Box::new(person.clone()));
    (EnvironmentConfig { auth, ..world.environment("prod") }, person)
}

/// The browser of a person who agrees to everything.
async fn browse(address: &str) -> String {
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    browser.get(address).send().await.unwrap().text().await.unwrap()
}

async fn signed_in(world: &World, folder: &Path) -> (EnvironmentConfig, PersonAuth) {
    let (environment, person) = of_a_person(world, folder);
    let login = Login::begin(&person).await.unwrap();
    let address = login.address().to_string();
    let (page, came) = tokio::join!(browse(&address), login.wait(LONG));
    assert!(page.contains("Signed in"), "{page}");
    let client = Client::new(environment.clone(), tuning());
    assert!(client.finish_login(came.unwrap()).await.unwrap(), "it lasts");
    (environment, person)
}

#[tokio::test]
async fn a_person_signs_in_once_and_later_processes_use_it_until_it_is_revoked() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let (environment, person) = of_a_person(&world, folder.path());
    let nobody = Client::new(environment, tuning()).integrations().await.unwrap_err();
    assert!(matches!(nobody.kind, ErrorKind::NotSignedIn(_)), "{nobody}");
    assert!(nobody.advice().contains("oicx login"));
    let (environment, _) = signed_in(&world, folder.path()).await;
    for _ in 0..3 {
        // Each process gives its refresh token away and keeps the next one.
        let before = LoginFile::of(&person).read().unwrap();
        let client = Client::new(environment.clone(), tuning());
        assert!(!client.integrations().await.unwrap().is_empty());
        let after = LoginFile::of(&person).read().unwrap();
        use secrecy::ExposeSecret;
        assert_ne!(before.expose_secret(), after.expose_secret());
    }
    world.sim.revoke_sign_ins();
    let ended = Client::new(environment, tuning()).integrations().await.unwrap_err();
    assert!(matches!(ended.kind, ErrorKind::NotSignedIn(_)), "{ended}");
    assert!(ended.to_string().contains("ended or was revoked"), "{ended}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_sign_in_that_is_kept_is_its_owners_alone_and_logout_forgets_it() {
    use std::os::unix::fs::PermissionsExt;
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let (_, person) = signed_in(&world, folder.path()).await;
    let file = LoginFile::of(&person);
    let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(file.forget().unwrap());
    assert!(file.read().is_none() && !file.forget().unwrap());
}

#[tokio::test]
async fn what_did_not_begin_here_is_refused_and_the_sign_in_goes_on() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let (_, person) = of_a_person(&world, folder.path());
    let login = Login::begin(&person).await.unwrap();
    let address = login.address().clone();
    let back = address.query_pairs().find(|(k, _)| k == "redirect_uri").unwrap().1.into_owned();
    let foreign = format!("{back}?code=stolen&state=guessed");
    let there = async {
        assert!(browse(&foreign).await.contains("not the sign-in"));
        browse(address.as_str()).await
    };
    let (page, came) = tokio::join!(there, login.wait(LONG));
    assert!(page.contains("Signed in"), "{page}");
    assert!(came.is_ok());
}

#[tokio::test]
async fn a_person_who_says_no_and_one_who_never_comes() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let (_, person) = of_a_person(&world, folder.path());
    let login = Login::begin(&person).await.unwrap();
    let of = |name: &str| {
        let found = login.address().query_pairs().find(|(k, _)| k == name);
        found.unwrap().1.into_owned()
    };
    let no = format!(
        "{}?error=access_denied&error_description=The+user+said+no&state={}",
        of("redirect_uri"),
        of("state")
    );
    let (page, came) = tokio::join!(browse(&no), login.wait(LONG));
    assert!(page.contains("Not signed in"), "{page}");
    assert!(matches!(came, Err(LoginError::Refused(ref why)) if why == "The user said no"));
    let login = Login::begin(&person).await.unwrap();
    let late = login.wait(Duration::from_millis(50)).await;
    assert!(matches!(late, Err(LoginError::TooLate)));
    // The port is in use: the message names it.
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let busy = Login::begin(&PersonAuth { redirect_port: port, ..person }).await.unwrap_err();
    assert!(busy.to_string().contains(&port.to_string()), "{busy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_used_by_one_at_a_time() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let (environment, _) = signed_in(&world, folder.path()).await;
    let list = || async { Client::new(environment.clone(), tuning()).integrations().await };
    let (a, b, c) = tokio::join!(list(), list(), list());
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
}

/// A config in which a person signs in on `prod`.
fn config_of_a_person(world: &World) -> PathBuf {
    let place = world.place("prod");
    let text = format!(
        "[environments.prod]\nurl = \"{url}\"\ninstance = \"{}\"\n\
         [environments.prod.auth]\ntype = \"authorization_code\"\n\
         token_url = \"{url}/oauth2/v1/token\"\nclient_id = \"oicx\"\n\
         scope = \"all offline_access\"\nredirect_port = 0\n",
        place.instance,
        url = place.design,
    );
    let file = world.store_folder().with_file_name("person.toml");
    std::fs::write(&file, text).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_the_address_waits_and_forgets() {
    let world = World::new().await;
    let config = config_of_a_person(&world);
    let (code, _, err) = run(oicx(&config), &["list", "prod"]).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("nobody is signed in") && err.contains("oicx login"), "{err}");
    let like = oicx(&config);
    let mut tool = std::process::Command::new(like.get_program());
    for (name, value) in like.get_envs() {
        if let Some(value) = value {
            tool.env(name, value);
        }
    }
    let mut child =
        tool.args(["login", "prod", "--no-browser"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address =
        lines.find_map(|l| Some(l.unwrap().trim().to_owned()).filter(|l| l.starts_with("http")));
    browse(&address.unwrap()).await;
    assert!(child.wait().unwrap().success());
    assert!(lines.any(|l| l.unwrap() == "signed in on prod"));
    let (code, _, err) = run(oicx(&config), &["list", "prod"]).await;
    assert_eq!(code, 0, "{err}");
    let (code, out, _) = run(oicx(&config), &["logout", "prod"]).await;
    assert_eq!((code, out.trim()), (0, "signed out on prod"));
    let (code, _, err) = run(oicx(&config), &["list", "prod"]).await;
    assert_eq!(code, 1, "the token of that sign-in is forgotten too");
    assert!(err.contains("nobody is signed in"), "{err}");
    let (code, _, err) = run(oicx(&world.config_file("")), &["login", "prod"]).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("signs in by client_credentials"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_token_unless_the_config_says_no() {
    let world = World::new().await;
    let config = world.config_file("");
    let asked = |w: &World| w.sim.calls("POST /oauth2/v1/token");
    let list = || run(oicx(&config), &["list", "prod", "--kind", "integrations"]);
    let (a, b, c) = tokio::join!(list(), list(), list());
    assert_eq!([a.0, b.0, c.0], [0, 0, 0], "{}", a.2);
    assert_eq!(asked(&world), 1, "three processes at once, and one sign-in");
    assert_eq!(list().await.0, 0);
    assert_eq!(asked(&world), 1);
    // A token that the service does not take any more is asked for anew.
    world.sim.with_instance("prod", |i| i.tokens.clear());
    assert_eq!(list().await.0, 0);
    assert_eq!(asked(&world), 2);
    let text = std::fs::read_to_string(&config).unwrap();
    let alone = text.replace("[environments.prod]\n", "[environments.prod]\nshare_token = false\n");
    assert_ne!(text, alone);
    std::fs::write(&config, alone).unwrap();
    assert_eq!(list().await.0, 0);
    assert_eq!(list().await.0, 0);
    assert_eq!(asked(&world), 4);
}
