//! Buckets on a real server: the engine's own suite for kinds, the update of each field, and what is in a bucket.

use aws_sdk_s3::types::{BucketVersioningStatus, Tag, Tagging, VersioningConfiguration};
use sprocket_core::__derive::Known;
use sprocket_core::engine::Goal;
use sprocket_core::kind::{Fields as _, Provider as _};
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::{Crash, KindSuite, Variant, World};
use sprocket_s3::{Bucket, BucketDraft, Lifecycle, S3};

use crate::fake::{Fake, Fate, Request};
use crate::support::{Hand, each, is_live};

/// Gives a bucket another tag beside those that it has, as somebody else.
fn tag_by_hand(hand: &Hand, bucket: &str) {
    hand.run(async |client| {
        let mut tags = client.get_bucket_tagging().bucket(bucket).send().await.unwrap().tag_set;
        tags.push(Tag::builder().key("by").value("hand").build().unwrap());
        let tags = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
        client.put_bucket_tagging().bucket(bucket).tagging(tags).send().await.unwrap();
    });
}

#[test]
fn a_bucket_lives_and_dies() {
    each(|hand| {
        let name = hand.name.as_str();
        let full = |name: &str| {
            Bucket::new(name).versioned().tag("team", "core").lifecycle(Lifecycle::under("tmp/").expire_days(7_u32))
        };
        KindSuite {
            address: &format!("s3:bucket/{name}"),
            program: Box::new(|stack, variant| {
                let stack = hand.connected(stack);
                match variant {
                    Variant::First | Variant::Replaced => stack.add(full(name)),
                    Variant::Updated => stack.add(full(name).tag("more", "of them")),
                    Variant::Moved => stack.add(full("moved").moved_from(name).named(name)),
                };
            }),
            inventory: Box::new(|| hand.buckets()),
            drift: Some(Box::new(|| tag_by_hand(&hand, name))),
            remove: Some(Box::new(|| hand.remove())),
            updates: true,
            replaces: false,
            marked: true,
            // All of them take long.
            kills: (!is_live()).then_some(3),
            drops: false,
        }
        .run();
    });
}

/// Applies each draft after the one before; in between, the plan says what changes, and after it nothing is left to do.
fn changes(hand: &Hand, drafts: Vec<BucketDraft>) -> String {
    let mut world = World::of_real_services();
    let mut told = String::new();
    for (number, draft) in drafts.into_iter().enumerate() {
        let program = |stack: &mut Stack| {
            hand.connected(stack).add(draft.clone());
        };
        if number > 0 {
            let plan = world.plan(program);
            for change in plan.steps.iter().flat_map(|step| &step.changes) {
                told.push_str(&format!("{}: {} -> {}\n", change.path, change.before, change.after));
            }
        }
        world.apply(program);
        let again = world.plan(program);
        assert!(again.is_empty() && again.problems.is_empty(), "again:\n{again}");
    }
    world
        .run(
            |stack| {
                hand.connected(stack);
            },
            Goal::Destroyed { include_kept: true },
        )
        .unwrap()
        .unwrap();
    assert_eq!(hand.buckets(), Vec::<String>::new());
    told
}

