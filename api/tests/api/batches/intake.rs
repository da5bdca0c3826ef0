//! What a batch may be sent as, what is counted of it, and what is refused.

use std::{io::Write, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_api::ApiSettings;
use byecaptcha_queue::Broker;
use reqwest::multipart;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{JSONL, line, line_with, lines};
use crate::{
    app::{Setup, TestApp, assert_problem, failed, header, read},
    pictures::png,
};

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        if let Some(folder) = name.strip_suffix('/') {
            archive.add_directory(folder, options).unwrap();
        } else {
            archive.start_file(*name, options).unwrap();
            archive.write_all(content).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn lines_become_jobs_and_jobs_become_rows() {
    let app = TestApp::start().await;
    let body = [
        line("first"),
        "\r\n".to_owned(),
        line_with("short", json!({ "length": 2, "charset": "AB" })),
        "{\"custom_id\":\"bad\",\"image\":\"aGVsbG8=\"}\n".to_owned(),
        "no json\n".to_owned(),
        line_with("urgent", json!({ "queue": "interactive" })),
        line_with("odd", json!({ "colour": "red" })).trim_end().to_owned(),
    ];
    let request = app.batch(JSONL, body.concat()).query(&[("max_length", "6"), ("top_k", "2")]);
    let (address, batch) = app.taken(request).await;
    assert_eq!(address, format!("/v1/batches/{}", batch["id"].as_str().unwrap()));
    assert_eq!(batch["status"], "processing");
    let counts = json!({
        "total": 6, "pending": 2, "succeeded": 0, "failed": 0, "canceled": 0, "expired": 0, "refused": 4
    });
    assert_eq!(batch["counts"], counts);
    assert_eq!(app.broker_depth().await, 0, "no person waits behind it");

    let jobs = app.bulk_jobs(2).await;
    let lengths: Vec<_> = jobs.iter().map(|job| (job.options.min_length, job.options.max_length)).collect();
    assert_eq!(lengths, [(None, Some(6)), (Some(2), Some(2))], "a line's own options come first");
    assert_eq!(jobs[1].options.top_k, Some(2), "and the others are the batch's");
    assert_eq!(&jobs[0].image[..], png());

    app.results.start(&[jobs[0].id]).await.unwrap();
    let pending = app.rows(&format!("{address}/results")).await;
    let statuses: Vec<_> = pending.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["processing", "queued", "refused", "refused", "refused", "refused"]);

    app.results.finish(&[(jobs[0].id, read("A1")), (jobs[1].id, failed("image-truncated"))]).await.unwrap();
    let ended = app.json(&address).await;
    assert_eq!((&ended["status"], &ended["counts"]["succeeded"]), (&json!("completed"), &json!(1)));
    assert!(ended["finished_at_ms"].as_u64() >= ended["created_at_ms"].as_u64());
    let rows = app.rows(&format!("{address}/results")).await;
    let names: Vec<_> = rows.iter().map(|row| row["custom_id"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["first", "short", "bad", "4", "urgent", "odd"],
        "without a name, its number is its name"
    );
    assert_eq!(rows[0]["result"]["text"], "A1");
    assert_eq!(rows[0]["job_id"], *jobs[0].id.to_string());
    assert_eq!(rows[1]["error"]["kind"], "image-truncated");
    let refused: Vec<_> = rows[2..].iter().map(|row| row["error"]["kind"].as_str().unwrap()).collect();
    assert_eq!(refused, ["unsupported-image", "malformed-body", "malformed-option", "malformed-body"]);
    // Each is a job as any other.
    let job = app.json(&format!("/v1/jobs/{}", jobs[0].id)).await;
    assert_eq!(job["result"]["text"], "A1");

    let table = app.get(&format!("{address}/results")).header("accept", "text/csv").send().await.unwrap();
    assert!(header(&table, "content-type").unwrap().starts_with("text/csv"));
    let table = table.text().await.unwrap();
    let mut table = table.lines();
    assert_eq!(table.next(), Some("number,custom_id,text,confidence,status,error_kind,error_detail,job_id"));
    assert_eq!(table.next(), Some(&*format!("1,first,A1,0.97,succeeded,,,{}", jobs[0].id)));
    assert!(table.next().unwrap().starts_with("2,short,,,failed,image-truncated,"));
}

#[tokio::test]
async fn members_of_a_line_come_once_each() {
    let app = TestApp::start().await;
    let twice = |member: &str| line("once").replacen('{', &format!("{{{member},"), 1);
    let body = [
        twice(r#""length":4,"length":4"#),
        twice(r#""custom_id":"twice""#),
        twice(r#""image":"""#),
        twice(r#""length":null,"length":4"#),
    ];
    let (address, _) = app.taken(app.batch(JSONL, body.concat()).query(&[("length", "5")])).await;
    let rows = app.rows(&format!("{address}/results")).await;
    let kinds: Vec<_> = rows.iter().map(|row| row["error"]["kind"].as_str().unwrap_or("taken")).collect();
    assert_eq!(kinds, ["contradictory-options", "contradictory-options", "malformed-body", "taken"]);
}

/// Pictures that take room are accepted one after the other where there is room for one alone, and nobody waits for room
/// that he has himself.
#[tokio::test]
async fn what_a_line_says_of_itself_is_not_kept_whole_where_it_is_refused() {
    let app = TestApp::start().await;
    let long = "\u{7f}".repeat(300_000);
    let picture = STANDARD.encode(png());
    let lines = [
        json!({ "image": picture, &long: 1 }).to_string(),
        json!({ "image": picture, "model": long }).to_string(),
        json!(long).to_string(),
    ];
    let batch = app.taken(app.batch(JSONL, lines.join("\n"))).await;
    let rows = app.rows(&format!("{}/results", batch.0)).await;
    for row in &rows {
        let detail = row["error"]["detail"].as_str().unwrap();
        assert!(detail.len() < 400, "{} bytes: {detail:.60}", detail.len());
    }
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn large_pictures_of_many_batches_take_turns() {
    let settings =
        ApiSettings { max_upload_bytes: 300_000, max_held_batch_bytes: 0, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let mut large = png();
    large.resize(200_000, 0);
    let line = format!("{}\n", json!({ "image": STANDARD.encode(&large) }));
    let archive = zip(&["a.png", "b.png", "c.png", "d.png"].map(|name| (name, &*large)));
    let part = || multipart::Part::bytes(large.clone()).file_name("a.png");
    let form = (0..4).fold(multipart::Form::new(), |form, _| form.part("file", part()));
    let taken = tokio::join!(
        app.taken(app.batch(JSONL, line.repeat(4))),
        app.taken(app.batch("application/zip", archive)),
        app.taken(app.client.post(format!("{}/v1/batches", app.address)).multipart(form)),
    );
    for (_, batch) in [taken.0, taken.1, taken.2] {
        assert_eq!(batch["counts"]["pending"], 4, "{batch}");
    }
}

#[tokio::test]
async fn a_form_holds_options_and_then_pictures() {
    let app = TestApp::start().await;
    let part = |name: &str| multipart::Part::bytes(png()).file_name(name.to_owned());
    let form = multipart::Form::new()
        .text("charset", "AB")
        .part("file", part("a.png"))
        .part("file", part("b.png"))
        .part("anything", part("c.png"));
    let (address, batch) =
        app.taken(app.client.post(format!("{}/v1/batches", app.address)).multipart(form)).await;
    assert_eq!(batch["counts"]["pending"], 3);
    let jobs = app.bulk_jobs(3).await;
    assert!(jobs.iter().all(|job| job.options.charset.as_deref() == Some("AB")));
    let rows = app.rows(&format!("{address}/results")).await;
    assert_eq!(rows[2]["custom_id"], "c.png");

    let late = multipart::Form::new().part("file", part("a.png")).text("charset", "AB");
    let answer = app.client.post(format!("{}/v1/batches", app.address)).multipart(late).send().await.unwrap();
    assert_problem(&app, answer, 422, "option-too-late").await;
}

#[tokio::test]
async fn a_form_that_never_gets_to_the_point_is_given_up() {
    let app = TestApp::start().await;
    let head = "--x\r\ncontent-disposition: form-data; name=file; filename=";
    for start in ["", head, "--x "] {
        let fill = if start.ends_with(' ') { " " } else { "a" };
        let body = format!("{start}{}", fill.repeat(8 << 20));
        let answer = app.batch("multipart/form-data; boundary=x", body).send().await.unwrap();
        let problem = assert_problem(&app, answer, 400, "malformed-body").await;
        assert!(problem["detail"].as_str().unwrap().contains("65536"), "{problem}");
    }
    // A picture may be as large as one may be, and a form may have many.
    let blank = multipart::Part::bytes(vec![7; 9 << 20]).file_name("large.png");
    let mut form = multipart::Form::new().part("file", blank);
    for number in 0..500 {
        form = form.part("file", multipart::Part::bytes(png()).file_name(format!("{number}.png")));
    }
    let (_, batch) = app.taken(app.client.post(format!("{}/v1/batches", app.address)).multipart(form)).await;
    assert_eq!((&batch["counts"]["pending"], &batch["counts"]["refused"]), (&json!(500), &json!(1)));
}

#[tokio::test]
async fn a_length_that_is_too_large_is_not_waited_for() {
    let app = TestApp::start().await;
    let mut stream = TcpStream::connect(app.socket()).await.unwrap();
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-type: {JSONL}\r\ncontent-length: {}\r\n\r\n",
        (2_u64 << 30) + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 2_000];
    let reading = stream.read(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn an_archive_is_unpacked_within_its_limits() {
    let settings = ApiSettings { max_upload_bytes: 3 << 20, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let (bomb, large) = (vec![0; 2 << 20], vec![7; (3 << 20) + 1]);
    let archive = zip(&[
        ("set/", b""),
        ("set/a.png", &png()),
        ("../../etc/passwd", &png()),
        ("set/../../b.png", &png()),
        ("set/note.txt", b"no picture"),
        ("__MACOSX/set/._a.png", b"fork"),
        ("set/bomb.png", &bomb),
        ("set/large.png", &large),
        ("set/b.png", &png()),
    ]);
    let (address, batch) = app.taken(app.batch("application/zip", archive)).await;
    assert_eq!((&batch["counts"]["pending"], &batch["counts"]["refused"]), (&json!(2), &json!(5)));
    let rows = app.rows(&format!("{address}/results")).await;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (row["custom_id"].as_str().unwrap(), row["error"]["kind"].as_str().unwrap_or("taken")))
        .collect();
    let expected = [
        ("set/a.png", "taken"),
        ("../../etc/passwd", "malformed-body"),
        ("set/../../b.png", "malformed-body"),
        ("set/note.txt", "unsupported-image"),
        ("set/bomb.png", "body-too-large"),
        ("set/large.png", "body-too-large"),
        ("set/b.png", "taken"),
    ];
    assert_eq!(rows, expected);

    let mut damaged = zip(&[("a.png", &png())]);
    damaged.truncate(damaged.len() - 8);
    for (body, name) in
        [(damaged, "malformed-body"), (b"PK".to_vec(), "malformed-body"), (zip(&[]), "empty-image")]
    {
        let answer = app.batch("application/zip", body).send().await.unwrap();
        assert_problem(&app, answer, 400, name).await;
    }
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_taken_back() {
    let settings = ApiSettings { max_batch_items: 100, max_batch_bytes: 60_000, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    let small = png();
    let entries: Vec<(&str, &[u8])> = many.iter().map(|name| (&**name, &*small)).collect();
    let (blank, blanks) = (vec![0; 30_000], ["a", "b", "c"]);
    let blanks: Vec<(&str, &[u8])> = blanks.iter().map(|name| (*name, &*blank)).collect();
    for (kind, body) in
        [(JSONL, lines(101)), (JSONL, line_with("long", json!({ "charset": "A".repeat(60_000) })))]
    {
        let answer = app.batch(kind, body).send().await.unwrap();
        assert_problem(&app, answer, 413, "batch-too-large").await;
    }
    // Folders and what systems put there by themselves are none of its pictures.
    let mut beside: Vec<(&str, &[u8])> = entries[..98].to_vec();
    beside.extend([("set/", &b""[..]), ("__MACOSX/a", b"fork"), (".DS_Store", b"view")]);
    assert_eq!(app.taken(app.batch("application/zip", zip(&beside))).await.1["counts"]["total"], 98);
    for archive in [zip(&entries), zip(&blanks)] {
        let answer = app.batch("application/zip", archive).send().await.unwrap();
        assert_problem(&app, answer, 413, "batch-too-large").await;
    }
    // What was accepted before that is of no use to a worker.
    for job in app.bulk_jobs(64).await {
        assert_eq!(app.results.start(&[job.id]).await.unwrap(), [false]);
    }
}

#[tokio::test]
async fn an_archive_may_have_many_folders_but_not_endless_ones() {
    let settings = ApiSettings { max_batch_items: 1, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let picture = png();
    let archive = |folders: usize| {
        let names: Vec<_> = (0..folders).map(|number| format!("{number}/")).collect();
        let mut entries: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        entries.push(("a.png", &picture));
        app.batch("application/zip", zip(&entries))
    };
    assert_eq!(app.taken(archive(1_002)).await.1["counts"]["total"], 1);
    assert_problem(&app, archive(1_003).send().await.unwrap(), 413, "batch-too-large").await;
}

#[tokio::test]
async fn what_cannot_be_a_batch_is_refused() {
    let app = TestApp::start().await;
    for (kind, query, status, name) in [
        ("image/png", "", 415, "unsupported-media-type"),
        (JSONL, "?queue=interactive", 400, "malformed-option"),
        (JSONL, "?colour=red", 400, "malformed-option"),
        (JSONL, "", 400, "empty-image"),
        ("multipart/form-data", "", 400, "malformed-body"),
    ] {
        let request = app.client.post(format!("{}/v1/batches{query}", app.address));
        let answer = request.header("content-type", kind).body("").send().await.unwrap();
        assert_problem(&app, answer, status, name).await;
    }
    for (query, name) in [
        ("model=huge", "unknown-model"),
        ("min_length=5&max_length=4", "contradictory-options"),
        ("charset=!", "contradictory-options"),
    ] {
        let request = app.client.post(format!("{}/v1/batches?{query}", app.address)).body(lines(1));
        let answer = request.header("content-type", JSONL).send().await.unwrap();
        assert_problem(&app, answer, 422, name).await;
    }
    assert_eq!(app.bulk.depth().await.unwrap(), 0);
    let unknown = "/v1/batches/00000000-0000-7000-8000-000000000000";
    for (path, status, name) in [
        ("/v1/batches/one", 400, "batch-id-malformed"),
        (unknown, 404, "batch-unknown"),
        (&*format!("{unknown}/results"), 404, "batch-unknown"),
        (&*format!("{unknown}/results?limit=0"), 400, "malformed-option"),
        (&*format!("{unknown}/results?after=-1"), 400, "malformed-option"),
        (&*format!("{unknown}/results?format=xml"), 400, "malformed-option"),
        (&*format!("{unknown}/results?after=1&after=2"), 400, "malformed-option"),
    ] {
        assert_problem(&app, app.get(path).send().await.unwrap(), status, name).await;
    }
}
