//! The service: what can be asked, and what is answered. All of it is JSON, in the engine's own documents.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Json, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sprocket::core::engine::{Engine, Event, Events, Goal, Plan, Refused, Report, Settings, Stop, VerifyReport};
use sprocket::core::state::{FileStore, KeySource, StateStore, StoreError};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::site::{Wanted, site};
use super::text_file::Folder;
use super::trouble::Trouble;

/// How many plans can be applied after they were shown.
const SHOWN: usize = 100;

/// What all requests share. A clone is the same service.
#[derive(Clone)]
pub struct Service {
    store: Arc<dyn StateStore>,
    key: KeySource,
    files: PathBuf,
    shown: Arc<Mutex<VecDeque<Plan>>>,
    runs: TaskTracker,
    /// Stops every run.
    pub stop: Stop,
}

impl Service {
    /// A service whose state, key and files are in this folder.
    pub async fn in_folder(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let store = FileStore::new(folder.as_ref().join("state"));
        Ok(Self {
            key: store.make_own_key().await?,
            store: Arc::new(store),
            files: folder.as_ref().join("files"),
            shown: Arc::default(),
            runs: TaskTracker::new(),
            stop: Stop::default(),
        })
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/plan", get(plan))
            .route("/apply", post(apply))
            .route("/verify", get(verify))
            .route("/outputs", get(outputs))
            .with_state(self.clone())
    }

    /// Waits for the runs that nobody waits for any more.
    pub async fn finish(&self) {
        self.runs.close();
        self.runs.wait().await;
    }

    /// Engines are made as they are needed: what they share is the store, whose lock keeps two runs apart.
    pub fn engine(&self, events: Events) -> Engine {
        let settings = Settings { events, who: "custom_tooling".into(), ..Settings::new(self.key.clone()) };
        Engine::new(Arc::clone(&self.store), settings).knowing::<Folder>()
    }

    fn remember(&self, plan: &Plan) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.truncate(SHOWN - 1);
        shown.push_front(plan.clone());
    }

    fn recall(&self, digest: &str) -> Result<Plan, Refused> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = shown.iter().find(|plan| plan.digest() == digest).cloned();
        plan.ok_or_else(|| Refused::Stale { what: "no plan of this digest was shown lately".into() })
    }
}

/// `GET /plan?greeting=…`: what is to be done. It is kept, because a first plan proposes the id and the key of the state.
async fn plan(
    State(service): State<Service>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Plan>, Trouble> {
    let Query(wanted) = wanted?;
    let stack = site(&service.files, &wanted);
    let plan = service.engine(Events::default()).plan(&stack, Goal::Declared).await?;
    service.remember(&plan);
    Ok(Json(plan))
}

/// What is to be applied: what was wanted, and the plan that was looked at.
#[derive(Deserialize)]
struct Order {
    #[serde(flatten)]
    wanted: Wanted,
    plan: String,
}

/// A line of an answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Line {
    Event(Event),
    Report(Report),
}

/// `POST /apply`: does exactly what the plan says, or refuses. Once it has begun, the answer follows the run.
async fn apply(State(service): State<Service>, order: Result<Json<Order>, JsonRejection>) -> Result<Response, Trouble> {
    let Json(Order { wanted, plan }) = order?;
    let plan = service.recall(&plan)?;
    let (lines, mut told) = mpsc::unbounded_channel();
    let sink = lines.clone();
    // Nobody may be listening any more.
    let events = Events::to(move |event| drop(sink.send(Line::Event(event))));
    let (engine, stack, stop) = (service.engine(events), site(&service.files, &wanted), service.stop.clone());
    // In a task of its own: a request that is given up drops its future, and that would be a crash of the run.
    let run = service.runs.spawn(async move {
        let report = engine.apply(&stack, &plan, &stop).await?;
        drop(lines.send(Line::Report(report)));
        Ok::<_, Refused>(())
    });
    // Until it begins it can be refused, and the answer has the status that says so. A run that was stopped before that has
    // a report all the same.
    while let Some(line) = told.recv().await {
        if matches!(line, Line::Event(Event::ApplyStarted { .. }) | Line::Report(_)) {
            let rest = stream::poll_fn(move |context| told.poll_recv(context));
            let lines = stream::iter([line]).chain(rest).map(|line| Ok::<_, Infallible>(text(&line)));
            return Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response());
        }
    }
    run.await.map_err(|_| Trouble::Broken)??;
    Err(Trouble::Broken)
}

fn text(line: &Line) -> String {
    serde_json::to_string(line).map(|line| line + "\n").unwrap_or_default()
}

/// `GET /verify`: whether it works.
async fn verify(
    State(service): State<Service>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<VerifyReport>, Trouble> {
    let Query(wanted) = wanted?;
    let stack = site(&service.files, &wanted);
    Ok(Json(service.engine(Events::default()).verify(&stack).await?))
}

/// `GET /outputs`: what was last applied, without its secrets.
async fn outputs(State(service): State<Service>) -> Result<Json<BTreeMap<String, Value>>, Trouble> {
    Ok(Json(service.engine(Events::default()).outputs(false).await?))
}
