//! Servers are trusted over TLS where the machine trusts the authority behind their certificates, one's own included: here it
//! is `SSL_CERT_FILE` that says whom it trusts.
//!
//! What connects is this test program itself, told to run the ignored test below, since the variable is for a whole process.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may stop at the first surprise")]

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use byecaptcha_queue::{
    Broker, BrokerOptions, QueueName, RabbitBroker, RedisResults, ResultOptions, ResultStore,
};
use byecaptcha_testbed::{Authority, RabbitMq, Redis};

const BROKER: &str = "BYECAPTCHA_TEST_BROKER";
const RESULTS: &str = "BYECAPTCHA_TEST_RESULTS";

/// What a process that trusts the authorities in this file says of the two servers.
fn said(trusted: &Path, broker: &str, results: &str) -> Vec<String> {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "connects", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .env(BROKER, broker)
        .env(RESULTS, results)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.strip_prefix('@').map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_authorities_that_the_machine_trusts_are_trusted() {
    let (own, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let (rabbitmq, redis) = tokio::join!(RabbitMq::start_with_tls(&own), Redis::start_with_tls(&own));
    let (rabbitmq, redis) = (rabbitmq.unwrap(), redis.unwrap());
    let (broker, results) = (rabbitmq.tls_url().unwrap(), redis.tls_url().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorities.pem");

    fs::write(&file, other.certificate() + &own.certificate()).unwrap();
    assert_eq!(said(&file, &broker, &results), ["broker: ready", "results: ready"]);

    fs::write(&file, other.certificate()).unwrap();
    let refused = said(&file, &broker, &results);
    assert_eq!(refused.len(), 2);
    for (said, server) in refused.iter().zip(["broker", "results"]) {
        assert!(said.starts_with(server) && said.contains("invalid peer certificate"), "{said}");
    }
}

#[tokio::test]
#[ignore = "what the test above starts as a process of its own"]
async fn connects() {
    let (Ok(broker), Ok(results)) = (env::var(BROKER), env::var(RESULTS)) else { return };
    let broker = RabbitBroker::new(&broker, "tls", QueueName::Interactive, BrokerOptions::default()).unwrap();
    let results = RedisResults::new(&results, "tls", ResultOptions::default()).unwrap();
    let broker = broker.ready().await.map_or_else(|error| error.to_string(), |()| "ready".to_owned());
    let results = results.ready().await.map_or_else(|error| error.to_string(), |()| "ready".to_owned());
    std::io::stdout().write_all(format!("\n@broker: {broker}\n@results: {results}\n").as_bytes()).unwrap();
}
