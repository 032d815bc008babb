//! The bootstrap on real servers: its life, its stops, kills at every durable write and every request.

mod kill;
mod life;
mod stops;
#[path = "../../../tests/support.rs"]
#[expect(dead_code, reason = "the kinds' tests need more of it")]
mod support;

use std::path::{Path, PathBuf};

use sprocket_core::program::{Password, Secret, Stack};

use self::support::{Bao, is_live};
use super::{Bootstrap, Opened};
use crate::custody::{Custody, Keeper};
use crate::{KvSecret, Vault, VaultMount, VaultPolicy};

/// A server and a custody of a test's own.
struct Place {
    folder: tempfile::TempDir,
    bao: Bao,
}

impl Place {
    fn live() -> Option<Self> {
        is_live().then(|| {
            let folder = tempfile::tempdir().unwrap();
            let bao = Bao::raft(folder.path());
            Self { folder, bao }
        })
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn custody(&self) -> PathBuf {
        self.folder().join("custody")
    }

    fn keeper(&self) -> Keeper {
        Keeper::folder(self.custody().to_str().unwrap(), &passphrase())
    }

    fn restart(&mut self) {
        let folder = self.folder.path().to_path_buf();
        self.bao.restart(&folder);
    }

    fn empty(&mut self) {
        let folder = self.folder.path().to_path_buf();
        self.bao.empty(&folder);
    }

    fn program(&self) -> impl Fn(&mut Stack) + '_ {
        |stack| declare(stack, &self.bao.address, &self.custody())
    }

    /// Text without what differs from run to run.
    fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.bao.address, "http://VAULT").replace(self.folder().to_str().unwrap(), "FOLDER");
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

fn passphrase() -> Secret<String> {
    Secret::new("correct horse battery staple".to_owned())
}

/// A Vault with something in it.
fn declare(stack: &mut Stack, address: &str, custody: &Path) {
    let custody = Custody::folder(custody.to_str().unwrap(), passphrase());
    let opened: Opened = Bootstrap::new("vault", address, &custody).shares(3, 2).on(stack);
    let vault = stack.connect(Vault::at(&opened.address).credentials(&opened));
    let apps = stack.on(&vault).add(VaultMount::kv2("apps"));
    let password = stack.add(Password::new("redis"));
    stack.on(&vault).add(KvSecret::new("core", &apps).field("redis", &password.value));
    stack.on(&vault).add(VaultPolicy::new("core", "path \"apps/data/core\" { capabilities = [\"read\"] }\n"));
}
