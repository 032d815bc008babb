//! Cases that once broke a law, as they printed themselves. Each was a fault of the engine.

use super::case::KindName::*;
use super::case::Opt::*;
use super::case::Other::*;
use super::case::Use::*;
use super::case::{Act, Case, Slot};
use super::features::Feature;
use super::holds;
use super::ledger::Death::*;
use super::shed::Call::*;
use super::shed::Fault;
use super::shed::How::*;

/// A thing of this kind.
fn thing(slot: u8, kind: super::case::KindName) -> Slot {
    Slot { slot, kind, text: 0, base: 0, uses: vec![], options: vec![] }
}

/// A program that nothing happens to.
fn act(program: Vec<Slot>) -> Act {
    Act { others: vec![], program, faults: vec![], death: None, given_up: false }
}

/// One call after the other.
fn life(acts: Vec<Act>) {
    holds(&Case { parallel: 1, continue_on_error: false, world: vec![], turns: vec![], acts });
}

/// Programs that follow one another, in peace.
fn in_peace(programs: Vec<Vec<Slot>>) {
    life(programs.into_iter().map(act).collect());
}

/// The same in a world with these features.
fn featured(world: Vec<Feature>, acts: Vec<Act>) {
    holds(&Case { parallel: 1, continue_on_error: false, world, turns: vec![], acts });
}

/// It never ended.
#[test]
fn a_call_that_was_to_begin_when_the_lock_was_lost_is_not_waited_for() {
    holds(&Case {
        parallel: 2,
        continue_on_error: false,
        world: vec![],
        turns: vec![1, 3, 1, 0, 0, 0, 0, 0, 0],
        acts: vec![
            act(vec![]),
            Act { death: Some(Unlocked(4)), ..act(vec![thing(1, Pipe)]) },
            Act {
                death: Some(Unlocked(2)),
                ..act(vec![thing(0, Lamp), thing(3, Post), Slot { uses: vec![Name(3)], ..thing(4, Post) }])
            },
        ],
    });
    holds(&Case {
        parallel: 64,
        continue_on_error: false,
        world: vec![],
        turns: vec![1, 0, 0, 0, 0],
        acts: vec![
            act(vec![thing(0, Vat), thing(2, Lamp)]),
            Act { death: Some(Unlocked(3)), ..act(vec![thing(0, Lamp), thing(2, Post)]) },
        ],
    });
}

/// The oracle missed a delete: it was dropped without a call, and leaked.
#[test]
fn what_is_to_die_with_a_host_that_stays_is_deleted() {
    let guest = || Slot { uses: vec![Inside(0)], ..thing(1, Post) };
    in_peace(vec![vec![Slot { options: vec![Keep], ..thing(0, Post) }, guest()], vec![]]);
    in_peace(vec![vec![thing(0, Vat), guest()], vec![]]);
}

/// The oracle wanted the delete of 3 before that of 2, which it was made from.
#[test]
fn what_goes_for_good_goes_before_what_it_was_made_from_also_if_its_user_is_left() {
    let of_2 = || Slot { uses: vec![Name(2)], ..thing(3, Post) };
    let left = || Slot { uses: vec![Name(3)], ..thing(4, Vat) };
    in_peace(vec![vec![thing(2, Post), of_2(), left()], vec![Slot { base: 1, ..thing(2, Post) }]]);
    in_peace(vec![vec![thing(2, Post), of_2(), left()], vec![Slot { text: 1, ..thing(2, Post) }]]);
}

/// The oracle wanted 2 to go before 1 makes room: it waited for 4, which is only no longer recorded.
#[test]
fn what_goes_for_good_does_not_wait_until_its_user_is_forgotten() {
    let of_1 = Slot { uses: vec![Name(1)], ..thing(2, Post) };
    let left = Slot { uses: vec![Name(2)], ..thing(4, Vat) };
    let of_4 = || Slot { uses: vec![Name(4)], ..thing(5, Lamp) };
    in_peace(vec![
        vec![thing(0, Post), Slot { uses: vec![On(0)], ..thing(1, Post) }, of_1, left, of_4()],
        vec![Slot { uses: vec![On(0)], ..thing(1, Post) }, Slot { uses: vec![Name(1)], ..thing(4, Lamp) }, of_4()],
    ]);
}

/// The same for a 4 that is as it was, and of which only the record changes.
#[test]
fn what_goes_for_good_does_not_wait_until_its_user_is_only_recorded() {
    let on_0 = || Slot { uses: vec![On(0)], ..thing(1, Tag) };
    let of_1 = |kind| Slot { uses: vec![Name(1)], ..thing(3, kind) };
    let of_3 = || Slot { uses: vec![Name(3)], ..thing(4, Post) };
    in_peace(vec![vec![thing(0, Post), on_0(), of_1(Post), of_3()], vec![on_0(), of_1(Pipe), of_3()]]);
}

/// The oracle wanted 4 to go before 3 is changed: it is in 5, which goes with 0, which waits for 3.
#[test]
fn what_is_in_use_by_what_goes_with_its_host_goes_after_the_host() {
    let of_0 = Slot { uses: vec![Name(0)], ..thing(3, Post) };
    let of_3 = Slot { uses: vec![Name(3)], ..thing(4, Lamp) };
    let inside_0 = Slot { uses: vec![Inside(0), Name(4)], ..thing(5, Post) };
    in_peace(vec![vec![thing(0, Post), of_0.clone(), of_3, inside_0], vec![of_0]]);
}

/// The oracle wanted the old 5, which stood on it, to be gone before 0.
#[test]
fn who_moves_away_from_what_makes_room_is_gone_before_it() {
    let on_0 = Slot { uses: vec![On(0)], ..thing(5, Pipe) };
    in_peace(vec![vec![thing(0, Post), on_0], vec![Slot { base: 1, ..thing(0, Post) }, thing(5, Pipe)]]);
    let of_1 = Slot { base: 1, uses: vec![Name(1)], ..thing(4, Lamp) };
    in_peace(vec![vec![Slot { base: 1, ..thing(1, Post) }, of_1], vec![thing(1, Post), thing(4, Lamp)]]);
}

