//! API keys: who is let in, to what, how often, and how soon a change of the file is one of the service.

use std::{fs, time::Duration};

use byecaptcha_api::access::{Access, KeyFile, Scope};
use byecaptcha_queue::{JobId, JobRecord, JobStatus};
use reqwest::{Method, RequestBuilder, StatusCode};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    app::{Setup, TestApp, assert_problem, header},
    pictures::png,
};

/// A server that asks for keys, and their file.
struct Keyed {
    app: TestApp,
    file: KeyFile,
    /// A key that may submit and read.
    key: String,
    _folder: TempDir,
}

impl Keyed {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::at(folder.path().join("keys.json"));
        let key = file.create("test", vec![Scope::Submit, Scope::Read], None).unwrap().shown;
        let access = Access::default().with_keys(file.clone(), Some("1000/s".parse().unwrap())).unwrap();
        let app = TestApp::with(Setup { access, ..Setup::default() }).await;
        Self { app, file, key, _folder: folder }
    }

    fn new_key(&self, scopes: &[Scope], rate: Option<&str>) -> String {
        let rate = rate.map(|rate| rate.parse().unwrap());
        self.file.create("another", scopes.to_vec(), rate).unwrap().shown
    }

    /// What the service says to this key now.
    async fn status(&self, key: &str) -> StatusCode {
        self.app.get("/v1/models").bearer_auth(key).send().await.unwrap().status()
    }

    /// Waits until the service has noticed, for a moment longer than it may take.
    async fn becomes(&self, key: &str, status: StatusCode) {
        for _ in 0..100 {
            if self.status(key).await == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not become {status}");
    }
}

