//! The parts themselves: they start, they work, and they leave nothing behind.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Child, ControlPlane, ParameterStore, REGION, Scratch, Signal, Tools};
use serde_json::json;

fn runs(pid: u32) -> bool {
    // A zombie has no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn within(timeout: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < timeout, "not within {timeout:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_child_gives_its_output_its_exit_code_and_takes_signals() {
    let scratch = Scratch::new("child").unwrap();
    let log = scratch.path().join("log");
    let start =
        |script: &str| Child::start(Path::new("/bin/sh"), &["-c", script], &[("A", "b c")], &log).unwrap();
    let mut child = start("echo \"$A\" \"$HOME\"; exit 7");
    assert_eq!(child.wait(Duration::from_secs(5)).unwrap(), 7);
    assert_eq!(child.log_tail(9), "b c ", "nothing of our environment but PATH");
    let mut child = start("sleep 600");
    child.signal(Signal::Stop).unwrap();
    child.signal(Signal::Continue).unwrap();
    assert_eq!(child.exit_code().unwrap(), None);
    child.signal(Signal::Term).unwrap();
    assert_eq!(child.wait(Duration::from_secs(5)).unwrap(), 128 + 15);
    assert_eq!(child.log_tail(9), "b c ", "the shell between says nothing");
    assert!(child.signal(Signal::Term).is_err());
    let child = Child::start(Path::new("/bin/sleep"), &["600"], &[], &log).unwrap();
    let pid = child.pid();
    assert!(runs(pid));
    drop(child);
    assert!(!runs(pid));
    assert!(Child::start(Path::new("/nowhere/at/all"), &["x"], &[], &log).is_err());
}

#[test]
fn a_killed_parent_leaves_no_process_and_no_file() {
    let scratch = Scratch::new("parent").unwrap();
    let out = scratch.path().join("out");
    let mut parent = Command::new(env!("CARGO_BIN_EXE_parent"))
        .arg(&out)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    within(Duration::from_secs(20), "the parent starts a child", || {
        out.exists()
    });
    let said = std::fs::read_to_string(&out).unwrap();
    let (pid, folder) = said.split_once(' ').unwrap();
    let pid = pid.parse().unwrap();
    assert!(runs(pid) && Path::new(folder).exists());
    parent.kill().unwrap(); // SIGKILL
    parent.wait().unwrap();
    within(Duration::from_secs(5), "the child ends", || !runs(pid));
    within(Duration::from_secs(5), "the folder is gone", || {
        !Path::new(folder).exists()
    });
}

#[tokio::test]
async fn a_parameter_is_put_and_read_through_the_gate() {
    let store = ParameterStore::start(&Tools::locate().unwrap()).await.unwrap();
    assert_eq!(store.put("/web/a", "one").await.unwrap(), 1);
    assert_eq!(store.put("/web/a", "two").await.unwrap(), 2);
    assert_eq!(store.put_string("/web/b", &"v".repeat(5000)).await.unwrap(), 1);
    store.label("/web/a", 1, "live").await.unwrap();
    let body = json!({"Names": ["/web/a", "/web/a:live"], "WithDecryption": true});
    let answer = store.call("GetParameters", REGION, &body).await.unwrap();
    assert_eq!(answer["Parameters"][0]["Value"], "one");
    assert_eq!(answer["Parameters"][1]["Value"], "two");
    store.delete("/web/a").await.unwrap();
    let gone = store
        .call("GetParameter", REGION, &json!({"Name": "/web/a"}))
        .await
        .unwrap_err();
    assert!(gone.to_string().contains("ParameterNotFound"), "{gone}");
    let counts = store.gate().counts();
    assert_eq!(
        (counts.reads(), counts.decrypted, counts.of("PutParameter")),
        (2, 2, 3)
    );
}

#[tokio::test]
async fn a_control_plane_boots_runs_tools_and_survives_its_api_server() {
    let start = Instant::now();
    let plane = ControlPlane::start(&Tools::locate().unwrap()).await.unwrap();
    eprintln!("booted in {:.1?}", start.elapsed());
    let namespaces = plane.kubectl(&["get", "namespaces", "-o", "name"]).await.unwrap();
    assert!(namespaces.contains("namespace/kube-system"), "{namespaces}");
    plane.kubectl(&["create", "namespace", "one"]).await.unwrap();
    plane.helm(&["list", "-A"]).await.unwrap();
    let config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, namespace: one}, data: {a: b}}";
    plane.kubectl_stdin(&["apply", "-f", "-"], config).await.unwrap();
    let refused = plane.kubectl(&["get", "nonsense"]).await.unwrap_err().to_string();
    assert!(refused.contains("nonsense"), "{refused}");

    // A ServiceAccount's token works, and has no more rights than it was given.
    plane
        .kubectl(&["create", "serviceaccount", "reader", "-n", "one"])
        .await
        .unwrap();
    let token = plane
        .kubectl(&["create", "token", "reader", "-n", "one"])
        .await
        .unwrap();
    let kubeconfig = plane
        .scratch()
        .write("reader", &plane.kubeconfig_with_token(token.trim()).unwrap())
        .unwrap();
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    let whoami = plane.kubectl(&[&kubeconfig, "auth", "whoami"]).await.unwrap();
    assert!(whoami.contains("system:serviceaccount:one:reader"), "{whoami}");
    let refused = plane
        .kubectl(&[&kubeconfig, "get", "secrets", "-n", "one"])
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("Forbidden"), "{refused}");

    let again = ControlPlane::existing(plane.tools(), plane.kubeconfig()).unwrap();
    assert!(again.kubectl(&["get", "namespace", "one"]).await.is_ok());
    assert!(again.start_apiserver().await.is_err());

    plane.stop_apiserver();
    assert!(plane.kubectl(&["get", "namespaces"]).await.is_err());
    plane.start_apiserver().await.unwrap();
    let kept = plane
        .kubectl(&[
            "get",
            "configmap",
            "kept",
            "-n",
            "one",
            "-o",
            "jsonpath={.data.a}",
        ])
        .await;
    assert_eq!(kept.unwrap(), "b");
    // The controllers found it again: a namespace goes with what is in it.
    plane
        .kubectl(&["delete", "namespace", "one", "--timeout=30s"])
        .await
        .unwrap();
    let folder = plane.scratch().path().to_owned();
    drop(plane);
    assert!(!folder.exists());
}