/// The plan deleted it.
#[test]
fn what_was_made_never_seen_and_is_marked_by_another_stack_now_is_left_alone() {
    let unread = || Fault { call: Read, slot: 3, how: Refused };
    life(vec![
        Act { faults: vec![unread(), unread()], ..act(vec![thing(3, Lamp)]) },
        Act { others: vec![Steal(3)], ..act(vec![]) },
    ]);
}

/// It was deleted after what it stood on.
#[test]
fn who_must_be_replaced_with_what_makes_room_goes_before_it_whatever_its_names() {
    let on_3 = || Slot { uses: vec![On(3)], ..thing(5, Lamp) };
    in_peace(vec![vec![thing(3, Post), on_3()], vec![Slot { base: 1, ..thing(3, Post) }, on_3()]]);
}

/// It was deleted after what it stood on, since its own user was made again.
#[test]
fn what_goes_for_good_goes_before_what_it_stood_on_makes_room() {
    let on_1 = Slot { uses: vec![On(1)], ..thing(3, Lamp) };
    let of_3 = Slot { uses: vec![Name(3)], ..thing(4, Post) };
    let of_nothing = Slot { base: 1, ..thing(4, Post) };
    in_peace(vec![vec![thing(1, Post), on_1, of_3], vec![Slot { base: 1, ..thing(1, Post) }, of_nothing]]);
}

/// A setting that is left to others counts until an object was made whole.
#[test]
fn what_a_create_left_unfinished_gets_what_is_later_left_to_others() {
    let slot = |options| Slot { slot: 2, kind: Pipe, text: 1, base: 0, uses: vec![], options };
    let half = || Act { faults: vec![Fault { call: Create, slot: 2, how: Half }], ..act(vec![slot(vec![IgnoreText])]) };
    life(vec![half(), act(vec![slot(vec![])])]);
    // Also if the run was killed before that was recorded.
    life(vec![Act { death: Some(Before(3)), ..half() }, act(vec![slot(vec![])])]);
}

/// What is not declared to be inside of another any more was dropped with it.
#[test]
fn what_an_interrupted_run_made_has_the_options_that_it_was_made_with() {
    let host = || thing(0, Post);
    let guest = |uses| Slot { uses, ..thing(5, Pipe) };
    for write in 1..5 {
        for (before, after) in [(Inside(0), Name(0)), (Name(0), Inside(0))] {
            life(vec![
                act(vec![host(), guest(vec![before])]),
                Act { death: Some(Before(write)), given_up: true, ..act(vec![host(), guest(vec![after])]) },
            ]);
        }
    }
}

/// It was dropped before its host was deleted, and nobody's when that stayed.
#[test]
fn what_goes_with_its_host_is_known_until_that_has_gone() {
    let program = || vec![thing(1, Post), Slot { uses: vec![Inside(1)], ..thing(3, Post) }];
    for write in 1..6 {
        life(vec![
            act(program()),
            Act { death: Some(After(write)), given_up: true, ..act(vec![]) },
            act(vec![thing(1, Post)]),
        ]);
    }
}

/// It stayed without a mark.
#[test]
fn what_could_not_be_read_after_it_was_made_gets_a_mark_that_it_lost() {
    let unread = Fault { call: Read, slot: 0, how: Refused };
    life(vec![
        Act { faults: vec![unread], ..act(vec![thing(0, Pipe)]) },
        Act { others: vec![Unmark(0)], ..act(vec![thing(0, Pipe)]) },
    ]);
}

/// The oracle expected nothing, since it is there. Whether all of it arrived can't be seen: it is sent again.
#[test]
fn a_change_that_was_not_answered_and_then_refused_is_sent_again() {
    let fault = |how| Fault { call: Update, slot: 2, how };
    life(vec![
        act(vec![thing(2, Post)]),
        Act { faults: vec![fault(Unheard), fault(Refused)], ..act(vec![Slot { text: 1, ..thing(2, Post) }]) },
    ]);
}

/// Its record still named what it came after before.
#[test]
fn what_is_only_waited_for_is_recorded_as_it_is_declared_now() {
    let lamp = || Slot { uses: vec![Behind(0)], ..thing(1, Lamp) };
    for write in 1..8 {
        life(vec![
            Act { death: Some(Before(write)), given_up: true, ..act(vec![thing(0, Lamp), lamp()]) },
            Act { death: Some(Before(1)), ..act(vec![thing(0, Post), lamp()]) },
        ]);
    }
}

/// It could not be made, again and again.
#[test]
fn a_content_that_was_left_in_place_and_comes_back_is_a_problem() {
    let sign = |base| Slot { base, ..thing(2, Sign) };
    in_peace(vec![vec![Slot { options: vec![Keep], ..sign(1) }], vec![], vec![sign(0)], vec![sign(1)]]);
}

/// The delete of its oldest object hid that a create was still to be settled.
#[test]
fn nothing_else_is_done_to_what_a_call_left_unclear() {
    holds(&Case {
        parallel: 1,
        continue_on_error: true,
        world: vec![],
        turns: vec![],
        acts: vec![
            act(vec![thing(3, Pipe)]),
            Act { death: Some(After(2)), given_up: true, ..act(vec![Slot { base: 1, ..thing(3, Pipe) }]) },
            Act { faults: vec![Fault { call: Create, slot: 3, how: PanicsAfter }], ..act(vec![thing(3, Pipe)]) },
        ],
    });
}

/// It bore the mark of a record that had gone.
#[test]
fn what_a_killed_run_was_making_moves_with_its_resource() {
    let renamed = || Slot { options: vec![Renamed], ..thing(5, Post) };
    for write in 1..8 {
        life(vec![
            act(vec![]),
            Act { death: Some(Before(2)), given_up: true, ..act(vec![renamed()]) },
            Act { death: Some(Before(write)), ..act(vec![thing(0, Post), thing(1, Post), thing(5, Post)]) },
        ]);
    }
}