#[test]
fn each_setting_is_updated_in_place() {
    each(|hand| {
        let bucket = || Bucket::new(&hand.name);
        insta::assert_snapshot!(changes(&hand, vec![bucket(), bucket().versioned(), bucket()]), @"
    versioned: false -> true
    versioned: true -> false
    ");
        insta::assert_snapshot!(changes(&hand, vec![bucket(), bucket().tag("a", "1"), bucket().tag("a", "2 = 3"), bucket().tag("b", ""), bucket()]), @r#"
    tags.a: null -> "1"
    tags.a: "1" -> "2 = 3"
    tags.a: "2 = 3" -> null
    tags.b: null -> ""
    tags.b: "" -> null
    "#);
        let rules = |draft: BucketDraft| {
            draft
                .lifecycle(Lifecycle::under("b/").expire_days(7_u32))
                .lifecycle(Lifecycle::under("a/").abort_uploads_days(2_u32))
        };
        let more = Lifecycle::all().expire_noncurrent_days(30_u32).keep_noncurrent(3_u32);
        insta::assert_snapshot!(changes(&hand, vec![
        bucket().versioned(),
        rules(bucket().versioned()),
        rules(bucket().versioned()).lifecycle(more),
        bucket().versioned().lifecycle(Lifecycle::under("b/").expire_days(8_u32)),
        bucket().versioned(),
    ]), @r#"
    lifecycle: [] -> [{"abort_uploads_days":null,"expire_days":7,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"b/"},{"abort_uploads_days":2,"expire_days":null,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"a/"}]
    lifecycle: [{"abort_uploads_days":null,"expire_days":7,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"b/"},{"abort_uploads_days":2,"expire_days":null,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"a/"}] -> [{"abort_uploads_days":null,"expire_days":7,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"b/"},{"abort_uploads_days":2,"expire_days":null,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"a/"},{"abort_uploads_days":null,"expire_days":null,"expire_noncurrent_days":30,"keep_noncurrent":3,"prefix":""}]
    lifecycle: [{"abort_uploads_days":null,"expire_days":7,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"b/"},{"abort_uploads_days":2,"expire_days":null,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"a/"},{"abort_uploads_days":null,"expire_days":null,"expire_noncurrent_days":30,"keep_noncurrent":3,"prefix":""}] -> [{"abort_uploads_days":null,"expire_days":8,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"b/"}]
    lifecycle: [{"abort_uploads_days":null,"expire_days":8,"expire_noncurrent_days":null,"keep_noncurrent":null,"prefix":"b/"}] -> []
    "#);
        insta::assert_snapshot!(changes(&hand, vec![bucket(), bucket().empty_on_delete(), bucket()]), @"
    empty_on_delete: false -> true
    empty_on_delete: true -> false
    ");
    });
}

#[test]
fn a_change_by_hand_is_drift() {
    each(|hand| {
        let mut world = World::of_real_services();
        let program = |stack: &mut Stack| {
            hand.connected(stack)
                .add(Bucket::new(&hand.name).versioned().lifecycle(Lifecycle::all().expire_days(30_u32)));
        };
        world.apply(program);
        hand.run(async |client| {
            let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
            client.put_bucket_versioning().bucket(&hand.name).versioning_configuration(suspended).send().await.unwrap();
            client.delete_bucket_lifecycle().bucket(&hand.name).send().await.unwrap();
        });
        tag_by_hand(&hand, &hand.name);
        let plan = world.plan(program).to_string().replace(&hand.name, "BUCKET");
        insta::assert_snapshot!(plan, @"
    ~ s3:bucket/BUCKET  (changed by somebody else)
        versioned: false → true
        tags.by:   hand → (none)
        lifecycle: [] → [{expire_days: 30}]
    1 to update.
    ");
        world.apply(program);
        assert!(world.plan(program).is_empty());
    });
}

#[test]
fn a_bucket_that_holds_something_is_not_deleted() {
    each(|hand| {
        let name = hand.name.as_str();
        let mut world = World::of_real_services();
        let bucket = || Bucket::new(name).versioned();
        world.apply(|stack| {
            hand.connected(stack).add(bucket());
        });
        hand.put(name, "a", "1");
        hand.put(name, "a", "2");
        hand.put(name, "b", "1");
        hand.delete(name, "b");
        let destroy = |world: &mut World, draft: BucketDraft| {
            let program = |stack: &mut Stack| {
                hand.connected(stack).add(draft.clone());
            };
            world.run(program, Goal::Destroyed { include_kept: true }).unwrap().unwrap()
        };
        let report = destroy(&mut world, bucket());
        let failures: Vec<String> = report
            .failures()
            .map(|(_, failure)| format!("{}\nhint: {}", failure.message, failure.hint.as_deref().unwrap_or_default()))
            .collect();
        insta::assert_snapshot!(failures.join("\n").replace(name, "BUCKET"), @"
    could not delete bucket `BUCKET`: it holds 1 object, 2 older versions and 1 delete marker
    hint: empty it, or leave it with `.keep_on_delete()`; `.empty_on_delete()`, applied first, deletes what is in it as well, all versions, for good
    ");
        assert_eq!(hand.buckets(), [name], "nothing was deleted");
        // To say so in the program and to destroy in one go is not enough: what is recorded counts, so that a program that has
        // lost the bucket can't say it.
        world.apply(|stack| {
            hand.connected(stack).add(bucket().empty_on_delete());
        });
        assert!(destroy(&mut world, bucket().empty_on_delete()).succeeded());
        assert_eq!(hand.buckets(), Vec::<String>::new());
    });
}

#[test]
fn a_bucket_of_the_account_is_taken_over_only_when_asked() {
    each(|hand| {
        hand.make(&hand.name);
        let mut world = World::of_real_services();
        let plan = world.plan(|stack| {
            hand.connected(stack).add(Bucket::new(&hand.name));
        });
        let problem = plan.problems[0].to_string();
        assert!(problem.contains("exists already, and this stack does not own it"), "{problem}");
        let adopting = |stack: &mut Stack| {
            hand.connected(stack).add(Bucket::new(&hand.name).tag("team", "core").adopt());
        };
        world.apply(adopting);
        assert!(world.plan(adopting).is_empty());
    });
}

/// Between the call that makes a bucket and the one that marks it, a run can be killed as well.
#[test]
fn a_bucket_that_was_made_and_not_marked_is_found_again() {
    each(|hand| {
        let program = |stack: &mut Stack| {
            hand.connected(stack).add(Bucket::new(&hand.name).versioned().tag("team", "core"));
        };
        let mut found = 0;
        for boundary in 0..3 {
            let mut world = World::of_real_services();
            world.crash_at(boundary, Crash::After);
            assert!(world.run(program, Goal::Declared).unwrap().is_none(), "it was killed");
            if hand.buckets().is_empty() {
                hand.make(&hand.name);
                let plan = world.plan(program);
                // Before its beginning was journalled, it is somebody else's.
                if plan.problems.is_empty() {
                    world.apply(program);
                    assert!(world.plan(program).is_empty());
                    let tags =
                        hand.run(async |client| client.get_bucket_tagging().bucket(&hand.name).send().await.unwrap());
                    assert_eq!(tags.tag_set().len(), 3, "{tags:?}");
                    found += 1;
                }
            }
            hand.remove();
        }
        assert!(found > 0, "no boundary was after the beginning and before the call");
    });
}

/// Each of the calls that make a bucket may have had its effect or not when the connection is cut.
#[test]
fn a_bucket_is_made_once_whichever_answer_is_lost() {
    each(|hand| {
        let fake = Fake::before(&hand.endpoint, |_| Fate::Through);
        let program = |stack: &mut Stack| {
            stack.connect(S3::at(fake.endpoint.as_str()).credentials(hand.keys()));
            stack.add(Bucket::new(&hand.name).versioned().tag("team", "core").empty_on_delete());
        };
        for fate in [Fate::Cut, Fate::LoseAnswer] {
            for nth in 0..3 {
                let (fate, mut puts) = (fate.clone(), 0);
                fake.set(move |request| {
                    puts += usize::from(request.is("PUT"));
                    if request.is("PUT") && puts == nth + 1 { fate.clone() } else { Fate::Through }
                });
                let mut world = World::of_real_services();
                world.apply(program);
                assert!(world.plan(program).is_empty(), "put {nth}");
                world.run(program, Goal::Destroyed { include_kept: true }).unwrap().unwrap();
                assert_eq!(hand.buckets(), Vec::<String>::new(), "put {nth}");
            }
        }
        let made = |request: &Request| {
            request.is("PUT") && !request.path().contains("tagging") && !request.path().contains("versioning")
        };
        assert_eq!(fake.count(made), 2 * 3 + 1, "only one that was cut before it arrived was sent again");
    });
}

#[test]
fn an_account_is_told_by_its_owner_and_its_server() {
    each(|hand| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let identity = runtime.block_on(async {
            let config = hand.s3().spec(&Known::default()).unwrap();
            S3::connect(&config, hand.keys()).await.unwrap().identity().await.unwrap()
        });
        let host = hand.endpoint.trim_start_matches("http://");
        assert_eq!(identity.as_str(), format!("{} at {host}", hand.key.0));
    });
}
