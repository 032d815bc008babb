//! Options: what a program can ask of the engine for any resource.

use serde_json::Value;

use crate::base::escape_key;
use crate::kind::{Draft, Kind, Trigger};
use crate::value::{NodeId, Path, PathPart};

/// What the program asks of the engine for one resource. [`DraftExt`] sets it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub(crate) protect: bool,
    pub(crate) keep_on_delete: bool,
    pub(crate) adopt: bool,
    pub(crate) after: Vec<NodeId>,
    pub(crate) dies_with: Option<NodeId>,
    pub(crate) retain_with: Vec<NodeId>,
    pub(crate) ignore: Vec<Ignored>,
    pub(crate) moved_from: Vec<String>,
    pub(crate) physical_name: Option<String>,
    pub(crate) time_limit: Option<std::time::Duration>,
    pub(crate) replace_on: Vec<Trigger>,
}

/// What is left to others: a setting, or an entry of one that is a map.
#[derive(Clone, Debug)]
pub(crate) struct Ignored {
    pub(crate) setting: &'static str,
    key: Option<String>,
}

impl Ignored {
    /// Whether a place in the settings is in it.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        let is_entry = |key: &String| matches!(path.0.get(1), Some(PathPart::Key(found)) if found == key);
        path.field() == Some(self.setting) && self.key.as_ref().is_none_or(is_entry)
    }

    /// Puts into settings what others have made of it.
    pub(crate) fn take_over(&self, settings: &mut Value, others: &Value) {
        let (Some(setting), Some(other)) = (settings.get_mut(self.setting), others.get(self.setting)) else { return };
        match (&self.key, setting, other) {
            (None, setting, other) => *setting = other.clone(),
            (Some(key), Value::Object(map), Value::Object(others)) => match others.get(key) {
                Some(entry) => drop(map.insert(key.clone(), entry.clone())),
                None => drop(map.remove(key)),
            },
            (Some(_), ..) => {}
        }
    }
}

/// Everything that was declared inside of [`Stack::layer`](crate::program::Stack::layer), as one thing that others can come after.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What nothing else in it waits for: the rest of it is there before.
    pub(crate) last: Vec<NodeId>,
}

/// What a resource can come after.
pub trait Precedes {
    /// The resources that must be there.
    #[doc(hidden)]
    fn nodes(&self) -> Vec<NodeId>;
}

impl<R: Kind> Precedes for R {
    fn nodes(&self) -> Vec<NodeId> {
        vec![self.this().node]
    }
}

impl Precedes for Layer {
    fn nodes(&self) -> Vec<NodeId> {
        self.last.clone()
    }
}

/// The options that all drafts have.
pub trait DraftExt: Draft {
    /// Refuses every plan that would delete or replace it, even after it has gone from the program.
    fn protect(mut self) -> Self {
        self.options().protect = true;
        self
    }

    /// Leaves the object in place when the resource is deleted or replaced; it is then no longer recorded.
    fn keep_on_delete(mut self) -> Self {
        self.options().keep_on_delete = true;
        self
    }

    /// Takes over an object of its name that exists and has no owner, and updates it to these settings.
    fn adopt(mut self) -> Self {
        self.options().adopt = true;
        self
    }

    /// Is made after another resource, or everything in a [`Layer`], and deleted before it.
    fn after(mut self, others: &impl Precedes) -> Self {
        self.options().after.extend(others.nodes());
        self
    }

    /// Goes when the other goes, without a call of its own: the other's deletion takes it along. When the other is replaced, so
    /// is this.
    fn dies_with<R: Kind>(mut self, host: &R) -> Self {
        self.options().dies_with = Some(host.this().node);
        self
    }

    /// Stays in a `destroy` as long as the other stays, such as the password that the data in a volume is read with.
    ///
    /// ```
    /// # use sprocket_core::program::*;
    /// # use sprocket_core::testing;
    /// # fn program(stack: &mut Stack, volume: &Password) {
    /// stack.add(Password::new("redis").retain_with(volume));
    /// # }
    /// ```
    fn retain_with<R: Kind>(mut self, data: &R) -> Self {
        self.options().retain_with.push(data.this().node);
        self
    }

    /// Leaves a setting to others once the object exists: neither a change in the program nor drift counts.
    fn ignore(mut self, setting: &'static str) -> Self {
        self.options().ignore.push(Ignored { setting, key: None });
        self
    }

    /// Leaves one entry of a map to others once the object exists: `.ignore_key("labels", "com.example.tool")`. Others may
    /// add, change and remove it, and the rest of the map counts.
    fn ignore_key(mut self, setting: &'static str, key: impl Into<String>) -> Self {
        self.options().ignore.push(Ignored { setting, key: Some(escape_key(key.into())) });
        self
    }

    /// Had this name, in the same scope, or this address, before.
    fn moved_from(mut self, old: impl Into<String>) -> Self {
        self.options().moved_from.push(old.into());
        self
    }

    /// Has exactly this name at the service, whatever its scope.
    fn named(mut self, name: impl Into<String>) -> Self {
        self.options().physical_name = Some(name.into());
        self
    }

    /// Is replaced whenever this changes, though none of its own settings has: an output, a plain value, or another
    /// resource, which changes when it is updated or replaced. What has this option only now is not replaced for it. Several
    /// resources that name the same are replaced together.
    ///
    /// ```
    /// # use sprocket_core::program::{DraftExt as _, Password, Stack};
    /// # let mut stack = Stack::new();
    /// let master = stack.add(Password::new("master"));
    /// stack.add(Password::new("session").replace_on(&master).replace_on("2026-11"));
    /// ```
    fn replace_on(mut self, trigger: impl Into<Trigger>) -> Self {
        self.options().replace_on.push(trigger.into());
        self
    }

    /// May take this long, in place of the engine's limit: each call, and the wait until it is ready.
    fn time_limit(mut self, limit: std::time::Duration) -> Self {
        self.options().time_limit = Some(limit);
        self
    }
}

impl<D: Draft> DraftExt for D {}
