//! The program itself with its libtorch engine: a process on real servers that reads jobs. Needs the feature `torch`.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use byecaptcha_models::Recognizer;
use byecaptcha_queue::{
    Broker, BrokerOptions, Job, JobOptions, JobRecord, Lookup, QueueName, RabbitBroker, RedisResults,
    ResultOptions, ResultStore,
};
use byecaptcha_testbed::{Group, RabbitMq, Redis};

/// Longer than anything here takes, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pictures and what the ONNX engine reads in them.
fn pictures() -> Vec<(Vec<u8>, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut recognizer = Recognizer::embedded().unwrap();
    let pictures = paths.iter().map(|path| {
        let picture = fs::read(path).unwrap();
        let prepared = recognizer.prepare(&picture).unwrap();
        (picture, recognizer.recognize(&[prepared]).unwrap().remove(0).text)
    });
    pictures.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_on_libtorch_reads_jobs() {
    let (rabbitmq, redis) = tokio::join!(RabbitMq::start(), Redis::start());
    let (rabbitmq, redis) = (rabbitmq.unwrap(), redis.unwrap());
    let name = "byecaptcha";
    let broker =
        RabbitBroker::new(&rabbitmq.url(), name, QueueName::Interactive, BrokerOptions::default()).unwrap();
    let results = RedisResults::new(&redis.url(), name, ResultOptions::default()).unwrap();

    let pictures = pictures();
    let mut jobs = Vec::new();
    for (picture, text) in &pictures {
        let job = Job::new(picture.clone().into(), JobOptions::default());
        results.create(&JobRecord::queued(&job)).await.unwrap();
        broker.publish(&job).await.unwrap();
        jobs.push((job.id, text));
    }

    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("worker");
    let environment = [
        ("BROKER_URL", rabbitmq.url()),
        ("RESULTS_URL", redis.url()),
        ("BYECAPTCHA_LISTEN", "127.0.0.1:0".to_owned()),
        ("NO_COLOR", "1".to_owned()),
    ];
    let program = env!("CARGO_BIN_EXE_byecaptcha-worker");
    let _worker =
        Group::start(program, ["--engine", "torch", "--device", "cpu"], &environment, &log).unwrap();
    for (id, text) in jobs {
        let answer = results.wait(id, PATIENCE).await.unwrap();
        let Lookup::Found(JobRecord { result: Some(result), .. }) = answer else {
            panic!("{answer:?}\n{}", fs::read_to_string(&log).unwrap());
        };
        assert_eq!(&result.text, text);
    }
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("engine=\"torch cpu\""), "{log}");
}
