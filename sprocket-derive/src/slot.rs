//! Slots: how a setting is held, read off the type of its field.
//!
//! A macro sees names, not types: `Option`, `Vec` and `BTreeMap` are recognised by the last word of their path, and an
//! alias of them is one plain value.

use syn::{GenericArgument, PathArguments, Type, TypeGroup, TypeParen, TypePath};

/// How a setting is held, and the type of what is held.
pub(crate) struct Slot {
    pub(crate) holds: Holds,
    /// The type of one item.
    pub(crate) item: Type,
}

/// How many items a setting is.
pub(crate) enum Holds {
    /// One.
    One,
    /// One or none.
    Option,
    /// Several, in order.
    List,
    /// Several, each under a key of this type.
    Map(Box<Type>),
}

impl Slot {
    pub(crate) fn of(ty: &Type) -> Self {
        let (name, types) = generic(ty).unwrap_or_default();
        let (holds, item) = match (name.as_str(), types.as_slice()) {
            ("Option", [item]) => (Holds::Option, *item),
            ("Vec", [item]) => (Holds::List, *item),
            ("BTreeMap", [key, item]) => (Holds::Map(Box::new(Type::clone(key))), *item),
            _ => (Holds::One, ty),
        };
        Self { holds, item: item.clone() }
    }

    /// Its name, if it may be empty.
    pub(crate) fn container(&self) -> Option<&'static str> {
        match self.holds {
            Holds::One => None,
            Holds::Option => Some("an `Option`"),
            Holds::List => Some("a `Vec`"),
            Holds::Map(_) => Some("a `BTreeMap`"),
        }
    }
}

/// Whether it is a `Secret<…>`.
pub(crate) fn is_secret(ty: &Type) -> bool {
    generic(ty).is_some_and(|(name, types)| name == "Secret" && types.len() == 1)
}

/// The type of an `Output<…>`'s value.
pub(crate) fn output(ty: &Type) -> Option<&Type> {
    let (name, types) = generic(ty)?;
    (name == "Output").then(|| types.first().copied())?
}

/// Whether it is a `ResourceRef<…>`.
pub(crate) fn is_resource_ref(ty: &Type) -> bool {
    generic(ty).is_some_and(|(name, _)| name == "ResourceRef")
}

/// Whether it is `bool`.
pub(crate) fn is_bool(ty: &Type) -> bool {
    matches!(ungroup(ty), Type::Path(TypePath { qself: None, path, .. }) if path.is_ident("bool"))
}

/// The last word of a type's path, and the types it is given.
fn generic(ty: &Type) -> Option<(String, Vec<&Type>)> {
    let Type::Path(TypePath { qself: None, path, .. }) = ungroup(ty) else { return None };
    let last = path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let types = arguments.args.iter().map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
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
