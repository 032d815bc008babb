//! Checkpoints that are broken, odd or plain, and what becomes of them.

mod forms;
#[cfg(all(feature = "docker", feature = "vault"))]
mod kinds;
mod pairs;

use insta::assert_snapshot;
use sprocket_core::engine::{Hidden, Imported, Refused};
use sprocket_core::kind::Address;

use super::{Adoption, Checkpoint, Recorded, Report, Wanted, Wishes};

/// Every oddity that was seen in the wild, in an orchard that nobody has.
const ODD: &str = include_str!("odd.json");

/// A resource of the program: an address, and behind `=` the name that it pins.
fn wanted(text: &str) -> Wanted {
    let (address, name) = text.split_once('=').map_or((text, None), |(address, name)| (address, Some(name)));
    // A scope is a part of the default name.
    let default = address.split_once('/').unwrap().1.replace('/', "-");
    Wanted {
        address: Address::from(address),
        name: name.map_or(default, str::to_owned),
        is_named: name.is_some(),
        is_protected: false,
        is_kept: address.starts_with("docker:volume/"),
    }
}

fn adoption<'c>(checkpoint: &'c Checkpoint, declared: &[&str], wishes: &Wishes) -> Result<Adoption<'c>, Vec<String>> {
    let declared = declared.iter().map(|text| wanted(text)).collect();
    Adoption::of(checkpoint, declared, &Recorded::default(), wishes)
}

/// What the services say: all is there, but for what is gone.
fn found(adoption: &Adoption<'_>, gone: &[&str]) -> Vec<Imported> {
    let object = |import: &sprocket_core::engine::Import| {
        let refused = |message: String| Refused::Import { address: import.address.clone(), message };
        match gone.contains(&import.address.as_str()) {
            true => Err(refused(format!("there is no `{}`", import.id))),
            false => Ok(format!("the one of {}", import.id).as_str().into()),
        }
    };
    let imported = adoption.imports.iter().map(|import| Imported {
        address: import.address.clone(),
        id: import.id.clone(),
        object: object(import),
    });
    imported.collect()
}

#[test]
fn every_oddity_is_told_and_no_value() {
    let checkpoint = Checkpoint::read(ODD.as_bytes()).unwrap();
    let declared = [
        "docker:network/orchard",
        "docker:service/press",
        "docker:service/label",
        "docker:config/recipe",
        "docker:config/twin",
        "docker:volume/cellar",
        "docker:secret/seal",
        "docker:secret/open",
        "docker:service/new",
        "random:password/barrel",
        "random:password/keg",
        "s3:bucket/orchard-crates",
        "vault:mount/kv",
        "vault:kv/press=kv/press",
        "vault:kv/label=kv/label",
    ];
    let adoption = adoption(&checkpoint, &declared, &Wishes::default()).unwrap();
    let said = |address: &str| {
        let import = adoption.imports.iter().find(|import| import.address.as_str() == address).unwrap();
        match &import.hidden {
            Hidden::Is(value) => value.expose().to_string(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(said("docker:secret/open"), "\"hunter2\"");
    assert_eq!(said("docker:secret/seal"), "Unknown");
    assert_eq!(said("random:password/keg"), "\"hunter2-hunter2\"");
    assert_eq!(said("vault:kv/label"), r#"{"token":"hunter2"}"#);
    let report = Report::of("dev.json", &checkpoint, &adoption, &found(&adoption, &["docker:service/label"]));
    let report = report.to_string();
    assert!(!report.contains("hunter2") && !report.contains("v1:"), "{report}");
    assert_snapshot!(report, @"
    dev.json: 30 entries, written by Pulumi v3.215.0, 2026-01-31T08:00:00.123+01:00
    To be recorded, as it is:
      docker:network/orchard    `the one of net0000000000000000000001`
      docker:service/press      `the one of svc0000000000000000000001`
      docker:config/recipe      `the one of cfg0000000000000000000001`
      docker:volume/cellar      `the one of cellar-4444444`
      docker:secret/seal        `the one of sec0000000000000000000001`
      docker:secret/open        `the one of sec0000000000000000000002`
      random:password/keg       `the one of none`
      s3:bucket/orchard-crates  `the one of orchard-crates`
      vault:mount/kv            `the one of kv`
      vault:kv/press            `the one of kv/press`
      vault:kv/label            `the one of kv/label`
    Not to be recorded:
      docker:service/label    there is no `svc0000000000000000000002`
      random:password/barrel  its value is not in the checkpoint in clear, and the next plan draws another; --secret random:password/barrel=FILE says what it is
      docker:config/twin      could be each of these; `import docker:config/twin ID` says which
                              urn:pulumi:dev::orchard::docker:index/serviceConfig:ServiceConfig::twin  id `cfg0000000000000000000002`
                              urn:pulumi:dev::orchard::docker:index/serviceConfig:ServiceConfig::twin  id `cfg0000000000000000000003`
    Hidden by its service, and not in the checkpoint in clear:
      docker:secret/seal  the next plan replaces it
      vault:kv/press      the next plan writes its fields again
    Guarded in Pulumi, and not in the program:
      docker:service/press  `.protect()` says the same here
      docker:volume/cellar  `.protect()` says the same here
      docker:secret/seal    `.keep_on_delete()` says the same here
    Declared, and not in the checkpoint:
      docker:service/new
    In the checkpoint, and not declared (left alone):
      docker:volume `attic-5555555`  urn:pulumi:dev::orchard::docker:index/volume:Volume::attic
    Only read by Pulumi, which did not make it (left alone):
      docker:network `outside`  urn:pulumi:dev::orchard::docker:index/network:Network::outside
    Of a type that no kind is for (left alone):
      aws:s3/bucketAcl:BucketAcl          crates
      postgresql:index/role:Role          a, b, c and 1 more
      random:index/randomUuid:RandomUuid  batch
    Pulumi still wanted to delete (left alone; see whether it is there):
      docker:index/serviceConfig:ServiceConfig recipe  id `cfg0000000000000000000000`
    Odd in the checkpoint, and of no consequence here:
      one URN twice               urn:pulumi:dev::orchard::docker:index/serviceConfig:ServiceConfig::twin: `import ADDRESS ID` says which is meant
      one object of several URNs  `press-1111111`: urn:pulumi:dev::orchard::orchard:OldPress$docker:index/service:Service::press, urn:pulumi:dev::orchard::orchard:Press$docker:index/service:Service::press
      did not start well          urn:pulumi:dev::orchard::orchard:Press$docker:index/service:Service::press: 2 errors
      lead nowhere                1 parent and 2 dependencies: urn:pulumi:dev::orchard::docker:index/volume:Volume::gone, urn:pulumi:dev::orchard::docker:index/volume:Volume::lost, urn:pulumi:dev::orchard::orchard:OldPress::press
    Pulumi's own:
      1 component, 2 providers, 1 stack, 1 stack reference
    ");
}
