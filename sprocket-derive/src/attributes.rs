//! Attributes: what an author writes in `#[spec(…)]` and `#[handle(…)]`, word by word.
//!
//! Everything in the parentheses has one form, `word` or `word = value`; what a word means is decided in
//! [`model`](crate::model). Nothing here stops at the first mistake: each is kept with its place.

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprGroup, ExprLit, ExprPath, Ident, Lit, Path, Token};

/// The author's mistakes so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Keeps a mistake, with what it is about.
    pub(crate) fn at(&mut self, place: &impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(place, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// All of them, as code that doesn't compile.
    pub(crate) fn to_compile_errors(&self) -> Option<proc_macro2::TokenStream> {
        self.0.as_ref().map(syn::Error::to_compile_error)
    }
}

/// One word of an attribute, with its value if it has one.
pub(crate) struct Entry {
    pub(crate) word: Ident,
    value: Option<Expr>,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let word = input.call(Ident::parse_any)?;
        let value = input.parse::<Option<Token![=]>>()?.map(|_| input.parse()).transpose()?;
        Ok(Self { word, value })
    }
}

impl Entry {
    /// For a word that stands alone.
    pub(crate) fn alone(&self, errors: &mut Errors) {
        if let Some(value) = &self.value {
            errors.at(value, format!("`{}` takes no value", self.word));
        }
    }

    /// For a word with an expression, or without.
    pub(crate) fn expression(&self) -> Option<&Expr> {
        self.value.as_ref().map(ungroup)
    }

    /// For a word that is given a type.
    pub(crate) fn path(&self, errors: &mut Errors) -> Option<Path> {
        match self.expression() {
            Some(Expr::Path(ExprPath { qself: None, path, .. })) => Some(path.clone()),
            _ => {
                let example = match self.word.to_string().as_str() {
                    "resource" => "Network",
                    "provider" => "Docker",
                    "spec" => "NetworkSpec",
                    "naming" => "generation",
                    "crate" => "sprocket::core",
                    _ => "Attachment",
                };
                errors.at(&self.word, format!("expected a path: `{} = {example}`", self.word));
                None
            }
        }
    }

    /// For a word that is given the name of a setter.
    pub(crate) fn setter(&self, errors: &mut Errors) -> Option<Ident> {
        let Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = self.expression() else {
            errors.at(&self.word, "expected the name of a setter: `each = \"label\"`");
            return None;
        };
        let name = text.value();
        let parsed = syn::parse_str::<Ident>(&name).or_else(|_| syn::parse_str(&format!("r#{name}")));
        match parsed {
            Ok(mut ident) => {
                ident.set_span(text.span());
                Some(ident)
            }
            Err(_) => {
                errors.at(text, format!("`{name}` can't be the name of a setter"));
                None
            }
        }
    }
}

/// The inside of the invisible parentheses that `macro_rules!` puts around what it is given.
pub(crate) fn ungroup(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(ExprGroup { expr, .. }) => ungroup(expr),
        other => other,
    }
}

/// The words of an item's attributes of one name.
pub(crate) struct Entries(Vec<Entry>);

impl Entries {
    /// Reads them. A word that is neither `expected` nor `answered` elsewhere is a mistake, and so is one given twice.
    pub(crate) fn read(
        name: &str,
        attributes: &[Attribute],
        expected: &[&str],
        answered: &[&str],
        errors: &mut Errors,
    ) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
            match attribute.parse_args_with(Punctuated::<Entry, Token![,]>::parse_terminated) {
                Ok(read) => {
                    for entry in read {
                        if !expected.iter().chain(answered).any(|word| entry.word == word) {
                            errors.at(&entry.word, expectation(expected));
                        } else if entries.iter().any(|earlier| earlier.word == entry.word) {
                            errors.at(&entry.word, format!("`{}` is given twice", entry.word));
                        } else {
                            entries.push(entry);
                        }
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        Self(entries)
    }

    /// The entry of a word.
    pub(crate) fn get(&self, word: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.word == word)
    }

    /// The entry of a word that stands alone.
    pub(crate) fn word(&self, word: &str, errors: &mut Errors) -> Option<&Entry> {
        let entry = self.get(word)?;
        entry.alone(errors);
        Some(entry)
    }
}

fn expectation(expected: &[&str]) -> String {
    let words: Vec<_> = expected.iter().map(|word| format!("`{word}`")).collect();
    format!("expected one of {}", words.join(", "))
}

/// What serde may be told about a spec: nothing that changes how it is written.
const SERDE: [&str; 4] = ["alias", "crate", "default", "deny_unknown_fields"];

/// Refuses serde attributes with which a record would not have the spec's own fields under their own names.
pub(crate) fn check_serde(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // What is not an attribute of serde's is for serde to refuse.
        let _ = attribute.parse_nested_meta(|meta| {
            if !SERDE.iter().any(|word| meta.path.is_ident(word)) {
                errors.at(
                    &meta.path,
                    "a spec is recorded under the names of its fields, and all of them: of serde's attributes it takes \
                     `default`, `alias` and `deny_unknown_fields`; give a type of its own to a value that is written \
                     differently",
                );
            }
            if meta.input.peek(Token![=]) {
                meta.value()?.parse::<Expr>()?;
            } else if meta.input.peek(syn::token::Paren) {
                let content;
                syn::parenthesized!(content in meta.input);
                content.parse::<proc_macro2::TokenStream>()?;
            }
            Ok(())
        });
    }
}

/// A span that is shown at `place`, in code that sees the names of the macro.
pub(crate) fn shown_at(place: Span) -> Span {
    place.resolved_at(Span::call_site())
}
