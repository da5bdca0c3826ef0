//! The program `chaos`, for a minute and for 20,000 jobs: `make chaos` runs it for longer.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may stop at the first surprise")]

use std::{
    process::Command,
    sync::{Mutex, PoisonError},
};

/// Each of them keeps the whole machine busy.
static MACHINE: Mutex<()> = Mutex::new(());

fn chaos(arguments: &[&str]) {
    let _busy = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new(env!("CARGO_BIN_EXE_chaos")).args(arguments).output().unwrap();
    let [said, logged] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{said}\n{logged}");
}

#[test]
fn an_installation_keeps_its_word_for_a_minute_of_faults() {
    chaos(&["--minutes", "1", "--rate", "100", "--poison", "0.002"]);
}

#[test]
fn of_20_000_answers_every_one_is_its_own_pictures() {
    chaos(&["--no-faults", "--jobs", "20000", "--clients", "64", "--rate", "0", "--pictures", "5000"]);
}
