//! Setters: what a user calls on a draft.
//!
//! A setter replaces a value, adds to a `Vec`, and inserts into a `BTreeMap`, where a key that is set already to something
//! else is a mistake. Setters carry the caller's line into the conversions of their arguments, so none of them converts
//! inside a closure.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Type};

use crate::attributes::shown_at;
use crate::draft::MISTAKES;
use crate::model::{Model, SetterNames, Setting, Start};
use crate::slot::Holds;

/// The setters of one setting.
pub(crate) struct Setters<'a> {
    pub(crate) model: &'a Model,
    pub(crate) setting: &'a Setting,
}

impl Setters<'_> {
    pub(crate) fn write(&self) -> TokenStream {
        match &self.setting.slot.holds {
            Holds::One => self.one(),
            Holds::Option => self.option(),
            Holds::List => self.list(),
            Holds::Map(key) => self.map(key),
        }
    }

    /// What a setter takes for an item.
    pub(crate) fn argument(&self) -> TokenStream {
        let core = &self.model.core;
        match &self.setting.draft {
            Some(draft) => quote!(impl ::std::convert::Into<#draft>),
            None => {
                let ty = &self.setting.slot.item;
                quote!(impl #core::__derive::IntoInput<#ty>)
            }
        }
    }

    /// Makes a slot of what a setter took.
    pub(crate) fn convert(&self, given: &TokenStream) -> TokenStream {
        let core = &self.model.core;
        match &self.setting.draft {
            Some(draft) => quote!(::std::convert::Into::<#draft>::into(#given)),
            None => {
                let ty = &self.setting.slot.item;
                quote!(#core::__derive::IntoInput::<#ty>::into_input(#given))
            }
        }
    }

    fn one(&self) -> TokenStream {
        let ident = &self.setting.ident;
        let own = &self.setting.setters.own;
        if let Start::Flag = self.setting.start {
            let core = &self.model.core;
            return self.setter(own, &TokenStream::new(), &quote!(self.#ident = #core::__derive::Input::Value(true);));
        }
        let (argument, value) = (self.argument(), self.convert(&quote!(#own)));
        self.setter(own, &quote!(#own: #argument), &quote!(self.#ident = #value;))
    }

    fn option(&self) -> TokenStream {
        let ident = &self.setting.ident;
        let SetterNames { own, maybe, .. } = &self.setting.setters;
        let (argument, value) = (self.argument(), self.convert(&quote!(#ident)));
        let one =
            self.setter(own, &quote!(#ident: #argument), &quote!(self.#ident = ::std::option::Option::Some(#value);));
        let doc = format!("Like [`{0}`](Self::{0}), with what may be absent.", self.setting.name);
        let maybe = self.documented(
            &quote!(#[doc = #doc]),
            maybe,
            &quote!(#ident: ::std::option::Option<#argument>),
            &quote! {
                self.#ident = match #ident {
                    ::std::option::Option::Some(#ident) => ::std::option::Option::Some(#value),
                    ::std::option::Option::None => ::std::option::Option::None,
                };
            },
        );
        quote!(#one #maybe)
    }

    fn list(&self) -> TokenStream {
        let ident = &self.setting.ident;
        let SetterNames { own, each, .. } = &self.setting.setters;
        let argument = self.argument();
        let value = self.convert(&quote!(#each));
        let one = self.setter(each, &quote!(#each: #argument), &quote!(self.#ident.push(#value);));
        let value = self.convert(&quote!(item));
        let many = self.setter(
            own,
            &quote!(#own: impl ::std::iter::IntoIterator<Item = #argument>),
            &quote! {
                for item in #own {
                    self.#ident.push(#value);
                }
            },
        );
        quote!(#one #many)
    }

    fn map(&self, key: &Type) -> TokenStream {
        let SetterNames { own, each, .. } = &self.setting.setters;
        let argument = self.argument();
        let insert = self.insert(key);
        let one = self.setter(each, &quote!(key: impl ::std::convert::Into<#key>, value: #argument), &insert);
        let many = self.setter(
            own,
            &quote!(#own: impl ::std::iter::IntoIterator<Item = (impl ::std::convert::Into<#key>, #argument)>),
            &quote! {
                for (key, value) in #own {
                    #insert
                }
            },
        );
        quote!(#one #many)
    }

    /// Inserts `value` under `key`, once.
    fn insert(&self, key: &Type) -> TokenStream {
        let core = &self.model.core;
        let ident = &self.setting.ident;
        let given = self.convert(&quote!(value));
        let text = quote_spanned!(shown_at(key.span())=> ::std::string::ToString::to_string(place.key()));
        let mistake = quote!(#core::__derive::Mistake::here(::std::format!("`{}` is set already", #text)));
        let again = if self.setting.draft.is_some() {
            let mistakes = format_ident!("{MISTAKES}");
            quote! {
                let mistake = #mistake;
                self.#mistakes.push(#core::__derive::Input::Mistake(mistake));
            }
        } else {
            let same = quote_spanned!(shown_at(self.setting.slot.item.span())=> old == new);
            quote! {
                let stays = match (place.get(), &given) {
                    (#core::__derive::Input::Value(old), #core::__derive::Input::Value(new)) => #same,
                    (earlier, _) => ::std::matches!(earlier, #core::__derive::Input::Mistake(_)),
                };
                if !stays {
                    let mistake = #mistake;
                    let mut place = place;
                    place.insert(#core::__derive::Input::Mistake(mistake));
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

    /// A setter with the field's docs, if it has a name.
    fn setter(&self, name: &Option<Ident>, arguments: &TokenStream, body: &TokenStream) -> TokenStream {
        let docs = &self.setting.docs;
        self.documented(&quote!(#(#docs)*), name, arguments, body)
    }

    fn documented(
        &self,
        docs: &TokenStream,
        name: &Option<Ident>,
        arguments: &TokenStream,
        body: &TokenStream,
    ) -> TokenStream {
        let vis = &self.model.vis;
        let Some(name) = name else { return TokenStream::new() };
        quote! {
            #docs
            #[track_caller]
            #vis fn #name(mut self, #arguments) -> Self {
                #body
                self
            }
        }
    }
}
