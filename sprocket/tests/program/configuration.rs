//! `sprocket.toml` and secrets: what a program is given, and what is said against it.

use insta::assert_snapshot;
use serde::Deserialize;
use sprocket::core::program::Secret;

use super::kit::Place;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is printed")]
struct Config {
    image: String,
    #[serde(default = "one")]
    replicas: u32,
    redis: Redis,
    #[serde(default)]
    mode: Mode,
    token: Option<Secret<String>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is printed")]
struct Redis {
    #[serde(default)]
    host: String,
    password: Secret<String>,
    #[serde(rename = "admin-pin")]
    pin: Secret<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is printed")]
enum Mode {
    #[default]
    Quiet,
    Loud,
    Steps(u32),
}

fn one() -> u32 {
    1
}

fn place(file: &str) -> Place {
    Place::new("configuration", file)
}

fn with_secrets(file: &str) -> Place {
    place(file).with("SPROCKET_REDIS_PASSWORD", "hunter2").with("SPROCKET_REDIS_ADMIN_PIN", "4711")
}

#[test]
fn values_come_from_the_file_and_secrets_from_the_environment() {
    assert_snapshot!(with_secrets("[local]\nimage = 'core:1'\nmode = { steps = 3 }\n").configure::<Config>(), @r#"
    Config {
        image: "core:1",
        replicas: 1,
        redis: Redis {
            host: "",
            password: (secret),
            pin: (secret),
        },
        mode: Steps(
            3,
        ),
        token: None,
    }
    "#);
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is printed")]
    struct Opened {
        redis: std::collections::BTreeMap<String, u32>,
    }
    assert_snapshot!(place("[local]\nredis = { a = 1 }\n").configure::<Opened>(), @r#"
    Opened {
        redis: {
            "a": 1,
        },
    }
    "#);
}

#[test]
fn a_secret_has_the_value_of_its_variable() {
    #[derive(Deserialize)]
    struct Config {
        password: Secret<String>,
        pin: Secret<u16>,
        key: Secret<Vec<u8>>,
        spare: Option<Secret<String>>,
        other: Option<Secret<String>>,
    }
    let place = place("[local]\n")
        .with("SPROCKET_PASSWORD", "hunter2")
        .with("SPROCKET_PIN", "4711")
        .with("SPROCKET_KEY", "abc")
        .with("SPROCKET_SPARE_FILE", "spare.txt");
    std::fs::write(place.folder.path().join("spare.txt"), "in a file\n").unwrap();
    let mut seen = None;
    let (_, text, _) = place.start("graph --env local", |_: &mut sprocket::core::program::Stack, config: &Config| {
        let spare = config.spare.as_ref().map(|spare| spare.expose().clone());
        let is_none = config.other.is_none();
        seen =
            Some((config.password.expose().clone(), *config.pin.expose(), config.key.expose().clone(), spare, is_none));
    });
    let expect = ("hunter2".to_owned(), 4711, b"abc".to_vec(), Some("in a file".to_owned()), true);
    assert_eq!(seen, Some(expect), "{text}");
}

#[test]
fn an_environment_can_keep_its_secrets_in_a_folder() {
    let place = place("[local]\nimage = 'a'\nsecrets = 'keys'\n");
    assert_snapshot!(place.configure::<Config>(), @"
    error: environment `local` lacks 2 secrets
      `redis.password`: write it to keys/redis.password, or set SPROCKET_REDIS_PASSWORD, or SPROCKET_REDIS_PASSWORD_FILE to a file that has it
      `redis.admin-pin`: write it to keys/redis.admin-pin, or set SPROCKET_REDIS_ADMIN_PIN, or SPROCKET_REDIS_ADMIN_PIN_FILE to a file that has it
    ");
    let keys = place.folder.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    std::fs::write(keys.join("redis.password"), "hunter2\n").unwrap();
    std::fs::write(keys.join("redis.admin-pin"), "4711\n\n").unwrap();
    std::fs::write(keys.join("token"), "one").unwrap();
    assert_snapshot!(place.with("SPROCKET_TOKEN", "two").configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      `redis.admin-pin`: keys/redis.admin-pin has a line break in it, and a secret is one line
    ");
    assert_snapshot!(self::place("[local]\nsecrets = 3\n").configure::<()>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:2:11: `secrets` in `[local]` is the path of a folder with a file for each secret, not an integer
    ");
}

#[test]
fn unknown_keys_are_found_at_every_depth_with_what_was_meant() {
    let file = "[local]\nimgae = 'core:1'\nimage = 'core:2'\nreplica = 3\n\n[local.redis]\nhots = 'a'\nvolume = 1\n";
    assert_snapshot!(with_secrets(file).configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:2:1: `[local]` has no setting `imgae`; did you mean `image`?
      sprocket.toml:4:1: `[local]` has no setting `replica`; did you mean `replicas`?
      sprocket.toml:7:1: `[local.redis]` has no setting `hots`; did you mean `host`?
      sprocket.toml:8:1: `[local.redis]` has no setting `volume`; it has host, password, admin-pin
    ");
    assert_snapshot!(place("[local]\nimage = 'a'\n").configure::<()>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:2:1: `[local]` has no settings, and so no `image`
    ");
}

#[test]
fn missing_secrets_are_reported_all_at_once() {
    assert_snapshot!(place("[local]\nimage = 'a'\n").configure::<Config>(), @"
    error: environment `local` lacks 2 secrets
      `redis.password`: set SPROCKET_REDIS_PASSWORD, or SPROCKET_REDIS_PASSWORD_FILE to a file that has it
      `redis.admin-pin`: set SPROCKET_REDIS_ADMIN_PIN, or SPROCKET_REDIS_ADMIN_PIN_FILE to a file that has it
    ");
    assert_snapshot!(place("[local]\nimgae = 'a'\n").configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:2:1: `[local]` has no setting `imgae`; did you mean `image`?
      `redis.password`: set SPROCKET_REDIS_PASSWORD, or SPROCKET_REDIS_PASSWORD_FILE to a file that has it
      `redis.admin-pin`: set SPROCKET_REDIS_ADMIN_PIN, or SPROCKET_REDIS_ADMIN_PIN_FILE to a file that has it
    ");
}

#[test]
fn missing_and_wrong_values_have_their_place() {
    assert_snapshot!(with_secrets("[local]\n").configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:1:1: `image` is missing
    ");
    assert_snapshot!(with_secrets("[local]\nimage = 3\n").configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:2:9: `image`: invalid type: integer `3`, expected a string
    ");
    assert_snapshot!(with_secrets("[local]\nimage = 'a'\nmode = 'lowd'\n").configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:8: `mode`: unknown variant `lowd`, expected one of `quiet`, `loud`, `steps`
    ");
    assert_snapshot!(with_secrets("[local]\nimage = 'a'\nredis = 'b'\n").configure::<Config>(), @r#"
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:9: `redis`: invalid type: string "b", expected struct Redis
    "#);
    assert_snapshot!(with_secrets("[local]\nimage = \n").configure::<Config>(), @"
    error: sprocket.toml is not TOML
      sprocket.toml:2:9: string values must be quoted, expected literal string
    ");
    assert_snapshot!(with_secrets("image = 'a'\ndefalt = 'local'\n[local]\n").configure::<Config>(), @"
    error: sprocket.toml is not as it should be
      sprocket.toml:1:1: `image` stands outside of all tables; settings belong to an environment: put it under `[local]`, or another's name
      sprocket.toml:2:1: `defalt` stands outside of all tables; did you mean `default`?
    ");
}

#[test]
fn in_the_sandbox_a_missing_secret_is_made_up() {
    let place = place("[sandbox]\nimage = 'a'\n").with("SPROCKET_REDIS_PASSWORD", "hunter2");
    let mut seen = None;
    let (_, text, _) = place.start("graph --env sandbox", |_: &mut sprocket::core::program::Stack, config: &Config| {
        seen = Some((config.redis.password.expose().clone(), *config.redis.pin.expose(), config.token.is_none()));
    });
    assert_eq!(seen, Some(("hunter2".to_owned(), 0, true)), "{text}");

    #[derive(Deserialize)]
    struct Login {
        user: Secret<String>,
        key: Secret<std::net::Ipv4Addr>,
    }
    #[derive(Deserialize)]
    struct Other {
        login: Login,
    }
    let check = |place: Place| {
        let declare = |_: &mut sprocket::core::program::Stack, config: &Other| {
            Err::<(), _>(format!("{} {}", config.login.user.expose(), config.login.key.expose()))
        };
        place.start("graph --env sandbox", declare).1
    };
    let sandbox = Place::new("made-up", "[sandbox]\n").with("SPROCKET_LOGIN_KEY", "::1");
    assert_snapshot!(check(sandbox), @"
    error: environment `sandbox` is not configured as the program expects
      `login.key`: the value of SPROCKET_LOGIN_KEY is not of the form that the program expects
    ");
    assert_snapshot!(check(Place::new("made-up", "[sandbox]\n")), @"
    error: environment `sandbox` is not configured as the program expects
      `login.key` can't be made up: set SPROCKET_LOGIN_KEY, or SPROCKET_LOGIN_KEY_FILE
    ");
    assert_snapshot!(check(Place::new("made-up", "[sandbox]\n").with("SPROCKET_LOGIN_KEY", "127.0.0.1")), @"error: the program gave up: made-up-login-user 127.0.0.1");
}

#[test]
fn a_secret_in_the_file_is_refused() {
    let file = "[local]\nimage = 'a'\ntoken = 'abc'\n[local.redis]\npassword = 'hunter2'\n";
    let said = place(file).configure::<Config>();
    assert!(!said.contains("hunter2"), "{said}");
    assert_snapshot!(said, @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:9: `token` is a secret, and secrets don't belong into this file: set SPROCKET_TOKEN, or SPROCKET_TOKEN_FILE
      sprocket.toml:5:12: `redis.password` is a secret, and secrets don't belong into this file: set SPROCKET_REDIS_PASSWORD, or SPROCKET_REDIS_PASSWORD_FILE
      `redis.admin-pin`: set SPROCKET_REDIS_ADMIN_PIN, or SPROCKET_REDIS_ADMIN_PIN_FILE to a file that has it
    ");
}

#[test]
fn what_is_no_secret_is_refused_and_not_shown() {
    let check = |password: &str| {
        place("[local]\nimage = 'a'\n")
            .with("SPROCKET_REDIS_PASSWORD", password)
            .with("SPROCKET_REDIS_ADMIN_PIN", "4711")
            .configure::<Config>()
    };
    assert_snapshot!(check("changeme"), @"
    error: environment `local` is not configured as the program expects
      `redis.password`: SPROCKET_REDIS_PASSWORD is a placeholder, and no secret
    ");
    assert_snapshot!(check("<password>"), @"
    error: environment `local` is not configured as the program expects
      `redis.password`: SPROCKET_REDIS_PASSWORD is a placeholder, and no secret
    ");
    assert_snapshot!(check("two\nlines"), @"
    error: environment `local` is not configured as the program expects
      `redis.password`: SPROCKET_REDIS_PASSWORD has a line break in it, and a secret is one line
    ");
    assert_snapshot!(check("bell\u{7}"), @"
    error: environment `local` is not configured as the program expects
      `redis.password`: SPROCKET_REDIS_PASSWORD has a control character in it
    ");
    assert_snapshot!(check(""), @"
    error: environment `local` is not configured as the program expects
      `redis.password`: SPROCKET_REDIS_PASSWORD is empty
    ");
    let pin = with_secrets("[local]\nimage = 'a'\n").with("SPROCKET_REDIS_ADMIN_PIN", "47i1").configure::<Config>();
    assert!(!pin.contains("47i1"), "{pin}");
    assert_snapshot!(pin, @"
    error: environment `local` is not configured as the program expects
      `redis.admin-pin`: the value of SPROCKET_REDIS_ADMIN_PIN is not of the form that the program expects
    ");
    let both = with_secrets("[local]\nimage = 'a'\n").with("SPROCKET_TOKEN", "a").with("SPROCKET_TOKEN_FILE", "b");
    assert_snapshot!(both.configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      `token`: SPROCKET_TOKEN and SPROCKET_TOKEN_FILE are both set; which one counts?
    ");
    let file = with_secrets("[local]\nimage = 'a'\n").with("SPROCKET_TOKEN_FILE", "token.txt");
    assert_snapshot!(file.configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      `token`: could not read token.txt (from SPROCKET_TOKEN_FILE): No such file or directory (os error 2)
    ");
    std::fs::write(file.folder.path().join("token.txt"), "abc\n\n").unwrap();
    assert_snapshot!(file.configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      `token`: token.txt (from SPROCKET_TOKEN_FILE) has a line break in it, and a secret is one line
    ");
}

#[test]
fn fields_whose_variables_mean_two_things_are_refused() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is read")]
    struct Twice {
        redis: Inner,
        redis_password: Secret<String>,
        passphrase: Secret<String>,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is read")]
    struct Inner {
        password: Secret<String>,
    }
    assert_snapshot!(place("[local]\n").configure::<Twice>(), @"
    error: environment `local` is not configured as the program expects
      the fields `redis.password` and `redis_password` would both be SPROCKET_REDIS_PASSWORD: call one otherwise
      the field `passphrase` would be SPROCKET_PASSPHRASE, which means something else: call it otherwise
      `redis.password`: set SPROCKET_REDIS_PASSWORD, or SPROCKET_REDIS_PASSWORD_FILE to a file that has it
      `redis_password`: set SPROCKET_REDIS_PASSWORD, or SPROCKET_REDIS_PASSWORD_FILE to a file that has it
    ");
}

#[test]
fn other_spellings_and_defaults_of_fields_are_left_to_serde() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is printed")]
    struct Spelt {
        #[serde(alias = "colour")]
        color: String,
        #[serde(default)]
        limits: Limits,
        inner: Option<Limits>,
        #[serde(default)]
        list: Vec<Limits>,
        when: Option<toml::value::Datetime>,
    }
    #[derive(Debug, Default, Deserialize)]
    #[expect(dead_code, reason = "it is printed")]
    struct Limits {
        cpu: f64,
    }
    let file = "[local]\ncolour = 'red'\nlist = [{ cpu = 0.5 }, { cpu = 2 }]\nwhen = 2026-01-01\n";
    assert_snapshot!(place(file).configure::<Spelt>(), @r#"
    Spelt {
        color: "red",
        limits: Limits {
            cpu: 0.0,
        },
        inner: None,
        list: [
            Limits {
                cpu: 0.5,
            },
            Limits {
                cpu: 2.0,
            },
        ],
        when: Some(
            Datetime {
                date: Some(
                    Date {
                        year: 2026,
                        month: 1,
                        day: 1,
                    },
                ),
                time: None,
                offset: None,
            },
        ),
    }
    "#);
    assert_snapshot!(place("[local]\ncolor = 'red'\nlist = [{ cpu = 0.5 }, { cqu = 2.0 }]\n").configure::<Spelt>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:26: `[local.list.1]` has no setting `cqu`; did you mean `cpu`?
    ");
}

#[test]
fn a_program_is_told_where_to_keep_what_it_keeps() {
    let place = place("[local]\n");
    let mut folder = None;
    place.start("graph --env local", |stack: &mut sprocket::core::program::Stack, (): &()| {
        folder = Some(stack.folder().to_owned())
    });
    assert_eq!(folder, Some(place.folder.path().join(".sprocket/pantry/local")));
}
