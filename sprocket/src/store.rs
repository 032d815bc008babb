//! Stores: where the states of an environment are kept. That is the folder `.sprocket` beside `sprocket.toml`, unless the
//! environment names another place: `state = "s3://BUCKET/PREFIX?region=…&endpoint=…"`. Each stack and environment has a folder,
//! or a prefix, of its own.

use std::path::PathBuf;
use std::sync::Arc;

use sprocket_core::program::Neighbours;
#[cfg(feature = "s3")]
use sprocket_core::program::Secret;
use sprocket_core::state::{FileStore, KeySource, StateStore};
#[cfg(feature = "s3")]
use sprocket_s3::{S3Credentials, S3Store, StateLocation};
use toml::Spanned;
use toml::de::DeValue;

use crate::config::{File, is_name, state_place};
use crate::key::Key;
use crate::surroundings::Surroundings;
use crate::trouble::Trouble;

/// Where the states of an environment are.
#[derive(Clone)]
pub(crate) struct Stores {
    environment: String,
    /// The folder `.sprocket`.
    folder: PathBuf,
    /// The only one that there is, in tests.
    given: Option<Arc<dyn StateStore>>,
    #[cfg(feature = "s3")]
    bucket: Option<(StateLocation, S3Credentials)>,
}

impl Stores {
    /// Where this environment keeps them; `folder` is `.sprocket`.
    pub(crate) fn of(
        around: &Surroundings,
        environment: &str,
        (table, file): (&Spanned<DeValue<'_>>, &File),
        folder: PathBuf,
    ) -> Result<Self, Trouble> {
        #[cfg(feature = "s3")]
        let bucket = {
            let secret = |name| around.variable(name).map(|value| Secret::new(value.to_owned()));
            let credentials = match (around.variable("AWS_ACCESS_KEY_ID"), secret("AWS_SECRET_ACCESS_KEY")) {
                (Some(id), Some(secret_key)) => {
                    S3Credentials::Keys { id: id.to_owned(), secret: secret_key, token: secret("AWS_SESSION_TOKEN") }
                }
                _ => S3Credentials::Ambient,
            };
            let place = state_place(environment, table, file, str::parse::<StateLocation>);
            // A store that is given is the one, whatever the file says.
            let place = if around.store.is_some() { None } else { place? };
            place.map(|place| (place, credentials))
        };
        #[cfg(not(feature = "s3"))]
        state_place(environment, table, file, |_: &str| {
            Err::<(), _>("this program was built without the feature `s3`".to_owned())
        })?;
        Ok(Self {
            environment: environment.to_owned(),
            folder,
            given: around.store.clone(),
            #[cfg(feature = "s3")]
            bucket,
        })
    }

    /// The folder of a stack.
    pub(crate) fn folder(&self, stack: &str) -> PathBuf {
        self.folder.join(stack).join(&self.environment)
    }

    /// The store of a stack.
    pub(crate) async fn open(&self, stack: &str) -> Result<Arc<dyn StateStore>, Trouble> {
        if let Some(given) = &self.given {
            return Ok(Arc::clone(given));
        }
        #[cfg(feature = "s3")]
        if let Some((place, credentials)) = &self.bucket {
            use sprocket_core::kind::ProviderError as _;

            let place = place.within(&format!("{stack}/{}", self.environment));
            let store = S3Store::open(&place, credentials).await;
            return Ok(Arc::new(store.map_err(|error| Trouble {
                hint: error.hint(),
                ..Trouble::new(format!(
                    "could not open the state in {place}: {}",
                    sprocket_core::kind::with_causes(&error)
                ))
            })?));
        }
        Ok(Arc::new(FileStore::new(self.folder(stack))))
    }

    /// The other stacks of this environment. They have the key of this one, unless one of their own lies beside them.
    pub(crate) fn neighbours(self, key: Option<&Key>) -> Neighbours {
        let given = key.and_then(Key::given).cloned();
        let environment = self.environment.clone();
        let neighbours = Neighbours::new(move |stack| {
            let (stores, given, stack) = (self.clone(), given.clone(), stack.to_owned());
            async move { stores.neighbour(&stack, given).await.map_err(|trouble| trouble.message) }
        });
        neighbours.of_environment(environment)
    }

    async fn neighbour(
        &self,
        stack: &str,
        given: Option<KeySource>,
    ) -> Result<(Arc<dyn StateStore>, KeySource), Trouble> {
        if !is_name(stack) {
            return Err(Trouble::new("a stack can't have this name"));
        }
        let key = match given {
            Some(key) => key,
            None => Key::Own(FileStore::new(self.folder(stack))).for_reading().await?,
        };
        Ok((self.open(stack).await?, key))
    }
}
