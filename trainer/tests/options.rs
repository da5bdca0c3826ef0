//! What the program's options refuse, by the name of the option, before anything is begun.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used)]

use std::process::Command;

#[test]
fn a_training_of_no_steps_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/lean.toml");
    for command in [
        &["train", "--config", config, "--folder", "run"][..],
        &["train-locator", "--folder", "run"],
        &["train-refiner", "--folder", "run"],
        &["active", "--style", "rings", "--out", "run"],
    ] {
        let refused = Command::new(env!("CARGO_BIN_EXE_byecaptcha-trainer"))
            .args(command)
            .args(["--steps", "0"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && error.contains("'--steps <STEPS>'"), "{command:?}: {error}");
        assert!(!folder.path().join("run").exists(), "{command:?}");
    }
}
