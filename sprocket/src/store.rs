//! The store: where an environment's state is kept. That is the folder `.sprocket` beside `sprocket.toml`, unless the environment
//! names another place: `state = "s3://BUCKET/PREFIX?region=…&endpoint=…"`, in which each stack and environment has a prefix
//! of its own.

use std::sync::Arc;

use sprocket_core::state::{FileStore, StateStore};
use toml::Spanned;
use toml::de::DeValue;

use crate::config::{File, state_place};
use crate::surroundings::Surroundings;
use crate::trouble::Trouble;

/// The store of this environment; `own` is that in the folder.
#[cfg(feature = "s3")]
pub(crate) async fn choose(
    around: &Surroundings,
    (stack, environment): (&str, &str),
    (table, file): (&Spanned<DeValue<'_>>, &File),
    own: FileStore,
) -> Result<Arc<dyn StateStore>, Trouble> {
    use sprocket_core::{ProviderError as _, Secret};
    use sprocket_s3::{S3Credentials, S3Store, StateLocation};

    if let Some(store) = &around.store {
        return Ok(Arc::clone(store));
    }
    let Some(place) = state_place(environment, table, file, str::parse::<StateLocation>)? else {
        return Ok(Arc::new(own));
    };
    let secret = |name| around.variable(name).map(|value| Secret::new(value.to_owned()));
    let credentials = match (around.variable("AWS_ACCESS_KEY_ID"), secret("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret_key)) => {
            S3Credentials::Keys { id: id.to_owned(), secret: secret_key, token: secret("AWS_SESSION_TOKEN") }
        }
        _ => S3Credentials::Ambient,
    };
    let place = place.within(&format!("{stack}/{environment}"));
    let store = S3Store::open(&place, &credentials).await;
    Ok(Arc::new(store.map_err(|error| Trouble {
        hint: error.hint(),
        ..Trouble::new(format!("could not open the state in {place}: {}", crate::trouble::with_sources(&error)))
    })?))
}

/// The store of this environment; `own` is that in the folder.
#[cfg(not(feature = "s3"))]
pub(crate) async fn choose(
    around: &Surroundings,
    (_, environment): (&str, &str),
    (table, file): (&Spanned<DeValue<'_>>, &File),
    own: FileStore,
) -> Result<Arc<dyn StateStore>, Trouble> {
    let none = |_: &str| Err::<(), _>("this program was built without the feature `s3`".to_owned());
    state_place(environment, table, file, none)?;
    Ok(around.store.clone().unwrap_or_else(|| Arc::new(own)))
}
