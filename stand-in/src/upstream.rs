//! What the two upstream servers have in common: an address, the ways to fail, and how to connect.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Longest wait for a connection, and for each answer on it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a check did not pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// May pass later: the name does not resolve, nothing listens, the server is still starting.
    NotYet(String),
    /// Will not pass by waiting: the server answered, and said no.
    Refused(String),
}

impl Trouble {
    /// The reason, for people.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Trouble::NotYet(why) | Trouble::Refused(why) => why,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Trouble::NotYet("the server closed the connection".into()),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Trouble::NotYet("no answer in time".into()),
            _ => Trouble::NotYet(error.to_string()),
        }
    }
}

/// Connects to `host:port`. The name is resolved anew each time, and each of its addresses is tried: a service with
/// several tasks has several, and they change.
pub(crate) fn connect(address: &str) -> Result<TcpStream, Trouble> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&candidate, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last.into())
}

/// Fake servers for the protocol tests.
#[cfg(test)]
pub(crate) mod fake {
    use std::net::{TcpListener, TcpStream};
    use std::thread::{self, JoinHandle};

    /// Accepts one connection and hands it to `script`; gives the address to connect to.
    pub(crate) fn server<T: Send + 'static>(
        script: impl FnOnce(TcpStream) -> T + Send + 'static,
    ) -> (String, JoinHandle<T>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (address, thread::spawn(move || script(listener.accept().unwrap().0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_listening_may_pass_later() {
        // Bound and dropped: the port is free, and nothing listens on it.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(connect(&address.to_string()), Err(Trouble::NotYet(_))));
    }

    #[test]
    fn an_unknown_name_may_appear_later() {
        assert!(matches!(connect("no-such-name.invalid:6379"), Err(Trouble::NotYet(_))));
    }
}
