use super::forms::forms;
use super::*;

const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n";

fn knowing(secrets: &[&str]) -> Redactor {
    let redactor = Redactor::default();
    for secret in secrets {
        redactor.learn(serde_json::to_string(secret).unwrap_or_default().as_bytes());
    }
    redactor
}

#[track_caller]
fn check(secrets: &[&str], text: &str, expect: &str) {
    assert_eq!(knowing(secrets).redact(text), expect);
}

#[test]
fn a_secret_is_blotted_out_in_every_encoding() {
    let secret = "p\"s's w/rd&<ü>\n2";
    for form in forms(secret) {
        check(&[secret], &format!("refused: {form}!"), "refused: (secret)!");
    }
}

#[test]
fn a_secret_that_begins_with_another_goes_as_a_whole() {
    check(&["abcdef", "abcdefghi"], "no: abcdefghi, abcdef", "no: (secret), (secret)");
    check(&["abcdefg", "efghijk"], "overlapping: abcdefghijk.", "overlapping: (secret).");
}

#[test]
fn secrets_are_found_inside_lists_maps_and_bytes() {
    let redactor = Redactor::default();
    redactor.learn(br#"{"a": ["first-one"], "b": [104, 117, 110, 116, 101, 114, 50]}"#);
    assert_eq!(redactor.redact("first-one, hunter2, other"), "(secret), (secret), other");
}

#[test]
fn a_key_file_is_found_whole_and_by_lines_however_lines_end() {
    for text in [PEM.to_owned(), PEM.trim_end().to_owned(), PEM.replace('\n', "\r\n"), PEM.replace('\n', "\\n")] {
        let redacted = knowing(&[PEM]).redact(&text);
        assert!(!redacted.contains("MII") && !redacted.contains("AQEF"), "{redacted}");
    }
    check(&[PEM], "line 2: MIIEvQIBADANBgkqhkiG9w0B?", "line 2: (secret)?");
    assert!(knowing(&[PEM]).is_in("x=AQEFAASCBKcwggSjAgEAAoIB"));
    assert!(!knowing(&["[server]\nhost = db.internal\n"]).is_in("host = db.internal"), "lines of other files");
}

#[test]
fn short_secrets_and_numbers_are_found_as_words() {
    check(&["ab1c"], "bad token ab1c, not xab1c", "bad token (secret), not xab1c");
    let redactor = Redactor::default();
    redactor.learn(b"5432");
    assert_eq!(redactor.redact("port 5432 and 15432"), "port (secret) and 15432");
    check(&["ab"], "ab", "ab");
}

#[test]
fn a_cut_secret_is_found_by_its_beginning() {
    let secret = "hvs.CAESIJ1-abcdefghijklmnopqrstuvwxyz";
    check(&[secret], "bad: hvs.CAESIJ1-abcdefgh…", "bad: (secret)…");
}

#[test]
fn values_in_secret_json_and_addresses_are_found() {
    check(&[r#"{"user": "ann", "password": "hunter2", "pin": 98765}"#], "no hunter2 98765", "no (secret) (secret)");
    check(&["postgres://ann:hunter2@db/x"], "password hunter2 is wrong", "password (secret) is wrong");
}

#[test]
fn other_quotes_are_no_way_out() {
    check(&["it's me"], "said 'it''s me' and 'it'\\''s me'", "said '(secret)' and '(secret)'");
    check(&["a<b&c>d"], "<Message>a&lt;b&amp;c&gt;d</Message>", "<Message>(secret)</Message>");
}

#[test]
fn bytes_that_are_no_text_are_found_in_their_encodings() {
    let redactor = Redactor::default();
    redactor.learn(b"[255, 254, 1, 2, 3, 4, 5, 6, 7]");
    for text in ["fffe01020304050607", "//4BAgMEBQYH", "[255, 254, 1, 2, 3, 4, 5, 6, 7]", "255,254,1,2,3,4,5,6,7"] {
        assert!(redactor.redact(text).contains("(secret)"), "{text}");
    }
}

#[test]
fn characters_are_never_cut_in_two() {
    let secret = "äöüäöüäöüäöü-ß";
    check(&[secret], "x äöüäöüäöüäöü-ẞ", "x (secret)ẞ");
}
