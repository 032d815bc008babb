//! The service as its clients see it: over HTTP, on a port of its own.

use std::fs;

use serde_json::{Value, json};
use sprocket::core::engine::Events;
use sprocket::core::kind::Entropy;
use sprocket::core::state::{FileStore, Holder, StateStore as _};
use tempfile::TempDir;

use super::service::Service;

/// A service that runs, in a folder of its own.
struct Served {
    folder: TempDir,
    service: Service,
    url: String,
    client: reqwest::Client,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::in_folder(folder.path()).await.unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, service.router()).into_future());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { folder, service, url, client }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn plan(&self, greeting: &str) -> Value {
        let (status, plan) = self.get(&format!("/plan?greeting={greeting}")).await;
        assert_eq!((status, &plan["version"], &plan["type"]), (200, &json!(1), &json!("plan")), "{plan}");
        plan
    }

    async fn post(&self, greeting: &str, plan: &Value) -> reqwest::Response {
        let order = json!({ "greeting": greeting, "plan": plan["digest"] });
        self.client.post(format!("{}/apply", self.url)).json(&order).send().await.unwrap()
    }

    /// The status of an apply, and the lines of its answer.
    async fn apply(&self, greeting: &str, plan: &Value) -> (u16, Vec<Value>) {
        let answer = self.post(greeting, plan).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.iter().all(|line| line["version"] == 1), "{text}");
        (status, lines)
    }

    /// Plans and applies, and sees that nothing is left to do.
    async fn reach(&self, greeting: &str) -> Vec<Value> {
        let (status, lines) = self.apply(greeting, &self.plan(greeting).await).await;
        assert_eq!((status, &lines.last().unwrap()["succeeded"]), (200, &json!(true)), "{lines:?}");
        let again = self.plan(greeting).await;
        assert_eq!((&again["pending"], &again["unchanged"]), (&json!(false), &json!(3)), "{again}");
        lines
    }

    /// The status of an apply that is refused, and why.
    async fn refused(&self, greeting: &str, plan: &Value) -> String {
        let (status, lines) = self.apply(greeting, plan).await;
        let [error] = &lines[..] else { panic!("one line: {lines:?}") };
        format!("{status} {}: {}", error["reason"].as_str().unwrap(), error["message"].as_str().unwrap())
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("files").join(name)
    }
}

