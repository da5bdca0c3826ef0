//! Pictures that bring workers down, among many that do not.

use std::{collections::HashSet, path::Path, process::Command};

use byecaptcha_testbed::{Supervised, mark, pictures::Pictures};
use futures::{StreamExt, stream};
use serde_json::Value;

use crate::stack::{Stack, program};

const WORKERS: usize = 3;

/// A worker that does so at a marked picture, and is started again whenever it dies.
fn faulty(stack: &Stack, number: usize, then: &str) -> Supervised {
    let mut environment = stack.environment();
    environment.push(("FAULTY_THEN", then.to_owned()));
    let log = stack.logs().join(format!("faulty {number}"));
    Supervised::start(env!("CARGO_BIN_EXE_faulty-worker"), environment, &log).unwrap()
}

/// What `byecaptcha-worker dead-letters` prints, line by line.
fn dead_letters(stack: &Stack, command: &[&str]) -> Vec<Value> {
    let output = Command::new(program("byecaptcha-worker"))
        .arg("dead-letters")
        .args(command)
        .envs(stack.environment())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ids(lines: &[Value], member: &str) -> HashSet<String> {
    lines.iter().map(|line| line[member].as_str().unwrap().to_owned()).collect()
}

fn id(location: &str) -> String {
    Path::new(location).file_name().unwrap().to_str().unwrap().to_owned()
}

/// Waits until so many dead letters are there: a failed job's record is written before its dead letter.
async fn letters(stack: &Stack, count: usize) -> Vec<Value> {
    stack
        .eventually("the dead letters come", async || {
            stack.broker().dead_letters().await.unwrap().len() >= count
        })
        .await;
    dead_letters(stack, &["list"])
}

fn assert_given_up(job: &Value) {
    assert_eq!(job["status"], "failed", "{job}");
    assert_eq!(job["error"]["kind"], "engine-failed", "{job}");
    assert!(!job["error"]["detail"].as_str().unwrap().is_empty(), "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_kill_workers_are_dead_letters_and_the_others_are_read() {
    let stack = Stack::start().await;
    let ends = ["abort", "abort", "panic"];
    let workers: Vec<Supervised> = (0..WORKERS).map(|number| faulty(&stack, number, ends[number])).collect();
    let (pictures, poison) = (Pictures::draw(200, 3).unwrap(), mark::picture().unwrap());
    // Several at once in the hands of all workers, and some alone.
    let is_poison =
        |number: usize| (100..160).contains(&number) && number.is_multiple_of(6) || number % 211 == 7;
    let jobs = stream::iter(0..800).map(|number| {
        let (stack, poison) = (&stack, &poison);
        let picture = (!is_poison(number)).then(|| &pictures[number % pictures.len()]);
        async move {
            let location = stack.submit(picture.map_or(poison, |picture| &picture.file)).await;
            (picture.map(|picture| &picture.text), id(&location), stack.ended(&location).await)
        }
    });
    let jobs: Vec<_> = jobs.buffer_unordered(64).collect().await;

    let mut poisoned = HashSet::new();
    for (text, id, job) in &jobs {
        match text {
            Some(text) => assert_eq!(job["result"]["text"].as_str(), Some(text.as_str()), "{job}"),
            None => {
                assert_given_up(job);
                poisoned.insert(id.clone());
            }
        }
    }
    assert!(poisoned.len() >= 10, "{}", poisoned.len());
    let listed = letters(&stack, poisoned.len()).await;
    assert_eq!(ids(&listed, "id"), poisoned, "{listed:?}");
    for letter in &listed {
        assert!(!letter["reason"].as_str().unwrap().is_empty(), "{letter}");
        assert_eq!(letter["image_bytes"], poison.len(), "{letter}");
    }
    let starts: usize = workers.iter().map(Supervised::starts).sum();
    assert!(starts > WORKERS, "nobody died: {starts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_replayed_and_purged() {
    let stack = Stack::start().await;
    let faulty = faulty(&stack, 0, "abort");
    let poison = mark::picture().unwrap();
    let (first, second) = (stack.submit(&poison).await, stack.submit(&poison).await);
    let failed = stack.ended(&first).await;
    assert_given_up(&failed);
    assert_given_up(&stack.ended(&second).await);
    assert_eq!(ids(&letters(&stack, 2).await, "id"), [id(&first), id(&second)].into());

    // The worker is mended, and one of the two is tried again.
    drop(faulty);
    let replayed = dead_letters(&stack, &["replay", &id(&first)]);
    assert_eq!(ids(&replayed, "id"), [id(&first)].into());
    let _worker = stack.worker().await;
    let again = replayed[0]["replayed_as"].as_str().unwrap();
    assert_eq!(stack.ended(&format!("/v1/jobs/{again}")).await["status"], "succeeded");
    assert_eq!(stack.ended(&first).await, failed, "the failed job stays as it is");

    assert_eq!(ids(&dead_letters(&stack, &["list"]), "id"), [id(&second)].into());
    assert_eq!(dead_letters(&stack, &["purge"])[0]["removed"], 1);
    assert!(dead_letters(&stack, &["list"]).is_empty());
}
