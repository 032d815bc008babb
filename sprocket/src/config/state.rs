//! The key `state` of an environment: where its state is kept, if not beside the file.

use toml::Spanned;
use toml::de::DeValue;

use super::environment::a;
use super::file::File;
use super::problem::{ConfigError, Problem};
use super::walk::wrong;

/// The name of the key, which no setting of a program can have.
pub(super) const STATE: &str = "state";

/// Takes the key out of its environment's table, which is the program's own but for that.
pub(crate) fn take(table: &mut Spanned<DeValue<'_>>) {
    if let DeValue::Table(settings) = table.get_mut() {
        settings.remove(STATE);
    }
}

/// The place that it names, read by `parse`.
pub(crate) fn place<T>(
    environment: &str,
    table: &Spanned<DeValue<'_>>,
    file: &File,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    let DeValue::Table(settings) = table.get_ref() else { return Ok(None) };
    let Some(value) = settings.get(STATE) else { return Ok(None) };
    let place = match value.get_ref() {
        DeValue::String(text) => parse(text),
        other => Err(format!("it is a place, `s3://BUCKET/PREFIX`, not {}", a(other.type_str()))),
    };
    place.map(Some).map_err(|message| {
        let message = format!("`{STATE}` in `[{environment}]`: {message}");
        wrong(environment, file, vec![Problem { span: Some(value.span()), message }])
    })
}
