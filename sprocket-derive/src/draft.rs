//! The draft: a struct with a slot for each setting, and its constructor.
//!
//! A slot is an `Input`, or a nested draft; one, or an `Option`, `Vec` or `BTreeMap` of them, as in the spec. `new` takes
//! what has no default and is for the kind's own constructors.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use crate::attributes::shown_at;
use crate::model::{Model, Setting, Shape, Start};
use crate::setters::Setters;
use crate::slot::Holds;

/// Where a draft keeps the mistakes that no slot has a place for: a second draft under one key of a map, and what can't be
/// the credentials of a provider.
pub(crate) const MISTAKES: &str = "__mistakes";

/// Whether a draft needs that place.
pub(crate) fn keeps_mistakes(model: &Model) -> bool {
    matches!(model.shape, Shape::Provider(_)) || model.drafted().any(Setting::is_map_of_drafts)
}

/// Writes the draft and its setters.
pub(crate) fn write(model: &Model) -> TokenStream {
    let draft = model.draft();
    let structure = structure(model);
    let constructor = constructor(model);
    let own = own_setters(model);
    let setters = model.drafted().map(|setting| Setters { model, setting }.write());
    let default = default(model);
    let noun_constructor = model.has_new.then(|| noun_constructor(model));
    quote! {
        #structure

        #[allow(dead_code)]
        #[allow(clippy::too_many_arguments, clippy::should_implement_trait, clippy::wrong_self_convention)]
        impl #draft {
            #constructor
            #own
            #(#setters)*
        }

        #default

        #noun_constructor
    }
}

/// The constructor of a handle or provider: that of its draft.
fn noun_constructor(model: &Model) -> Option<TokenStream> {
    let (vis, draft) = (&model.vis, model.draft());
    let (noun, name) = match &model.shape {
        Shape::Resource(noun) => (noun, Some(quote!(name: impl ::std::convert::Into<::std::string::String>,))),
        Shape::Provider(noun) => (noun, None),
        Shape::Nested(_) => return None,
    };
    let required: Vec<_> = model.required().map(|setting| Setters { model, setting }).collect();
    let arguments = required.iter().map(|setters| {
        let (ident, ty) = (&setters.setting.ident, setters.argument());
        quote!(#ident: #ty)
    });
    let names = required.iter().map(|setters| &setters.setting.ident);
    let given = name.as_ref().map(|_| quote!(name,));
    let docs = format!("Declares a `{}` with the settings that have no default.", last(noun));
    Some(quote! {
        #[allow(clippy::new_ret_no_self, clippy::too_many_arguments)]
        impl #noun {
            #[doc = #docs]
            #[track_caller]
            #vis fn new(#name #(#arguments),*) -> #draft {
                #draft::new(#given #(#names),*)
            }
        }
    })
}

