//! Verifying: everything that is declared and recorded is asked whether it works.
//!
//! A kind's questions run under a limit, and a panic of one is a failed check: neither ends the command. What can't be asked,
//! because its provider is not open yet, is told as not checked.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use futures::stream::{self, StreamExt as _};

use super::Engine;
use super::prepare::{self, Opened};
use crate::base::ProviderName;
use crate::erased::{Through, owner_tag};
use crate::kind::{CheckResult, Deadline};
use crate::plan::{Unchecked, VerifyReport};
use crate::session::{OpenProvider, Opener, Refused};
use crate::stack::Stack;
use crate::state::{Object, Record};

/// A declared resource, by its place in the stack, with its record.
type Asked<'a> = (usize, &'a Record, &'a Object);

impl Engine {
    /// Asks everything that is declared and recorded whether it works.
    ///
    /// # Errors
    /// If a service could not be reached.
    pub async fn verify(&self, stack: &Stack) -> Result<VerifyReport, Refused> {
        stack.check()?;
        self.settings.check()?;
        let opener = self.opener();
        let verdict = self.verify_with(stack, &opener).await;
        opener.close().await;
        verdict
    }

    async fn verify_with(&self, stack: &Stack, opener: &Arc<Opener>) -> Result<VerifyReport, Refused> {
        let beside = self.store.holder().await?;
        let loaded = self.load().await?;
        let mut opened = prepare::open(stack, loaded, None, &self.settings, opener).await?;
        opened.beside = beside;
        opened.recover(stack).await?;
        let mut asked: BTreeMap<&ProviderName, Vec<Asked<'_>>> = BTreeMap::new();
        for (index, node) in stack.nodes.iter().enumerate() {
            if let Some(record) = opened.snapshot.records.get(&node.address)
                && let Some(object) = &record.object
            {
                asked.entry(&record.provider).or_default().push((index, record, object));
            }
        }
        let (mut asking, mut unchecked) = (Vec::new(), Vec::new());
        for (provider, objects) in asked {
            match opened.connections.open(provider) {
                Ok(open) => asking.push(self.verify_all(stack, &opened, open, objects)),
                Err(refused @ Refused::Unreachable { .. }) => return Err(refused),
                Err(_) => unchecked.extend(objects.into_iter().map(|(index, ..)| {
                    let reason = format!("`{provider}` is not open yet: its settings wait for other resources");
                    (index, Unchecked { address: stack.nodes[index].address.clone(), reason })
                })),
            }
        }
        let mut checks: Vec<(usize, CheckResult)> = join_all(asking).await.into_iter().flatten().collect();
        // As the program has them. What a resource says of itself stays in its order.
        checks.sort_by_key(|(index, _)| *index);
        unchecked.sort_by_key(|(index, _)| *index);
        let address = |index: usize| stack.nodes[index].address.clone();
        Ok(VerifyReport {
            checks: checks.into_iter().map(|(index, check)| (address(index), check)).collect(),
            unchecked: unchecked.into_iter().map(|(_, unchecked)| unchecked).collect(),
        })
    }

    /// Asks one provider about its objects, as many at once as it may be asked.
    async fn verify_all(
        &self,
        stack: &Stack,
        opened: &Opened,
        open: &OpenProvider,
        objects: Vec<Asked<'_>>,
    ) -> Vec<(usize, CheckResult)> {
        // In boxes: of a closure that makes futures of references, rustc can't tell that they may go to another thread.
        let mut asking: Vec<BoxFuture<'_, Vec<(usize, CheckResult)>>> = Vec::new();
        for asked in objects {
            let asked = async move {
                let mut checks = self.verify_one(stack, opened, open, asked).await;
                for check in &mut checks {
                    check.failure = check.failure.take().map(|failure| opened.key.redact(&failure));
                }
                checks.into_iter().map(move |check| (asked.0, check)).collect()
            };
            asking.push(asked.boxed());
        }
        let parallel = open.provider_type.parallel().min(self.settings.parallel);
        stream::iter(asking).buffer_unordered(parallel).concat().await
    }

    /// What a kind says of one object. It keeps to its deadline and knows more than we do; the limit is for one that does
    /// not.
    async fn verify_one(
        &self,
        stack: &Stack,
        opened: &Opened,
        open: &OpenProvider,
        (index, record, object): Asked<'_>,
    ) -> Vec<CheckResult> {
        let through = Through { provider: &open.instance, key: &opened.key, secrets: &object.secrets };
        let kind = stack.nodes[index].kind.facts().kind;
        let owner = owner_tag(&opened.key, &opened.snapshot.lineage, kind, &record.id);
        let limit = self.settings.call_limit;
        let checking = AssertUnwindSafe(async {
            let calls = &stack.nodes[index].kind.calls;
            calls.verify(through, object, &owner, Deadline::after(limit)).await
        });
        let failed = |failure: String| vec![CheckResult { what: "can be checked".into(), failure: Some(failure) }];
        match tokio::time::timeout(limit.saturating_add(limit / 4), checking.catch_unwind()).await {
            Ok(Ok(checks)) => checks,
            // What it said may quote a secret, and is not repeated.
            Ok(Err(_)) => failed("the provider panicked; this is a bug of the provider".into()),
            Err(_) => failed(format!("there was no answer within {} s", limit.as_secs_f64())),
        }
    }
}
