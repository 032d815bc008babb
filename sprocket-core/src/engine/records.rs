//! Records, mended by hand: nothing is asked of any service. It takes the key all the same, as every write does.

use super::Engine;
use crate::base::Address;
use crate::session::{Refused, Trusted};
use crate::state::{Entry, JournalEvent, Record, Signer, Snapshot};

impl Engine {
    /// Removes a resource from state, and leaves its objects alone. Returns their names.
    ///
    /// # Errors
    /// If it is not recorded.
    pub async fn forget(&self, address: &str) -> Result<Vec<String>, Refused> {
        let wanted = Address::from(address);
        self.mend("state forget", |snapshot| {
            let record = snapshot.records.get(&wanted);
            if record.is_none() && !snapshot.pending.contains_key(&wanted) {
                return Err(unknown(address));
            }
            let names = record.into_iter().flat_map(Record::objects).map(|object| object.name.to_string()).collect();
            Ok((entry(&wanted, JournalEvent::Done { record: None }), names))
        })
        .await
    }

    /// Gives a recorded resource another address, as `.moved_from` does from the program: its object stays, with its name.
    ///
    /// # Errors
    /// If it is not recorded, the other address is, or is of another kind.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), Refused> {
        let old = Address::from(from);
        let message = "an address has a kind and a name, as in `docker:network/edge`";
        let refused = |_| Refused::Rename { from: old.clone(), to: to.into(), message: message.into() };
        let new = Address::parse(to).map_err(refused)?;
        self.mend("state mv", |snapshot| {
            if !snapshot.records.contains_key(&old) {
                return Err(unknown(from));
            }
            let refused =
                |message: &str| Refused::Rename { from: old.clone(), to: new.clone(), message: message.into() };
            if snapshot.records.contains_key(&new) || snapshot.pending.contains_key(&new) {
                return Err(refused("something is recorded there"));
            }
            if old.kind() != new.kind() {
                return Err(refused("a resource stays of its kind"));
            }
            Ok((entry(&old, JournalEvent::Moved { moves: [(old.clone(), new.clone())].into() }), ()))
        })
        .await
    }

    /// Takes the protection from a recorded resource that the program does not declare any more. One that it declares as
    /// protected is protected again by the next run.
    ///
    /// # Errors
    /// If it is not recorded.
    pub async fn unprotect(&self, address: &str) -> Result<(), Refused> {
        let wanted = Address::from(address);
        self.mend("state unprotect", |snapshot| {
            let record = snapshot.records.get(&wanted).ok_or_else(|| unknown(address))?;
            let record = Some(Box::new(Record { protect: false, ..record.clone() }));
            Ok((entry(&wanted, JournalEvent::Recorded { record }), ()))
        })
        .await
    }

    /// Under the lock: what is to be written follows from what is recorded now.
    async fn mend<T>(
        &self,
        command: &str,
        decide: impl FnOnce(&Snapshot) -> Result<(Entry, T), Refused> + Send,
    ) -> Result<T, Refused> {
        let lock = self.lock(command).await?;
        let result = async {
            let loaded = self.load_from(&*lock).await?;
            let nothing = Snapshot::new("".into());
            let (entry, told) = decide(loaded.as_ref().map_or(&nothing, |loaded| &loaded.snapshot))?;
            if let Some(Trusted { key, .. }) = &loaded {
                lock.append(&[entry], &Signer::of(key)).await?;
            }
            Ok(told)
        }
        .await;
        let _ = lock.release().await;
        result
    }
}

fn entry(address: &Address, event: JournalEvent) -> Entry {
    Entry { address: address.clone(), event }
}

fn unknown(address: &str) -> Refused {
    Refused::NoSuchResource { address: address.to_owned(), place: "recorded" }
}
