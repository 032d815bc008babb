//! The suite that every store passes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sprocket_core::state::{FileStore, MemoryStore, conformance};

#[tokio::test]
async fn memory_conforms() {
    let stores: Mutex<BTreeMap<String, MemoryStore>> = Mutex::default();
    let open = |name: &str| Arc::new(stores.lock().unwrap().entry(name.into()).or_default().clone()) as Arc<_>;
    conformance::suite(&open, Duration::ZERO).await;
}

#[tokio::test]
async fn files_conform() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| Arc::new(FileStore::new(folder.path().join(name))) as Arc<_>;
    conformance::suite(&open, Duration::ZERO).await;
}