/// It was taken for made so.
#[test]
fn what_others_change_of_what_was_made_by_half_or_by_a_killed_run_is_put_right() {
    let lamp = || vec![thing(0, Lamp)];
    let half = Fault { call: Create, slot: 0, how: Half };
    let changed = || Act { others: vec![Text(0)], ..act(lamp()) };
    life(vec![Act { faults: vec![half], given_up: true, ..act(lamp()) }, changed()]);
    for write in 1..6 {
        life(vec![Act { death: Some(Before(write)), given_up: true, ..act(lamp()) }, changed()]);
    }
}

/// It was replaced.
#[test]
fn what_somebody_else_has_made_as_the_program_says_now_is_not_replaced() {
    life(vec![
        act(vec![thing(0, Pipe)]),
        Act { others: vec![Agree(0)], ..act(vec![Slot { base: 1, ..thing(0, Pipe) }]) },
    ]);
}

/// Its successor could not have the port, again and again.
#[test]
fn a_claim_of_what_was_left_in_place_is_a_problem() {
    let tap = |base| vec![Slot { base, options: vec![Keep], ..thing(3, Tap) }];
    holds(&Case {
        parallel: 1,
        continue_on_error: false,
        world: vec![Feature::Claims],
        turns: vec![],
        acts: vec![act(tap(0)), act(tap(1)), act(tap(0))],
    });
}

/// It was not looked for, since another setting than those that make its name was not known.
#[test]
fn a_content_that_somebody_has_is_looked_for_whatever_else_is_unknown() {
    let sign = |base| Slot { base, uses: vec![Name(2)], options: vec![Keep], ..thing(5, Sign) };
    let unmarked = Act { others: vec![Unmark(5)], ..act(vec![sign(1)]) };
    life(vec![act(vec![sign(0)]), unmarked, act(vec![thing(2, Post), sign(0)])]);
}

/// It was not recorded: an attempt without an answer went before.
#[test]
fn what_a_later_attempt_of_a_create_left_unfinished_is_recorded() {
    let faults = vec![Fault { call: Create, slot: 5, how: Unsent }, Fault { call: Create, slot: 5, how: Half }];
    life(vec![Act { faults, death: Some(After(3)), given_up: true, ..act(vec![thing(5, Tag)]) }, act(vec![])]);
}

/// Its recovery forgot where the update's secrets were, and the next plan showed them.
#[test]
fn the_secrets_of_an_interrupted_update_stay_secret() {
    let with_secret = vec![thing(0, Pipe), thing(1, Vat), Slot { options: vec![Secret], ..thing(4, Sign) }];
    featured(
        vec![Feature::Secrets],
        vec![
            act(vec![thing(4, Sign)]),
            Act { death: Some(Before(4)), given_up: true, ..act(with_secret) },
            act(vec![thing(4, Sign)]),
        ],
    );
}

/// A list still showed its owner tag when it was planned.
#[test]
fn what_has_lost_its_owner_tag_is_not_taken_over() {
    let sign = |base: u64| vec![Slot { base, options: vec![Keep], ..thing(1, Sign) }];
    featured(
        vec![Feature::ListsLag],
        vec![act(sign(0)), act(sign(1)), Act { others: vec![Unmark(1)], ..act(sign(0)) }],
    );
}

/// It was taken for one that had been imported from the other stack.
#[test]
fn what_another_stack_marks_after_the_loss_of_the_tag_was_accepted_is_theirs() {
    featured(
        vec![Feature::Imports],
        vec![
            Act { death: Some(FailsAfter(3)), ..act(vec![thing(0, Post)]) },
            Act { others: vec![Unmark(0), Accept, Steal(0)], ..act(vec![thing(0, Post)]) },
        ],
    );
}

/// The new object had the id of the one before, and the same version.
#[test]
fn what_was_answered_about_a_replaced_object_is_asked_again() {
    let before = vec![
        thing(0, Pipe),
        thing(1, Post),
        Slot { uses: vec![Name(0)], ..thing(3, Lamp) },
        Slot { uses: vec![On(0)], ..thing(4, Post) },
        thing(5, Lamp),
    ];
    let after = vec![
        Slot { base: 1, ..thing(0, Pipe) },
        thing(1, Post),
        Slot { base: 1, uses: vec![Name(0)], ..thing(3, Lamp) },
        Slot { text: 1, uses: vec![On(0)], ..thing(4, Post) },
        Slot { uses: vec![Looked(4)], ..thing(5, Post) },
    ];
    holds(&Case {
        parallel: 64,
        continue_on_error: false,
        world: vec![Feature::IdsComeBack, Feature::LookUps],
        turns: vec![],
        acts: vec![act(vec![thing(0, Pipe), thing(5, Lamp)]), act(before), act(after)],
    });
}

/// The id of what had gone was given to the new object of another resource, and that was deleted.
#[test]
fn a_delete_that_is_sent_again_spares_what_has_the_id_by_now() {
    let pipe = |slot: u8| thing(slot, Pipe);
    let moved = |slot: u8| Slot { base: 1, ..thing(slot, Pipe) };
    let mut turns = vec![0; 33];
    turns[0] = 1;
    holds(&Case {
        parallel: 2,
        continue_on_error: false,
        world: vec![Feature::IdsComeBack],
        turns,
        acts: vec![
            act(vec![pipe(0), pipe(2), thing(3, Lamp)]),
            act(vec![moved(2), thing(5, Post)]),
            act(vec![pipe(0), moved(2), pipe(4), thing(5, Post)]),
            Act {
                others: vec![Base(0)],
                faults: vec![Fault { call: Delete, slot: 4, how: HangsAfter }],
                death: Some(After(8)),
                ..act(vec![pipe(0), thing(1, Post), moved(2)])
            },
        ],
    });
}

/// The old object of each waited for all objects of the other, and nothing could be deleted any more.
#[test]
fn old_objects_of_what_has_changed_places_do_not_wait_for_each_other() {
    let user = |options| Slot { base: 1, uses: vec![Name(1)], options, ..thing(5, Pipe) };
    let used = |options| Slot { options, ..thing(1, Pipe) };
    featured(
        vec![Feature::ListsLag, Feature::Moves],
        vec![
            act(vec![used(vec![]), user(vec![])]),
            act(vec![used(vec![Called(5), Was(1)]), user(vec![Called(1), Was(5)])]),
            Act { others: vec![Text(5)], ..act(vec![thing(0, Vat), used(vec![Was(5)]), user(vec![Was(1)])]) },
        ],
    );
}

