//! Questions that get no answer: every call that a plan makes, in every way to restore something,
//! answered as hosts between and roles answer. The plan that comes of it does what it would have
//! done, or is refused: what could not be read is never taken for yes or no.
//!
//! An ordinary run takes a sample; `OICX_MATRIX=full` takes all of it.

use oicx::restore::{self, PlanOptions, PreparedPlan, Request, Strategy};
use oicx::sim::Manners;
use rstest::rstest;

use crate::scenarios::{Lane, SCENARIOS};

const FAULTS: [&str; 6] =
    ["status=404", "status=403", "status=500", "html", "truncate", "expired-token"];
/// One question in so many, in an ordinary run.
const SAMPLE: usize = 12;

async fn plan(lane: &Lane, request: &Request) -> Result<PreparedPlan, String> {
    let options = PlanOptions { schedule: lane.schedule, ..PlanOptions::default() };
    let store = lane.world.store().await;
    let prepared = restore::prepare(&lane.client, Some(&store), request, &options).await;
    prepared.map_err(|why| why.to_string())
}

/// What a plan does, in words.
fn done(prepared: &PreparedPlan) -> Vec<String> {
    let plan = &prepared.plan;
    let items = plan.items.iter().map(|i| format!("{} {:?} {:?}", i.key, i.strategy, i.schedule));
    items.chain(plan.steps.iter().map(|step| step.text.clone())).collect()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_decides_nothing_by_an_answer_that_it_did_not_get(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)] place: usize,
) {
    let scenario = SCENARIOS[place];
    let lane = Lane::new(&scenario).await;
    let cell = lane.cell(&scenario, Manners::default()).await;
    no_answer_to_each_question(&lane, &cell.request, scenario.name, place).await;
}

/// What a person does by hand is planned with the same care.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_of_steps_by_hand_decides_nothing_by_an_answer_that_it_did_not_get() {
    let scenario = SCENARIOS.iter().find(|s| s.name == BY_HAND).unwrap();
    let lane = Lane::new(scenario).await;
    lane.instance(|i| i.settings.exports_members = false);
    lane.instance(scenario.before);
    let good = plan(&lane, &lane.request).await.unwrap();
    assert_eq!(good.plan.strategy, Strategy::ByHand, "{:?}", good.plan);
    no_answer_to_each_question(&lane, &lane.request, "by hand", 0).await;
}

/// A replacement in a project, on an instance that exports no member alone.
const BY_HAND: &str = "replace in a project";

/// Takes the answer to each question of a plan away.
async fn no_answer_to_each_question(lane: &Lane, request: &Request, name: &str, place: usize) {
    let sim = &lane.world.sim;
    let before = sim.calls("prod ");
    let good = plan(lane, request).await.unwrap();
    let blockers = |prepared: &PreparedPlan| prepared.plan.blockers().count();
    let mut questions = sim.calls_since("prod ", before);
    questions.sort_unstable();
    questions.dedup();
    let all: Vec<(&str, &str)> = questions
        .iter()
        .flat_map(|question| FAULTS.map(|fault| (question.as_str(), fault)))
        .collect();
    let full = std::env::var("OICX_MATRIX").is_ok_and(|v| v == "full");
    let step = if full { 1 } else { SAMPLE };
    let (mut asked, mut refused, mut bad) = (0, 0, Vec::new());
    for (question, fault) in all.iter().skip(place % step).step_by(step) {
        let (method, path) = question.trim_start_matches("prod ").split_once(' ').unwrap();
        // The answer stays away however often it is asked for.
        lane.world.fault(&format!("{fault} env=prod method={method} path={path}"));
        let found = plan(lane, request).await;
        sim.clear_faults();
        asked += 1;
        match found {
            Err(_) => refused += 1,
            Ok(found) if done(&found) == done(&good) => {}
            Ok(found) if blockers(&found) > 0 => refused += 1,
            Ok(found) => bad.push(format!(
                "{question}, {fault}: {:#?} {:#?}",
                done(&found),
                found.plan.checks
            )),
        }
    }
    println!(
        "unanswered: {}: {asked} of {} questions without an answer, {refused} refused",
        name,
        all.len()
    );
    assert!(asked > 0 && bad.is_empty(), "{} of {asked}: {}", bad.len(), bad.join("\n"));
}
