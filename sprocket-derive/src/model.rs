//! The model: what the macro knows of a spec once its attributes are read and judged.
//!
//! Reading never stops at the first mistake, and gives a model wherever one can be made of the rest: code is then written
//! for it too, so that an author sees the mistakes and not what follows from them.

use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::{Attribute, Data, DeriveInput, Expr, Field, Fields, FieldsNamed, Ident, Path, Type, Visibility, parse_quote};

use crate::attributes::{Entries, Entry, Errors, check_serde};
use crate::reserved;
use crate::slot::{Holds, Slot, is_bool, is_secret};

/// A spec.
pub(crate) struct Model {
    /// Where the types of `sprocket-core` are.
    pub(crate) core: Path,
    pub(crate) spec: Ident,
    pub(crate) vis: Visibility,
    pub(crate) shape: Shape,
    pub(crate) settings: Vec<Setting>,
    /// Whether the handle or provider has a constructor that is the draft's.
    pub(crate) has_new: bool,
}

/// Whose settings they are.
pub(crate) enum Shape {
    /// A resource's; its handle.
    Resource(Path),
    /// A provider's.
    Provider(Path),
    /// Part of a setting; its draft.
    Nested(Ident),
}

/// A field of a spec.
pub(crate) struct Setting {
    pub(crate) ident: Ident,
    /// The name that it is recorded under.
    pub(crate) name: String,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ty: Type,
    pub(crate) slot: Slot,
    /// The type of an item's draft, if items are settings themselves.
    pub(crate) draft: Option<Path>,
    pub(crate) start: Start,
    pub(crate) setters: SetterNames,
    pub(crate) replaces: bool,
    pub(crate) write_only: bool,
    /// Its name is one that the draft's own fields have; that is a mistake, and the draft is written without it.
    pub(crate) left_out: bool,
}

/// The names of a setting's setters. Those that it can't have are mistakes, and are not written.
pub(crate) struct SetterNames {
    /// The field's own name: sets it, or adds several items.
    pub(crate) own: Option<Ident>,
    /// Adds one item.
    pub(crate) each: Option<Ident>,
    /// Sets an `Option` to an `Option`.
    pub(crate) maybe: Option<Ident>,
}

/// What a setting is before anything sets it.
pub(crate) enum Start {
    /// An argument of `new`.
    Required,
    /// Nothing: an `Option`, a `Vec` or a `BTreeMap`.
    Empty,
    /// `Default::default()`.
    Default,
    /// What its setter makes of this.
    Expression(Box<Expr>),
    /// Off, until its setter is called.
    Flag,
}

impl Model {
    /// The name of the draft.
    pub(crate) fn draft(&self) -> Ident {
        match &self.shape {
            Shape::Nested(draft) => draft.clone(),
            Shape::Resource(noun) | Shape::Provider(noun) => {
                let last = noun.segments.last().map_or_else(|| self.spec.clone(), |segment| segment.ident.clone());
                format_ident!("{}Draft", last)
            }
        }
    }

    /// The settings that the draft has.
    pub(crate) fn drafted(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter().filter(|setting| !setting.left_out)
    }

    /// The arguments of `new`.
    pub(crate) fn required(&self) -> impl Iterator<Item = &Setting> {
        self.drafted().filter(|setting| matches!(setting.start, Start::Required))
    }

    /// The settings that are something before anything sets them.
    pub(crate) fn started(&self) -> impl Iterator<Item = &Setting> {
        self.drafted().filter(|setting| !matches!(setting.start, Start::Required))
    }