/// The other resource's object got the same id, and the record went on naming the one before.
#[test]
fn what_need_not_be_replaced_records_what_it_is_made_from() {
    let lamp = Slot { uses: vec![On(2)], ..thing(4, Lamp) };
    featured(
        vec![Feature::IdsComeBack],
        vec![
            act(vec![thing(2, Post), lamp.clone()]),
            Act { others: vec![Steal(2)], ..act(vec![lamp.clone()]) },
            act(vec![thing(2, Pipe), lamp]),
        ],
    );
}

/// It had been asked for while the lamp did not work yet.
#[test]
fn what_was_answered_about_an_unfinished_object_is_asked_again() {
    let lamp = Slot { options: vec![IgnoreText], ..thing(0, Lamp) };
    featured(
        vec![Feature::LookUps],
        vec![Act {
            faults: vec![Fault { call: Create, slot: 0, how: Half }],
            death: Some(Unlocked(1)),
            ..act(vec![lamp, Slot { uses: vec![Looked(0)], ..thing(1, Post) }])
        }],
    );
}

/// The old lamp stayed for the post that was left out, and what it stood on was deleted.
#[test]
fn what_an_old_object_was_made_from_stays_with_it() {
    let lamp = || Slot { uses: vec![On(1)], ..thing(2, Lamp) };
    let post = || Slot { uses: vec![Name(2)], options: vec![LeftOut], ..thing(4, Post) };
    featured(vec![Feature::Selections], vec![act(vec![thing(1, Lamp), lamp(), post()]), act(vec![lamp(), post()])]);
}

/// A list still showed what had gone, and its id was given to the new object of another resource, which was changed.
#[test]
fn what_has_the_id_of_what_had_gone_is_not_changed_in_its_place() {
    let other = |text: u8| Slot { base: 1, text, ..thing(3, Lamp) };
    featured(
        vec![Feature::IdsComeBack, Feature::ListsLag],
        vec![
            act(vec![thing(2, Lamp)]),
            act(vec![thing(2, Lamp), other(0)]),
            Act { others: vec![Remove(3)], ..act(vec![Slot { base: 1, ..thing(2, Lamp) }, other(1)]) },
        ],
    );
}

/// It was taken for the object that had gone, whose id it had got.
#[test]
fn what_bears_no_tag_is_told_by_its_name_where_ids_come_back() {
    featured(
        vec![Feature::IdsComeBack],
        vec![
            act(vec![thing(0, Tag)]),
            Act {
                others: vec![Remove(0)],
                faults: vec![Fault { call: Create, slot: 2, how: HangsAfter }],
                ..act(vec![thing(2, Tag)])
            },
        ],
    );
}

/// It was made again, and the one in the host was forgotten.
#[test]
fn a_guest_stays_in_an_earlier_host_that_is_used_again() {
    let host = |base: u64| Slot { base, ..thing(1, Lamp) };
    let guest = || Slot { uses: vec![Inside(1)], ..thing(2, Lamp) };
    life(vec![
        act(vec![host(0), guest()]),
        Act { death: Some(Before(2)), given_up: true, ..act(vec![host(1), guest()]) },
        act(vec![host(0), guest()]),
    ]);
}

/// A stale list hid an outside change, so the engine only waited for the object and recorded the change as its own.
#[test]
fn what_an_interrupted_run_made_is_compared_after_the_wait_for_it() {
    let lamp = |base: u64| Slot { base, options: vec![Protect], ..thing(4, Lamp) };
    holds(&Case {
        parallel: 64,
        continue_on_error: false,
        world: vec![Feature::ListsLag],
        turns: vec![1, 1, 1, 4, 3, 3],
        acts: vec![
            Act {
                death: Some(After(3)),
                given_up: true,
                ..act(vec![thing(1, Pipe), Slot { uses: vec![Name(1)], ..thing(2, Pipe) }, lamp(0)])
            },
            act(vec![lamp(1)]),
            Act { others: vec![Text(4)], death: Some(After(3)), ..act(vec![lamp(0)]) },
        ],
    });
}

/// A list still showed the mark that it had lost: it was taken for the record's, and deleted.
#[test]
fn what_has_lost_its_mark_is_not_found_by_it() {
    let pipe = |base: u64| Slot { base, ..thing(2, Pipe) };
    featured(
        vec![Feature::ListsLag],
        vec![
            act(vec![thing(0, Sign), pipe(0)]),
            Act { others: vec![Base(0)], death: Some(Before(2)), ..act(vec![thing(0, Sign), pipe(1)]) },
            Act { others: vec![Unmark(2)], ..act(vec![]) },
        ],
    );
}

/// What a guest was made from waited for the host of the guest, and so could not be deleted before the host's object from
/// before, which it had been made from.
#[test]
fn what_a_guest_was_made_from_goes_before_what_itself_was_made_from() {
    let program = |base: u64| {
        vec![
            Slot { base, ..thing(1, Sign) },
            Slot { uses: vec![On(1)], options: vec![Protect, LeftOut], ..thing(2, Post) },
            Slot { uses: vec![Inside(1), Name(2)], ..thing(3, Post) },
        ]
    };
    featured(vec![Feature::Selections, Feature::HostsByName], vec![act(program(0)), act(program(1))]);
}

/// Its name was asked of the provider that the resource had been made with.
#[test]
fn earlier_content_is_found_at_another_provider_of_the_server() {
    let sign = |base: u64| Slot { base, options: vec![Keep, Far], ..thing(3, Sign) };
    featured(
        vec![Feature::DerivedProviders],
        vec![
            act(vec![sign(0)]),
            act(vec![sign(1)]),
            Act { others: vec![Put(0)], ..act(vec![sign(1)]) },
            act(vec![thing(0, Post), sign(0)]),
        ],
    );
}

