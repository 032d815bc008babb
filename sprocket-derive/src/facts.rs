//! The facts: what the engine asks of a spec and of its draft.
//!
//! These are short, since the list of a draft's slots is all that plans need; the impls in `sprocket_core::value` do the
//! rest.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;
use syn::spanned::Spanned as _;

use crate::attributes::shown_at;
use crate::draft::{MISTAKES, keeps_mistakes, start_of};
use crate::model::{Model, Setting, Shape};
use crate::slot::is_secret;

/// Writes `Spec`, `Fields`, and `Draft` or `ProviderDraft`.
pub(crate) fn write(model: &Model) -> TokenStream {
    let own = match &model.shape {
        Shape::Resource(noun) => draft(model, noun),
        Shape::Provider(noun) => provider_draft(model, noun),
        Shape::Nested(_) => TokenStream::new(),
    };
    let (spec, fields) = (spec(model), fields(model));
    quote!(#spec #fields #own)
}

fn spec(model: &Model) -> TokenStream {
    let Model { core, spec, settings, .. } = model;
    let facts = settings.iter().map(|Setting { name, replaces, write_only, .. }| {
        quote!(#core::__derive::Field { name: #name, replaces: #replaces, write_only: #write_only },)
    });
    quote! {
        #[automatically_derived]
        impl #core::__derive::Spec for #spec {
            const FIELDS: &'static [#core::__derive::Field] = &[#(#facts)*];
        }
    }
}

fn fields(model: &Model) -> TokenStream {
    let Model { core, spec, .. } = model;
    let draft = model.draft();
    let slots = model.drafted().map(|Setting { ident, name, .. }| quote!((#name, &self.#ident),));
    let made = spec_of(model);
    let starts = model.started().map(|setting| {
        let (name, start) = (&setting.name, start_of(setting));
        quote!((#name, ::std::boxed::Box::new(#draft::#start())),)
    });
    let mistakes = format_ident!("{MISTAKES}");
    let (slots, check) = if keeps_mistakes(model) {
        (
            quote! {
                let mut slots: ::std::vec::Vec<(&'static str, &dyn #core::__derive::Slot)> = ::std::vec![#(#slots)*];
                if !self.#mistakes.is_empty() {
                    slots.push(("", &self.#mistakes));
                }
                slots
            },
            Some(quote!(#core::__derive::Resolve::resolve(&self.#mistakes, known)?;)),
        )
    } else {
        (quote!(::std::vec![#(#slots)*]), None)
    };
    quote! {
        #[automatically_derived]
        impl #core::__derive::Fields for #draft {
            type Spec = #spec;

            fn slots(&self) -> ::std::vec::Vec<(&'static str, &dyn #core::__derive::Slot)> {
                #slots
            }

            fn starts() -> ::std::vec::Vec<(&'static str, ::std::boxed::Box<dyn #core::__derive::Slot>)> {
                ::std::vec![#(#starts)*]
            }

            #[allow(unused_variables)]
            fn spec(&self, known: &#core::__derive::Known) -> ::std::result::Result<#spec, #core::__derive::NoValue> {
                #check
                #made
            }
        }
    }
}

/// The body of `Fields::spec`.
fn spec_of(model: &Model) -> TokenStream {
    let Model { core, spec, settings, .. } = model;
    if settings.iter().any(|setting| setting.left_out) {
        // It is a mistake, and the draft has no value for it.
        return quote!(::std::unreachable!());
    }
    let names: Vec<_> = (0..settings.len()).map(|place| format_ident!("value_{place}")).collect();
    let resolved = settings.iter().zip(&names).map(
        |(Setting { ident, .. }, name)| quote!(let #name = #core::__derive::Resolve::resolve(&self.#ident, known)?;),
    );
    let values = settings.iter().zip(&names).map(|(Setting { ident, ty, .. }, name)| {
        // A value of another type, such as that of another draft's spec, is an error at the field's type.
        let name = Ident::new(&name.to_string(), shown_at(ty.span()));
        quote!(#ident: #name,)
    });
    quote! {
        #(#resolved)*
        ::std::result::Result::Ok(#spec { #(#values)* })
    }
}

fn draft(model: &Model, noun: &syn::Path) -> TokenStream {
    let core = &model.core;
    let draft = model.draft();
    quote! {
        #[automatically_derived]
        impl #core::__derive::Draft for #draft {
            type Handle = #noun;

            fn name(&self) -> &str {
                &self.name
            }

            fn options(&mut self) -> &mut #core::__derive::Options {
                &mut self.options
            }
        }
    }
}

fn provider_draft(model: &Model, noun: &syn::Path) -> TokenStream {
    let core = &model.core;
    let draft = model.draft();
    let secrets = model.settings.iter().filter(|setting| is_secret(&setting.slot.item)).map(|setting| &setting.name);
    quote! {
        #[automatically_derived]
        impl #core::__derive::ProviderDraft for #draft {
            type Provider = #noun;

            const SECRETS: &'static [&'static str] = &[#(#secrets),*];

            fn name(&self) -> &str {
                &self.name
            }

            fn given_credentials(&self) -> &#core::__derive::GivenCredentials<Self> {
                &self.credentials
            }

            fn given_credentials_mut(&mut self) -> &mut #core::__derive::GivenCredentials<Self> {
                &mut self.credentials
            }
        }
    }
}
