//! Whether a server keeps two runs apart: its conditional writes are tried out.
//!
//! Some servers say that they know them, and write all the same; some compare ETags with their quotes, some without. What was
//! found is kept beside the state. Only a good result is: another server, or a newer one, is asked again.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{Entropy, ErrorKind, ProviderError as _};
use sprocket_core::state::StoreError;

use super::objects::{Etag, EtagForm, If, Objects, Put};
use super::{Place, SMALL};
use crate::error::S3Error;

const RESULT: &str = "probe.json";

/// How often it is tried where answers are lost.
const TRIES: u32 = 3;

/// What was found out about a server.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Probed {
    server: String,
    etags: EtagForm,
}

/// Makes sure of it, by what is kept of an earlier probe or by one now; speaks to it as it wants from then on.
pub(super) async fn ensure(objects: &Objects, place: &Place) -> Result<(), StoreError> {
    let kept = objects.get(RESULT).await.map_err(place.failed("lock the state in"))?;
    let probed = kept.as_ref().and_then(|object| serde_json::from_slice::<Probed>(&object.body).ok());
    if let Some(probed) = probed.filter(|probed| probed.server == objects.client.place) {
        objects.speak(probed.etags);
        return Ok(());
    }
    let etags = probe(objects, place).await?;
    objects.speak(etags);
    let probed = Probed { server: objects.client.place.clone(), etags };
    let body = serde_json::to_vec(&probed).expect("BUG: it serialises");
    let on = kept.as_ref().map_or(If::Absent, |object| If::Is(&object.etag));
    // Whoever has just found out the same may have written it.
    let written = objects.put(RESULT, &body, on, SMALL).await;
    written.map(drop).map_err(place.failed("write the probe's result in"))
}

/// Tries it out. What is written for it is deleted again.
pub(super) async fn probe(objects: &Objects, place: &Place) -> Result<EtagForm, StoreError> {
    let mut tries = 0;
    let result = loop {
        tries += 1;
        let key = format!("probe/{}", Entropy::system().id());
        let result = try_out(objects, &key).await;
        let _ = objects.delete(&[key]).await;
        match result {
            // An answer was lost, and with it what it would have told.
            Err(error) if error.kind() == ErrorKind::Unavailable && tries < TRIES => {}
            result => break result,
        }
    };
    match result {
        Ok(Ok(form)) => Ok(form),
        Ok(Err(what)) => Err(StoreError::NotExclusive { place: place.to_string(), what: what.into() }),
        Err(error) if error.is_not_implemented() => {
            let what = "it does not know conditional writes".into();
            Err(StoreError::NotExclusive { place: place.to_string(), what })
        }
        Err(error) => Err(place.failed("try out conditional writes in")(error)),
    }
}

async fn try_out(objects: &Objects, key: &str) -> Result<Result<EtagForm, &'static str>, S3Error> {
    use EtagForm::{Quoted, Unquoted};
    let put = async |body: &str, on: If<'_>, form| objects.try_put(key, body.as_bytes(), on, form, SMALL).await;
    let Put::Done(etag) = put("1", If::Absent, Quoted).await? else {
        return Ok(Err("it refuses to make an object that is not there (`If-None-Match`)"));
    };
    if put("2", If::Absent, Quoted).await? != Put::Refused {
        return Ok(Err("it makes an object that is there already (it ignores `If-None-Match`)"));
    }
    let other = Etag::of(Some("00000000000000000000000000000000"));
    for form in [Quoted, Unquoted] {
        if put("3", If::Is(&other), form).await? != Put::Refused {
            return Ok(Err("it replaces an object that is not the one that was meant (it ignores `If-Match`)"));
        }
    }
    for form in [Quoted, Unquoted] {
        if put("4", If::Is(&etag), form).await? != Put::Refused {
            return Ok(Ok(form));
        }
    }
    Ok(Err("it does not recognise an object by the ETag that it gave it (`If-Match`)"))
}