/// It was recorded as if it were as the program says.
#[test]
fn what_is_accepted_of_an_interrupted_run_is_recorded_as_it_is() {
    holds(&Case {
        parallel: 2,
        continue_on_error: false,
        world: vec![Feature::Imports],
        turns: vec![1],
        acts: vec![
            Act { death: Some(Before(4)), given_up: true, ..act(vec![thing(0, Post), thing(2, Pipe), thing(4, Lamp)]) },
            Act { others: vec![Text(4), Accept], ..act(vec![thing(4, Lamp)]) },
        ],
    });
}

/// The plan created the object beside its own delete, because only its successor had been deleted.
#[test]
fn replaced_object_is_restored_if_its_successor_is_gone() {
    for (kind, last) in [(Sign, 1), (Pipe, 1), (Pipe, 0)] {
        let one = |base: u64| Slot { base, ..thing(1, kind) };
        for (death, parallel) in (1..6).flat_map(|at| [(Before(at), 1), (After(at), 1), (After(at), 2)]) {
            holds(&Case {
                parallel,
                continue_on_error: false,
                world: vec![],
                turns: vec![],
                acts: vec![
                    act(vec![one(1)]),
                    Act { death: Some(Before(2)), given_up: true, ..act(vec![one(0)]) },
                    Act { death: Some(death), given_up: true, ..act(vec![]) },
                    act(vec![one(last)]),
                ],
            });
        }
    }
}

/// The engine recorded a second read as the result of the create, so a change between the two reads was never drift.
#[test]
fn change_after_a_recovered_create_is_drift() {
    featured(
        vec![Feature::Meddling],
        vec![Act {
            faults: vec![
                Fault { call: Create, slot: 5, how: HangsAfter },
                Fault { call: Read, slot: 5, how: Overtaken },
                Fault { call: Read, slot: 5, how: Overtaken },
            ],
            ..act(vec![thing(5, Pipe)])
        }],
    );
}

/// An object that `accept` records belongs to the stack, even if it loses its owner tag before the next plan.
#[test]
fn accepted_object_without_its_tag_is_deleted() {
    featured(
        vec![Feature::Imports],
        vec![
            Act { death: Some(Before(3)), given_up: true, ..act(vec![thing(0, Post), thing(5, Lamp)]) },
            Act { others: vec![Accept, Unmark(5)], ..act(vec![]) },
        ],
    );
}

/// Guards the order of deletes: dependents that are deleted precede the replaced object that they were made from.
#[test]
fn dependents_of_a_replaced_object_are_deleted_first() {
    let user = || Slot { uses: vec![Name(2)], ..thing(5, Lamp) };
    life(vec![
        act(vec![thing(2, Lamp), user()]),
        Act {
            faults: vec![Fault { call: Delete, slot: 5, how: Refused }],
            death: Some(Unlocked(4)),
            ..act(vec![Slot { base: 1, ..thing(2, Lamp) }])
        },
    ]);
}

/// The simulation mistook an untagged object for recorded, because a record of another kind had the same id.
#[test]
fn reused_id_may_belong_to_another_kind() {
    featured(
        vec![Feature::IdsComeBack],
        vec![
            act(vec![thing(5, Post)]),
            Act {
                others: vec![Remove(5)],
                death: Some(Before(2)),
                given_up: true,
                ..act(vec![Slot { text: 2, ..thing(0, Tag) }, thing(5, Post)])
            },
            Act { others: vec![Agree(0)], ..act(vec![thing(0, Post)]) },
        ],
    );
}

/// The run reported success while the outcome of the pending create was still unknown.
#[test]
fn pending_create_of_a_deferred_provider_is_recovered_later() {
    let far = |slot: u8| Slot { options: vec![Far], ..thing(slot, Post) };
    for write in 1..8 {
        featured(
            vec![Feature::DerivedProviders],
            vec![
                act(vec![thing(0, Tag)]),
                Act { death: Some(Before(write)), given_up: true, ..act(vec![thing(0, Tag), far(3)]) },
                act(vec![thing(0, Post), far(4)]),
            ],
        );
    }
}

/// Every plan was refused while the object that the look-up asks for was missing.
#[test]
fn provider_opens_after_its_looked_up_object_is_recreated() {
    let near = || Slot { text: 2, ..thing(0, Post) };
    let far = || Slot { options: vec![Far], ..thing(3, Post) };
    featured(
        vec![Feature::DerivedProviders],
        vec![act(vec![near(), far()]), Act { others: vec![Remove(0)], ..act(vec![near(), far()]) }],
    );
}

/// A deleted object's name, which is its id, passes to another resource before the deletion is recorded.
#[test]
fn name_used_as_id_may_pass_to_another_resource() {
    let one = |options| Slot { options, ..thing(3, Post) };
    let other = |options| Slot { uses: vec![Name(3)], options, ..thing(5, Post) };
    let before = || vec![one(vec![Called(5)]), other(vec![Called(3)])];
    featured(
        vec![Feature::NamesAreIds, Feature::Moves],
        vec![
            act(before()),
            Act { others: vec![Base(5), Steal(3)], ..act(before()) },
            Act { death: Some(After(4)), ..act(vec![one(vec![Was(5)]), other(vec![Was(3)])]) },
        ],
    );
}

/// What a resource was made from was deleted though the resource, which is declared at a deferred provider now, was not
/// read yet.
#[test]
fn dependency_of_a_resource_declared_at_a_deferred_provider_stays() {
    featured(
        vec![Feature::DerivedProviders],
        vec![
            act(vec![thing(2, Post), Slot { uses: vec![On(2)], ..thing(4, Pipe) }]),
            act(vec![thing(0, Post), Slot { options: vec![Far], ..thing(4, Pipe) }]),
        ],
    );
}

