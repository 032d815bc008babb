//! `#[derive(Spec)]`: writes the draft of a spec.
mod attributes;
mod draft;
mod facts;
mod model;
mod reserved;
mod slot;

use proc_macro::TokenStream;

/// Writes the draft of a spec.
#[proc_macro_derive(Spec, attributes(spec))]
pub fn spec(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    let mut errors = attributes::Errors::default();
    let mut tokens = proc_macro2::TokenStream::new();
    if let Some(model) = model::Model::read(&input, &mut errors) {
        tokens.extend(draft::write(&model));
        tokens.extend(facts::write(&model));
    }
    tokens.extend(errors.to_compile_errors());
    tokens.into()
}
