//! Another server where the recorded one was.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use sprocket_core::engine::Goal;
use sprocket_core::program::{Secret, Stack};
use sprocket_core::testing::World;
use sprocket_vault::{Vault, VaultMount};

use crate::support::Bao;

/// A server that says that it is open, and keeps what it is asked.
struct Imposter {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Imposter {
    /// It is another server.
    fn new() -> Self {
        Self::answering(|stream| {
            let body = r#"{"type": "shamir", "initialized": true, "sealed": false, "t": 1, "n": 1, "progress": 0,
                "nonce": "", "version": "2.7.2", "cluster_name": "c", "cluster_id": "another-cluster"}"#;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length";
            let _ = stream.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes());
        })
    }

    fn answering(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                    head.push(byte[0]);
                }
                kept.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
                answer(&mut stream);
            }
        });
        Self { address, asked }
    }
}

#[test]
fn another_server_is_given_no_token() {
    let (bao, imposter) = (Bao::sandbox(), Imposter::new());
    let program = |address: &str| {
        let (address, token) = (address.to_owned(), bao.token.clone());
        move |stack: &mut Stack| {
            let vault = Vault::at(address.as_str()).credentials(Secret::new(token.clone()));
            stack.connect(vault);
            stack.add(VaultMount::kv2("apps"));
        }
    };
    let mut world = World::of_real_services();
    world.apply(program(&bao.address));
    let refused = world.try_plan(program(&imposter.address), Goal::Declared).unwrap_err();
    let recorded = world.snapshot().unwrap().providers[&"vault".into()].identity.to_string();
    assert_snapshot!(refused.to_string().replace(&recorded, "CLUSTER"), @"`vault` is another server than before: `another-cluster`, and the state was made with `CLUSTER`");
    let asked = imposter.asked.lock().unwrap();
    assert!(!asked.is_empty());
    for request in &*asked {
        assert!(request.starts_with("get /v1/sys/seal-status http/1.1\r\n"), "{request}");
        assert!(!request.contains("x-vault-token") && !request.contains(&bao.token.to_lowercase()), "{request}");
    }
    drop(asked);
    world.destroy(program(&bao.address));
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let endless = Imposter::answering(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n");
        while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
    });
    let address = endless.address.clone();
    let mut world = World::of_real_services();
    let refused = world.try_plan(
        move |stack: &mut Stack| {
            stack.connect(Vault::at(address.as_str()).credentials(Secret::new("s.token".to_owned())));
            stack.add(VaultMount::kv2("apps"));
        },
        Goal::Declared,
    );
    assert_snapshot!(refused.unwrap_err().message(), @"could not reach `vault`: could not read the Vault's answer to a request to say whether it is sealed: it is longer than 64 MiB");
}
