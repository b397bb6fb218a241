//! Every engine whose content is on its disk survives every crash, every error and every flipped bit, and all engines agree.
//!
//! The long runs are ignored in the usual test run. `cargo test --release -p seedbed-tests --test storage -- --ignored
//! --nocapture` makes them all; the page on testing has a command for each.

#![allow(clippy::print_stdout, reason = "a run says how far it went")]

use seedbed_protocols::storage::Planted;
use seedbed_scenarios::store::crash::{TeeDisk, put_into};
use seedbed_sim::{FileDisk, Seed, Stream, Syncs};
use seedbed_tests::engines::agree::{self, Field};
use seedbed_tests::engines::crash::{History, Plan, check_opened};
use seedbed_tests::engines::errors::{self, Lasting, Trouble};
use seedbed_tests::engines::workload::tiny_options;
use seedbed_tests::engines::{Subject, caught, durable, flips};

#[test]
fn every_engine_recovers_a_prefix_from_ten_thousand_crash_images() {
    for entry in durable() {
        let (images, seeds) = Plan::of(entry.kind).check(0, 10_000).unwrap();
        println!("{}: {images} images of {seeds} histories", entry.name);
    }
}

#[test]
#[ignore = "a long run"]
fn every_engine_recovers_a_prefix_from_a_million_crash_images() {
    for entry in durable() {
        let (images, seeds) = Plan::of(entry.kind).check(1_000_000, 1_000_000).unwrap();
        println!("{}: {images} images of {seeds} histories", entry.name);
    }
}

/// The tests have teeth: where syncs lie, acknowledged writes are lost, and it is noticed.
#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    for entry in durable() {
        let plan = Plan {
            syncs: Syncs::Lying,
            ..Plan::of(entry.kind)
        };
        let found = caught(|| plan.check(0, 3_000));
        let violation = found.expect_err(entry.name);
        println!("{}: {}", entry.name, violation.0);
    }
}

#[test]
fn an_error_or_a_full_disk_at_any_operation_harms_nothing() {
    for entry in durable() {
        let mut runs = 0;
        for trouble in [Trouble::Io, Trouble::NoSpace] {
            for lasting in [Lasting::Once, Lasting::ForGood] {
                for seed in 0..4 {
                    let planted = Planted::Nothing;
                    runs +=
                        errors::check_seed(entry.kind, planted, seed, trouble, lasting).unwrap();
                }
            }
        }
        assert!(runs > 200, "{}: only {runs} runs", entry.name);
    }
}

#[test]
fn a_flipped_bit_in_any_byte_gives_the_right_answer_or_an_error() {
    for entry in durable() {
        let mut refused = 0;
        for seed in 0..3 {
            let flips = flips::check_seed(entry.kind, Planted::Nothing, seed).unwrap();
            assert!(flips.flipped > 300, "{}: {flips:?}", entry.name);
            refused += flips.refused;
        }
        assert!(refused > 100, "{}: only {refused} refused", entry.name);
    }
}

#[test]
fn all_engines_agree_with_a_map() {
    let mut operations = 0;
    for seed in 0..60 {
        operations += agree::round(Field::default(), seed, 400).unwrap();
    }
    assert!(operations > 50_000, "only {operations} operations");
}

#[test]
#[ignore = "a long run"]
fn all_engines_agree_with_a_map_over_ten_million_operations() {
    let mut operations = 0;
    for seed in 1_000_000.. {
        operations += agree::round(Field::default(), seed, 400).unwrap();
        if operations >= 10_000_000 {
            println!("{operations} operations in {} rounds", seed - 999_999);
            return;
        }
    }
}

/// What a real directory was asked to do is crashed on the simulated disk beside it, and opened in a real directory.
#[test]
fn crash_images_of_a_real_directory_open_in_a_real_directory() {
    for entry in durable() {
        let mut random = Stream::named(Seed(5), "tee");
        let subject = Subject {
            kind: entry.kind,
            options: tiny_options(&mut random),
        };
        let folder = tempfile::tempdir().unwrap();
        let real = FileDisk::open(folder.path()).unwrap();
        let mut disk = TeeDisk::new(Box::new(real));
        let history = History::run(&subject, &mut disk, &mut random, Syncs::Honest, 25).unwrap();
        for at in (0..history.boundary_count()).step_by(6) {
            let (mut image, legal) = history.draw_image(at, &mut random);
            let folder = tempfile::tempdir().unwrap();
            let mut real = FileDisk::open(folder.path()).unwrap();
            put_into(&mut image, &mut real).unwrap();
            let mut engine = subject.open(&mut real).unwrap();
            check_opened(&subject, &mut *engine, &mut real, legal).unwrap();
        }
    }
}
