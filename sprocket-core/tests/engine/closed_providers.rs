//! Providers that are closed until a resource of the same program opens them, and what is behind them.

use sprocket_core::engine::Goal;
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::World;

use super::story::assert_snapshot;

use super::closed_service::{Building, DoorDraft, HallDraft, ItemDraft, RoomDraft};

/// A door, and items in the room behind it.
fn program(building: &Building, items: &'static [(&'static str, &'static str)]) -> impl Fn(&mut Stack) {
    move |stack| {
        stack.connect(HallDraft::new().credentials(building.clone()));
        let door = stack.add(DoorDraft::new("front"));
        let room = stack.connect(RoomDraft::new().credentials(building.clone()).key(&door.key));
        for (name, text) in items {
            stack.on(&room).add(ItemDraft::new(*name, *text));
        }
    }
}

fn story() -> (World, Building) {
    (World::of_real_services(), Building::default())
}

#[test]
fn a_door_that_somebody_shut_is_opened_and_what_is_behind_it_planned_then() {
    let (mut world, building) = story();
    let before = program(&building, &[("gold", "1 kg"), ("silver", "2 kg")]);
    world.apply(&before);
    assert!(world.plan(&before).is_empty());

    building.shut();
    building.with(|inside| inside.looks = 0);
    let after = program(&building, &[("gold", "3 kg"), ("silver", "2 kg"), ("lead", "9 kg")]);
    let plan = world.plan(&after);
    assert_snapshot!(plan, @"
    ~ hall:door/front  (changed by somebody else)
        open: false → true
    + room:item/lead
        text: 9 kg
    … 2 resources of `room` are read after `hall:door/front`
    1 to create, 1 to update, 2 to read later.
    ");
    assert_eq!(building.with(|inside| inside.looks), 0);
    let report = world.apply(&after);
    assert_eq!(report.deferred.len(), 1);
    assert_eq!(building.items(), ["gold: 1 kg", "lead: 9 kg", "silver: 2 kg"]);
    // The second plan.
    assert_snapshot!(world.plan(&after), @"
    ~ room:item/gold
        text: 1 kg → 3 kg
    1 to update, 3 unchanged.
    ");
    assert!(world.apply(&after).deferred.is_empty());
    assert!(world.plan(&after).is_empty());
    assert_eq!(building.items(), ["gold: 3 kg", "lead: 9 kg", "silver: 2 kg"]);
}

/// A Vault whose service somebody removed, or which a killed run had only begun to start.
#[test]
fn what_can_not_be_reached_is_read_after_the_step_for_what_it_is_reached_by() {
    let (mut world, building) = story();
    let program = program(&building, &[("gold", "1 kg"), ("silver", "2 kg")]);
    world.apply(&program);
    building.with(|inside| inside.door = None);
    assert_snapshot!(world.plan(&program), @"
    + hall:door/front  (it has gone)
    … 2 resources of `room` are read after `hall:door/front`
    1 to create, 2 to read later.
    ");
    world.apply(&program);
    assert!(world.plan(&program).is_empty());
    assert_eq!(building.items(), ["gold: 1 kg", "silver: 2 kg"]);
}

#[test]
fn what_is_not_declared_any_more_is_put_off_too() {
    let (mut world, building) = story();
    world.apply(program(&building, &[("gold", "1 kg")]));
    building.shut();
    let empty = program(&building, &[]);
    assert_snapshot!(world.plan(&empty), @"
    ~ hall:door/front  (changed by somebody else)
        open: false → true
    … room:item/gold is read after `hall:door/front`
    1 to update, 1 to read later.
    ");
    world.apply(&empty);
    assert_eq!(building.items(), ["gold: 1 kg"]);
    world.apply(&empty);
    assert_eq!(building.items(), Vec::<String>::new());
}

#[test]
fn who_uses_what_was_put_off_is_not_changed_for_nothing() {
    let (mut world, building) = story();
    let declare = program(&building, &[]);
    let with_guard = |stack: &mut Stack| {
        declare(stack);
        let gold = stack.add(ItemDraft::new("gold", "1 kg"));
        stack.add(sprocket_core::program::Password::new("guard").after(&gold));
        stack.output("gold", &gold.name);
    };
    world.apply(with_guard);
    building.shut();
    assert_snapshot!(world.plan(with_guard), @"
    ~ hall:door/front  (changed by somebody else)
        open: false → true
    … room:item/gold is read after `hall:door/front`
    1 to update, 1 unchanged, 1 to read later.
    ");
}

#[test]
fn what_nothing_opens_is_refused_with_what_the_provider_says() {
    let (mut world, building) = story();
    let before = program(&building, &[("gold", "1 kg")]);
    world.apply(&before);
    building.shut();
    // The door may stay shut.
    let ajar = |stack: &mut Stack| {
        stack.connect(HallDraft::new().credentials(building.clone()));
        let door = stack.add(DoorDraft::new("front").ignore("open"));
        let room = stack.connect(RoomDraft::new().credentials(building.clone()).key(&door.key));
        stack.on(&room).add(ItemDraft::new("gold", "1 kg"));
        stack.on(&room).add(ItemDraft::new("lead", "9 kg"));
    };
    assert_snapshot!(world.plan(ajar), @"
    problem: `room`: serves nothing, and nothing in this plan opens it: the door is shut  (FILE:LINE)
      hint: declare the door, so that it is opened
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(world.try_apply(ajar).is_err());
    assert_snapshot!(world.try_plan(&before, Goal::Destroyed { include_kept: false }).unwrap(), @"
    = hall:door/front stays as `front`: a resource that is planned later depends on it
    problem: `room`: serves nothing, and nothing in this plan opens it: the door is shut  (FILE:LINE)
      hint: declare the door, so that it is opened
    1 problem: nothing can be applied until it is solved.
    ");
    building.with(|inside| inside.nobody_there = true);
    assert_snapshot!(world.plan(ajar), @"
    problem: `room`: could not be reached, and this plan changes nothing that it is reached by: nobody is at home  (FILE:LINE)
    1 problem: nothing can be applied until it is solved.
    ");
    building.with(|inside| inside.nobody_there = false);
    let (engine, stack) = (world.engine(), world.stack(ajar));
    assert_snapshot!(world.block_on(engine.verify(&stack)).unwrap_err(), @"could not reach `room`: the door is shut");
    assert_eq!(building.items(), ["gold: 1 kg"]);
}

#[test]
fn a_room_that_stays_shut_fails_the_steps_behind_it() {
    let (mut world, building) = story();
    let before = program(&building, &[("gold", "1 kg")]);
    world.apply(&before);
    building.shut();
    world.fail("update", "front", sprocket_core::testing::Fail::Before(ErrorKind::Denied));
    let report = world.try_apply(program(&building, &[("gold", "1 kg"), ("lead", "9 kg")])).unwrap();
    assert!(!report.succeeded());
    assert_eq!(building.items(), ["gold: 1 kg"]);
}

/// It might be declared again before its host is looked at.
#[test]
fn what_goes_with_a_host_that_is_put_off_is_deleted_by_itself() {
    let (mut world, building) = story();
    let declare = program(&building, &[]);
    world.apply(|stack: &mut Stack| {
        declare(stack);
        let gold = stack.add(ItemDraft::new("gold", "1 kg"));
        stack.add(sprocket_core::program::Password::new("guard").dies_with(&gold));
    });
    assert_snapshot!(world.plan(&declare), @"
    - random:password/guard  (goes with its host)
    - room:item/gold  (not declared any more)
    1 to delete, 1 to forget, 1 unchanged.
    ");
    building.shut();
    assert_snapshot!(world.plan(&declare), @"
    ~ hall:door/front  (changed by somebody else)
        open: false → true
    - random:password/guard  (not declared any more)
    … room:item/gold is read after `hall:door/front`
    1 to update, 1 to delete, 1 to read later.
    ");
}

#[test]
fn what_was_made_from_something_that_is_put_off_stays_though_neither_is_declared_any_more() {
    let (mut world, building) = story();
    let declare = program(&building, &[]);
    world.apply(|stack: &mut Stack| {
        declare(stack);
        let guard = stack.add(sprocket_core::program::Password::new("guard"));
        stack.add(ItemDraft::new("gold", "1 kg").after(&guard));
    });
    building.shut();
    let plan = world.plan(&declare).to_string();
    assert!(plan.contains("= random:password/guard stays as `guard`: a resource that is planned later"), "{plan}");
    world.apply(&declare);
    world.apply(&declare);
    assert!(world.plan(&declare).is_empty());
    assert_eq!(building.items(), [""; 0]);
}

#[test]
fn interrupted_create_behind_a_door_is_put_off_once() {
    const ITEMS: &[(&str, &str)] = &[("gold", "1 kg")];
    let begun = |boundary| {
        let (mut world, building) = story();
        world.crash_at(boundary, sprocket_core::testing::Crash::After);
        assert!(world.run(program(&building, ITEMS), Goal::Declared).unwrap().is_none(), "no kill comes between");
        (world, building)
    };
    let is_begun =
        |world: &World| world.snapshot().is_some_and(|state| state.pending.contains_key(&"room:item/gold".into()));
    let (mut world, building) = (0..).map(begun).find(|(world, _)| is_begun(world)).unwrap();
    building.shut();
    let plan = world.plan(program(&building, ITEMS));
    let [deferred] = &plan.deferred[..] else { panic!("{plan}") };
    assert_eq!(deferred.resources, ["room:item/gold".into()]);
}

#[test]
fn each_provider_is_reached_as_far_as_its_settings_are_known() {
    let (world, building) = story();
    let reached = |program: &dyn Fn(&mut Stack)| {
        let (engine, stack) = (world.engine(), world.stack(program));
        let reached = world.block_on(engine.reach(&stack)).unwrap();
        let told = reached.into_iter().map(|reached| {
            let server = reached.server.map(|server| server.map(|server| server.to_string()));
            (reached.provider.to_string(), reached.config.is_some(), server.map_err(|refused| refused.to_string()))
        });
        told.collect::<Vec<_>>()
    };
    let hall = || ("hall".to_owned(), true, Ok(Some("hall".to_owned())));
    assert_eq!(reached(&program(&building, &[])), [hall(), ("room".into(), false, Ok(None))]);
    let alone = |stack: &mut Stack| {
        stack.connect(HallDraft::new().credentials(building.clone()));
        stack.connect(RoomDraft::new().credentials(building.clone()));
    };
    let unreached = "could not reach `room`: nobody is at home".to_owned();
    assert_eq!(reached(&alone), [hall(), ("room".into(), true, Err(unreached))]);
}
