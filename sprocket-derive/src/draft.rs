//! The draft: a struct with a slot for each setting, its constructor, and its setters.
//!
//! A setter replaces a value, adds to a `Vec`, and inserts into a `BTreeMap`, where a key that is set already to something
//! else is a mistake. All setters carry the caller's line into the conversions of their arguments, so none of them converts
//! inside a closure.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use crate::attributes::shown_at;
use crate::model::{Model, Setting, Shape, Start};
use crate::slot::Slot;

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
    }
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
        quote!(#field: ::std::vec::Vec<#core::Input<()>>,)
    });
    let own = match &model.shape {
        Shape::Resource(_) => quote! {
            name: ::std::string::String,
            options: #core::Options,
        },
        Shape::Provider(noun) => quote! {
            name: ::std::string::String,
            credentials: ::std::option::Option<#core::Input<<#noun as #core::Provider>::Credentials>>,
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
        let value = initial(model, setting);
        quote!(#ident: #value,)
    });
    let mistakes = keeps_mistakes(model).then(|| {
        let field = format_ident!("{MISTAKES}");
        quote!(#field: ::std::vec::Vec::new(),)
    });
    let (name, own) = match &model.shape {
        Shape::Resource(_) => (
            Some(quote!(name: impl ::std::convert::Into<::std::string::String>,)),
            quote!(name: ::std::convert::Into::into(name), options: <#core::Options as ::std::default::Default>::default(),),
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
            credentials: impl #core::IntoInput<<#noun as #core::Provider>::Credentials>,
        ) -> Self {
            let credentials = #core::IntoInput::into_input(credentials);
            if let #core::Input::Mistake(mistake) = &credentials {
                self.#mistakes.push(#core::Input::Mistake(::std::clone::Clone::clone(mistake)));
            }
            self.credentials = ::std::option::Option::Some(credentials);
            self
        }
    }
}

/// The type of the draft's field.
fn slot_type(model: &Model, setting: &Setting) -> TokenStream {
    let core = &model.core;
    let item = |ty: &Type| match &setting.draft {
        Some(draft) => quote!(#draft),
        None => quote!(#core::Input<#ty>),
    };
    match &setting.slot {
        Slot::One(ty) => item(ty),
        Slot::Option(ty) => {
            let item = item(ty);
            quote!(::std::option::Option<#item>)
        }
        Slot::List(ty) => {
            let item = item(ty);
            quote!(::std::vec::Vec<#item>)
        }
        Slot::Map(key, ty) => {
            let item = item(ty);
            quote!(::std::collections::BTreeMap<#key, #item>)
        }
    }
}

/// What the draft's field is at first.
fn initial(model: &Model, setting: &Setting) -> TokenStream {
    let core = &model.core;
    let ident = &setting.ident;
    let setters = Setters { model, setting };
    match (&setting.start, &setting.slot) {
        (Start::Required, _) => setters.convert(&quote!(#ident)),
        (Start::Empty, Slot::Option(_)) => quote!(::std::option::Option::None),
        (Start::Empty, _) => quote!(::std::default::Default::default()),
        (Start::Default, slot) => {
            let ty = setting.draft.as_ref().map_or_else(
                || {
                    let ty = slot.item();
                    quote!(#ty)
                },
                |draft| quote!(#draft),
            );
            let default = quote_spanned!(shown_at(setting.ty.span())=> <#ty as ::std::default::Default>::default());
            match setting.draft {
                Some(_) => default,
                None => quote!(#core::Input::Value(#default)),
            }
        }
        (Start::Expression(expression), _) => setters.convert(&quote!(#expression)),
        (Start::Flag, _) => quote!(#core::Input::Value(false)),
    }
}

/// The setters of one setting.
struct Setters<'a> {
    model: &'a Model,
    setting: &'a Setting,
}

impl Setters<'_> {
    fn write(&self) -> TokenStream {
        match &self.setting.slot {
            Slot::One(_) => self.one(),
            Slot::Option(_) => self.option(),
            Slot::List(_) => self.list(),
            Slot::Map(key, value) => self.map(key, value),
        }
    }

    /// What a setter takes for an item.
    fn argument(&self) -> TokenStream {
        let core = &self.model.core;
        match &self.setting.draft {
            Some(draft) => quote!(impl ::std::convert::Into<#draft>),
            None => {
                let ty = self.setting.slot.item();
                quote!(impl #core::IntoInput<#ty>)
            }
        }
    }

    /// Makes a slot of what a setter took.
    fn convert(&self, given: &TokenStream) -> TokenStream {
        let core = &self.model.core;
        match &self.setting.draft {
            Some(draft) => quote!(::std::convert::Into::<#draft>::into(#given)),
            None => {
                let ty = self.setting.slot.item();
                quote!(#core::IntoInput::<#ty>::into_input(#given))
            }
        }
    }

    fn one(&self) -> TokenStream {
        let (vis, ident, docs) = (&self.model.vis, &self.setting.ident, &self.setting.docs);
        if let Start::Flag = self.setting.start {
            let core = &self.model.core;
            return quote! {
                #(#docs)*
                #vis fn #ident(mut self) -> Self {
                    self.#ident = #core::Input::Value(true);
                    self
                }
            };
        }
        let (argument, value) = (self.argument(), self.convert(&quote!(#ident)));
        quote! {
            #(#docs)*
            #[track_caller]
            #vis fn #ident(mut self, #ident: #argument) -> Self {
                self.#ident = #value;
                self
            }
        }
    }

    fn option(&self) -> TokenStream {
        let (vis, ident, docs) = (&self.model.vis, &self.setting.ident, &self.setting.docs);
        let (argument, value) = (self.argument(), self.convert(&quote!(#ident)));
        let maybe = self.setting.maybe();
        let maybe_doc = format!("Like [`{0}`](Self::{0}), with what may be absent.", self.setting.name);
        quote! {
            #(#docs)*
            #[track_caller]
            #vis fn #ident(mut self, #ident: #argument) -> Self {
                self.#ident = ::std::option::Option::Some(#value);
                self
            }

            #[doc = #maybe_doc]
            #[track_caller]
            #vis fn #maybe(mut self, #ident: ::std::option::Option<#argument>) -> Self {
                self.#ident = match #ident {
                    ::std::option::Option::Some(#ident) => ::std::option::Option::Some(#value),
                    ::std::option::Option::None => ::std::option::Option::None,
                };
                self
            }
        }
    }

    fn list(&self) -> TokenStream {
        let (vis, ident, docs) = (&self.model.vis, &self.setting.ident, &self.setting.docs);
        let argument = self.argument();
        let one = self.setting.each.as_ref().map(|each| {
            let value = self.convert(&quote!(#each));
            quote! {
                #(#docs)*
                #[track_caller]
                #vis fn #each(mut self, #each: #argument) -> Self {
                    self.#ident.push(#value);
                    self
                }
            }
        });
        let value = self.convert(&quote!(item));
        let many = self.takes_many().then(|| {
            quote! {
                #(#docs)*
                #[track_caller]
                #vis fn #ident(mut self, #ident: impl ::std::iter::IntoIterator<Item = #argument>) -> Self {
                    for item in #ident {
                        self.#ident.push(#value);
                    }
                    self
                }
            }
        });
        quote!(#one #many)
    }

    fn map(&self, key: &Type, value: &Type) -> TokenStream {
        let (vis, ident, docs) = (&self.model.vis, &self.setting.ident, &self.setting.docs);
        let argument = self.argument();
        let insert = self.insert(key, value);
        let one = self.setting.each.as_ref().map(|each| {
            quote! {
                #(#docs)*
                #[track_caller]
                #vis fn #each(mut self, key: impl ::std::convert::Into<#key>, value: #argument) -> Self {
                    #insert
                    self
                }
            }
        });
        let many = self.takes_many().then(|| {
            quote! {
                #(#docs)*
                #[track_caller]
                #vis fn #ident(
                    mut self,
                    #ident: impl ::std::iter::IntoIterator<Item = (impl ::std::convert::Into<#key>, #argument)>,
                ) -> Self {
                    for (key, value) in #ident {
                        #insert
                    }
                    self
                }
            }
        });
        quote!(#one #many)
    }

    /// Inserts `value` under `key`, once.
    fn insert(&self, key: &Type, value: &Type) -> TokenStream {
        let core = &self.model.core;
        let ident = &self.setting.ident;
        let given = self.convert(&quote!(value));
        let text = quote_spanned!(shown_at(key.span())=> ::std::string::ToString::to_string(place.key()));
        let mistake = quote!(#core::Mistake::here(::std::format!("`{}` is set already", #text)));
        let again = if self.setting.draft.is_some() {
            let mistakes = format_ident!("{MISTAKES}");
            quote! {
                let mistake = #mistake;
                self.#mistakes.push(#core::Input::Mistake(mistake));
            }
        } else {
            let same = quote_spanned!(shown_at(value.span())=> old == new);
            quote! {
                let stays = match (place.get(), &given) {
                    (#core::Input::Value(old), #core::Input::Value(new)) => #same,
                    (earlier, _) => ::std::matches!(earlier, #core::Input::Mistake(_)),
                };
                if !stays {
                    let mistake = #mistake;
                    let mut place = place;
                    place.insert(#core::Input::Mistake(mistake));
                }
            }
        };
        quote! {
            let given = #given;
            match self.#ident.entry(::std::convert::Into::<#key>::into(key)) {
                ::std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(given);
                }
                ::std::collections::btree_map::Entry::Occupied(place) => {
                    #again
                }
            }
        }
    }

    /// Whether the setter of the field's own name is the one that takes several items.
    fn takes_many(&self) -> bool {
        self.setting.each.as_ref() != Some(&self.setting.ident)
    }
}

/// A path as a link in documentation.
fn text(path: &syn::Path) -> String {
    quote!(#path).to_string().replace(' ', "")
}

fn last(path: &syn::Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}
