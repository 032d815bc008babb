//! What a bucket may be called.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>

use std::net::Ipv4Addr;

use sprocket_core::kind::Diagnostics;

/// Prefixes and suffixes that AWS keeps for itself.
const BEGINNINGS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// What can be said against a name before any server is asked.
pub(crate) fn validate(name: &str) -> Diagnostics {
    let mut findings = Diagnostics::default();
    match wrong(name) {
        Some(wrong) => {
            let message = format!("`{name}` can't be the name of a bucket: {wrong}; `.named(\"…\")` gives it another");
            findings.errors.push(message.into());
        }
        None if name.contains('.') => findings.warnings.push(
            format!("the name `{name}` has a dot: with TLS it can be reached only by its path, `https://HOST/{name}`")
                .into(),
        ),
        None => {}
    }
    findings
}

fn wrong(name: &str) -> Option<String> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if let Some(odd) = name.chars().find(|c| !(edge(Some(*c)) || matches!(c, '-' | '.'))) {
        return Some(format!("it has `{odd}` in it, and may have lower case letters, digits, `-` and `.`"));
    }
    if !(3..=63).contains(&name.len()) {
        return Some(format!("it has {} characters, and must have 3 to 63", name.len()));
    }
    if !edge(name.chars().next()) || !edge(name.chars().last()) {
        return Some("it must begin and end with a letter or a digit".into());
    }
    if name.contains("..") {
        return Some("two dots stand side by side".into());
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        return Some("it looks like an address".into());
    }
    let begins = BEGINNINGS.into_iter().find(|text| name.starts_with(text)).map(|text| format!("`{text}…`"));
    let reserved =
        begins.or_else(|| ENDS.into_iter().find(|text| name.ends_with(text)).map(|text| format!("`…{text}`")));
    reserved.map(|pattern| format!("S3 keeps names like {pattern} for itself"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) -> String {
        let Diagnostics { errors, warnings } = validate(name);
        errors.into_iter().chain(warnings).map(|text| text.to_string()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn names_that_s3_refuses_are_found() {
        for good in ["abc", "sprocket-replays", "0-9", &"a".repeat(63)] {
            assert_eq!(check(good), "");
        }
        insta::assert_snapshot!(check("Replays"), @r#"`Replays` can't be the name of a bucket: it has `R` in it, and may have lower case letters, digits, `-` and `.`; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("my_bucket"), @r#"`my_bucket` can't be the name of a bucket: it has `_` in it, and may have lower case letters, digits, `-` and `.`; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("ab"), @r#"`ab` can't be the name of a bucket: it has 2 characters, and must have 3 to 63; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check(&"a".repeat(64)), @r#"`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` can't be the name of a bucket: it has 64 characters, and must have 3 to 63; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("-abc"), @r#"`-abc` can't be the name of a bucket: it must begin and end with a letter or a digit; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("a..b"), @r#"`a..b` can't be the name of a bucket: two dots stand side by side; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("10.0.0.1"), @r#"`10.0.0.1` can't be the name of a bucket: it looks like an address; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("xn--abc"), @r#"`xn--abc` can't be the name of a bucket: S3 keeps names like `xn--…` for itself; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("logs--x-s3"), @r#"`logs--x-s3` can't be the name of a bucket: S3 keeps names like `…--x-s3` for itself; `.named("…")` gives it another"#);
        insta::assert_snapshot!(check("assets.example.org"), @"the name `assets.example.org` has a dot: with TLS it can be reached only by its path, `https://HOST/assets.example.org`");
    }
}
