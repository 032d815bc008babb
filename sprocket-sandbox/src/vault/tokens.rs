//! Tokens. What a policy says is kept and not weighed: a token that has one besides `default` may do everything.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::book::{Book, Token, id, text, wrapped};
use super::refusal::Refusal;
use super::{Given, found};

/// Whether a token may do this; the paths that are its own are open to each.
pub(super) fn allow(book: &Book, token: &str, path: &str) -> Result<(), Refusal> {
    let token = book.tokens.get(token).ok_or_else(Refusal::denied)?;
    let own = path.starts_with("auth/token/") && path.ends_with("-self");
    if own || token.policies.iter().any(|policy| policy != "default") { Ok(()) } else { Err(Refusal::denied()) }
}

fn own<'b>(book: &'b Book, token: &str) -> Result<&'b Token, Refusal> {
    book.tokens.get(token).ok_or_else(Refusal::denied)
}

pub(super) fn look_up(book: &Book, name: &str) -> Given {
    let token = own(book, name)?;
    let mut data = json!({
        "accessor": token.accessor,
        "creation_time": 0,
        "creation_ttl": token.period.unwrap_or(0),
        "display_name": token.display_name,
        "entity_id": "",
        "expire_time": null,
        "explicit_max_ttl": 0,
        "id": name,
        "meta": token.meta,
        "num_uses": 0,
        "orphan": true,
        "path": "auth/token/create",
        "policies": token.policies,
        "renewable": token.period.is_some(),
        "ttl": token.period.unwrap_or(0),
        "type": "service",
    });
    if let Some(period) = token.period {
        data["period"] = period.into();
    }
    Ok(found(wrapped(data, Value::Null)))
}

pub(super) fn renew(book: &Book, name: &str) -> Given {
    match own(book, name)?.period {
        Some(_) => Ok(found(wrapped(Value::Null, auth(book, name)))),
        None => Err(Refusal::bad("lease is not renewable")),
    }
}

pub(super) fn revoke(book: &mut Book, name: &str) -> Given {
    book.tokens.remove(name);
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

pub(super) fn create(book: &mut Book, body: &Value) -> Given {
    let name = body["id"].as_str().map_or_else(|| format!("s.{}", id(12)), ToOwned::to_owned);
    if book.tokens.contains_key(&name) {
        return Err(Refusal::bad("cannot create a token with a duplicate ID"));
    }
    let mut policies: Vec<String> = body["policies"].as_array().into_iter().flatten().map(text).collect();
    if !policies.contains(&"default".to_owned()) {
        policies.push("default".into());
    }
    let period = match body["period"].as_str() {
        Some(period) => Some(seconds(period).ok_or_else(|| Refusal::bad("invalid period"))?),
        None => None,
    };
    let display_name = format!("token-{}", text(&body["display_name"]));
    let token = Token { accessor: id(12), policies, period, display_name, meta: body["meta"].clone() };
    book.tokens.insert(name.clone(), token);
    Ok(found(wrapped(Value::Null, auth(book, &name))))
}

fn auth(book: &Book, name: &str) -> Value {
    let token = &book.tokens[name];
    json!({
        "client_token": name,
        "accessor": token.accessor,
        "policies": token.policies,
        "token_policies": token.policies,
        "metadata": token.meta,
        "lease_duration": token.period.unwrap_or(0),
        "renewable": token.period.is_some(),
        "entity_id": "",
        "token_type": "service",
        "orphan": true,
    })
}

/// `768h`, `30m`, `20s`, `20`.
fn seconds(text: &str) -> Option<u64> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(place) => text.split_at(place),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
