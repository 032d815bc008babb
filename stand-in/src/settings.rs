//! What the environment asks of the stand-in.

use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Looks up an environment variable; the tests bring their own.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// All settings, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Shown on the front page (`NAME`).
    pub(crate) name: String,
    /// Shown on the front page (`VERSION`).
    pub(crate) version: String,
    /// Where to serve (`PORT`).
    pub(crate) port: u16,
    /// The Redis that must answer, if any.
    pub(crate) redis: Option<Redis>,
    /// The RabbitMQ that must answer, if any.
    pub(crate) rabbitmq: Option<Rabbitmq>,
    /// How long to wait for both together (`WAIT_SECONDS`).
    pub(crate) wait: Duration,
    /// Exit 1 this long after the start (`CRASH_AFTER_SECONDS`).
    pub(crate) crash_after: Option<Duration>,
    /// Answer 503 on `/health` whatever the checks say (`UNHEALTHY=1`).
    pub(crate) unhealthy: bool,
}

/// `REDIS` and `REDIS_PASSWORD_FILE`.
#[derive(Debug)]
pub(crate) struct Redis {
    /// `host:port`.
    pub(crate) address: String,
    /// None: no `AUTH` is sent.
    pub(crate) password: Option<Secret>,
}

/// `RABBITMQ`, `RABBITMQ_USER` or `RABBITMQ_USER_FILE`, and `RABBITMQ_PASSWORD_FILE`.
#[derive(Debug)]
pub(crate) struct Rabbitmq {
    /// `host:port`.
    pub(crate) address: String,
    /// The server's own default, `guest`, if not set.
    pub(crate) user: String,
    /// The server's own default, `guest`, if not set.
    pub(crate) password: Secret,
}

/// A text that never gets printed.
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the protocol and nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Settings {
    /// Reads the environment and the files that it names.
    pub(crate) fn read(environment: Environment<'_>) -> Result<Settings, String> {
        if let Some(path) = environment("CONFIG") {
            check_config(&path)?;
        }
        Ok(Settings {
            name: environment("NAME").unwrap_or_else(|| "stand-in".into()),
            version: environment("VERSION").unwrap_or_else(|| "1".into()),
            port: port(environment)?,
            redis: redis(environment)?,
            rabbitmq: rabbitmq(environment)?,
            wait: seconds(environment, "WAIT_SECONDS")?.unwrap_or(Duration::from_secs(60)),
            crash_after: seconds(environment, "CRASH_AFTER_SECONDS")?,
            unhealthy: environment("UNHEALTHY").is_some_and(|value| value == "1"),
        })
    }
}

/// `PORT`, or 3000.
pub(crate) fn port(environment: Environment<'_>) -> Result<u16, String> {
    let Some(text) = environment("PORT") else { return Ok(3000) };
    text.parse().map_err(|_| format!("PORT: {text:?} is not a port number"))
}

fn redis(environment: Environment<'_>) -> Result<Option<Redis>, String> {
    let Some(address) = environment("REDIS") else { return Ok(None) };
    let password = file(environment, "REDIS_PASSWORD_FILE")?.map(Secret::new);
    Ok(Some(Redis { address, password }))
}

fn rabbitmq(environment: Environment<'_>) -> Result<Option<Rabbitmq>, String> {
    let Some(address) = environment("RABBITMQ") else { return Ok(None) };
    let user = match file(environment, "RABBITMQ_USER_FILE")? {
        Some(user) => user,
        None => environment("RABBITMQ_USER").unwrap_or_else(|| "guest".into()),
    };
    let password = Secret::new(file(environment, "RABBITMQ_PASSWORD_FILE")?.unwrap_or_else(|| "guest".into()));
    Ok(Some(Rabbitmq { address, user, password }))
}

fn seconds(environment: Environment<'_>, name: &str) -> Result<Option<Duration>, String> {
    let Some(text) = environment(name) else { return Ok(None) };
    match text.parse() {
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
        Err(_) => Err(format!("{name}: {text:?} is not a number of seconds")),
    }
}

/// The content of the file that a variable names, without a line end: editors and `echo` add one, and it is never
/// part of a password.
fn file(environment: Environment<'_>, name: &str) -> Result<Option<String>, String> {
    let Some(path) = environment(name) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}: cannot read {path}: {e}"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{name}: {path} is empty"));
    }
    Ok(Some(text.to_owned()))
}

/// An application that gets no configuration, or half of one, does not start. This is no JSON parser: it looks for an
/// object, from its first brace to its last.
fn check_config(path: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|e| format!("CONFIG: cannot read {path}: {e}"))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("CONFIG: {path} is empty"));
    }
    if !(text.starts_with('{') && text.ends_with('}')) {
        return Err(format!("CONFIG: {path} is not a JSON object"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::NamedTempFile;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    /// A file with this content, and its path.
    fn written(content: &str) -> (NamedTempFile, String) {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        (file, path)
    }

    #[test]
    fn nothing_set_means_nothing_needed() {
        let settings = read(&[]).unwrap();
        assert!(settings.redis.is_none() && settings.rabbitmq.is_none());
        assert_eq!((settings.port, settings.wait), (3000, Duration::from_secs(60)));
        assert_eq!((settings.name.as_str(), settings.version.as_str()), ("stand-in", "1"));
    }

    #[test]
    fn passwords_come_from_files_without_their_line_end() {
        let (_password, password) = written("p w\n");
        let (_user, user) = written("app");
        let settings = read(&[
            ("REDIS", "cache:6379"),
            ("REDIS_PASSWORD_FILE", &password),
            ("RABBITMQ", "queue:5672"),
            ("RABBITMQ_USER_FILE", &user),
            ("RABBITMQ_PASSWORD_FILE", &password),
        ])
        .unwrap();
        assert_eq!(settings.redis.unwrap().password.unwrap().reveal(), "p w");
        let rabbitmq = settings.rabbitmq.unwrap();
        assert_eq!((rabbitmq.user.as_str(), rabbitmq.password.reveal()), ("app", "p w"));
    }

    #[test]
    fn a_missing_or_empty_password_file_is_an_error() {
        let missing = read(&[("REDIS", "cache:6379"), ("REDIS_PASSWORD_FILE", "/no/such/file")]).unwrap_err();
        assert!(missing.starts_with("REDIS_PASSWORD_FILE: cannot read /no/such/file"), "{missing}");
        let (_file, path) = written("\n");
        let empty = read(&[("REDIS", "cache:6379"), ("REDIS_PASSWORD_FILE", &path)]).unwrap_err();
        assert_eq!(empty, format!("REDIS_PASSWORD_FILE: {path} is empty"));
    }

    #[test]
    fn numbers_are_checked() {
        assert_eq!(read(&[("PORT", "http")]).unwrap_err(), "PORT: \"http\" is not a port number");
        assert_eq!(
            read(&[("CRASH_AFTER_SECONDS", "soon")]).unwrap_err(),
            "CRASH_AFTER_SECONDS: \"soon\" is not a number of seconds"
        );
    }

    #[test]
    fn the_configuration_must_be_an_object() {
        for (content, complaint) in [("{\"a\":", "is not a JSON object"), (" \n", "is empty")] {
            let (_file, path) = written(content);
            assert_eq!(read(&[("CONFIG", &path)]).unwrap_err(), format!("CONFIG: {path} {complaint}"));
        }
        let (_file, path) = written("{\"a\": 1}\n");
        assert!(read(&[("CONFIG", &path)]).is_ok());
        assert!(read(&[("CONFIG", "/no/such/file")]).unwrap_err().starts_with("CONFIG: cannot read"));
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