    /// Reads a spec.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        check_serde(&input.attrs, errors);
        let fields = named_fields(input, errors)?;
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "a spec can't be generic: its form is recorded. Write a struct for each kind, and put what they share \
                 into a nested one with `#[spec(draft = …)]`",
            );
            return None;
        }
        let entries =
            Entries::read("spec", &input.attrs, &["resource", "provider", "draft", "new", "crate"], &[], errors);
        let core = match entries.get("crate") {
            Some(entry) => entry.path(errors)?,
            None => parse_quote!(::sprocket_core),
        };
        let shape = shape(input, &entries, errors)?;
        let has_new = entries.word("new", errors);
        if let (Some(entry), Shape::Nested(_)) = (has_new, &shape) {
            errors.at(&entry.word, "a nested draft has its own `new`");
        }
        let mut settings: Vec<_> =
            fields.named.iter().filter_map(|field| Setting::read(field, &shape, errors)).collect();
        check_setters(&mut settings, &shape, errors);
        Some(Self {
            core,
            spec: input.ident.clone(),
            vis: input.vis.clone(),
            shape,
            settings,
            has_new: has_new.is_some(),
        })
    }
}

/// Takes away the setters whose names are in use.
fn check_setters(settings: &mut [Setting], shape: &Shape, errors: &mut Errors) {
    let mut taken: Vec<(String, String)> = Vec::new();
    for Setting { name: setting, setters, left_out, .. } in settings {
        for setter in [&mut setters.own, &mut setters.each, &mut setters.maybe] {
            let Some(ident) = setter else { continue };
            let name = ident.unraw().to_string();
            if *left_out || reserved::check(ident, shape, errors) {
                *setter = None;
            } else if let Some((_, other)) = taken.iter().find(|(earlier, _)| *earlier == name) {
                errors.at(ident, format!("`{name}` is already a setter of `{other}`"));
                *setter = None;
            } else {
                taken.push((name, setting.clone()));
            }
        }
    }
}

/// The fields, if there are any that could be settings.
fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a FieldsNamed> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(fields),
            Fields::Unnamed(fields) => errors.at(
                fields,
                "a setting needs a name: write a struct with named fields. A newtype is a plain value and needs no \
                 `Spec`",
            ),
            Fields::Unit => {
                let name = &input.ident;
                errors.at(name, format!("without settings it is an empty struct: `struct {name} {{}}`"));
            }
        },
        Data::Enum(data) => errors.at(
            &data.enum_token,
            "only structs have drafts; give an enum as a plain value: `output.map(Source::Volume)`",
        ),
        Data::Union(data) => errors.at(&data.union_token, "only structs have drafts"),
    }
    None
}

fn shape(input: &DeriveInput, entries: &Entries, errors: &mut Errors) -> Option<Shape> {
    const WAYS: &str = "`#[spec(resource = Network)]`, `#[spec(provider = Docker)]`, or `#[spec(draft = Attachment)]` for \
                        settings inside others";
    let given: Vec<_> = ["resource", "provider", "draft"].iter().filter_map(|word| entries.get(word)).collect();
    let [entry] = given.as_slice() else {
        match given.get(1) {
            Some(second) => errors.at(&second.word, format!("one of these, not several: {WAYS}")),
            None => errors.at(&input.ident, format!("say whose settings these are: {WAYS}")),
        }
        return None;
    };
    let path = entry.path(errors)?;
    if entry.word == "resource" {
        return Some(Shape::Resource(path));
    }
    if entry.word == "provider" {
        return Some(Shape::Provider(path));
    }
    let ident = path.get_ident().cloned();
    if ident.is_none() {
        errors.at(&path, "the draft is written beside its spec: give it a name without a path");
    }
    Some(Shape::Nested(ident?))
}

const WORDS: [&str; 6] = ["default", "flag", "each", "draft", "replaces", "write_only"];

impl Setting {
    fn read(field: &Field, shape: &Shape, errors: &mut Errors) -> Option<Self> {
        let ident = field.ident.clone()?;
        check_serde(&field.attrs, errors);
        let entries = Entries::read("spec", &field.attrs, &WORDS, &["key"], errors);
        let slot = Slot::of(&field.ty);
        let left_out = check_name(&ident, &entries, shape, errors);

        let write_only = entries.word("write_only", errors);
        if let Some(entry) = write_only {
            check_write_only(entry, field, &slot, shape, errors);
        }
        let replaces = entries.word("replaces", errors);
        if let Some(entry) = replaces {
            check_fact(&entry.word, shape, errors);
        }

        Some(Self {
            name: ident.unraw().to_string(),
            docs: field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc")).cloned().collect(),
            ty: field.ty.clone(),
            start: start(field, &slot, &entries, errors),
            setters: setters(&ident, &slot, &entries, errors),
            draft: entries.get("draft").and_then(|entry| entry.path(errors)),
            slot,
            replaces: replaces.is_some(),
            write_only: write_only.is_some(),
            left_out,
            ident,
        })
    }

