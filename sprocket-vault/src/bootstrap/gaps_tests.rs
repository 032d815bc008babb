//! What is said of settings holds while others are not known yet.

use sprocket_core::program::Stack;
use sprocket_core::testing::false_findings;

use super::access::VaultAccess;
use super::init::VaultInit;
use super::root::VaultRootRevoked;
use super::share::VaultShare;
use super::unseal::VaultUnseal;
use crate::{KvSecret, Vault, VaultMount, VaultPolicy};

#[test]
fn unknown_settings_cause_no_problems() {
    let mut stack = Stack::new();
    stack.connect(Vault::at("http://127.0.0.1:8200"));
    let apps = stack.add(VaultMount::kv2("apps"));
    let mut findings = false_findings(VaultMount::kv2("apps").description("for applications"));
    findings.extend(false_findings(VaultPolicy::new("apps", "path \"apps/*\" {}")));
    findings.extend(false_findings(KvSecret::new("core", &apps).field("a", "b").label("c", "d").max_versions(3_u64)));
    findings.extend(false_findings(VaultInit::draft("vault")));
    findings.extend(false_findings(VaultShare::draft("share".to_owned(), 1, "0123")));
    findings.extend(false_findings(VaultUnseal::draft("unseal")));
    findings.extend(false_findings(VaultAccess::draft("access")));
    findings.extend(false_findings(VaultRootRevoked::draft("root")));
    assert_eq!(findings, Vec::<String>::new());
}
