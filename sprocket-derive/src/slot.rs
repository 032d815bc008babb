//! Slots: how a setting is held, read off the type of its field.
//!
//! A macro sees names, not types: `Option`, `Vec` and `BTreeMap` are recognised by the last word of their path, and an
//! alias of them is one plain value.

use syn::{GenericArgument, PathArguments, Type, TypeGroup, TypeParen, TypePath};

/// How a setting is held, and the type of what it holds.
pub(crate) enum Slot {
    /// One value.
    One(Type),
    /// One value or none.
    Option(Type),
    /// Several, in order.
    List(Type),
    /// Several, by key.
    Map(Type, Type),
}

impl Slot {
    pub(crate) fn of(ty: &Type) -> Self {
        let Some((name, types)) = generic(ty) else { return Self::One(ty.clone()) };
        match (name.as_str(), types.as_slice()) {
            ("Option", [inner]) => Self::Option(inner.clone()),
            ("Vec", [item]) => Self::List(item.clone()),
            ("BTreeMap", [key, value]) => Self::Map(key.clone(), value.clone()),
            _ => Self::One(ty.clone()),
        }
    }

    /// The type of one item.
    pub(crate) fn item(&self) -> &Type {
        match self {
            Self::One(item) | Self::Option(item) | Self::List(item) | Self::Map(_, item) => item,
        }
    }

    /// Its name, if it may be empty.
    pub(crate) fn container(&self) -> Option<&'static str> {
        match self {
            Self::One(_) => None,
            Self::Option(_) => Some("an `Option`"),
            Self::List(_) => Some("a `Vec`"),
            Self::Map(..) => Some("a `BTreeMap`"),
        }
    }
}

/// Whether it is a `Secret<…>`.
pub(crate) fn is_secret(ty: &Type) -> bool {
    generic(ty).is_some_and(|(name, types)| name == "Secret" && types.len() == 1)
}

/// Whether it is `bool`.
pub(crate) fn is_bool(ty: &Type) -> bool {
    matches!(ungroup(ty), Type::Path(TypePath { qself: None, path, .. }) if path.is_ident("bool"))
}

/// The last word of a type's path, and the types it is given.
fn generic(ty: &Type) -> Option<(String, Vec<Type>)> {
    let Type::Path(TypePath { qself: None, path, .. }) = ungroup(ty) else { return None };
    let last = path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    Some((last.ident.to_string(), types.collect::<Option<_>>()?))
}

/// The inside of the invisible parentheses that `macro_rules!` puts around what it is given.
fn ungroup(ty: &Type) -> &Type {
    match ty {
        Type::Group(TypeGroup { elem, .. }) | Type::Paren(TypeParen { elem, .. }) => ungroup(elem),
        other => other,
    }
}
