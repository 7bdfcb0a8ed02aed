//! A secret value is in its Secret and nowhere else: not in a log at any level, an event, a status, a metric, another
//! object, or a file that is left.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{Case, Scratch, Suite, SuiteConfig};

use super::support::{LONG, ask_for_sync, assert_no_panic, operator, turn, wait_value};

const CANARY: &str = "c4naryV4lue7f3a91c2";
/// What the demo prints, step by step.
const STEPS: [&str; 15] = [
    "1. Start etcd",
    "2. Install the chart",
    "3. Put SecureString parameters",
    "4. Apply a ClusterParameterStore",
    "5. Look at the Secret",
    "6. Wait for the next look",
    "7. Change /web/DB_PASSWORD",
    "8. Break the Secret",
    "9. Close a calendar",
    "10. Change /web/DB_PASSWORD in the freeze",
    "11. Break the Secret in the freeze",
    "12. Let the freeze end",
    "13. What it cost",
    "14. Delete the ParameterSync",
    "All steps held",
];

/// The canary as text, and in base64 wherever in a value it may begin.
fn forms() -> Vec<String> {
    let shifted = |before: usize| {
        let text = STANDARD.encode(format!("{}{CANARY}", " ".repeat(before)));
        // A character that it shares with its neighbours may be any.
        let (from, to) = ((before * 4).div_ceil(3), (before + CANARY.len()) * 4 / 3);
        text[from..to].to_owned()
    };
    std::iter::once(CANARY.to_owned())
        .chain((0..3).map(shifted))
        .collect()
}

fn assert_silent(place: &str, text: &str) {
    for form in forms() {
        if let Some(at) = text.find(&form) {
            let before = text[..at].rsplit('\n').next().unwrap_or_default();
            panic!("a value shows in {place}, after {before:?}");
        }
    }
}

fn files(folder: &Path, skipped: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if skipped.contains(&path) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, skipped));
        } else {
            found.push(path);
        }
    }
    found
}

