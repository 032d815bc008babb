//! A provider whose service is a map in memory: what is left of a run when the service costs nothing.
//!
//! One kind, of twelve settings: three refer to other resources, one is a map. Every call is a look-up.
//!
//! A world can outlive its process in two ways, for comparisons of whole commands: by having no objects but what is recorded
//! of them, or by keeping a file for each.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallResult, CreateRequest, ErrorKind, ErrorOf, FailureOf, Handle, Identity, Kind, Kinds, Listing, Live, ObjectId,
    OwnerTag, PhysicalName, Provider, ProviderError, ReadRequest, ReadResult, Recorded, ResourceRef, Spec,
    UpdateRequest,
};
use sprocket_core::program::{IntoInput, Output};

/// The service. Clones share its objects.
#[derive(Clone, Debug, Default)]
pub struct World(Arc<Mutex<Objects>>);

#[derive(Debug, Default)]
struct Objects {
    by_id: HashMap<ObjectId, Live<Object>>,
    by_name: HashMap<PhysicalName, ObjectId>,
    made: u64,
    latency: Duration,
    lives: Lives,
}

/// Where objects are, and for how long.
#[derive(Debug, Default)]
enum Lives {
    /// As long as the process.
    #[default]
    Process,
    /// Nowhere: an object is what is recorded of it, as with kinds that have no server.
    Records,
    /// In a folder, with a file for each. No two of the files have one name, so that what is made twice is seen to be.
    Folder(PathBuf),
}

/// An object as its file has it.
#[derive(Serialize, Deserialize)]
struct Filed {
    name: PhysicalName,
    spec: ObjectSpec,
    state: ObjectState,
    owner: Option<OwnerTag>,
}

impl World {
    /// A world without objects, whose answer is always what is recorded. Nothing is forgotten with the process, since nothing
    /// is kept.
    pub fn in_records() -> Self {
        Self(Arc::new(Mutex::new(Objects { lives: Lives::Records, ..Objects::default() })))
    }

    /// The world in this folder, which is there.
    ///
    /// # Errors
    /// If the folder or one of its files can't be read.
    pub fn in_folder(folder: &Path) -> std::io::Result<Self> {
        let mut objects = Objects { lives: Lives::Folder(folder.to_owned()), ..Objects::default() };
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                continue;
            }
            let Filed { name, spec, state, owner } = serde_json::from_slice(&fs::read(path)?)?;
            let id = ObjectId::from(state.id.as_str());
            objects.by_name.insert(name.clone(), id.clone());
            objects.by_id.insert(id.clone(), Live { id, name, spec, state, owner });
        }
        Ok(Self(Arc::new(Mutex::new(objects))))
    }

    /// Each call that changes something takes this long from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.objects().latency = latency;
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects().by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self) {
        let latency = self.objects().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }
}

/// The extension of a file that is being written: to the world, its object is not there yet.
const UNFINISHED: &str = "new";

impl Objects {
    /// The id of a new object. It is the name where the objects of several processes meet, and no name is taken twice there:
    /// a second object of a name is told apart by its process.
    fn new_id(&mut self, name: &PhysicalName) -> String {
        self.made += 1;
        match self.lives {
            Lives::Process => format!("object-{:08}", self.made),
            Lives::Records => name.to_string(),
            Lives::Folder(_) => format!("{name}.{}", std::process::id()),
        }
    }

    fn create(&mut self, make: &CreateRequest<'_, Object>) -> Result<ObjectState, MemoryError> {
        if self.by_name.contains_key(make.name) {
            return Err(MemoryError::Taken);
        }
        let state = ObjectState { id: self.new_id(make.name), version: 1 };
        let id = ObjectId::from(state.id.as_str());
        let live = Live {
            id: id.clone(),
            name: make.name.clone(),
            spec: make.spec.clone(),
            state: state.clone(),
            owner: Some(make.owner.clone()),
        };
        self.keep(&live)?;
        if !matches!(self.lives, Lives::Records) {
            self.by_name.insert(make.name.clone(), id.clone());
            self.by_id.insert(id, live);
        }
        Ok(state)
    }

    fn keep(&self, live: &Live<Object>) -> Result<(), MemoryError> {
        let Lives::Folder(folder) = &self.lives else { return Ok(()) };
        let Live { id, name, spec, state, owner } = live.clone();
        let file = folder.join(id.as_str());
        let new = file.with_extension(UNFINISHED);
        let text = serde_json::to_vec(&Filed { name, spec, state, owner }).map_err(|_| MemoryError::NotKept)?;
        // Whole or not at all, also for a process that is killed: as a service would have it.
        fs::write(&new, text).and_then(|()| fs::rename(&new, &file)).map_err(|_| MemoryError::NotKept)
    }

    fn drop_kept(&self, id: &ObjectId) -> Result<(), MemoryError> {
        let Lives::Folder(folder) = &self.lives else { return Ok(()) };
        fs::remove_file(folder.join(id.as_str())).map_err(|_| MemoryError::NotKept)
    }
}

/// A connection to a [`World`], which is what it identifies itself with.
#[derive(Debug)]
pub struct Memory(World);

/// The settings of [`Memory`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Memory)]
pub struct MemorySpec {}