/// An update waited for a retained object to be forgotten, which waited for the deletion of another, which waited for the
/// update.
#[test]
fn update_does_not_wait_for_a_retained_object() {
    let on_both = || Slot { uses: vec![Name(2), Name(1)], ..thing(4, Pipe) };
    let two = || Slot { uses: vec![Name(1)], ..thing(2, Lamp) };
    let retained = Slot { uses: vec![On(1)], options: vec![Keep], ..thing(4, Pipe) };
    life(vec![
        act(vec![on_both()]),
        act(vec![thing(1, Lamp), two(), on_both()]),
        Act {
            faults: vec![Fault { call: Ready, slot: 2, how: Refused }],
            ..act(vec![Slot { base: 1, ..thing(1, Lamp) }, two(), retained])
        },
    ]);
}

/// The oracle wanted 4 updated before 3 is deleted, though 3 is deleted with 2, before both are created anew.
#[test]
fn who_comes_to_stand_on_what_makes_room_may_be_deleted_first() {
    let program = |base: u64, uses| {
        vec![
            Slot { base, ..thing(2, Post) },
            Slot { uses, ..thing(3, Pipe) },
            Slot { uses: vec![Name(3)], ..thing(4, Post) },
        ]
    };
    let mut before = program(0, vec![On(0), Name(2)]);
    before.insert(0, thing(0, Post));
    life(vec![act(before), act(program(1, vec![On(2)]))]);
}

/// The replaced object of a resource stayed for the retained data that was made from it, and was deleted by the next run.
#[test]
fn dependency_of_retained_data_at_a_deferred_provider_is_retained() {
    let far = |slot, kind| Slot { options: vec![Far], ..thing(slot, kind) };
    featured(
        vec![Feature::DerivedProviders],
        vec![
            act(vec![thing(2, Lamp), far(4, Vat)]),
            Act {
                death: Some(FailsAfter(7)),
                ..act(vec![thing(0, Post), Slot { base: 1, ..thing(2, Lamp) }, far(5, Post)])
            },
        ],
    );
}

/// A stale list hid that the owner tag was removed, so the engine only waited for the object and recorded that it has none.
#[test]
fn owner_tag_that_is_removed_before_a_wait_is_put_back() {
    let cut = |write, program| Act { death: Some(After(write)), given_up: true, ..act(program) };
    for (first, second) in (1..6).flat_map(|first| (1..4).map(move |second| (first, second))) {
        featured(
            vec![Feature::ListsLag],
            vec![
                cut(first, vec![thing(0, Lamp)]),
                cut(second, vec![thing(0, Lamp), thing(3, Lamp)]),
                Act { others: vec![Unmark(0)], ..act(vec![thing(0, Lamp), thing(3, Lamp)]) },
            ],
        );
    }
}

/// A look-up was asked with the version that was recorded, though the service had another by now: who uses the answer was
/// planned for an update for ever.
#[test]
fn look_up_is_asked_with_what_the_service_reports_now() {
    let shown = |text: u8| Slot { text, options: vec![Shown], ..thing(0, Post) };
    let asks = || Slot { uses: vec![Looked(0)], ..thing(4, Post) };
    holds(&Case {
        parallel: 1,
        continue_on_error: false,
        world: vec![Feature::Outputs, Feature::LookUps],
        turns: vec![],
        acts: vec![
            act(vec![shown(0)]),
            act(vec![shown(1), asks()]),
            act(vec![shown(2), asks()]),
            act(vec![shown(2), asks()]),
        ],
    });
}

/// A provider's address is looked up: where that fails, or a list still shows the object that has gone, its own resources fail.
#[test]
fn provider_whose_look_up_fails_fails_its_own_resources() {
    let lamp = || Slot { text: 2, ..thing(0, Lamp) };
    let far = || Slot { options: vec![Far], ..thing(3, Post) };
    featured(
        vec![Feature::ListsLag, Feature::DerivedProviders],
        vec![act(vec![lamp(), thing(1, Post)]), Act { others: vec![Remove(0)], ..act(vec![lamp(), far()]) }],
    );
    let refused = vec![Fault { call: Look, slot: 0, how: Refused }];
    featured(
        vec![Feature::LookUps, Feature::DerivedProviders],
        vec![Act { faults: refused, ..act(vec![lamp(), far()]) }],
    );
}

/// An earlier object that was made before its resource had a host was deleted and created again, as the host was replaced.
#[test]
fn earlier_object_outside_the_replaced_host_is_used_again() {
    let sign = || Slot { uses: vec![Inside(1)], ..thing(4, Sign) };
    let refused = vec![Fault { call: Delete, slot: 4, how: Refused }];
    featured(
        vec![],
        vec![
            act(vec![sign()]),
            Act { faults: refused, given_up: true, ..act(vec![thing(1, Pipe), sign()]) },
            act(vec![Slot { base: 1, ..thing(1, Pipe) }, thing(4, Sign)]),
        ],
    );
}

/// What depends on a create that was cut off, at a provider whose address is not known any more, was planned before that
/// create was settled: each run failed.
#[test]
fn dependent_of_a_pending_create_at_a_deferred_provider_waits() {
    let pipe = || Slot { uses: vec![On(3)], ..thing(5, Pipe) };
    let far = || Slot { options: vec![Far], ..thing(3, Post) };
    for write in 1..8 {
        featured(
            vec![Feature::DerivedProviders],
            vec![
                act(vec![thing(1, Post), pipe()]),
                Act { death: Some(UnlockedAfter(write)), given_up: true, ..act(vec![thing(1, Post), far(), pipe()]) },
                act(vec![thing(0, Post), far(), pipe()]),
            ],
        );
    }
}

/// What is deleted before its successor is created was deleted before something deferred that had been made from it.
#[test]
fn replacement_in_place_waits_for_what_is_deferred_and_was_made_from_it() {
    let made_from = || Slot { uses: vec![Id(2)], options: vec![Far], ..thing(3, Post) };
    let vat = || Slot { uses: vec![On(1)], ..thing(4, Vat) };
    featured(
        vec![Feature::DerivedProviders],
        vec![
            act(vec![thing(1, Post), thing(2, Post), made_from(), vat()]),
            act(vec![Slot { base: 1, ..thing(2, Post) }, vat()]),
            act(vec![
                thing(0, Post),
                Slot { base: 1, ..thing(2, Post) },
                Slot { options: vec![Far], ..thing(4, Post) },
            ]),
        ],
    );
}

