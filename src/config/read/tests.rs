use super::*;

const GOOD: &str = r#"
store = "/tmp/backups"
[environments.prod]
url = "https://design.integration.eu-frankfurt-1.ocp.oraclecloud.com"
instance = "acme-prod"
protected = true
[environments.prod.auth]
type = "client_credentials"
token_url = "https://idcs-1.identity.oraclecloud.com/oauth2/v1/token"
client_id = "id"
client_secret = { env = "X" }
scope = "s"
[environments.dev]
url = "http://127.0.0.1:8080"
auth = { type = "basic", user = "u", password = { file = "/x" } }
"#;

fn problem(text: &str) -> ConfigProblem {
    match parse(text, Path::new("c.toml")) {
        Err(ConfigError::Invalid(problem)) => problem,
        other => panic!("expected a problem, got {other:?}"),
    }
}

#[test]
fn environments_keep_the_order_of_the_file() {
    let config = parse(GOOD, Path::new("c.toml")).unwrap();
    let names: Vec<_> = config.environments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["prod", "dev"]);
    assert!(config.environments[0].protected);
    assert_eq!(config.store, Some(StorePlace::Folder("/tmp/backups".into())));
}

#[test]
fn an_unknown_key_is_told_with_line_and_column() {
    let found = problem(&GOOD.replace("protected = true", "protectd = true"));
    assert_eq!((found.line, found.column), (6, 1));
    assert!(found.what.contains("protectd") && found.what.contains("protected"), "{}", found.what);
    assert!(found.to_string().starts_with("c.toml:6:1: "));
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_repeated() {
    for bad in ["\"hunter2\"", "{ value = \"hunter2\" }", "[\"hunter2\"]"] {
        let found = problem(&GOOD.replace("{ env = \"X\" }", bad));
        assert_eq!(found.line, 11, "{}", found.what);
        assert!(!found.what.contains("hunter2"), "{}", found.what);
        assert!(found.what.contains("env") && found.what.contains("keyring"), "{}", found.what);
    }
}

#[test]
fn each_other_mistake_says_what_to_do() {
    let cases = [
        ("https://design.integration", "http://design.integration", "loopback"),
        ("oraclecloud.com\"\ninstance", "oraclecloud.com/ic/api\"\ninstance", "no path"),
        ("https://design", "https://me:pw@design", "never carries"),
        ("type = \"client_credentials\"", "type = \"magic\"", "not known"),
        ("type = \"client_credentials\"", "type = \"authorization\"", "authorization_code"),
        ("scope = \"s\"", "", "needs `scope`"),
        ("environments.prod", "environments.Prod", "lower-case"),
        ("\"/tmp/backups\"", "\"gs://x\"", "name a folder"),
        ("protected = true", "concurrency = 0", "1 to 64"),
        ("protected = true", "deadlines = { read = 0 }", "1 to 86400"),
        ("protected = true", "deadlines = { reed = 5 }", "reed"),
        ("store =", "store", "expected"),
    ];
    for (from, to, says) in cases {
        assert!(GOOD.contains(from), "{from}");
        let found = problem(&GOOD.replace(from, to));
        assert!(found.what.contains(says), "{to}: {found}");
    }
}

#[test]
fn the_sample_is_a_valid_config_once_its_comments_are_taken_away() {
    let active: String = super::super::SAMPLE
        .lines()
        .map(|l| l.strip_prefix("#: ").unwrap_or(l))
        .collect::<Vec<_>>()
        .join("\n");
    let config = parse(&active, Path::new("sample.toml")).unwrap();
    assert!(config.environments.len() >= 2);
    parse(super::super::SAMPLE, Path::new("sample.toml")).unwrap();
}

#[test]
fn buckets_have_options_and_other_stores_have_names() {
    let text = format!(
        "{}\n[store_options]\nendpoint = \
            \"https://ns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com\"\nregion = \
            \"eu-frankfurt-1\"\naccess_key_id = {{ env = \"K\" }}\nsecret_access_key = \
            {{ env = \"S\" }}\n[stores.offsite]\nurl = \"s3://other/oic\"\nprofile = \"backup\"\n",
        GOOD.replace("/tmp/backups", "s3://backups/oic")
    );
    let config = parse(&text, Path::new("c.toml")).unwrap();
    let Some(StorePlace::S3(place)) = &config.store else { panic!("{:?}", config.store) };
    assert_eq!(
        (place.bucket.as_str(), place.options.region.as_deref()),
        ("backups", Some("eu-frankfurt-1"))
    );
    let Ok(StorePlace::S3(other)) = config.store_named("offsite") else { panic!("a bucket") };
    assert_eq!(
        (other.bucket.as_str(), other.options.profile.as_deref()),
        ("other", Some("backup"))
    );
    assert!(other.options.endpoint.is_none(), "a named store has its own options");
    assert_eq!(config.store_named("/mnt/x"), Ok(StorePlace::Folder("/mnt/x".into())));
    let found = problem(&text.replace("https://ns", "http://ns"));
    assert!(found.what.contains("loopback"), "{}", found.what);
    let found = problem(&text.replace("{ env = \"S\" }", "\"hunter2\""));
    assert!(!found.what.contains("hunter2") && found.what.contains("keyring"), "{}", found.what);
}

#[test]
fn values_for_connections_are_read_and_a_secret_in_the_clear_is_refused() {
    let overlay = "[environments.prod.connections.HCM]\nconnectionUrl = \"https://h\"\n\
                   password = { env = \"X\" }\n\
                   [environments.prod.certificates.CA]\nfile = \"ca.pem\"\n\
                   [[environments.prod.smoke]]\nintegration = \"A\"\npath = \"/x\"\n\
                   body = \"b.json\"\n";
    let text = GOOD.replace("[environments.dev]", &format!("{overlay}[environments.dev]"));
    let config = parse(&text, Path::new("/etc/oicx/c.toml")).unwrap();
    let prod = &config.environments[0];
    assert_eq!(prod.connections["HCM"]["connectionUrl"], OverlayValue::Plain("https://h".into()));
    assert_eq!(prod.certificates["CA"].file, Path::new("/etc/oicx/ca.pem"));
    assert_eq!(prod.smoke[0].body.as_deref(), Some(Path::new("/etc/oicx/b.json")));
    assert_eq!(
        prod.runtime_url().unwrap().as_str(),
        "https://acme-prod.integration.eu-frankfurt-1.ocp.oraclecloud.com/"
    );
    let clear = problem(&text.replace("password = { env = \"X\" }", "password = \"hunter2\""));
    assert!(
        clear.what.contains("password is a secret") && !clear.what.contains("hunter2"),
        "{clear}"
    );
    assert_eq!(clear.line, 15);
    let path = problem(&text.replace("\"/x\"", "\"x\""));
    assert!(path.what.contains("begins with /"), "{path}");
    let method = problem(&text.replace("path = \"/x\"", "path = \"/x\"\nmethod = \"FETCH\""));
    assert!(method.what.contains("FETCH is not a method"), "{method}");
}

#[rstest::rstest]
#[case::by_its_other_host(
    "https://acme-prod.integration.eu.ocp.oraclecloud.com",
    "acme-prod",
    true
)]
#[case::another_instance("https://design.integration.eu.ocp.oraclecloud.com", "acme-test", false)]
#[case::another_region("https://design.integration.us.ocp.oraclecloud.com", "acme-prod", false)]
fn one_instance_under_two_names_is_protected_under_both(
    #[case] url: &str,
    #[case] instance: &str,
    #[case] same: bool,
) {
    let auth = "type = \"basic\"\nuser = \"x\"\npassword = { env = \"X\" }\n";
    let environment = |name: &str, url: &str, instance: &str, more: &str| {
        format!(
            "[environments.{name}]\nurl = \"{url}\"\ninstance = \"{instance}\"\n{more}\
             [environments.{name}.auth]\n{auth}"
        )
    };
    let design = "https://design.integration.eu.ocp.oraclecloud.com";
    let text = environment("prod", design, "acme-prod", "protected = true\n")
        + &environment("also", url, instance, "");
    let config = parse(&text, "c.toml".as_ref()).unwrap();
    assert_eq!(config.environments[1].protected, same);
    assert_eq!(config.environments[1].protection().len(), usize::from(same));
    assert_eq!(config.environments[0].protection().len(), usize::from(same));
}
