//! The HTTP that the stand-in speaks: two paths for GET, one request per connection.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::settings::Settings;
use crate::upstream::Trouble;
use crate::{amqp, redis};

/// Requests longer than this are cut off; none that the tests send comes near it.
const LONGEST_REQUEST: u64 = 16 * 1024;

/// Serves until the process ends, each connection in a thread of its own.
pub(crate) fn serve(listener: &TcpListener, settings: &Arc<Settings>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let settings = Arc::clone(settings);
        // A client that goes away in the middle is no concern of the others.
        thread::spawn(move || answer(stream, &settings));
    }
}

fn answer(stream: TcpStream, settings: &Settings) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new((&stream).take(LONGEST_REQUEST)).lines();
    let request = lines.next().unwrap_or(Ok(String::new()))?;
    // The headers are read to their end, or closing the socket would reset it under the client's hands.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = respond(&request, settings);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let body = if request.starts_with("HEAD ") { "" } else { &body };
    (&stream).write_all(format!("{head}{body}").as_bytes())
}

/// The status and the body for one request line.
fn respond(request: &str, settings: &Settings) -> (&'static str, String) {
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !matches!(method, "GET" | "HEAD") {
        return ("405 Method Not Allowed", object(&[("error", "only GET and HEAD")]));
    }
    match target.split('?').next().unwrap_or_default() {
        "/" => {
            // It serves only after both have answered, so what was asked for is there.
            let state = |wanted: bool| if wanted { "ok" } else { "not used" };
            let body = object(&[
                ("name", &settings.name),
                ("redis", state(settings.redis.is_some())),
                ("rabbitmq", state(settings.rabbitmq.is_some())),
                ("version", &settings.version),
            ]);
            ("200 OK", body)
        }
        "/health" => health(settings),
        _ => ("404 Not Found", object(&[("error", "no such path")])),
    }
}

/// Checks Redis and RabbitMQ anew.
fn health(settings: &Settings) -> (&'static str, String) {
    let redis = settings.redis.as_ref().map(redis::check);
    let rabbitmq = settings.rabbitmq.as_ref().map(amqp::check);
    let healthy = !settings.unhealthy && !matches!(redis, Some(Err(_))) && !matches!(rabbitmq, Some(Err(_)));
    let body = object(&[
        ("status", if healthy { "healthy" } else { "unhealthy" }),
        ("redis", outcome(redis.as_ref())),
        ("rabbitmq", outcome(rabbitmq.as_ref())),
    ]);
    (if healthy { "200 OK" } else { "503 Service Unavailable" }, body)
}

fn outcome(check: Option<&Result<(), Trouble>>) -> &str {
    match check {
        None => "not used",
        Some(Ok(())) => "ok",
        Some(Err(trouble)) => trouble.reason(),
    }
}

/// A JSON object of strings, and a line end for those who read it in a terminal.
fn object(members: &[(&str, &str)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{}:{}", quote(key), quote(value))).collect();
    format!("{{{}}}\n", members.join(","))
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                // Writing to a string cannot fail. JSON's escapes are UTF-16, and every control character is one unit.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Asks the server on this machine for its health; the status of its answer.
pub(crate) fn ask_health(port: u16) -> io::Result<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(15)))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    line.split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Redis;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::read(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
            .unwrap()
    }

    #[test]
    fn the_front_page_tells_name_and_version() {
        let (status, body) = respond("GET / HTTP/1.1", &settings(&[("NAME", "core"), ("VERSION", "2")]));
        assert_eq!(status, "200 OK");
        assert_eq!(body, "{\"name\":\"core\",\"redis\":\"not used\",\"rabbitmq\":\"not used\",\"version\":\"2\"}\n");
    }

    #[test]
    fn health_follows_the_upstreams() {
        let mut settings = settings(&[]);
        assert_eq!(respond("GET /health HTTP/1.1", &settings).0, "200 OK");
        let nothing_there = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        settings.redis = Some(Redis { address: nothing_there.to_string(), password: None });
        assert_eq!(respond("GET /health HTTP/1.1", &settings).0, "503 Service Unavailable");
    }

    #[test]
    fn it_falls_ill_when_told_to() {
        let (status, body) = respond("GET /health HTTP/1.1", &settings(&[("UNHEALTHY", "1")]));
        assert_eq!(status, "503 Service Unavailable");
        assert!(body.starts_with("{\"status\":\"unhealthy\""));
    }

    #[test]
    fn other_paths_and_methods_are_turned_away() {
        assert_eq!(respond("GET /x HTTP/1.1", &settings(&[])).0, "404 Not Found");
        assert_eq!(respond("POST / HTTP/1.1", &settings(&[])).0, "405 Method Not Allowed");
        assert_eq!(respond("", &settings(&[])).0, "405 Method Not Allowed");
    }

    #[test]
    fn text_is_quoted_for_json() {
        assert_eq!(quote("a\"b\\c\nd"), r#""a\"b\\c\u000ad""#);
    }

    #[test]
    fn the_server_and_the_health_client_understand_each_other() {
        for (unhealthy, expected) in [("0", 200), ("1", 503)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let settings = Arc::new(settings(&[("UNHEALTHY", unhealthy)]));
            thread::spawn(move || serve(&listener, &settings));
            assert_eq!(ask_health(port).unwrap(), expected);
        }
    }
}
