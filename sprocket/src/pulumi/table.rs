//! Which types of Pulumi are which kinds of ours, what their objects are looked up by, and what a service hides of them.

/// A type of Pulumi, and the kind that its objects become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Pulumi's word: `docker:index/service:Service`.
    pub(crate) token: &'static str,
    /// Ours: `docker:service`.
    pub(crate) kind: &'static str,
    /// Where a checkpoint has the object's name at its service.
    pub(crate) name: Name,
    /// What the service does not show.
    pub(crate) hidden: Hides,
}

/// Where a checkpoint has an object's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// In this setting; the provider's id is another one.
    Setting(&'static str),
    /// It is the provider's id.
    Id,
    /// In two settings, which make a path.
    Path(&'static str, &'static str),
    /// It has none: only what it was called in the program.
    Logical,
}

/// What a service does not show of an object, and where a checkpoint may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hides {
    /// Nothing.
    Nothing,
    /// Its content, of which a new one takes another object: bytes, in base64.
    Content(&'static str),
    /// Its fields, which are written again: an object of texts, as a text of JSON.
    Fields(&'static str),
    /// All of it: it is a text, and no service has it.
    Itself(&'static str),
}

const fn row(token: &'static str, kind: &'static str, name: Name, hidden: Hides) -> Row {
    Row { token, kind, name, hidden }
}

/// All of them. What is not here has no kind yet, and is told by its type.
const ROWS: &[Row] = &[
    row("aws:s3/bucket:Bucket", "s3:bucket", Name::Id, Hides::Nothing),
    row("aws:s3/bucketV2:BucketV2", "s3:bucket", Name::Id, Hides::Nothing),
    row("docker:index/network:Network", "docker:network", Name::Setting("name"), Hides::Nothing),
    row("docker:index/secret:Secret", "docker:secret", Name::Setting("name"), Hides::Content("data")),
    row("docker:index/service:Service", "docker:service", Name::Setting("name"), Hides::Nothing),
    row("docker:index/serviceConfig:ServiceConfig", "docker:config", Name::Setting("name"), Hides::Nothing),
    row("docker:index/volume:Volume", "docker:volume", Name::Id, Hides::Nothing),
    row("random:index/randomPassword:RandomPassword", "random:password", Name::Logical, Hides::Itself("result")),
    row("vault:generic/secret:Secret", "vault:kv", Name::Setting("path"), Hides::Fields("dataJson")),
    row("vault:index/mount:Mount", "vault:mount", Name::Id, Hides::Nothing),
    row("vault:index/policy:Policy", "vault:policy", Name::Id, Hides::Nothing),
    row("vault:kv/secretV2:SecretV2", "vault:kv", Name::Path("mount", "name"), Hides::Fields("dataJson")),
];

/// The settings of ours that its service shows, and that may be secret all the same; and where Pulumi has them.
pub(crate) fn shown(kind: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match kind {
        "docker:config" => &[("data", &["data"])],
        "docker:service" => &[
            ("args", &["taskSpec", "containerSpec", "args"]),
            ("command", &["taskSpec", "containerSpec", "commands"]),
            ("env", &["taskSpec", "containerSpec", "env"]),
            ("labels", &["labels"]),
        ],
        "vault:policy" => &[("text", &["policy"])],
        _ => &[],
    }
}

/// The row of a type, if there is one.
pub(crate) fn of(token: &str) -> Option<Row> {
    ROWS.iter().copied().find(|row| row.token == token)
}

/// What Pulumi has for itself, in the word of the report.
pub(crate) fn own(token: &str, custom: bool) -> Option<&'static str> {
    match token {
        "pulumi:pulumi:Stack" => Some("stack"),
        "pulumi:pulumi:StackReference" => Some("stack reference"),
        _ if token.starts_with("pulumi:providers:") => Some("provider"),
        _ if !custom => Some("component"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_there_once_and_in_order() {
        let tokens: Vec<&str> = ROWS.iter().map(|row| row.token).collect();
        let mut sorted = tokens.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(tokens, sorted);
    }

    #[test]
    fn types_are_told_apart() {
        let check = |token, custom, expect: (Option<&str>, Option<&str>)| {
            assert_eq!((of(token).map(|row| row.kind), own(token, custom)), expect, "{token}");
        };
        check("docker:index/service:Service", true, (Some("docker:service"), None));
        check("docker:index/serviceConfig:ServiceConfig", true, (Some("docker:config"), None));
        check("docker:index/container:Container", true, (None, None));
        check("random:index/randomUuid:RandomUuid", true, (None, None));
        check("postgresql:index/role:Role", true, (None, None));
        check("pulumi:pulumi:Stack", false, (None, Some("stack")));
        check("pulumi:pulumi:StackReference", true, (None, Some("stack reference")));
        check("pulumi:providers:docker", true, (None, Some("provider")));
        check("shop:Edge", false, (None, Some("component")));
    }
}
