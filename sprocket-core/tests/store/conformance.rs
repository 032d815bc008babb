//! The suite that every store passes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sprocket_core::state::{FileStore, MemoryStore, conformance};

#[tokio::test]
async fn memory_conforms() {
    let stores: Mutex<BTreeMap<String, MemoryStore>> = Mutex::default();
    conformance::suite(&|name| Arc::new(stores.lock().unwrap().entry(name.into()).or_default().clone())).await;
}

#[tokio::test]
async fn files_conform() {
    let folder = tempfile::tempdir().unwrap();
    conformance::suite(&|name| Arc::new(FileStore::new(folder.path().join(name)))).await;
}
