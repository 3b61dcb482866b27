//! Drift counts every version that runs, and does not take for a difference what a side could not
//! see or did not take.

use crate::cli::{json, oicx, run};
use crate::store::take_backup;
use crate::support::{World, id, screen::Screen};

/// Two majors of one code run beside each other, in the global space and in a project; on dev the
/// older one was changed in place.
const COMPANY: &str = r#"
[[environment]]
name = "dev"
instance = "acme-dev"
clients = [{ id = "oicx", secret = "demo", role = "ServiceAdministrator" }]
[[environment]]
name = "prod"
instance = "acme-prod"
clients = [{ id = "oicx", secret = "demo", role = "ServiceAdministrator" }]
[[connection]]
code = "OIC_REST"
name = "OIC REST"
adapter = "rest"
url = "https://oic.example"
[[project]]
code = "PEOPLE"
name = "People"
integrations = ["IN_PEOPLE"]
"#;

const INTEGRATION: &str = r#"
[[integration]]
code = "CODE"
[integration.flow]
name = "Name"
source = { name = "a", connection = "OIC_REST", adapter = "rest", verb = "GET", resource = "/a" }
target = { name = "b", connection = "OIC_REST", adapter = "rest", verb = "POST", resource = "/b" }
fields = { n = "$n" }
[[integration.at]]
environment = "dev"
version = "01.00.0000"
updated = "now-1h"
edit = { fields = { n = "$m" } }
[[integration.at]]
environment = "dev"
version = "02.00.0000"
updated = "now-9d"
[[integration.at]]
environment = "prod"
version = "01.00.0000"
updated = "now-90d"
[[integration.at]]
environment = "prod"
version = "02.00.0000"
updated = "now-9d"
"#;

async fn two_majors() -> World {
    let both = ["ORDER_API", "IN_PEOPLE"].map(|code| INTEGRATION.replace("CODE", code));
    World::of(&[COMPANY, &both.concat()].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_runs_beside_another_is_compared_by_itself() {
    let world = two_majors().await;
    take_backup(&world, "prod").await;
    let config = world.config_file("");
    for second in ["prod", "store:prod"] {
        let (code, drift) = json(&config, &["drift", "dev", second, "--json"]).await;
        assert_eq!(code, 4, "{drift}");
        let told: Vec<String> = drift["differences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| {
                let (code, state) = (d["code"].as_str().unwrap(), d["state"].as_str().unwrap());
                format!("{code} {} {state}", d["first"]["version"].as_str().unwrap())
            })
            .collect();
        assert_eq!(told, ["ORDER_API 01.00.0000 changed", "IN_PEOPLE 01.00.0000 changed"]);
    }
    let mut screen = Screen::start(world.workspace().await, (120, 32));
    screen.wait("PEOPLE/IN_PEOPLE").await.idle().await;
    for code in ["ORDER_API", "IN_PEOPLE"] {
        let line = screen.line(code);
        assert!(line.contains('≠'), "{code}: {}", screen.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_on_one_side_alone_is_told_beside_the_one_that_is_on_both() {
    let world = two_majors().await;
    world.sim.with_instance("dev", |dev| {
        dev.integrations.remove(&id("ORDER_API|01.00.0000")).unwrap();
    });
    let config = world.config_file("");
    let (code, out, err) = run(oicx(&config), &["drift", "dev", "prod"]).await;
    assert_eq!(code, 4, "{err}");
    let line = out.lines().find(|l| l.contains("ORDER_API")).unwrap();
    let told =
        "ORDER_API                                – | 01.00.0000 ●  dev has 02.00.0000 of it";
    assert!(line.contains(told), "{out}");
    // The versions that are the same on both sides count as such.
    assert!(
        out.contains("2 differ: 1 changed, 0 of another version, 0 only on dev, 1 only on prod")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_snapshot_left_out_is_not_only_on_the_other_side() {
    let world = two_majors().await;
    let config = world.config_file("");
    world.fault("status=500 env=prod path=/integrations/ORDER_API%7C01.00.0000/archive");
    let (code, _, err) = run(oicx(&config), &["backup", "prod"]).await;
    assert_eq!(code, 3, "{err}");
    let (code, out, err) = run(oicx(&config), &["drift", "prod", "store:prod"]).await;
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("1 artifact not compared") && out.contains("0 differ"), "{out}");
    assert!(err.contains("ORDER_API 01.00.0000 of store:prod: not taken: "), "{err}");
    world.sim.clear_faults();
    // A snapshot of chosen artifacts says nothing of the others.
    let label = ["backup", "prod", "--filter", "ORDER", "--tag", "orders"];
    let (code, _, err) = run(oicx(&config), &label).await;
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = run(oicx(&config), &["drift", "prod@orders", "prod"]).await;
    assert_eq!(code, 3, "{out}{err}");
    assert!(err.contains("store:prod@orders holds chosen artifacts alone"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_as_it_is_means_the_same_in_both_forms_of_its_file() {
    let world = two_majors().await;
    world.sim.with_instance("dev", |dev| {
        // 02, which is the same on both sides.
        let live = dev.integrations.remove(&id("IN_PEOPLE|02.00.0000|PEOPLE")).unwrap();
        dev.integrations.insert(id("IN_PEOPLE|02.00.0000"), live);
    });
    let config = world.config_file("");
    let sides = ["dev:global/IN_PEOPLE@02.00.0000", "prod:PEOPLE/IN_PEOPLE@02.00.0000"];
    let (code, out, err) = run(oicx(&config), &["diff", sides[0], sides[1]]).await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = run(oicx(&config), &["diff", sides[1], sides[0]]).await;
    assert_eq!(code, 0, "{out}{err}");
}
