//! Who answers on the ports of containers: as much of a protocol as proves that it is spoken.

use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::image::Speaks;

/// Takes a port of loopback and answers on it.
pub(crate) fn listen(
    port: u16,
    speaks: Speaks,
    password: Option<String>,
    vault: Option<u16>,
) -> io::Result<AbortHandle> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let password = Arc::new(password);
    let serving = tokio::spawn(async move {
        // What it serves ends with it.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let password = Arc::clone(&password);
            connections.spawn(async move {
                // A connection that breaks off is its client's business.
                let _ = match speaks {
                    Speaks::Nothing => Ok(()),
                    Speaks::Http => http(stream).await,
                    Speaks::Redis => redis(stream, password.as_deref()).await,
                    Speaks::Amqp => amqp(stream).await,
                    Speaks::Vault => lead_to(stream, vault).await,
                };
            });
        }
    });
    Ok(serving.abort_handle())
}

/// What is said there is said to who listens on this port.
async fn lead_to(mut stream: TcpStream, port: Option<u16>) -> io::Result<()> {
    let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, port.ok_or(io::ErrorKind::ConnectionRefused)?)).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut other).await.map(drop)
}

/// 200 to whatever is asked.
async fn http(mut stream: TcpStream) -> io::Result<()> {
    let mut asked = Vec::new();
    while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => asked.extend_from_slice(&buffer[..read]),
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nsandbox\n").await
}

/// `PING` and `AUTH`, with the password of its settings; lines as people type them, and arrays as clients send them.
async fn redis(mut stream: TcpStream, password: Option<&str>) -> io::Result<()> {
    let mut let_in = password.is_none();
    let mut asked = Vec::new();
    loop {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => asked.extend_from_slice(&buffer[..read]),
        }
        let mut answers = String::new();
        while let Some((words, length)) = command(&asked) {
            asked.drain(..length);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let verb = words.first().map(|verb| verb.to_lowercase()).unwrap_or_default();
            // Somebody speaks HTTP: a real one hangs up.
            if verb == "host:" || verb == "post" {
                return Ok(());
            }
            let answer = match (verb.as_str(), &words[..]) {
                ("", _) => continue,
                ("auth", [_, given] | [_, _, given]) if password == Some(*given) => {
                    let_in = true;
                    "+OK".into()
                }
                ("auth", [_, _] | [_, _, _]) if password.is_some() => {
                    "-WRONGPASS invalid username-password pair or user is disabled.".into()
                }
                ("auth", _) => {
                    "-ERR AUTH <password> called without any password configured for the default user.".into()
                }
                _ if !let_in => "-NOAUTH Authentication required.".into(),
                ("ping", _) => "+PONG".into(),
                _ => format!("-ERR unknown command `{}`", words[0]),
            };
            answers.push_str(&answer);
            answers.push_str("\r\n");
        }
        stream.write_all(answers.as_bytes()).await?;
    }
}

/// The first whole command, and how long it is.
fn command(asked: &[u8]) -> Option<(Vec<String>, usize)> {
    let line = |from: usize| {
        let end = from + asked[from..].windows(2).position(|end| end == b"\r\n")?;
        Some((String::from_utf8_lossy(&asked[from..end]).into_owned(), end + 2))
    };
    let (first, mut at) = line(0)?;
    let Some(count) = first.strip_prefix('*').and_then(|count| count.parse::<usize>().ok()) else {
        return Some((first.split_whitespace().map(ToOwned::to_owned).collect(), at));
    };
    let mut words = Vec::new();
    for _ in 0..count {
        let (_, from) = line(at)?;
        let (word, next) = line(from)?;
        words.push(word);
        at = next;
    }
    Some((words, at))
}

/// The greeting of an AMQP 0-9-1 server: the frame `Connection.Start` on channel 0.
async fn amqp(mut stream: TcpStream) -> io::Result<()> {
    let mut header = [0; 8];
    stream.read_exact(&mut header).await?;
    if header != *b"AMQP\x00\x00\x09\x01" {
        return stream.write_all(b"AMQP\x00\x00\x09\x01").await;
    }
    let text = |text: &[u8]| {
        let length = u32::try_from(text.len()).unwrap_or(0);
        [&length.to_be_bytes()[..], text].concat()
    };
    let method = [&[0, 10, 0, 10, 0, 9][..], &text(b""), &text(b"PLAIN AMQPLAIN"), &text(b"en_US")].concat();
    let size = u32::try_from(method.len()).unwrap_or(0);
    stream.write_all(&[&[1, 0, 0][..], &size.to_be_bytes(), &method, &[0xce]].concat()).await?;
    // It waits for who wants to log in, as long as they do.
    stream.read(&mut header).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_both_forms() {
        let check = |asked: &str, expect: Option<(&[&str], usize)>| {
            let found = command(asked.as_bytes());
            let found = found.as_ref().map(|(words, length)| (words.iter().map(String::as_str).collect(), *length));
            assert_eq!(found, expect.map(|(words, length)| (words.to_vec(), length)), "{asked:?}");
        };
        check("PING\r\n", Some((&["PING"], 6)));
        check("PIN", None);
        check("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\nPING", Some((&["AUTH", "x"], 21)));
        check("*2\r\n$4\r\nAUTH\r\n", None);
    }
}
