//! A mistake has the line of the program that made it.

use sprocket_core::program::{Input, Mistake};

use crate::docker::*;
use crate::mistakes_of;

#[track_caller]
fn check(slot: &impl sprocket_core::__derive::Slot, message: &str, line: u32) {
    assert_eq!(mistakes_of(slot), [(message.to_owned(), line)]);
}

#[test]
fn the_line_is_that_of_the_constructor_or_setter() {
    let (draft, line) = (Service::new("core", "a b"), line!());
    check(&draft, "`a b` is not an image", line);

    let (draft, line) = (Service::new("core", "core").image("c d"), line!());
    check(&draft, "`c d` is not an image", line);
}

/// A kind of value that can't be given at all.
struct Nothing;

impl<T> sprocket_core::program::IntoInput<T> for Nothing
where
    T: Wanted,
{
    fn into_input(self) -> Input<T> {
        Input::Mistake(Mistake::here("nothing comes of nothing"))
    }
}

trait Wanted {}
impl Wanted for Port {}
impl Wanted for Health {}
impl Wanted for NetworkId {}
impl Wanted for u64 {}

const NOTHING: &str = "nothing comes of nothing";

#[test]
fn so_it_is_in_every_sort_of_setter() {
    let service = || Service::new("core", "core");
    let (draft, line) = (service().publish(Nothing), line!());
    check(&draft, NOTHING, line);
    let (draft, line) = (service().ports([Nothing]), line!());
    check(&draft, NOTHING, line);
    let (draft, line) = (service().health(Nothing), line!());
    check(&draft, NOTHING, line);
    let (draft, line) = (service().maybe_health(Some(Nothing)), line!());
    check(&draft, NOTHING, line);
    let (draft, line) = (service().replicas(Nothing), line!());
    check(&draft, NOTHING, line);
    let (draft, line) = (service().network(Attachment::to(Nothing)), line!());
    check(&draft, NOTHING, line);
    let (draft, line) = (service().resources(Resources::default().memory(Nothing)), line!());
    check(&draft, NOTHING, line);
}