/// Puts the canary through all that is done with values, what goes wrong among it.
async fn play(case: &Case<'_>) {
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.put("/web/V01", CANARY).await;
    case.put("/json/A", &format!(r#"{{"user": "{CANARY}"}}"#)).await;
    case.sync(
        "web",
        "interval: 10s\nsources: [{path: /web}]\ntarget: {templates: {x: '{{ V01 }}'}}",
    )
    .await;
    case.sync("json", "sources: [{name: /json/A, expand: JSON}]")
        .await;
    case.wait_ready("web").await;
    case.wait_ready("json").await;
    wait_value(case, "web", "x", CANARY).await;
    wait_value(case, "json", "user", CANARY).await;

    let changed = format!("{CANARY}-changed");
    case.put("/web/V01", &changed).await;
    ask_for_sync(case, "web", "change").await;
    wait_value(case, "web", "V01", &changed).await;
    let patch = r#"{"stringData": {"V01": "by hand"}}"#;
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", patch])
        .await;
    wait_value(case, "web", "V01", &changed).await;

    case.put("/json/A", &format!(r#"{{"user": "{CANARY}", oops"#))
        .await;
    ask_for_sync(case, "json", "broken").await;
    case.wait_condition("json", "Ready", "False", "InvalidJSON").await;
    for (name, spec, reason) in [
        (
            "template",
            "sources: [{path: /web}]\ntarget: {templates: {x: '{{ V01 | int }}{{ NOPE }}'}}",
            "TemplateFailed",
        ),
        (
            "base64",
            "sources: [{name: /web/V01, decode: Base64}]",
            "InvalidBase64",
        ),
        (
            "twice",
            "sources: [{path: /web}, {name: /web/V01}]",
            "KeyCollision",
        ),
        (
            "pointer",
            "sources: [{name: /web/V01, pointer: /a, key: a}]",
            "InvalidJSON",
        ),
    ] {
        case.sync(name, spec).await;
        case.wait_condition(name, "Ready", "False", reason).await;
    }
    case.gate().fail_next(2, "InternalServerError");
    ask_for_sync(case, "web", "failing").await;
    operator.restart().unwrap();
    operator.wait_ready().await.unwrap();
    case.eventually(LONG, "the forced sync is answered", async || {
        let object = case.get_json("ParameterSync", "web").await?;
        (object["status"]["lastHandledSyncRequest"] == "failing").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_value_is_in_its_secret_and_nowhere_else() {
    let _turn = turn().await;
    // A control plane of its own, whose every file is searched; the operator says all that it can say.
    let suite = Suite::start(SuiteConfig {
        operator: operator("trace"),
        chart_values: Vec::new(),
    })
    .await
    .unwrap();
    let case = suite.case_alone("canary").await;
    let (operator, plane) = (case.operator(), case.plane());
    play(&case).await;

    let log = operator.log();
    assert!(log.contains("TRACE"), "the log says all that it can");
    assert!(
        log.contains("object=canary-0/web"),
        "the log speaks of the objects"
    );
    assert_silent("the operator's log", &log);
    assert_silent("/metrics", &operator.metrics().await.unwrap());
    for path in ["/livez", "/readyz"] {
        assert_silent(path, &operator.get(path).await.unwrap().body);
    }

    let kinds = plane
        .kubectl(&["api-resources", "--verbs=list", "-o", "name"])
        .await
        .unwrap();
    let (mut objects, mut holders) = (0, 0);
    for kind in kinds.lines() {
        // With the fields' owners, which kubectl hides otherwise.
        let args = ["get", kind, "-A", "-o", "json", "--show-managed-fields"];
        let list = plane.kubectl(&args).await.unwrap();
        let mut list: serde_json::Value = serde_json::from_str(&list).unwrap();
        for object in list["items"].as_array_mut().unwrap() {
            objects += 1;
            let name = format!("{kind} {}", object["metadata"]["name"]);
            if kind == "secrets" {
                let data = object["data"].take().to_string();
                let ours = object["metadata"]["labels"]["paramsync.dev/managed"] == "true";
                let holds = forms().iter().any(|form| data.contains(form));
                assert!(ours || !holds, "{name}");
                holders += u32::from(holds);
            }
            assert_silent(&name, &object.to_string());
        }
    }
    assert!(objects > 100, "{objects} objects were looked at");
    assert_eq!(holders, 2, "the search finds it where it is");
    let events = case.list_json("Event").await.len();
    assert!(events > 5, "{events} events were looked at");

    // etcd's own files hold the Secret itself.
    let scratch = plane.scratch().path();
    let files = files(scratch, &[scratch.join("etcd")]);
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert_silent(&file.display().to_string(), &String::from_utf8_lossy(&bytes));
    }
    assert_no_panic(operator);
}

#[tokio::test]
async fn the_demo_shows_each_step_prints_no_value_and_leaves_no_file() {
    let _turn = turn().await;
    let folder = Scratch::new("demo").unwrap();
    let demo = Path::new(env!("CARGO_BIN_EXE_paramsync")).with_file_name("demo");
    assert!(demo.is_file(), "`make parts` builds {}", demo.display());
    let output = tokio::process::Command::new(demo)
        .current_dir(harness::repository())
        .env("TMPDIR", folder.path())
        .env_remove("DEMO_KUBECONFIG")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
    for step in STEPS {
        assert!(said.contains(step), "{step:?} is not in\n{said}");
    }
    // What the demo gives its parameters: `first value of DB_HOST`, `second value of DB_PASSWORD`.
    for value in [
        "first value of",
        "second value of",
        "third value of",
        "Zmlyc3QgdmFsdWUgb2",
        "c2Vjb25kIHZhbHVlIG9m",
    ] {
        assert!(
            !said.contains(value) && !complaints.contains(value),
            "{value:?} is in\n{said}"
        );
    }
    let left = files(folder.path(), &[]);
    assert!(left.is_empty(), "{left:?}");
}