impl Memory {
    /// A connection to this world.
    pub fn of(world: &World) -> MemoryDraft {
        MemoryDraft::new().credentials(world.clone())
    }
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The program did not say which world.
    #[error("no world was given")]
    NoWorld,
    /// The name is taken.
    #[error("an object of this name exists")]
    Taken,
    /// There is no such object.
    #[error("there is no such object")]
    Gone,
    /// Its file could not be written or removed.
    #[error("the file of an object could not be written or removed")]
    NotKept,
}

impl ProviderError for MemoryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoWorld | Self::NotKept => ErrorKind::Invalid,
            Self::Taken => ErrorKind::AlreadyExists,
            Self::Gone => ErrorKind::NotFound,
        }
    }
}

impl Provider for Memory {
    const NAME: &'static str = "memory";
    const PARALLEL: usize = 1024;
    type Draft = MemoryDraft;
    type Config = MemorySpec;
    type Credentials = World;
    type Error = MemoryError;

    async fn connect(_: &MemorySpec, world: World) -> Result<Self, MemoryError> {
        Ok(Self(world))
    }

    fn ambient() -> Result<World, MemoryError> {
        Err(MemoryError::NoWorld)
    }

    async fn identity(&self) -> Result<Identity, MemoryError> {
        Ok("memory".into())
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Object>();
    }
}

/// An object of the service.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "memory:object", provider = Memory, naming = generation)]
pub struct Object {
    /// The service's id of it.
    #[output(state.id)]
    pub id: Output<String>,
    this: ResourceRef<Self>,
}

/// The settings of an [`Object`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Object)]
pub struct ObjectSpec {
    /// What it is called on screens.
    pub title: String,
    /// What it is made of; can't be changed.
    #[spec(default = "standard".to_owned(), replaces)]
    pub class: String,
    /// Where it is; can't be changed.
    #[spec(default = "eu-central-1".to_owned(), replaces)]
    pub zone: String,
    /// How large it is.
    #[spec(default = 1_u64 << 30)]
    pub size: u64,
    /// How many there are of it.
    #[spec(default = 1)]
    pub replicas: u64,
    /// Whether it is shown.
    #[spec(flag)]
    pub public: bool,
    /// What there is to say about it.
    pub note: Option<String>,
    /// Whom it lets in.
    #[spec(each = "allow")]
    pub allowed: Vec<String>,
    /// The id of an object that it needs.
    pub left: Option<String>,
    /// The id of another.
    pub right: Option<String>,
    /// The id of a third.
    pub base: Option<String>,
    /// Its labels.
    #[spec(each = "label")]
    pub labels: BTreeMap<String, String>,
}

/// What the service reports of an [`Object`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectState {
    /// Its id.
    pub id: String,
    /// How often it was changed.
    pub version: u64,
}

impl Object {
    /// An object of this title.
    #[track_caller]
    pub fn new(name: impl Into<String>, title: impl IntoInput<String>) -> ObjectDraft {
        ObjectDraft::new(name, title)
    }
}

impl Kind for Object {
    async fn read(memory: &Memory, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let objects = memory.0.objects();
        let found = match find {
            ReadRequest::Recorded(record) if matches!(objects.lives, Lives::Records) => {
                return Ok(vec![record.as_live()]);
            }
            ReadRequest::Recorded(record) => objects.by_id.get(&record.id),
            ReadRequest::Named(name) => objects.by_name.get(name).and_then(|id| objects.by_id.get(id)),
            ReadRequest::Import(id) => objects.by_id.get(&ObjectId::from(id)),
        };
        Ok(Vec::from_iter(found.cloned()))
    }

    async fn list(memory: &Memory, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let objects = memory.0.objects();
        if matches!(objects.lives, Lives::Records) {
            return Ok(None);
        }
        let ours = objects.by_id.values().filter(|live| wanted.wants(&live.name, live.owner.as_ref()));
        Ok(Some(ours.cloned().collect()))
    }

    async fn create(memory: &Memory, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        // It is there as soon as it was asked for, and the answer takes as long as it takes: who is killed in between has
        // made it and does not know.
        let state = memory.0.objects().create(make)?;
        memory.0.wait().await;
        Ok(state)
    }

    async fn update(memory: &Memory, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        memory.0.wait().await;
        let mut objects = memory.0.objects();
        let mut live = change.live.clone();
        live.spec = change.spec.clone();
        live.owner = Some(change.owner.clone());
        live.state.version += 1;
        let state = live.state.clone();
        if !matches!(objects.lives, Lives::Records) {
            objects.keep(&live)?;
            let kept = objects.by_id.get_mut(&live.id).ok_or(MemoryError::Gone)?;
            *kept = live;
        }
        Ok(state)
    }

    async fn delete(memory: &Memory, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        memory.0.wait().await;
        let mut objects = memory.0.objects();
        if let Some(live) = objects.by_id.remove(&record.id) {
            objects.by_name.remove(&live.name);
            objects.drop_kept(&live.id)?;
        }
        Ok(())
    }

    fn id(_: &PhysicalName, state: &ObjectState) -> ObjectId {
        state.id.as_str().into()
    }
}
