//! What is decided before any server is asked.

use sprocket_core::__derive::Known;
use sprocket_core::kind::{Diagnostics, Fields as _, Kind as _};
use sprocket_core::program::Stack;
use sprocket_s3::{Bucket, BucketDraft, Lifecycle, S3};

fn check(draft: BucketDraft) -> String {
    let Diagnostics { errors, warnings } = Bucket::validate(&draft.spec(&Known::default()).unwrap());
    let lines = errors.iter().map(|error| format!("error: {error}"));
    lines.chain(warnings.iter().map(|warning| format!("warning: {warning}"))).collect::<Vec<_>>().join("\n")
}

#[test]
fn settings_that_can_not_work_are_refused() {
    let bucket = || Bucket::new("replays");
    insta::assert_snapshot!(check(bucket().tag("sprocket.lineage", "mine")), @"error: the tag `sprocket.lineage` is not free: `sprocket.…` says whose a bucket is");
    insta::assert_snapshot!(check(bucket().tag("aws:cost", "1")), @"error: the tag `aws:cost` is not free: `aws:…` is for AWS");
    insta::assert_snapshot!(check(bucket().tags((0..49).map(|n| (n.to_string(), "x")))), @"error: a bucket has at most 48 tags beside its mark, and this one has 49");
    insta::assert_snapshot!(check(bucket().lifecycle(Lifecycle::all())), @"error: the lifecycle for all objects does nothing: it has no number of days");
    insta::assert_snapshot!(check(bucket().lifecycle(Lifecycle::under("tmp/").expire_days(0_u32))), @"error: the lifecycle for `tmp/` has 0 days: 1 is the least");
    insta::assert_snapshot!(check(bucket().lifecycle(Lifecycle::under("tmp/").expire_days(1_u32)).lifecycle(Lifecycle::under("tmp/").abort_uploads_days(1_u32))), @"error: the lifecycle for `tmp/` is given twice: one rule can do several things");
    insta::assert_snapshot!(check(bucket().versioned().lifecycle(Lifecycle::all().expire_days(1_u32).keep_noncurrent(5_u32))), @"error: the lifecycle for all objects keeps a number of older versions, and deletes none: set `expire_noncurrent_days` too");
    insta::assert_snapshot!(check(bucket().lifecycle(Lifecycle::all().expire_noncurrent_days(5_u32))), @"warning: the lifecycle for all objects deletes older versions, and the bucket keeps none: it is not `versioned`");
}

#[test]
fn mistakes_have_the_line_of_the_program() {
    let mut stack = Stack::new();
    stack.connect(S3::at("s3://replays"));
    let mistakes = stack.check().unwrap_err().to_string();
    let (message, place) = mistakes.rsplit_once("  (").unwrap();
    assert!(place.contains("tests/plan.rs:"), "{mistakes}");
    insta::assert_snapshot!(message.trim(), @"`s3`: `s3://replays` is not an endpoint: expected `https://HOST` or `http://HOST:PORT`");
}

#[test]
fn another_region_would_need_another_bucket() {
    let mut world = sprocket_core::testing::world();
    let bucket = |stack: &mut Stack, region: &str| {
        stack.connect(S3::aws("eu-central-1"));
        stack.add(Bucket::new("replays").region(region));
    };
    world.apply(|stack| bucket(stack, "eu-central-1"));
    let plan = world.plan(|stack| bucket(stack, "eu-west-1"));
    insta::assert_snapshot!(plan.problems[0].to_string(), @"
    `s3:bucket/replays`: holds data that would be lost: a change of `region` would replace it  (sprocket-s3/tests/plan.rs:42)
      hint: undo the change, or declare a new one under another name and move the data
    ");
}

#[test]
fn unknown_settings_cause_no_problems() {
    let bucket = Bucket::new("replays").region("eu-central-1").versioned().tag("a", "b").empty_on_delete();
    let rule = Lifecycle::under("tmp/").expire_days(1_u32).expire_noncurrent_days(2_u32).keep_noncurrent(3_u32);
    let bucket = bucket.lifecycle(rule).lifecycle(Lifecycle::all().abort_uploads_days(4_u32));
    assert_eq!(sprocket_core::testing::false_findings(bucket), Vec::<String>::new());
    assert_eq!(sprocket_core::testing::false_findings(Bucket::new("plain")), Vec::<String>::new());
}
