//! What goes over the wire, seen by a proxy before the engine: answers that are lost, and logins.

use std::sync::{Arc, Mutex, PoisonError};

use sprocket_core::kind::Entropy;
use sprocket_core::kind::{
    CreateRequest, Effect, ErrorKind, Kind, PendingCreate, Provider as _, ProviderError as _, Recovered,
};
use sprocket_core::program::Secret;
use sprocket_docker::{Docker, EngineAddress, Network, RegistryLogins, Service, SwarmConfig, SwarmSecret, Volume};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::support::{World, both, spec, spec_of};

both!(a_lost_answer_is_settled, logins_go_with_every_create_and_update_of_their_registry_only,);

/// An engine behind a proxy that keeps all requests, and can lose the answer to the next POST.
#[derive(Clone)]
struct Proxy {
    address: String,
    engine: EngineAddress,
    requests: Arc<Mutex<Vec<String>>>,
    loses_next_post: Arc<Mutex<bool>>,
}

impl Proxy {
    async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let engine = world.engine.address();
        let proxy = Self { address, engine, requests: Arc::default(), loses_next_post: Arc::default() };
        let own = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(own.clone().pass(client));
            }
        });
        proxy
    }

    /// Each connection carries one request.
    async fn pass(self, client: TcpStream) {
        match &self.engine {
            EngineAddress::Unix(path) => self.pass_to(client, UnixStream::connect(path).await.unwrap()).await,
            EngineAddress::Tcp { host, port } => {
                self.pass_to(client, TcpStream::connect((host.as_str(), *port)).await.unwrap()).await;
            }
        }
    }

    async fn pass_to(&self, mut client: TcpStream, mut engine: impl AsyncRead + AsyncWrite + Unpin) {
        let mut request = vec![0; 1 << 16];
        let mut size = 0;
        loop {
            let read = client.read(&mut request[size..]).await.unwrap();
            size += read;
            let text = String::from_utf8_lossy(&request[..size]).into_owned();
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if read == 0 || (text.contains("\r\n\r\n") && body.len() >= length.unwrap_or(0)) {
                break;
            }
        }
        let text = String::from_utf8_lossy(&request[..size]).into_owned();
        let is_post = text.starts_with("POST");
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        engine.write_all(&request[..size]).await.unwrap();
        if is_post && std::mem::take(&mut *self.loses_next_post.lock().unwrap_or_else(PoisonError::into_inner)) {
            let mut answer = [0; 64];
            let _ = engine.read(&mut answer).await;
            return;
        }
        let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
    }

    fn lose_next_post(&self) {
        *self.loses_next_post.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    async fn connect(&self, logins: RegistryLogins) -> Docker {
        Docker::connect(&spec_of(&Docker::at(self.address.as_str())), logins).await.unwrap()
    }
}

/// A create whose answer is lost: its effect is not known, and settling finds what it made.
async fn settles_after_a_lost_answer<R>(world: &World, proxy: &Proxy, docker: &Docker, spec: R::Spec)
where
    R: Kind<Provider = Docker>,
{
    let (name, owner) = (world.name("lost"), world.owner("lost"));
    proxy.lose_next_post();
    let make = CreateRequest { name: &name, spec: &spec, owner: &owner, entropy: &Entropy::seeded(1) };
    let failed = R::create(docker, &make).await.expect_err("the answer was lost");
    assert_eq!((failed.error.kind(), failed.effect), (ErrorKind::Unavailable, Effect::Unknown), "{:?}", failed.error);
    let intent = PendingCreate::<R> { name, spec, owner };
    match R::recover(docker, &intent).await.unwrap() {
        Recovered::Ours { duplicates, .. } => assert_eq!(duplicates.len(), 0),
        _ => panic!("{} is not found again", R::KIND),
    }
}

async fn a_lost_answer_is_settled(world: World) {
    let proxy = Proxy::start(&world).await;
    let docker = proxy.connect(RegistryLogins::none()).await;
    settles_after_a_lost_answer::<Network>(&world, &proxy, &docker, spec(Network::overlay("x"))).await;
    settles_after_a_lost_answer::<Volume>(&world, &proxy, &docker, spec(Volume::new("x"))).await;
    settles_after_a_lost_answer::<SwarmConfig>(&world, &proxy, &docker, spec(SwarmConfig::new("x", "a"))).await;
    settles_after_a_lost_answer::<SwarmSecret>(&world, &proxy, &docker, spec(SwarmSecret::new("x", "a"))).await;
    let service = Service::new("x", "sprocket-stand-in/busy:1").replicas(0_u64);
    settles_after_a_lost_answer::<Service>(&world, &proxy, &docker, spec(service)).await;
}

async fn logins_go_with_every_create_and_update_of_their_registry_only(world: World) {
    let proxy = Proxy::start(&world).await;
    // The standard alphabet would write `+` and `/` for this password.
    let logins = RegistryLogins::none().with("registry.example", "ann", Secret::new("~~~???>>>".to_owned()));
    let docker = proxy.connect(logins).await;
    let header = |request: &str| {
        let mut lines = request.lines().filter(|line| line.to_lowercase().starts_with("x-registry-auth"));
        lines.next().map(ToOwned::to_owned)
    };
    let posts = || {
        let mut requests = proxy.requests.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *requests).into_iter().filter(|request| request.starts_with("POST")).collect::<Vec<_>>()
    };
    for (image, sent) in [("registry.example/app:1", true), ("sprocket-stand-in/busy:1", false)] {
        let spec = spec(Service::new("x", image).replicas(0_u64));
        let (name, owner) = (world.name("login"), world.owner("login"));
        let make = CreateRequest { name: &name, spec: &spec, owner: &owner, entropy: &Entropy::seeded(1) };
        let state = Service::create(&docker, &make).await.unwrap();
        let record =
            sprocket_core::kind::Recorded::<Service> { id: Service::id(&name, &state), name, spec, state, owner };
        let live = world.read(&record).await.unwrap();
        let change = sprocket_core::kind::UpdateRequest {
            applied: Some(&record.spec),
            live: &live,
            spec: &record.spec,
            owner: &record.owner,
        };
        Service::update(&docker, &change).await.unwrap();
        let posts = posts();
        assert_eq!(posts.len(), 2);
        for post in &posts {
            assert_eq!(header(post).is_some(), sent, "{image}");
            assert!(header(post).is_none_or(|line| !line.contains(['+', '/'])));
            assert!(post.contains("queryRegistry=false"));
        }
        world.delete(&record).await;
    }
}
