//! What somebody with `edit` has at hand: other people's annotations, versions and times, and freezes to get round.

use harness::{Account, Case, Rights};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::support::LONG;

/// What status shows people, on the Secret.
pub const APPLIED: &str = "paramsync.dev/applied";
/// What says that a Secret is the operator's.
pub const SEAL: &str = "paramsync.dev/seal";

/// A ServiceAccount of the case's namespace that is bound to the built-in `edit`.
pub async fn tenant<'a>(case: &Case<'a>) -> Account<'a> {
    case.account("tenant", Rights::Here("edit")).await
}

/// From now on the case's store lets these namespaces read only below these prefixes; its identity may read all.
pub async fn allow(case: &Case<'_>, namespaces: &[&str], prefixes: &[&str]) {
    let selector = json!({"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces},
    ]});
    let access = json!([{"namespaceSelector": selector, "prefixes": prefixes}]);
    let patch = json!({"spec": {"access": access}}).to_string();
    let args = [
        "patch",
        "clusterparameterstore",
        case.namespace(),
        "--type=merge",
        "-p",
        &patch,
    ];
    case.kubectl(&args).await;
}

/// A ClusterChangeCalendar of the case's name that binds its namespace and holds first syncs; waits until it is so.
pub async fn calendar(case: &Case<'_>, state: &str) {
    let name = case.namespace();
    let hours = if state == "Closed" { [-1, 1] } else { [-9, -8] };
    let [start, end] = hours.map(|hours| {
        let at = Timestamp::now() + SignedDuration::from_hours(hours);
        Timestamp::from_second(at.as_second()).unwrap().to_string()
    });
    let object = json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ClusterChangeCalendar", "metadata": {"name": name},
        "spec": {
            "freeze": {"scope": "Updates", "firstSync": "Hold"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
            "events": [{"name": "freeze", "start": start, "end": end}],
        },
    });
    case.apply(&object.to_string()).await;
    case.eventually(LONG, &format!("the calendar is {state}"), async || {
        let object = case.get_json("ClusterChangeCalendar", name).await?;
        let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
        (current && object["status"]["state"] == state).then_some(())
    })
    .await;
}

/// Suspends a ParameterSync, or lets it go on; waits until the operator has seen it.
pub async fn suspend(case: &Case<'_>, tenant: &Account<'_>, name: &str, on: bool) {
    let patch = json!({"spec": {"suspend": on}});
    tenant.patch_sync(name, patch).await.unwrap();
    if on {
        case.wait_condition(name, "UpToDate", "Unknown", "Suspended")
            .await;
    }
}

/// The operator's own annotations of a Secret, all of them: what one day's copy is.
pub async fn annotations(tenant: &Account<'_>, secret: &str) -> Map<String, Value> {
    let secret = tenant.secret(secret).await.unwrap();
    let all = secret["metadata"]["annotations"].as_object().unwrap();
    let ours = all.iter().filter(|(name, _)| name.starts_with("paramsync.dev/"));
    ours.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Puts annotations into a Secret as JSON.
pub fn annotate(secret: &mut Value, annotations: &Map<String, Value>) {
    for (name, value) in annotations {
        secret["metadata"]["annotations"][name] = value.clone();
    }
}

/// A version of a parameter, as everybody who may read Parameter Store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    name: String,
    version: i64,
    millis: i64,
}

impl Known {
    /// The newest version, with its true time.
    pub async fn newest(case: &Case<'_>, name: &str) -> Self {
        let body = json!({"Names": [name], "WithDecryption": false});
        let answer = case.store().call("GetParameters", harness::REGION, &body).await;
        let parameter = answer.unwrap()["Parameters"][0].take();
        let seconds = parameter["LastModifiedDate"].as_f64().unwrap();
        Self {
            name: name.to_owned(),
            version: parameter["Version"].as_i64().unwrap(),
            // As the AWS SDK reads it: nanoseconds cut off, then milliseconds.
            millis: seconds.floor() as i64 * 1000 + (seconds.fract() * 1e9) as i64 / 1_000_000,
        }
    }