fn id(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

fn requests(app: &TestApp) -> [RequestBuilder; 6] {
    let job = format!("{}/v1/jobs/{}", app.address, JobId::new());
    [
        app.submit(png()),
        app.client.get(&job),
        app.client.delete(&job),
        app.get("/v1/models"),
        app.get("/v1/no/such/place"),
        app.client.request(Method::PUT, format!("{}/v1/jobs", app.address)),
    ]
}

#[tokio::test]
async fn everything_under_v1_needs_a_key_and_nothing_else_does() {
    let keyed = Keyed::start().await;
    let app = &keyed.app;
    for request in requests(app) {
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer"));
        let problem = assert_problem(app, response, 401, "unauthorized").await;
        assert_eq!(problem["field"], "authorization");
    }
    assert_eq!(app.broker_depth().await, 0, "nothing was accepted");
    for path in ["/", "/healthz", "/problems/unauthorized"] {
        assert_eq!(app.get(path).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    for (request, status) in requests(app).into_iter().zip([202, 404, 404, 200, 404, 405]) {
        assert_eq!(request.bearer_auth(&keyed.key).send().await.unwrap().status(), status);
    }
    let response = app.get("/v1/models").header("x-api-key", &keyed.key).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn wrong_keys_are_all_wrong_alike() {
    let keyed = Keyed::start().await;
    let other = keyed.new_key(&[Scope::Admin], None);
    keyed.becomes(&other, StatusCode::OK).await;
    let key = &keyed.key;
    let secret = &key[key.len() - 43..];
    let mut details = Vec::new();
    for wrong in [
        "bc_000000000000_".to_owned() + secret,
        format!("bc_{}_{secret}", id(&other)),
        key[..key.len() - 1].to_owned(),
        format!("{key}A"),
        key.to_uppercase(),
        "nonsense".to_owned(),
        "bc_".to_owned(),
    ] {
        let response = keyed.app.get("/v1/models").bearer_auth(wrong).send().await.unwrap();
        let problem = assert_problem(&keyed.app, response, 401, "unauthorized").await;
        assert!(!problem.to_string().contains(secret));
        details.push(problem.to_string());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "an answer does not tell what was wrong: {details:?}");
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say() {
    let keyed = Keyed::start().await;
    let app = &keyed.app;
    let submits = keyed.new_key(&[Scope::Submit], None);
    let reads = keyed.new_key(&[Scope::Read], None);
    let administers = keyed.new_key(&[Scope::Admin], None);
    keyed.becomes(&administers, StatusCode::OK).await;

    assert_eq!(app.submit(png()).bearer_auth(&submits).send().await.unwrap().status(), StatusCode::ACCEPTED);
    assert_eq!(keyed.status(&reads).await, StatusCode::OK);
    assert_eq!(
        app.submit(png()).bearer_auth(&administers).send().await.unwrap().status(),
        StatusCode::ACCEPTED
    );
    let job = format!("{}/v1/jobs/{}", app.address, JobId::new());
    for (request, missing) in [
        (app.get("/v1/models").bearer_auth(&submits), "read"),
        (app.submit(png()).bearer_auth(&reads), "submit"),
        (app.client.delete(job).bearer_auth(&reads), "submit"),
    ] {
        let response = request.send().await.unwrap();
        let challenge = header(&response, "www-authenticate").unwrap().to_owned();
        assert_eq!(challenge, format!("Bearer error=\"insufficient_scope\", scope=\"{missing}\""));
        let problem = assert_problem(app, response, 403, "forbidden").await;
        assert!(problem["detail"].as_str().unwrap().ends_with(&format!(" {missing}.")), "{problem}");
    }
    assert_eq!(app.broker_depth().await, 2);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_within_two_seconds_and_a_damaged_file_changes_nothing() {
    let keyed = Keyed::start().await;
    let other = keyed.new_key(&[Scope::Read], None);
    keyed.becomes(&other, StatusCode::OK).await;
    keyed.file.revoke(&id(&other).parse().unwrap()).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(keyed.status(&other).await, StatusCode::UNAUTHORIZED);
    assert_eq!(keyed.status(&keyed.key).await, StatusCode::OK);

    let whole = fs::read(keyed.file.path()).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"{\"version\":1,\"keys\":[],\"more\":0}"] {
        fs::write(keyed.file.path(), damaged).unwrap();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(keyed.status(&keyed.key).await, StatusCode::OK);
        assert_eq!(keyed.status(&other).await, StatusCode::UNAUTHORIZED);
    }
    fs::remove_file(keyed.file.path()).unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(keyed.status("none").await, StatusCode::UNAUTHORIZED, "a file that is gone opens nothing");
    assert_eq!(keyed.status(&keyed.key).await, StatusCode::OK);

    fs::write(keyed.file.path(), b"{\"version\":1,\"keys\":[]}").unwrap();
    keyed.becomes(&keyed.key, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn keys_are_asked_for_from_the_moment_there_are_any() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::at(folder.path().join("keys.json"));
    let access = Access::default().with_keys_once_there(file.clone(), None).unwrap();
    let app = TestApp::with(Setup { access, ..Setup::default() }).await;
    assert_eq!(app.get("/v1/models").send().await.unwrap().status(), StatusCode::OK);
    let key = file.create("first", vec![Scope::Read], None).unwrap().shown;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let response = app.get("/v1/models").send().await.unwrap();
    assert_problem(&app, response, 401, "unauthorized").await;
    assert_eq!(app.get("/v1/models").bearer_auth(key).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_limited_key_is_told_how_it_stands_and_is_refused_beyond() {
    let keyed = Keyed::start().await;
    let app = &keyed.app;
    let key = keyed.new_key(&[Scope::Submit], Some("3/h"));
    // Asked with the other key, whose answers cost this one nothing.
    tokio::time::sleep(Duration::from_secs(2)).await;

    let submit = || app.submit(png()).bearer_auth(&key).send();
    for left in [2, 1] {
        let response = submit().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(header(&response, "ratelimit-policy"), Some("\"key\";q=3;w=3600"));
        let stands = header(&response, "ratelimit").unwrap().to_owned();
        assert!(stands.starts_with(&format!("\"key\";r={left};t=")), "{stands}");
        assert_eq!(header(&response, "retry-after"), Some("1"), "the job's, as ever");
    }
    // What is refused for another reason counts, too, and is told as well.
    let response = app.get("/v1/models").bearer_auth(&key).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(header(&response, "ratelimit").unwrap().starts_with("\"key\";r=0;t="));

    let response = submit().await.unwrap();
    let wait: u64 = header(&response, "retry-after").unwrap().parse().unwrap();
    assert!((1000..=1200).contains(&wait), "{wait}");
    assert!(header(&response, "ratelimit").unwrap().starts_with("\"key\";r=0;t="));
    assert_eq!(header(&response, "ratelimit-policy"), Some("\"key\";q=3;w=3600"));
    assert_problem(app, response, 429, "rate-limited").await;
    assert_eq!(app.broker_depth().await, 2);

    let response = app.get("/v1/models").bearer_auth(&keyed.key).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "another key is another matter");
    assert_eq!(header(&response, "ratelimit-policy"), Some("\"key\";q=1000;w=1"), "the default rate");
    let response = app.get("/healthz").send().await.unwrap();
    assert_eq!(header(&response, "ratelimit"), None);
}

#[tokio::test]
async fn jobs_are_their_submitters_alone() {
    let keyed = Keyed::start().await;
    let (app, own) = (&keyed.app, &keyed.key);
    let other = keyed.new_key(&[Scope::Admin], None);
    keyed.becomes(&other, StatusCode::OK).await;
    let submit = async |key: &str| {
        let request = app.submit(png()).bearer_auth(key).header("idempotency-key", "same");
        let job: JobRecord = request.send().await.unwrap().json().await.unwrap();
        job.id
    };
    let (mine, theirs) = (submit(own).await, submit(&other).await);
    assert_ne!(mine, theirs, "another's idempotency keys are another's");
    assert_eq!(submit(own).await, mine);

    let job = format!("{}/v1/jobs/{mine}", app.address);
    let requests = || {
        [
            app.client.get(&job),
            app.client.get(&job).header("prefer", "wait=20"),
            app.client.get(format!("{job}/events")),
            app.client.post(format!("{job}/feedback")).body(r#"{"text":"A"}"#),
            app.client.delete(&job),
        ]
    };
    // Not even an administrator: what others had read is none of theirs.
    for request in requests() {
        let response = request.bearer_auth(&other).send().await.unwrap();
        assert_problem(app, response, 404, "job-unknown").await;
    }
    let taken_back = app.client.delete(&job).bearer_auth(own).send().await.unwrap();
    assert_eq!(taken_back.json::<JobRecord>().await.unwrap().status, JobStatus::Canceled);

    let set = app.get("/v1/feedback").bearer_auth(own).send().await.unwrap();
    let problem = assert_problem(app, set, 403, "forbidden").await;
    assert!(problem["detail"].as_str().unwrap().contains("admin"), "{problem}");
    let set = app.get("/v1/feedback").bearer_auth(&other).send().await.unwrap();
    assert_eq!(set.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_caller_that_is_still_sending_gets_its_refusal() {
    let keyed = Keyed::start().await;
    let mut stream = TcpStream::connect(keyed.app.socket()).await.unwrap();
    let body = vec![0x89; 8 << 20];
    let head = format!("POST /v1/jobs HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.expect("no reset");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "it ended before its answer");
    }
    assert!(answer.starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&answer));
}
