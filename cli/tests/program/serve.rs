//! `byecaptcha serve`: answers, and jobs that outlive a kill.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use reqwest::StatusCode;
use serde_json::Value;

use crate::program::{Server, byecaptcha, pictures, readings};

#[tokio::test]
async fn a_picture_goes_in_and_its_text_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let pictures = pictures();
    for (picture, expected) in pictures.iter().zip(readings(&pictures)) {
        let response = server.submit(fs::read(picture).unwrap(), "image/jpeg", true).await;
        assert_eq!(response.status(), StatusCode::OK);
        let record: Value = response.json().await.unwrap();
        assert_eq!(record["status"], "succeeded");
        assert_eq!(record["result"]["text"], expected.as_str());
    }
    for path in ["/", "/readyz", "/healthz", "/v1/models"] {
        let response = server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn without_a_command_it_serves_as_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = byecaptcha();
    command
        .env("BYECAPTCHA_LISTEN", "127.0.0.1:0")
        .env("BYECAPTCHA_DATA", folder.path().join("deep/jobs.db"));
    let server = Server::from_command(command);
    let response = server.submit(fs::read(&pictures()[0]).unwrap(), "image/jpeg", true).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(folder.path().join("deep/jobs.db").is_file());
}

#[tokio::test]
async fn without_a_path_jobs_are_kept_with_the_users_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = byecaptcha();
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("HOME", folder.path());
    command.env("XDG_DATA_HOME", folder.path().join("data"));
    let server = Server::from_command(command);
    let response = server.submit(fs::read(&pictures()[0]).unwrap(), "image/jpeg", true).await;
    assert_eq!(response.status(), StatusCode::OK);
    #[cfg(target_os = "linux")]
    assert!(folder.path().join("data/byecaptcha/byecaptcha.db").is_file());
}

/// Submits so many pictures at once, over and over the ten; the ids with the texts that they should get.
pub async fn submit_many(server: &Server, count: usize) -> Vec<(String, String)> {
    let pictures = pictures();
    let texts = readings(&pictures);
    let images: Vec<Vec<u8>> = pictures.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut submissions = tokio::task::JoinSet::new();
    for number in 0..count {
        let (client, url) = (server.client.clone(), server.url.clone());
        let (image, text) = (images[number % 10].clone(), texts[number % 10].clone());
        submissions.spawn(async move {
            let response = client.post(format!("{url}/v1/jobs")).body(image).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::ACCEPTED);
            let record: Value = response.json().await.unwrap();
            (record["id"].as_str().unwrap().to_owned(), text)
        });
    }
    submissions.join_all().await
}

/// How many of these jobs ended after this time; all of them must end with their texts.
pub async fn ended_after(server: &Server, jobs: &[(String, String)], time_ms: u128) -> usize {
    let mut after = 0;
    for (id, text) in jobs {
        let record = server.ended(id).await;
        assert_eq!(record["status"], "succeeded", "{record}");
        assert_eq!(record["result"]["text"], text.as_str());
        after += usize::from(u128::from(record["finished_at_ms"].as_u64().unwrap()) >= time_ms);
    }
    after
}

pub fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_accepted_jobs_outlive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    // One by one, so that most still wait when the last is accepted.
    let server = Server::start(folder.path(), &["--batch", "1"]);
    let jobs = submit_many(&server, 200).await;
    server.kill();
    let killed_at = now_ms();

    let server = Server::start(folder.path(), &[]);
    let after = ended_after(&server, &jobs, killed_at).await;
    assert!(after > 0, "the kill came too late to show anything");
    println!("{after} of {} jobs ended after the kill", jobs.len());
}

#[tokio::test]
async fn it_tells_a_container_engine_how_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--allowed-hosts", "captcha.example.org"]);
    let healthcheck = |hosts: &str| {
        let mut command = byecaptcha();
        command.args(["healthcheck", "--listen", server.address()]).env("BYECAPTCHA_ALLOWED_HOSTS", hosts);
        command.output().unwrap()
    };
    assert!(healthcheck("captcha.example.org,other.example.org").status.success());
    let refused = healthcheck("other.example.org");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not ready: 421"));
}
