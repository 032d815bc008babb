//! AMQP 0-9-1, as much as opening a connection needs: a client that logs in with PLAIN, opens a virtual host and
//! leaves politely.
//!
//! A frame is: type (1 byte), channel (2), length of the payload (4), the payload, and an end mark. The payload of a
//! method frame is: class (2), method (2), arguments. All numbers are big-endian.

use std::io::{Read, Write};

use crate::settings::Rabbitmq;
use crate::upstream::{Trouble, connect};

const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";
const METHOD_FRAME: u8 = 1;
const HEARTBEAT_FRAME: u8 = 8;
const FRAME_END: u8 = 0xCE;
/// No frame of a handshake comes near this; more is no AMQP server.
const LONGEST_FRAME: usize = 131_072;

// Methods of the class `connection` (10).
const CONNECTION: u16 = 10;
const START: u16 = 10;
const START_OK: u16 = 11;
const TUNE: u16 = 30;
const TUNE_OK: u16 = 31;
const OPEN: u16 = 40;
const OPEN_OK: u16 = 41;
const CLOSE: u16 = 50;
const CLOSE_OK: u16 = 51;

/// Whether RabbitMQ lets the user in and opens the virtual host `/`.
pub(crate) fn check(target: &Rabbitmq) -> Result<(), Trouble> {
    handshake(&mut connect(&target.address)?, &target.user, target.password.reveal())
}

fn handshake(stream: &mut (impl Read + Write), user: &str, password: &str) -> Result<(), Trouble> {
    stream.write_all(PROTOCOL_HEADER)?;
    // Its arguments tell the server's properties and mechanisms; every RabbitMQ has PLAIN.
    expect(stream, START, "start")?;
    send(stream, START_OK, &start_ok(user, password))?;

    // Channel limit, frame limit and heartbeat interval: taken as offered, but with no heartbeat.
    let mut limits = expect(stream, TUNE, "tune")?;
    if limits.len() != 8 {
        return Err(Trouble::NotYet("the server's tune has a wrong length".into()));
    }
    limits[6..].fill(0);
    send(stream, TUNE_OK, &limits)?;

    let mut open = short_string("/");
    open.extend_from_slice(&[0, 0]); // two reserved arguments
    send(stream, OPEN, &open)?;
    expect(stream, OPEN_OK, "open-ok")?;

    let mut close = 200_u16.to_be_bytes().to_vec();
    close.extend(short_string("done"));
    close.extend_from_slice(&[0; 4]); // no method is to blame
    send(stream, CLOSE, &close)?;
    expect(stream, CLOSE_OK, "close-ok")?;
    Ok(())
}

/// The login. The capability makes the server answer a wrong password with `close` and a reason; without it, it
/// would close the socket without a word, which looks like a server that is still starting.
fn start_ok(user: &str, password: &str) -> Vec<u8> {
    let mut capabilities = short_string("authentication_failure_close");
    capabilities.extend_from_slice(b"t\x01");
    let mut properties = short_string("capabilities");
    properties.push(b'F');
    properties.extend(long_string(&capabilities));

    let mut arguments = long_string(&properties);
    arguments.extend(short_string("PLAIN"));
    arguments.extend(long_string(format!("\0{user}\0{password}").as_bytes()));
    arguments.extend(short_string("en_US"));
    arguments
}

