//! Servers of other temperaments: answers that are written in the test, and a door to the real server that can be shut, or
//! that loses what it should carry.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { line: line.trim_end().to_owned(), headers, body: Vec::new() };
        request.body.resize(request.length(), 0);
        stream.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    /// How long its body is.
    pub(crate) fn length(&self) -> usize {
        let length = self.headers.iter().find(|(name, _)| name == "content-length");
        length.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
    }

    /// Whether it is of this method.
    pub(crate) fn is(&self, method: &str) -> bool {
        self.line.split(' ').next() == Some(method)
    }

    /// The path, with its query.
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// The real server is asked.
    Through,
    /// The real server is asked, and nobody hears what it says.
    LoseAnswer,
    /// The connection is cut before anything is asked.
    Cut,
    /// This is the answer; its body's hash is its ETag.
    Answer(u16, String),
    /// This was written: no answer but its ETag.
    Written(String),
}

/// An S3 error, as its servers write it.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Fate {
    Fate::Answer(
        status,
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"),
    )
}

fn etag(body: &[u8]) -> String {
    format!("{:032x}", body.iter().fold(7_u128, |hash, byte| hash.wrapping_mul(31).wrapping_add(u128::from(*byte))))
}

/// A server of its own, as far as a state needs one; it ignores these conditions.
pub(crate) fn memory(ignored: &'static [&'static str]) -> impl FnMut(&mut Request) -> Fate {
    let mut objects = BTreeMap::<String, Vec<u8>>::new();
    move |request| {
        let key = request.path().split('?').next().unwrap_or_default().to_owned();
        let there = objects.get(&key);
        let condition = |name| request.headers.iter().find(|(header, _)| header == name && !ignored.contains(&name));
        let holds = condition("if-none-match").is_none_or(|_| there.is_none())
            && condition("if-match")
                .is_none_or(|(_, wanted)| there.is_some_and(|body| *wanted == format!("\"{}\"", etag(body))));
        match (request.line.split(' ').next(), there) {
            (Some("PUT"), _) if !holds => error(412, "PreconditionFailed", ""),
            (Some("PUT"), _) => {
                let tag = String::from_utf8(request.body.clone()).unwrap();
                objects.insert(key, request.body.clone());
                Fate::Written(tag)
            }
            (Some("GET"), _) if request.path().contains("list-type") => {
                Fate::Answer(200, "<ListBucketResult></ListBucketResult>".into())
            }
            (Some("GET"), Some(body)) => Fate::Answer(200, String::from_utf8(body.clone()).unwrap()),
            (Some("GET"), None) => error(404, "NoSuchKey", ""),
            _ => Fate::Answer(200, "<DeleteResult></DeleteResult>".into()),
        }
    }
}

type Rule = Box<dyn FnMut(&mut Request) -> Fate + Send>;

/// A server on a port of its own, for as long as the test runs.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) endpoint: String,
    server: String,
    pub(crate) seen: Arc<Mutex<Vec<Request>>>,
    rule: Arc<Mutex<Rule>>,
}

impl Fake {
    /// A server that passes nothing on.
    pub(crate) fn new(rule: impl FnMut(&mut Request) -> Fate + Send + 'static) -> Self {
        Self::before("nothing", rule)
    }

    /// A door to this server.
    pub(crate) fn before(server: &str, rule: impl FnMut(&mut Request) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let fake = Self { endpoint, server, seen: Arc::default(), rule: Arc::new(Mutex::new(Box::new(rule))) };
        let serving = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        fake
    }

    /// From now on.
    pub(crate) fn set(&self, rule: impl FnMut(&mut Request) -> Fate + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// How many requests there were of this sort.
    pub(crate) fn count(&self, which: impl Fn(&Request) -> bool) -> usize {
        self.seen.lock().unwrap().iter().filter(|request| which(request)).count()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some(mut request) = Request::read(&mut reader) {
            self.seen.lock().unwrap().push(Request { body: Vec::new(), ..request.clone() });
            let fate = (self.rule.lock().unwrap())(&mut request);
            let answer = match fate {
                Fate::Through => pass_on(&self.server, &request),
                Fate::LoseAnswer => {
                    pass_on(&self.server, &request);
                    Vec::new()
                }
                Fate::Cut => Vec::new(),
                Fate::Written(body) => {
                    let etag = etag(body.as_bytes());
                    format!("HTTP/1.1 200 X\r\nContent-Length: 0\r\nETag: \"{etag}\"\r\n\r\n").into_bytes()
                }
                Fate::Answer(status, body) => {
                    let length = body.len();
                    format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nContent-Type: application/xml\r\n\r\n{body}"
                    )
                    .into_bytes()
                }
            };
            // One request for each connection: what is left open would be used again.
            if answer.is_empty() || stream.write_all(&answer).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// What the real server answers. The signature covers the host that was asked, so that header stays.
fn pass_on(server: &str, request: &Request) -> Vec<u8> {
    let mut server = TcpStream::connect(server).unwrap();
    let mut sent = format!("{}\r\n", request.line);
    for (name, value) in &request.headers {
        if name != "connection" {
            sent.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    sent.push_str("connection: close\r\n\r\n");
    server.write_all(sent.as_bytes()).unwrap();
    server.write_all(&request.body).unwrap();
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer);
    answer
}
