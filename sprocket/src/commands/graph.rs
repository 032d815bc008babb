//! `graph`: the resources and what they wait for, in the language of Graphviz. Speaks to no service.

use std::fmt::Write as _;

use sprocket_core::program::Stack;

use crate::program::Exit;
use crate::session::{Need, Opening};
use crate::trouble::Trouble;

/// Shows the graph.
pub(super) async fn graph(opening: Opening<'_>) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Open).await?;
    stack.check().map_err(sprocket_core::engine::Refused::from)?;
    session.console.out(&dot(&session.stack_name, &stack));
    Ok(Exit::Done)
}

fn dot(name: &str, stack: &Stack) -> String {
    let mut text = format!("digraph {} {{\n    rankdir = LR;\n    node [shape = box];\n", quoted(name));
    for resource in stack.resources() {
        let address = quoted(resource.address.as_str());
        let _ = writeln!(text, "    {address} [tooltip = {}];", quoted(&resource.at.to_string()));
        for after in &resource.after {
            let _ = writeln!(text, "    {address} -> {};", quoted(after.as_str()));
        }
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