fn structure(model: &Model) -> TokenStream {
    let Model { core, vis, spec, .. } = model;
    let draft = model.draft();
    let (docs, must_use) = match &model.shape {
        Shape::Resource(noun) => (
            vec![
                format!("A [`{}`]({}) being declared.", last(noun), text(noun)),
                String::new(),
                format!("It also has the options of all resources: [`DraftExt`]({}::DraftExt).", text(core)),
            ],
            "a draft declares nothing until it is given to `stack.add`",
        ),
        Shape::Provider(noun) => (
            vec![format!("A [`{}`]({}) being declared.", last(noun), text(noun))],
            "a draft connects to nothing until it is given to `stack.connect`",
        ),
        Shape::Nested(_) => (
            vec![format!("A [`{spec}`] being written: its values may still be outputs of resources.")],
            "it sets nothing until it is given to a setter",
        ),
    };
    let mistakes = keeps_mistakes(model).then(|| {
        let field = format_ident!("{MISTAKES}");
        quote!(#field: ::std::vec::Vec<#core::__derive::Input<()>>,)
    });
    let own = match &model.shape {
        Shape::Resource(_) => quote! {
            name: ::std::string::String,
            options: #core::__derive::Options,
        },
        Shape::Provider(noun) => quote! {
            name: ::std::string::String,
            credentials: ::std::option::Option<#core::__derive::Input<<#noun as #core::__derive::Provider>::Credentials>>,
        },
        Shape::Nested(_) => TokenStream::new(),
    };
    let fields = model.drafted().map(|setting| {
        let ident = &setting.ident;
        let ty = slot_type(model, setting);
        quote!(#ident: #ty,)
    });
    // Credentials print nothing, and need no `Debug`.
    let (derive, debug) = match &model.shape {
        Shape::Provider(_) => (quote!(::std::clone::Clone), Some(provider_debug(model))),
        _ => (quote!(::std::clone::Clone, ::std::fmt::Debug), None),
    };
    quote! {
        #(#[doc = #docs])*
        #[derive(#derive)]
        #[must_use = #must_use]
        #vis struct #draft {
            #own
            #(#fields)*
            #mistakes
        }
        #debug
    }
}

fn provider_debug(model: &Model) -> TokenStream {
    let draft = model.draft();
    let name = draft.to_string();
    let fields = model.drafted().map(|setting| {
        let (ident, name) = (&setting.ident, &setting.name);
        quote!(.field(#name, &self.#ident))
    });
    quote! {
        impl ::std::fmt::Debug for #draft {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(#name).field("name", &self.name) #(#fields)* .finish_non_exhaustive()
            }
        }
    }
}

fn constructor(model: &Model) -> TokenStream {
    let core = &model.core;
    let required: Vec<_> = model.required().map(|setting| Setters { model, setting }).collect();
    let arguments = required.iter().map(|setters| {
        let (ident, ty) = (&setters.setting.ident, setters.argument());
        quote!(#ident: #ty)
    });
    let values = model.drafted().map(|setting| {
        let ident = &setting.ident;
        let value = match setting.start {
            Start::Required => Setters { model, setting }.convert(&quote!(#ident)),
            _ => {
                let start = start_of(setting);
                quote!(Self::#start())
            }
        };
        quote!(#ident: #value,)
    });
    let starts = model.started().map(|setting| {
        let (start, ty, value) = (start_of(setting), slot_type(model, setting), initial(model, setting));
        quote! {
            #[track_caller]
            fn #start() -> #ty {
                #value
            }
        }
    });
    let mistakes = keeps_mistakes(model).then(|| {
        let field = format_ident!("{MISTAKES}");
        quote!(#field: ::std::vec::Vec::new(),)
    });
    let (name, own) = match &model.shape {
        Shape::Resource(_) => (
            Some(quote!(name: impl ::std::convert::Into<::std::string::String>,)),
            quote!(name: ::std::convert::Into::into(name), options: <#core::__derive::Options as ::std::default::Default>::default(),),
        ),
        Shape::Provider(_) => {
            (None, quote!(name: ::std::string::String::new(), credentials: ::std::option::Option::None,))
        }
        Shape::Nested(_) => (None, TokenStream::new()),
    };
    quote! {
        /// Starts one with the settings that have no default.
        #[track_caller]
        pub(crate) fn new(#name #(#arguments),*) -> Self {
            Self { #own #(#values)* #mistakes }
        }

        #(#starts)*
    }
}

/// `Default`, where nothing is required.
fn default(model: &Model) -> Option<TokenStream> {
    let draft = model.draft();
    let possible = !matches!(model.shape, Shape::Resource(_)) && model.required().next().is_none();
    possible.then(|| {
        quote! {
            #[automatically_derived]
            impl ::std::default::Default for #draft {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    })
}

/// The setters of a provider's draft that are no settings.
fn own_setters(model: &Model) -> TokenStream {
    let Model { core, vis, .. } = model;
    let Shape::Provider(noun) = &model.shape else { return TokenStream::new() };
    let mistakes = format_ident!("{MISTAKES}");
    quote! {
        /// Tells it from others of its type by a name.
        #vis fn named(mut self, name: impl ::std::convert::Into<::std::string::String>) -> Self {
            self.name = ::std::convert::Into::into(name);
            self
        }

        /// What it identifies itself with, if not what is found where its users keep it.
        #[track_caller]
        #vis fn credentials(
            mut self,
            credentials: impl #core::__derive::IntoInput<<#noun as #core::__derive::Provider>::Credentials>,
        ) -> Self {
            let credentials = #core::__derive::IntoInput::into_input(credentials);
            if let #core::__derive::Input::Mistake(mistake) = &credentials {
                self.#mistakes.push(#core::__derive::Input::Mistake(::std::clone::Clone::clone(mistake)));
            }
            self.credentials = ::std::option::Option::Some(credentials);
            self
        }
    }
}

/// The type of the draft's field.
fn slot_type(model: &Model, setting: &Setting) -> TokenStream {
    let (core, ty) = (&model.core, &setting.slot.item);
    let item = match &setting.draft {
        Some(draft) => quote!(#draft),
        None => quote!(#core::__derive::Input<#ty>),
    };
    match &setting.slot.holds {
        Holds::One => item,
        Holds::Option => quote!(::std::option::Option<#item>),
        Holds::List => quote!(::std::vec::Vec<#item>),
        Holds::Map(key) => quote!(::std::collections::BTreeMap<#key, #item>),
    }
}

/// The function that says what a setting is at first.
pub(crate) fn start_of(setting: &Setting) -> syn::Ident {
    format_ident!("__start_{}", setting.name)
}

/// What the draft's field is at first.
fn initial(model: &Model, setting: &Setting) -> TokenStream {
    let (core, ident, ty) = (&model.core, &setting.ident, &setting.slot.item);
    let setters = Setters { model, setting };
    let at = shown_at(setting.ty.span());
    match (&setting.start, &setting.draft) {
        (Start::Required, _) => setters.convert(&quote!(#ident)),
        (Start::Empty, _) => quote!(::std::default::Default::default()),
        (Start::Default, Some(draft)) => quote_spanned!(at=> <#draft as ::std::default::Default>::default()),
        (Start::Default, None) => {
            let value = quote_spanned!(at=> <#ty as ::std::default::Default>::default());
            quote!(#core::__derive::Input::Value(#value))
        }
        (Start::Expression(expression), _) => setters.convert(&quote!(#expression)),
        (Start::Flag, _) => quote!(#core::__derive::Input::Value(false)),
    }
}

/// A path as a link in documentation.
fn text(path: &syn::Path) -> String {
    quote!(#path).to_string().replace(' ', "")
}

fn last(path: &syn::Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}
