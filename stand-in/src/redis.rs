//! Redis' protocol (RESP), as much as `AUTH` and `PING` need.

use std::io::{BufRead, BufReader, Write};

use crate::settings::Redis;
use crate::upstream::{Trouble, connect};

/// Whether Redis takes the password and answers `PING`.
pub(crate) fn check(target: &Redis) -> Result<(), Trouble> {
    let mut stream = BufReader::new(connect(&target.address)?);
    if let Some(password) = &target.password {
        match call(&mut stream, &["AUTH", password.reveal()])?.as_str() {
            "+OK" => {}
            reply if reply.starts_with("-WRONGPASS") => return Err(Trouble::Refused("wrong password".into())),
            reply if reply.contains("without any password") => {
                return Err(Trouble::Refused("a password was given, but the server has none set".into()));
            }
            reply => return Err(unexpected("AUTH", reply)),
        }
    }
    match call(&mut stream, &["PING"])?.as_str() {
        "+PONG" => Ok(()),
        reply if reply.starts_with("-NOAUTH") => {
            Err(Trouble::Refused("the server wants a password, none was given".into()))
        }
        reply if reply.starts_with("-DENIED") => Err(Trouble::Refused("the server is in protected mode".into())),
        reply => Err(unexpected("PING", reply)),
    }
}

/// An answer such as `-LOADING`, which ends by itself. The server's words never repeat what it was sent.
fn unexpected(command: &str, reply: &str) -> Trouble {
    Trouble::NotYet(format!("{command} was answered with {reply:?}"))
}

/// Sends one command and reads its answer, which is a single line for both commands used here.
fn call(stream: &mut BufReader<impl std::io::Read + Write>, words: &[&str]) -> Result<String, Trouble> {
    stream.get_mut().write_all(&encode(words))?;
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(Trouble::NotYet("the server closed the connection".into()));
    }
    Ok(line.trim_end().to_owned())
}

/// A command is an array of byte strings, each with its length before it.
fn encode(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;
    use crate::upstream::fake;
    use std::io::Read;
    use std::net::TcpStream;

    const AUTH: &[u8] = b"*2\r\n$4\r\nAUTH\r\n$6\r\ns3cret\r\n";
    const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

    /// A server that expects exactly these bytes, each answered with these.
    fn scripted(exchange: &'static [(&'static [u8], &'static [u8])]) -> String {
        let (address, _) = fake::server(move |mut stream: TcpStream| {
            for (expected, answer) in exchange {
                let mut got = vec![0; expected.len()];
                stream.read_exact(&mut got).unwrap();
                assert_eq!(&got, expected);
                stream.write_all(answer).unwrap();
            }
        });
        address
    }

    fn redis(address: String, password: Option<&str>) -> Redis {
        Redis { address, password: password.map(Secret::new) }
    }

    #[test]
    fn the_length_counts_bytes() {
        assert_eq!(encode(&["AUTH", "é"]), "*2\r\n$4\r\nAUTH\r\n$2\r\né\r\n".as_bytes());
    }

    #[test]
    fn the_right_password_passes() {
        let address = scripted(&[(AUTH, b"+OK\r\n"), (PING, b"+PONG\r\n")]);
        assert_eq!(check(&redis(address, Some("s3cret"))), Ok(()));
    }

    #[test]
    fn a_wrong_password_is_refused_and_not_repeated() {
        let address = scripted(&[(AUTH, b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")]);
        let trouble = check(&redis(address, Some("s3cret"))).unwrap_err();
        assert_eq!(trouble, Trouble::Refused("wrong password".into()));
    }

    #[test]
    fn a_server_without_a_password_refuses_one() {
        let address = scripted(&[(
            AUTH,
            b"-ERR AUTH <password> called without any password configured for the default user. Are you sure?\r\n",
        )]);
        assert!(matches!(check(&redis(address, Some("s3cret"))), Err(Trouble::Refused(_))));
    }

    #[test]
    fn a_missing_password_is_refused() {
        let address = scripted(&[(PING, b"-NOAUTH Authentication required.\r\n")]);
        assert!(matches!(check(&redis(address, None)), Err(Trouble::Refused(_))));
    }

    #[test]
    fn a_server_that_loads_its_data_may_pass_later() {
        let address = scripted(&[(PING, b"-LOADING Redis is loading the dataset in memory\r\n")]);
        assert!(matches!(check(&redis(address, None)), Err(Trouble::NotYet(_))));
    }

    #[test]
    fn a_closed_connection_may_pass_later() {
        let address = scripted(&[(PING, b"")]);
        assert!(matches!(check(&redis(address, None)), Err(Trouble::NotYet(_))));
    }
}