    /// Whether a draft keeps its items under keys and has no place for a mistake in them.
    pub(crate) fn is_map_of_drafts(&self) -> bool {
        self.draft.is_some() && matches!(self.slot.holds, Holds::Map(_))
    }
}

/// Refuses names of the draft's own fields. True if it is one.
fn check_name(ident: &Ident, entries: &Entries, shape: &Shape, errors: &mut Errors) -> bool {
    let name = ident.unraw().to_string();
    let resource = matches!(shape, Shape::Resource(_));
    let own = match shape {
        Shape::Resource(_) => ["name", "options"].contains(&name.as_str()),
        Shape::Provider(_) => ["name", "credentials"].contains(&name.as_str()),
        Shape::Nested(_) => false,
    };
    const NO_KEY: &str = "the name is the draft's and no setting: leave the field out; a call finds the physical name in \
                          `Make::name`";
    match entries.get("key") {
        Some(key) if resource => errors.at(&key.word, NO_KEY),
        Some(key) => errors.at(&key.word, "only a resource has a name, and it is the draft's: leave `key` out"),
        None if resource && name == "name" => errors.at(ident, NO_KEY),
        None if own => _ = reserved::check(ident, shape, errors),
        None => {}
    }
    own
}

/// Only a resource's own settings are looked at by the planner.
fn check_fact(word: &Ident, shape: &Shape, errors: &mut Errors) {
    match shape {
        Shape::Resource(_) => {}
        Shape::Provider(_) => {
            errors.at(word, format!("`{word}` is about a resource's settings; these are a provider's"))
        }
        Shape::Nested(_) => {
            errors.at(
                word,
                format!("`{word}` is about a whole setting of a resource: mark the field that holds this one"),
            );
        }
    }
}

fn check_write_only(entry: &Entry, field: &Field, slot: &Slot, shape: &Shape, errors: &mut Errors) {
    check_fact(&entry.word, shape, errors);
    match slot.holds {
        Holds::One | Holds::Option if is_secret(&slot.item) => {}
        _ => errors.at(&field.ty, "make it a `Secret<…>`: a plain field would print in `Debug`"),
    }
}

fn start(field: &Field, slot: &Slot, entries: &Entries, errors: &mut Errors) -> Start {
    let default = entries.get("default");
    if entries.word("flag", errors).is_some() {
        if !is_bool(&field.ty) {
            errors.at(&field.ty, "only a `bool` is a flag");
            return Start::Default;
        }
        if let Some(other) = default.or_else(|| entries.get("draft")) {
            errors.at(&other.word, format!("a flag is off until its setter is called: it has no `{}`", other.word));
        }
        return Start::Flag;
    }
    match (default, slot.container()) {
        (None, None) => Start::Required,
        (None, Some(_)) => Start::Empty,
        (Some(entry), Some(container)) => {
            errors.at(&entry.word, format!("{container} is empty unless it is set: it has no `default`"));
            Start::Empty
        }
        (Some(entry), None) => match entry.expression() {
            Some(expression) => Start::Expression(Box::new(expression.clone())),
            None => Start::Default,
        },
    }
}

fn setters(ident: &Ident, slot: &Slot, entries: &Entries, errors: &mut Errors) -> SetterNames {
    let mut each = entries.get("each").and_then(|entry| entry.setter(errors));
    if let Some(entry) = entries.get("each")
        && !matches!(slot.holds, Holds::List | Holds::Map(_))
    {
        errors.at(&entry.word, "only a `Vec` or a `BTreeMap` has items");
        each = None;
    }
    SetterNames {
        own: (each.as_ref() != Some(ident)).then(|| ident.clone()),
        each,
        maybe: matches!(slot.holds, Holds::Option).then(|| format_ident!("maybe_{}", ident)),
    }
}