/// A content that `.adopt()` asks for was a problem for the oracle if it had been left in place by an earlier resource.
#[test]
fn content_that_was_left_in_place_is_taken_over_instead_of_a_new_one() {
    let sign = |base, options| vec![Slot { base, options, ..thing(4, Sign) }];
    featured(vec![], vec![act(sign(1, vec![Keep])), act(vec![]), act(sign(0, vec![Adopt])), act(sign(1, vec![Adopt]))]);
}

/// A create without an answer, of a kind without owner tags, made an object with the id of the earlier one: whose it is stays
/// undecided.
#[test]
fn object_with_the_id_of_the_one_before_it_may_be_undecided() {
    featured(
        vec![Feature::NamesAreIds],
        vec![
            act(vec![thing(3, Tag)]),
            Act {
                others: vec![Remove(3)],
                faults: vec![Fault { call: Create, slot: 3, how: Unheard }],
                given_up: true,
                ..act(vec![thing(3, Tag)])
            },
            Act { others: vec![Text(3)], ..act(vec![]) },
        ],
    );
}

/// An object without an owner was deleted with its host, and a new object of this stack gets its id.
#[test]
fn id_of_what_nobody_owned_comes_back() {
    let sign = |base| Slot { base, ..thing(2, Sign) };
    featured(
        vec![Feature::IdsComeBack],
        vec![
            act(vec![thing(0, Post), sign(0), Slot { uses: vec![Inside(2)], ..thing(3, Vat) }]),
            act(vec![thing(0, Post), sign(0)]),
            Act { others: vec![Unmark(3)], ..act(vec![sign(1), thing(3, Post), thing(4, Post)]) },
        ],
    );
    let lamp = || thing(0, Lamp);
    let kept = Slot { uses: vec![Inside(0)], options: vec![Keep], ..thing(4, Post) };
    featured(
        vec![Feature::IdsComeBack],
        vec![
            act(vec![lamp(), thing(1, Post), thing(2, Post), kept]),
            act(vec![lamp(), thing(1, Post)]),
            Act {
                others: vec![Unmark(4)],
                ..act(vec![thing(0, Post), Slot { base: 1, ..thing(1, Post) }, thing(2, Post), thing(3, Tag)])
            },
        ],
    );
}

/// An object that a killed run created has the id of a recorded one that has gone, and loses its owner tag: it has no owner.
#[test]
fn unmarked_object_with_a_recorded_id_is_nobodys() {
    let pipe = || Slot { uses: vec![Name(1)], ..thing(4, Pipe) };
    for write in 1..6 {
        let cut = |death, program| Act { death: Some(death), given_up: true, ..act(program) };
        let second = vec![thing(0, Pipe), thing(1, Pipe), thing(2, Tag), pipe()];
        holds(&Case {
            parallel: 64,
            continue_on_error: false,
            world: vec![Feature::IdsComeBack],
            turns: vec![1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 4],
            acts: vec![
                cut(Fails(3), vec![thing(2, Tag), thing(3, Sign), pipe()]),
                Act { others: vec![Remove(2)], ..cut(After(write), second) },
                Act { others: vec![Unmark(1)], ..act(vec![]) },
            ],
        });
    }
}

/// A guest that is declared without its host now is at a deferred provider: what it was made from was deleted before it was read.
#[test]
fn guest_at_a_deferred_provider_keeps_what_it_was_made_from() {
    let guest = || Slot { uses: vec![On(0), Inside(2)], options: vec![Far], ..thing(4, Lamp) };
    for write in 1..12 {
        featured(
            vec![Feature::DerivedProviders],
            vec![
                act(vec![thing(0, Lamp), guest()]),
                Act {
                    others: vec![Unmark(0)],
                    death: Some(Before(write)),
                    given_up: true,
                    ..act(vec![thing(0, Lamp), thing(2, Post), guest()])
                },
                act(vec![thing(1, Post), guest()]),
            ],
        );
    }
}

/// The guest was refused: an earlier run had replaced the host, whose earlier object was left in place.
#[test]
fn retained_guest_stays_in_a_retained_host() {
    let host = |base| Slot { base, options: vec![Keep], ..thing(0, Pipe) };
    let guest = || Slot { uses: vec![Inside(0)], options: vec![Keep], ..thing(1, Lamp) };
    for write in 1..6 {
        life(vec![act(vec![host(0), guest()]), Act { death: Some(Fails(write)), ..act(vec![host(1), guest()]) }]);
    }
}

/// The new object waited for the new host, and what the old one was made from was deleted before it.
#[test]
fn guest_that_leaves_a_replaced_host_does_not_wait_for_it() {
    let tag = |base| Slot { base, ..thing(1, Tag) };
    let host = |base| Slot { base, uses: vec![Name(1)], ..thing(3, Pipe) };
    let guest = |uses| Slot { uses, ..thing(5, Sign) };
    let inside = || guest(vec![On(1), Inside(3)]);
    in_peace(vec![vec![host(0), inside()], vec![tag(0), host(0), inside()], vec![tag(1), host(1), guest(vec![])]]);
}

/// A run ended without a wait for it, since the replacement that was planned turned out not to be needed.
#[test]
fn unready_object_that_needs_no_successor_is_waited_for() {
    let program = || vec![thing(0, Post), Slot { uses: vec![On(0)], ..thing(1, Lamp) }];
    for write in 1..7 {
        let cut = Act { death: Some(Full(write)), given_up: true, ..act(program()) };
        featured(vec![Feature::NamesAreIds], vec![cut, Act { others: vec![Remove(0)], ..act(program()) }]);
    }
}

/// The new object of another resource was deleted: it had got the id of what had gone, at a provider that is the same server.
#[test]
fn reused_id_may_belong_to_a_resource_of_another_provider() {
    let far = || Slot { options: vec![Far], ..thing(3, Tag) };
    featured(
        vec![Feature::IdsComeBack, Feature::DerivedProviders],
        vec![
            act(vec![thing(2, Post), far()]),
            Act { others: vec![Remove(3)], ..act(vec![Slot { base: 1, ..thing(0, Tag) }, far()]) },
        ],
    );
}

