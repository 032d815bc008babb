//! The handle: the identity of a resource, and the source of each output.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Expr, ExprLit, Field, Fields, Ident, Lit, Path, Token, Type, parse_quote};

use crate::attributes::{Entries, Errors, shown_at, ungroup};
use crate::slot::{is_resource_ref, is_secret, output};

const WORDS: [&str; 6] = ["kind", "provider", "naming", "spec", "state", "crate"];

/// Writes `Handle`, as far as the attributes can be read.
pub(crate) fn write(input: &DeriveInput, errors: &mut Errors) -> Option<TokenStream> {
    let Data::Struct(data) = &input.data else {
        errors.at(&input.ident, "a handle is a struct: its outputs, and `this: ResourceRef<Self>`");
        return None;
    };
    let entries = Entries::read("handle", &input.attrs, &WORDS, &[], errors);
    let core = match entries.get("crate") {
        Some(entry) => entry.path(errors)?,
        None => parse_quote!(::sprocket_core),
    };
    let kind = kind(input, &entries, errors);
    let naming = naming(input, &entries, errors);
    let provider = match entries.get("provider") {
        Some(entry) => entry.path(errors),
        None => {
            errors.at(&input.ident, "name the provider: `#[handle(provider = Docker)]`");
            None
        }
    };
    let handle = &input.ident;
    let spec = match entries.get("spec") {
        Some(entry) => entry.path(errors),
        None => Some(Path::from(format_ident!("{handle}Spec"))),
    };
    let state = match entries.get("state") {
        Some(entry) => {
            let state = entry.expression().and_then(|expr| syn::parse2::<Type>(quote!(#expr)).ok());
            if state.is_none() {
                errors.at(&entry.word, "expected a type: `state = NetworkState`");
            }
            state
        }
        None => {
            let name = format_ident!("{handle}State");
            Some(parse_quote!(#name))
        }
    };
    let draft = format_ident!("{handle}Draft");
    let (this, outputs) = outputs(input, &data.fields, &core, errors)?;
    let (kind, naming, provider, spec, state) = (kind?, naming?, provider?, spec?, state?);
    let lets: Vec<_> = (0..outputs.len()).map(|place| format_ident!("output_{place}")).collect();
    let (fields, made): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
    let (this_param, draft_param) = (format_ident!("this"), format_ident!("draft"));
    Some(quote! {
        #[automatically_derived]
        impl #core::__derive::Handle for #handle {
            const KIND: &'static str = #kind;
            const NAMING: #core::__derive::Naming = #core::__derive::Naming::#naming;
            type Provider = #provider;
            type Draft = #draft;
            type Spec = #spec;
            type State = #state;

            fn this(&self) -> &#core::__derive::ResourceRef<Self> {
                &self.#this
            }

            fn handle(#draft_param: &#draft, #this_param: #core::__derive::ResourceRef<Self>) -> Self {
                let _ = #draft_param;
                #(let #lets = #made;)*
                Self { #(#fields: #lets,)* #this: #this_param }
            }
        }
    })
}

fn kind(input: &DeriveInput, entries: &Entries, errors: &mut Errors) -> Option<syn::LitStr> {
    let Some(entry) = entries.get("kind") else {
        errors.at(&input.ident, "name the kind: `#[handle(kind = \"docker:network\")]`");
        return None;
    };
    match entry.expression() {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Some(text.clone()),
        _ => {
            errors.at(&entry.word, "expected the kind's name: `kind = \"docker:network\"`");
            None
        }
    }
}

/// The variant of `Naming`.
fn naming(input: &DeriveInput, entries: &Entries, errors: &mut Errors) -> Option<Ident> {
    const WAYS: &str = "one of `fixed`, `generation`, `content`, `none`";
    let Some(entry) = entries.get("naming") else {
        errors.at(&input.ident, format!("say how its objects are named: `#[handle(naming = fixed)]`, {WAYS}"));
        return None;
    };
    let path = entry.path(errors)?;
    let variant = path.get_ident().and_then(|ident| match ident.to_string().as_str() {
        "fixed" => Some("Fixed"),
        "generation" => Some("Generation"),
        "content" => Some("Content"),
        "none" => Some("None"),
        _ => None,
    });
    let Some(variant) = variant else {
        errors.at(&path, format!("expected {WAYS}"));
        return None;
    };
    Some(format_ident!("{variant}"))
}

/// What is in `#[output(…)]`.
struct Source {
    expr: Expr,
    is_volatile: bool,
}

impl Parse for Source {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expr = input.parse()?;
        let mut is_volatile = false;
        if input.parse::<Option<Token![,]>>()?.is_some() {
            let word = input.call(Ident::parse_any)?;
            if word != "volatile" {
                return Err(syn::Error::new(word.span(), "expected `volatile`"));
            }
            is_volatile = true;
        }
        Ok(Self { expr, is_volatile })
    }
}

/// A field of the handle, and the expression that makes it.
type Output<'a> = (&'a Ident, TokenStream);

/// The field that holds the identity, and the outputs.
fn outputs<'a>(
    input: &DeriveInput,
    fields: &'a Fields,
    core: &Path,
    errors: &mut Errors,
) -> Option<(&'a Ident, Vec<Output<'a>>)> {
    let (mut this, mut outputs) = (None, Vec::new());
    for field in fields {
        let Some(ident) = &field.ident else {
            errors.at(field, "an output needs a name: write a struct with named fields");
            return None;
        };
        match field.attrs.iter().find(|attribute| attribute.path().is_ident("output")) {
            Some(attribute) => outputs.extend(made(field, attribute, core, errors).map(|made| (ident, made))),
            None if is_resource_ref(&field.ty) => this = Some(ident),
            None => errors.at(
                ident,
                "say where this output comes from: `#[output(state.id)]`, `#[output(name)]`, `#[output(config.address)]`, or an \
                 expression of `this` and `draft`",
            ),
        }
    }
    if this.is_none() {
        errors.at(
            &input.ident,
            "a handle needs the field `this: ResourceRef<Self>`, which holds the resource's identity",
        );
    }
    Some((this?, outputs))
}

fn made(field: &Field, attribute: &Attribute, core: &Path, errors: &mut Errors) -> Option<TokenStream> {
    let Source { expr, is_volatile } = match attribute.parse_args() {
        Ok(source) => source,
        Err(error) => {
            errors.push(error);
            return None;
        }
    };
    let expr = ungroup(&expr).clone();
    let root = root(&expr).map(ToString::to_string);
    if is_volatile && root.as_deref() != Some("state") {
        errors.at(&expr, "only what the service reports is volatile: `#[output(state.version, volatile)]`");
        return None;
    }
    let value = match &expr {
        Expr::Path(_) if root.as_deref() == Some("name") => {
            quote!(::std::convert::From::from(::std::string::ToString::to_string(#expr)))
        }
        Expr::Path(_) => quote!(::std::clone::Clone::clone(#expr)),
        Expr::Field(_) => quote!(::std::clone::Clone::clone(&#expr)),
        _ => quote!(#expr),
    };
    let this = format_ident!("this");
    let span = shown_at(field.ty.span());
    let made = match root.as_deref() {
        Some("state") => {
            let by = format_ident!("{}", if is_volatile { "computed_on_update" } else { "computed" });
            let state = format_ident!("state");
            quote_spanned!(span=> #core::__derive::ResourceRef::#by(&#this, |#state| #value))
        }
        Some("name") => {
            let name = format_ident!("name");
            quote_spanned!(span=> #core::__derive::ResourceRef::from_name(&#this, |#name| #value))
        }
        Some("config") => {
            let config = format_ident!("config");
            quote_spanned!(span=> #core::__derive::ResourceRef::from_config(&#this, |#config| #value))
        }
        _ => return Some(quote!(#expr)),
    };
    // Its type says that it is secret before it has a value.
    Some(if output(&field.ty).is_some_and(is_secret) { quote!(#core::__derive::Output::secret(#made)) } else { made })
}

/// What a path of fields and methods begins with.
fn root(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        Expr::Field(field) => root(&field.base),
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Group(group) => root(&group.expr),
        _ => None,
    }
}