#[tokio::test]
async fn the_plan_that_was_shown_is_applied_and_told() {
    let served = Served::start().await;
    let lines = served.reach("hello").await;
    let told = |line: &Value| ["type", "event", "address", "summary"].map(|key| line[key].as_str().map(str::to_owned));
    let told = lines.iter().map(|line| told(line).into_iter().flatten().collect::<Vec<_>>().join(" "));
    // The greeting waits for nothing, so that its events may come anywhere.
    let (greeting, told): (Vec<String>, Vec<String>) = told.partition(|line| line.ends_with("greeting"));
    assert_eq!(greeting, ["event step_started folder:file/greeting", "event step_ended folder:file/greeting"]);
    insta::assert_snapshot!(told.join("\n"), @"
    event apply_started
    event step_started random:password/robot
    event step_ended random:password/robot
    event step_started folder:file/length
    event step_ended folder:file/length
    event apply_ended
    report 3 created.
    ");
    assert!(fs::read_to_string(served.file("greeting")).unwrap().ends_with("\nhello\n"));
    assert_eq!(served.get("/verify?greeting=hello").await.1["passed"], true);

    // The next plan is the difference.
    let plan = served.plan("good%20evening").await;
    let change = &plan["steps"][0]["changes"][0];
    assert_eq!((&change["before"], &change["after"]), (&json!("hello\n"), &json!("good evening\n")));
    served.apply("good evening", &plan).await;
    assert!(fs::read_to_string(served.file("greeting")).unwrap().ends_with("\ngood evening\n"));
}

#[tokio::test]
async fn no_answer_has_a_secret_in_it() {
    let served = Served::start().await;
    let plan = served.plan("hello").await;
    let (_, lines) = served.apply("hello", &plan).await;
    let (_, outputs) = served.get("/outputs").await;
    assert_eq!(outputs["password"], json!({ "$secret": true }));
    let revealed = served.service.engine(Events::default()).outputs(true).await.unwrap();
    let password = revealed["password"].as_str().unwrap();
    let answers = format!("{plan} {lines:?} {outputs} {}", served.plan("bye").await);
    assert!(password.len() == 32 && !answers.contains(password) && !answers.contains("$sealed"), "{answers}");
}

#[tokio::test]
async fn a_plan_of_another_time_place_or_request_is_refused() {
    let served = Served::start().await;
    served.reach("hello").await;
    let plan = served.plan("bye").await;
    // Somebody asks for something else than what was looked at.
    insta::assert_snapshot!(served.refused("good evening", &plan).await, @"409 stale: the plan is stale: `folder:file/greeting` is not as it was when the plan was made");
    insta::assert_snapshot!(served.refused("bye", &json!({ "digest": "d1ce" })).await, @"409 stale: the plan is stale: no plan of this digest was shown lately");
    // The world moves.
    let before = fs::read_to_string(served.file("greeting")).unwrap();
    fs::write(served.file("greeting"), before.clone() + "P.S.\n").unwrap();
    insta::assert_snapshot!(served.refused("bye", &plan).await, @"409 stale: the plan is stale: `folder:file/greeting` is not as it was when the plan was made");
    fs::write(served.file("greeting"), before).unwrap();
    // It is back, and so is the plan; but it is applied once.
    assert_eq!(served.apply("bye", &plan).await.0, 200);
    insta::assert_snapshot!(served.refused("bye", &plan).await, @"409 stale: the plan is stale: the state has changed since it was made");
    served.reach("bye").await;
}

#[tokio::test]
async fn one_run_at_a_time() {
    let served = Served::start().await;
    let plan = served.plan("hello").await;
    // Another process is at work.
    let store = FileStore::new(served.folder.path().join("state"));
    let (id, since) = (Entropy::system().id(), "2026-01-01T00:00:00Z".parse().unwrap());
    let lock = store.lock(&Holder { id, who: "ann".into(), command: "apply".into(), since }).await.unwrap();
    insta::assert_snapshot!(served.refused("hello", &plan).await, @"409 locked: the state is locked by ann since 2026-01-01T00:00:00Z (`apply`)");
    lock.release().await.unwrap();
    // Two requests at once: one is done, and the other finds it under way, or over.
    let (one, other) = tokio::join!(served.apply("hello", &plan), served.apply("hello", &plan));
    let mut answers = [one, other];
    answers.sort_by_key(|(status, _)| *status);
    let [(200, done), (409, refused)] = &answers else { panic!("{answers:?}") };
    assert_eq!(done.last().unwrap()["succeeded"], true);
    assert!(["locked", "stale"].map(Value::from).contains(&refused[0]["reason"]), "{refused:?}");
    served.reach("hello").await;
}

#[tokio::test]
async fn who_hangs_up_cuts_nothing_off() {
    let served = Served::start().await;
    let answer = served.post("hello", &served.plan("hello").await).await;
    assert_eq!(answer.status(), 200);
    drop(answer);
    served.service.finish().await;
    assert_eq!(served.plan("hello").await["pending"], false);
}

#[tokio::test]
async fn a_service_that_is_being_stopped_starts_nothing_more() {
    let served = Served::start().await;
    let plan = served.plan("hello").await;
    served.service.stop.request();
    let (_, lines) = served.apply("hello", &plan).await;
    let report = lines.last().unwrap();
    assert_eq!((&report["type"], &report["interrupted"]), (&json!("report"), &json!(true)), "{lines:?}");
    assert!(!served.file("greeting").exists());
}

#[tokio::test]
async fn what_is_wrong_has_its_status() {
    let served = Served::start().await;
    let (status, error) = served.get("/plan").await;
    insta::assert_snapshot!(format!("{status} {error}"), @r#"400 {"message":"Failed to deserialize query string: missing field `greeting`","reason":"request","type":"error","version":1}"#);
    let answer = served.client.post(format!("{}/apply", served.url)).body("hello").send().await.unwrap();
    assert_eq!(answer.status(), 415);
    // A file of somebody else is in the way: the plan says so, and is not applied.
    fs::create_dir(served.file("")).unwrap();
    fs::write(served.file("greeting"), "mine\n").unwrap();
    let plan = served.plan("hello").await;
    assert_eq!(plan["problems"][0]["address"], "folder:file/greeting");
    assert!(served.refused("hello", &plan).await.starts_with("422 problems: "));
    assert_eq!(fs::read_to_string(served.file("greeting")).unwrap(), "mine\n");
    // What is no folder can't be read.
    fs::remove_dir_all(served.file("")).unwrap();
    fs::write(served.folder.path().join("files"), "").unwrap();
    let (status, error) = served.get("/plan?greeting=hello").await;
    assert_eq!((status, &error["reason"]), (503, &json!("unreadable")), "{error}");
}