/// It was not told as an orphan: nothing else of its kind was declared or recorded.
#[test]
fn late_effect_of_a_create_is_told_when_its_kind_is_gone() {
    let late = Fault { call: Create, slot: 5, how: Late };
    let first = act(vec![thing(1, Pipe), thing(5, Post)]);
    for parallel in [1, 2] {
        for write in 1..6 {
            let first = Act { faults: vec![late.clone()], death: Some(Before(write)), given_up: true, ..first.clone() };
            holds(&Case {
                parallel,
                continue_on_error: false,
                world: vec![Feature::LateEffects],
                turns: vec![1, 0, 0, 1, 0, 2, 2, 0, 0],
                acts: vec![first, act(vec![])],
            });
        }
    }
}

/// Cases that notice seeded bugs; the engine never had these faults.
mod planner_invariants {
    use super::*;

    #[test]
    fn generation_is_higher_than_all_earlier_ones() {
        let pipe = |base: u64| Slot { base, ..thing(2, Pipe) };
        let cut = |program: Vec<Slot>, write: u8| Act { death: Some(Before(write)), given_up: true, ..act(program) };
        for write in 1..5 {
            let on = Slot { uses: vec![On(0)], ..pipe(1) };
            life(vec![
                act(vec![thing(0, Post), pipe(0)]),
                cut(vec![thing(0, Post), pipe(1)], 2),
                cut(vec![thing(0, Post), pipe(0)], write),
                act(vec![thing(0, Post), on]),
            ]);
        }
    }

    #[test]
    fn no_call_starts_beside_one_in_doubt() {
        let pipe = |base: u64| Slot { base, ..thing(2, Pipe) };
        let user = || Slot { uses: vec![Id(2)], ..thing(5, Post) };
        let before = |base: u64| vec![thing(0, Post), pipe(base), user()];
        // The first object can be deleted only once the create of the third is in doubt.
        let faults =
            vec![Fault { call: Create, slot: 2, how: PanicsAfter }, Fault { call: Delete, slot: 5, how: Hangs }];
        holds(&Case {
            parallel: 2,
            continue_on_error: true,
            world: vec![],
            turns: vec![],
            acts: vec![
                act(before(0)),
                Act { death: Some(Before(2)), given_up: true, ..act(before(1)) },
                Act { faults, ..act(vec![thing(0, Post), Slot { uses: vec![On(0)], ..pipe(1) }]) },
            ],
        });
    }

    #[test]
    fn retained_object_is_replaced_after_its_dependency() {
        let from = |text: u8| Slot { text, ..thing(1, Post) };
        let kept = |base: u64| Slot { base, uses: vec![Version(1)], options: vec![Keep], ..thing(2, Pipe) };
        life(vec![act(vec![from(0), kept(0)]), act(vec![from(1), kept(1)])]);
    }

    #[test]
    fn moves_rewrite_hosts_and_dependencies() {
        let moved = |kind| Slot { options: vec![Renamed], ..thing(1, kind) };
        let guest = || Slot { uses: vec![Inside(1)], ..thing(2, Lamp) };
        life(vec![act(vec![thing(1, Lamp), guest()]), act(vec![moved(Lamp), guest()])]);
        let user = || Slot { uses: vec![Id(1)], ..thing(2, Post) };
        life(vec![act(vec![thing(1, Pipe), user()]), act(vec![moved(Pipe), user()])]);
    }

    #[test]
    fn guests_follow_a_host_that_is_restored() {
        let host = |kind, base: u64| Slot { base, ..thing(0, kind) };
        for (kind, guest) in [(Pipe, Pipe), (Pipe, Post), (Lamp, Pipe), (Pipe, Lamp)] {
            let guest = |text: u8| Slot { uses: vec![Inside(0)], text, ..thing(2, guest) };
            for write in 2..12 {
                let cut = Act { death: Some(Before(write)), given_up: true, ..act(vec![host(kind, 1), guest(1)]) };
                life(vec![act(vec![host(kind, 0), guest(0)]), cut.clone(), act(vec![host(kind, 0), guest(1)])]);
                life(vec![act(vec![host(kind, 0), guest(0)]), cut.clone(), act(vec![host(kind, 2), guest(1)])]);
                life(vec![act(vec![host(kind, 0), guest(0)]), cut, act(vec![host(kind, 0)])]);
            }
        }
    }

    #[test]
    fn restored_object_that_does_not_work_yet_is_waited_for() {
        let lamp = |base: u64| Slot { base, ..thing(0, Lamp) };
        let refused = |base: u64| Act {
            faults: vec![Fault { call: Ready, slot: 0, how: Refused }, Fault { call: Delete, slot: 0, how: Refused }],
            given_up: true,
            ..act(vec![lamp(base)])
        };
        for write in 1..7 {
            let cut = |base| Act { death: Some(Before(write)), given_up: true, ..act(vec![lamp(base)]) };
            life(vec![refused(0), cut(1), act(vec![lamp(0)])]);
            life(vec![cut(0), cut(1), act(vec![lamp(0)])]);
            life(vec![act(vec![lamp(0)]), cut(1), refused(2), act(vec![lamp(0)])]);
        }
    }

    #[test]
    fn hosts_with_replaced_objects_are_replaced_again() {
        let host = |kind, base: u64| Slot { base, ..thing(0, kind) };
        let guest = || Slot { uses: vec![Inside(0)], ..thing(2, Pipe) };
        for kind in [Pipe, Lamp, Post] {
            for write in 3..10 {
                life(vec![
                    act(vec![host(kind, 0), guest()]),
                    Act {
                        faults: vec![Fault { call: Delete, slot: 0, how: Refused }],
                        death: Some(Before(write)),
                        given_up: true,
                        ..act(vec![host(kind, 1), guest()])
                    },
                    act(vec![host(kind, 2), guest(), Slot { uses: vec![Id(2)], ..thing(4, Post) }]),
                ]);
            }
        }
    }
}
