//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sprocket_core::engine::{Goal, Request};

/// Plans, applies and looks after what this program declares.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "Without a command: shows what is to be done, asks, does it, and verifies it.",
    after_help = "\
Exit codes: 0 done or nothing to do, 1 failed, 2 changes are pending (only with --detailed-exit-code),
3 applied but not verified, 4 locked by somebody else, 130 interrupted.",
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// The environment: a table of sprocket.toml [variable: SPROCKET_ENV]
    #[arg(long, short, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// The configuration, if it is not the sprocket.toml next to the program [variable: SPROCKET_FILE]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    /// How many calls are made at once, over all services
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: Option<u16>,
    /// Connect to this provider, which only the state knows any more, to delete what it made. Can be repeated
    #[arg(long, global = true, value_name = "PROVIDER")]
    pub(crate) forgotten: Vec<String>,
    /// Go on with an earlier state than the last one that was seen here
    #[arg(long, global = true)]
    pub(crate) older: bool,
    /// Refuse a state with a lower serial: for machines that remember none
    #[arg(long, global = true, value_name = "SERIAL", default_value_t = 0, hide_default_value = true)]
    pub(crate) at_least: u64,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) apply: ApplyArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what is to be done; changes nothing
    Plan(PlanArgs),
    /// Shows what is to be done, asks, does it, and verifies it
    Apply(ApplyArgs),
    /// Deletes everything that is recorded, but for what is kept
    Destroy(DestroyArgs),
    /// Shows what others have changed; changes nothing, and exits like `plan`
    Drift(LookArgs),
    /// Records what others have changed as it is, without changing anything: it is no drift any more
    Refresh(RefreshArgs),
    /// Records an object that exists as a resource of the program
    Import(ImportArgs),
    /// Asks everything that is applied whether it works
    Verify {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Shows the outputs
    Outputs {
        /// As one JSON object
        #[arg(long)]
        json: bool,
        /// Secrets too
        #[arg(long)]
        reveal: bool,
    },
    /// Shows the resources and what they wait for, in the language of Graphviz
    Graph,
    /// Looks for what would keep the program from working, with the remedy for each
    Doctor,
    /// Looks at and mends what is recorded
    #[command(subcommand)]
    State(StateCommand),
}

/// Which resources a command is for.
#[derive(Debug, Default, Args, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Only this resource and what it needs; `*` at the end stands for all that begin so. Can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<String>,
    /// Not this resource, nor what needs it; `*` at the end stands for all that begin so. Can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) exclude: Vec<String>,
}

impl Selection {
    /// What is wanted, of these.
    pub(crate) fn request(&self, goal: Goal) -> Request {
        Request::from(goal).only(self.target.iter().cloned()).without(self.exclude.iter().cloned())
    }
}

/// What a program is to be brought to.
#[derive(Debug, Default, Args, PartialEq, Eq)]
pub(crate) struct Wanted {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Makes a new one of this resource, though nothing about it has changed. Can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<String>,
    /// Lets this resource be deleted or replaced, though the program allows fewer. Can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) allow: Vec<String>,
}

impl Wanted {
    pub(crate) fn request(&self) -> Request {
        let request = self.selection.request(Goal::Declared);
        request.replace(self.replace.iter().cloned()).allow(self.allow.iter().cloned())
    }
}

#[derive(Debug, Default, Args, PartialEq, Eq)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Saves the plan, for `apply --plan`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, Default, Args, PartialEq, Eq)]
pub(crate) struct LookArgs {
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Exits with 2 if there is something to do
    #[arg(long)]
    pub(crate) detailed_exit_code: bool,
}