/// At most 255 bytes, with a length of one byte before them.
fn short_string(text: &str) -> Vec<u8> {
    debug_assert!(text.len() < 256, "all short strings here are constants");
    let mut bytes = vec![text.len() as u8];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Bytes with a length of four bytes before them; a table has the same form.
fn long_string(content: &[u8]) -> Vec<u8> {
    let mut bytes = (content.len() as u32).to_be_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes
}

/// Sends a method of the class `connection` on channel 0.
fn send(stream: &mut impl Write, method: u16, arguments: &[u8]) -> Result<(), Trouble> {
    let mut payload = CONNECTION.to_be_bytes().to_vec();
    payload.extend_from_slice(&method.to_be_bytes());
    payload.extend_from_slice(arguments);

    let mut frame = vec![METHOD_FRAME, 0, 0];
    frame.extend(long_string(&payload));
    frame.push(FRAME_END);
    Ok(stream.write_all(&frame)?)
}

/// Reads the next method and gives its arguments. Any other than the expected one is trouble; `close` tells why.
fn expect(stream: &mut impl Read, method: u16, name: &str) -> Result<Vec<u8>, Trouble> {
    let mut payload = next_method(stream)?;
    if payload.len() < 4 {
        return Err(Trouble::NotYet("the server sent a method without a number".into()));
    }
    let arguments = payload.split_off(4);
    match (u16::from_be_bytes([payload[0], payload[1]]), u16::from_be_bytes([payload[2], payload[3]])) {
        (CONNECTION, got) if got == method => Ok(arguments),
        (CONNECTION, CLOSE) => Err(closed(&arguments)),
        (class, got) => Err(Trouble::NotYet(format!("the server sent method {class}.{got} in place of {name}"))),
    }
}

/// The payload of the next method frame.
fn next_method(stream: &mut impl Read) -> Result<Vec<u8>, Trouble> {
    loop {
        let mut head = [0; 7];
        stream.read_exact(&mut head)?;
        if head.starts_with(b"AMQP") {
            // A server that does not like the protocol header answers with the one that it wants.
            return Err(Trouble::Refused("the server does not speak AMQP 0-9-1".into()));
        }
        let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        if length > LONGEST_FRAME {
            return Err(Trouble::NotYet("what answers is not an AMQP server".into()));
        }
        let mut payload = vec![0; length + 1];
        stream.read_exact(&mut payload)?;
        if payload.pop() != Some(FRAME_END) {
            return Err(Trouble::NotYet("the server sent a frame without its end mark".into()));
        }
        match head[0] {
            METHOD_FRAME => return Ok(payload),
            HEARTBEAT_FRAME => {}
            other => return Err(Trouble::NotYet(format!("the server sent a frame of type {other} during the login"))),
        }
    }
}

/// What a `close` of the server says: a number and a text. 403 is a wrong password, 530 a virtual host that is not
/// there or not allowed; the others (a server that shuts down, for example) may pass.
fn closed(arguments: &[u8]) -> Trouble {
    let [high, low, length, rest @ ..] = arguments else {
        return Trouble::NotYet("the server closed the connection".into());
    };
    let code = u16::from_be_bytes([*high, *low]);
    let text = String::from_utf8_lossy(&rest[..rest.len().min(usize::from(*length))]).into_owned();
    match code {
        403 => Trouble::Refused("wrong user or password".into()),
        530 => Trouble::Refused(text),
        _ => Trouble::NotYet(format!("the server closed the connection: {code} {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;
    use crate::upstream::fake;
    use std::net::TcpStream;

    fn rabbitmq(address: String) -> Rabbitmq {
        Rabbitmq { address, user: "app".into(), password: Secret::new("s3cret") }
    }

    /// Plays the server up to the login, and gives the login's arguments.
    fn greet(stream: &mut TcpStream) -> Vec<u8> {
        let mut header = [0; 8];
        stream.read_exact(&mut header).unwrap();
        assert_eq!(&header, PROTOCOL_HEADER);
        let mut start = vec![0, 9];
        start.extend(long_string(b"")); // server properties
        start.extend(long_string(b"AMQPLAIN PLAIN"));
        start.extend(long_string(b"en_US"));
        send(stream, START, &start).unwrap();
        expect(stream, START_OK, "start-ok").unwrap()
    }

    fn close(stream: &mut TcpStream, code: u16, text: &str) {
        let mut arguments = code.to_be_bytes().to_vec();
        arguments.extend(short_string(text));
        arguments.extend_from_slice(&[0; 4]);
        send(stream, CLOSE, &arguments).unwrap();
    }

    fn contains(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn a_method_frame_has_the_form_of_the_specification() {
        let mut bytes = Vec::new();
        send(&mut bytes, CLOSE_OK, b"").unwrap();
        assert_eq!(bytes, [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 51, 0xCE]);
    }

    #[test]
    fn the_whole_handshake_passes() {
        let (address, server) = fake::server(|mut stream| {
            let login = greet(&mut stream);
            assert!(contains(&login, b"\0app\0s3cret"));
            assert!(contains(&login, b"authentication_failure_closet\x01"));
            // A heartbeat between methods is to be skipped.
            stream.write_all(&[HEARTBEAT_FRAME, 0, 0, 0, 0, 0, 0, FRAME_END]).unwrap();
            send(&mut stream, TUNE, &[0x07, 0xFF, 0, 2, 0, 0, 0, 60]).unwrap();
            assert_eq!(expect(&mut stream, TUNE_OK, "tune-ok").unwrap(), [0x07, 0xFF, 0, 2, 0, 0, 0, 0]);
            assert_eq!(expect(&mut stream, OPEN, "open").unwrap(), [1, b'/', 0, 0]);
            send(&mut stream, OPEN_OK, &[0]).unwrap();
            // The client's polite `close`, told apart from a failure by its code.
            let Err(Trouble::NotYet(text)) = expect(&mut stream, OPEN_OK, "nothing") else { panic!("no close") };
            assert!(text.contains("200"));
            send(&mut stream, CLOSE_OK, b"").unwrap();
        });
        assert_eq!(check(&rabbitmq(address)), Ok(()));
        server.join().unwrap();
    }

    #[test]
    fn a_wrong_password_is_refused() {
        let (address, _server) = fake::server(|mut stream| {
            greet(&mut stream);
            close(&mut stream, 403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.");
        });
        assert_eq!(check(&rabbitmq(address)), Err(Trouble::Refused("wrong user or password".into())));
    }

    #[test]
    fn a_virtual_host_that_is_not_allowed_is_refused() {
        let (address, _server) = fake::server(|mut stream| {
            greet(&mut stream);
            send(&mut stream, TUNE, &[0; 8]).unwrap();
            expect(&mut stream, TUNE_OK, "tune-ok").unwrap();
            expect(&mut stream, OPEN, "open").unwrap();
            close(&mut stream, 530, "NOT_ALLOWED - access to vhost '/' refused for user 'app'");
        });
        assert!(matches!(check(&rabbitmq(address)), Err(Trouble::Refused(text)) if text.contains("NOT_ALLOWED")));
    }

    #[test]
    fn a_server_that_goes_away_may_pass_later() {
        let (address, _server) = fake::server(|mut stream| {
            greet(&mut stream);
            close(&mut stream, 320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'");
        });
        assert!(matches!(check(&rabbitmq(address)), Err(Trouble::NotYet(_))));
        let (address, _server) = fake::server(drop);
        assert!(matches!(check(&rabbitmq(address)), Err(Trouble::NotYet(_))));
    }

    #[test]
    fn another_protocol_is_told_apart() {
        let (address, _server) = fake::server(|mut stream| {
            stream.write_all(b"AMQP\x00\x01\x00\x00").unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
        });
        assert!(matches!(check(&rabbitmq(address)), Err(Trouble::Refused(_))));
        let (address, _server) = fake::server(|mut stream| {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
        });
        assert!(matches!(check(&rabbitmq(address)), Err(Trouble::NotYet(text)) if text.contains("not an AMQP")));
    }

    #[test]
    fn a_frame_without_its_end_mark_is_trouble() {
        let bytes = [METHOD_FRAME, 0, 0, 0, 0, 0, 4, 0, 10, 0, 51, 0xFF];
        assert!(matches!(expect(&mut &bytes[..], CLOSE_OK, "close-ok"), Err(Trouble::NotYet(_))));
    }
}