    /// The version that status says is applied.
    pub async fn applied(case: &Case<'_>, sync: &str, name: &str) -> Self {
        let object = case.get_json("ParameterSync", sync).await.unwrap();
        let parameters = object["status"]["parameters"].as_array().unwrap();
        let entry = parameters.iter().find(|entry| entry["name"] == name).unwrap();
        let time: Timestamp = entry["lastModified"].as_str().unwrap().parse().unwrap();
        Self {
            name: name.to_owned(),
            version: entry["version"].as_i64().unwrap(),
            millis: time.as_millisecond(),
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millisecond(self.millis).unwrap()
    }

    /// Annotations that name `new` where they named this, whatever their form: name, version and time.
    pub fn replaced(&self, annotations: &Map<String, Value>, new: &Self) -> Map<String, Value> {
        self.forged(annotations, new, &|known, whole| known.replace(whole, new))
    }

    /// Annotations that name `new` beside this, in the same words.
    pub fn joined(&self, annotations: &Map<String, Value>, new: &Self) -> Map<String, Value> {
        self.forged(annotations, new, &|known, whole| known.join(whole, new))
    }

    fn forged(
        &self,
        annotations: &Map<String, Value>,
        new: &Self,
        forge: &dyn Fn(&Self, &mut Value),
    ) -> Map<String, Value> {
        let mut forged = annotations.clone();
        let text = annotations[APPLIED].as_str().unwrap();
        let mut whole: Value = serde_json::from_str(text).unwrap();
        forge(self, &mut whole);
        let told = whole.to_string();
        assert!(told != text && told.contains(&new.name), "{told}");
        forged.insert(APPLIED.to_owned(), json!(told));
        forged
    }

    /// Name and version in one word.
    fn told(&self) -> String {
        format!("{}:{}", self.name, self.version)
    }

    /// Whether a list, a map or a word is about this parameter.
    fn is_in(&self, entry: &Value) -> bool {
        match entry {
            Value::Array(list) => list.contains(&json!(self.name)),
            Value::Object(map) => map.values().any(|part| *part == json!(self.name)),
            Value::String(text) => *text == self.told(),
            _ => false,
        }
    }

    /// In each list or map that is about this, all that is of this version becomes what is of the other.
    fn replace(&self, within: &mut Value, new: &Self) {
        let named = self.is_in(within);
        for part in parts(within) {
            self.replace(part, new);
            let is_time = |text: &str| text.parse::<Timestamp>().is_ok_and(|time| time == self.time());
            if *part == json!(self.told()) {
                *part = json!(new.told());
            }
            if !named {
                continue;
            }
            if *part == json!(self.name) {
                *part = json!(new.name);
            } else if *part == json!(self.version) {
                *part = json!(new.version);
            } else if *part == json!(self.millis) {
                *part = json!(new.millis);
            } else if part.as_str().is_some_and(is_time) {
                *part = json!(new.time().to_string());
            }
        }
    }

    /// Beside each list or map that is about this, there comes one about the other.
    fn join(&self, within: &mut Value, new: &Self) {
        for part in parts(within) {
            self.join(part, new);
        }
        let key = new.name.rsplit('/').next().unwrap().to_owned();
        let about = |entry: &Value| {
            let mut list = json!([entry]);
            self.replace(&mut list, new);
            list[0].take()
        };
        match within {
            Value::Array(list) => {
                let more: Vec<Value> = list.iter().filter(|entry| self.is_in(entry)).map(about).collect();
                list.extend(more);
            }
            Value::Object(map) => {
                let more = map.values().find(|entry| self.is_in(entry)).map(about);
                map.extend(more.map(|entry| (key, entry)));
            }
            _ => {}
        }
    }
}

fn parts(of: &mut Value) -> Vec<&mut Value> {
    match of {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => Vec::new(),
    }
}

/// Calls to Parameter Store since `from`, as a count of calls, that name this parameter.
pub fn calls_for(case: &Case<'_>, from: usize, name: &str) -> Vec<String> {
    let calls = case.gate().calls();
    let about = calls[from..].iter().filter(|call| {
        let read = call.action.starts_with("GetParameter");
        read && call
            .names_or_path
            .iter()
            .any(|asked| asked == name || asked.starts_with(&format!("{name}:")))
    });
    about.map(ToString::to_string).collect()
}