#[derive(Debug, Default, Args, PartialEq, Eq)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Does what this plan says, which `plan --out` saved; refuses if it is another by now. Nobody is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "exclude", "replace", "allow"])]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// How a plan is carried out.
#[derive(Debug, Default, Args, PartialEq, Eq)]
pub(crate) struct RunArgs {
    /// Does it without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Goes on with what does not depend on a failure
    #[arg(long)]
    pub(crate) continue_on_error: bool,
    /// How long to wait for somebody else's lock
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub(crate) lock_timeout: u64,
    /// One JSON object a line; nobody is asked
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ImportArgs {
    /// The resource: `docker:network/edge`
    #[arg(required = true)]
    pub(crate) address: Option<String>,
    /// What the service calls the object: its name or id
    #[arg(required = true)]
    pub(crate) id: Option<String>,
    #[command(subcommand)]
    pub(crate) from: Option<ImportCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Records what Pulumi made, as its checkpoint knows it; changes nothing
    Pulumi(PulumiArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PulumiArgs {
    /// What `pulumi stack export` printed, or a file of its backend
    pub(crate) checkpoint: PathBuf,
    /// This resource is the object of this URN. Can be repeated
    #[arg(long = "as", value_name = "ADDRESS=URN")]
    pub(crate) pairs: Vec<String>,
    /// What this resource's service does not show is in this file. Can be repeated
    #[arg(long, value_name = "ADDRESS=FILE")]
    pub(crate) secret: Vec<String>,
    /// What this resource's service does not show is what the program says. Can be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) same: Vec<String>,
    /// Does it without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// That this is what is wanted: `drift` only shows it
    #[arg(long, required = true)]
    pub(crate) accept: bool,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Does it without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Also what is kept: protected, or holding data. Asks for the stack's name
    #[arg(long)]
    pub(crate) include_kept: bool,
    /// Answers the question for the stack's name
    #[arg(long, value_name = "STACK", requires = "include_kept")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Lists what is recorded
    List,
    /// Shows what is recorded of a resource
    Show {
        /// The resource: `docker:network/edge`
        address: String,
    },
    /// Removes a resource from state; its objects stay
    Forget {
        /// The resource: `docker:network/edge`
        address: String,
    },
    /// Gives a resource the address that the program has for it now; its objects stay
    Mv {
        /// The resource, as it is recorded
        from: String,
        /// Its address from now on
        to: String,
    },
    /// Takes the protection from a resource that is not declared any more
    Unprotect {
        /// The resource: `docker:network/edge`
        address: String,
    },
    /// Makes the state the one of this program, stack and environment, after one of them was renamed or the state was moved
    Claim,
    /// Lists the states from before that are kept, and what changed from one to the next
    History,
    /// Breaks the lock of a run that is gone
    Unlock {
        /// The lock's id, as the error says it
        id: String,
    },
}

impl Cli {
    /// What is to be done.
    ///
    /// # Errors
    /// If options of `apply` stand before another command, where they would count for nothing.
    pub(crate) fn chosen(&mut self) -> Result<Command, &'static str> {
        let before = std::mem::take(&mut self.apply);
        match self.command.take() {
            None => Ok(Command::Apply(before)),
            Some(_) if before != ApplyArgs::default() => Err("options of a command stand after it"),
            Some(command) => Ok(command),
        }
    }
}

impl Command {
    /// Whether `out` is a stream of JSON objects.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Plan(args) => args.look.json,
            Self::Drift(args) => args.json,
            Self::Apply(args) => args.run.json,
            Self::Destroy(args) => args.run.json,
            Self::Verify { json } => *json,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_apply_count_only_where_apply_is_meant() {
        let check = |args: &[&str], expect: Result<bool, ()>| {
            let mut cli = Cli::try_parse_from([&["program"], args].concat()).unwrap();
            let yes = match cli.chosen() {
                Ok(Command::Apply(args)) => Ok(args.run.yes),
                Ok(_) => Ok(false),
                Err(_) => Err(()),
            };
            assert_eq!(yes, expect, "{args:?}");
        };
        check(&["--yes"], Ok(true));
        check(&["apply", "-y"], Ok(true));
        check(&["apply"], Ok(false));
        check(&["--env", "local", "plan"], Ok(false));
        check(&["plan", "--env", "local"], Ok(false));
        check(&["--yes", "plan"], Err(()));
    }

    #[test]
    fn what_is_imported_is_one_object_or_a_checkpoint() {
        let check = |args: &[&str], expect: &str| {
            let told = match Cli::try_parse_from([&["program", "import"], args].concat()) {
                Err(_) => "refused".to_owned(),
                Ok(Cli { command: Some(Command::Import(ImportArgs { from: Some(from), .. })), .. }) => {
                    let ImportCommand::Pulumi(PulumiArgs { checkpoint, pairs, yes, .. }) = from;
                    format!("pulumi {} {pairs:?} {yes}", checkpoint.display())
                }
                Ok(Cli { command: Some(Command::Import(args)), .. }) => format!("{:?} {:?}", args.address, args.id),
                Ok(_) => "something else".to_owned(),
            };
            assert_eq!(told, expect, "{args:?}");
        };
        check(&["docker:network/edge", "edge"], r#"Some("docker:network/edge") Some("edge")"#);
        check(&["pulumi", "a.json"], "pulumi a.json [] false");
        check(
            &["pulumi", "a.json", "--as", "a/b=urn", "--as=c/d=urn", "-y"],
            r#"pulumi a.json ["a/b=urn", "c/d=urn"] true"#,
        );
        check(&["pulumi"], "refused");
        check(&["docker:network/edge"], "refused");
        check(&[], "refused");
    }
}
