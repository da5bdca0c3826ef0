//! Names around a request: the host it is for, the page it comes from, and its own id.

use byecaptcha_api::access::{Access, Hosts, KeyFile, Scope};
use reqwest::{Method, Response, StatusCode};

use crate::{
    app::{Setup, TestApp, assert_problem, header},
    pictures::png,
};

async fn with(access: Access) -> TestApp {
    TestApp::with(Setup { access, ..Setup::default() }).await
}

#[tokio::test]
async fn a_page_whose_name_leads_here_is_refused() {
    let hosts = Hosts::fitting("127.0.0.1:0".parse().unwrap());
    let app = with(Access::default().with_hosts(hosts)).await;
    let port = app.socket().rsplit(':').next().unwrap().to_owned();
    for own in ["localhost", "127.0.0.1", "[::1]"] {
        let response = app.get("/v1/models").header("host", format!("{own}:{port}")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{own}");
    }
    for path in ["/", "/v1/models", "/healthz", "/nothing"] {
        for host in [format!("evil.example:{port}"), "localhost.evil.example".to_owned()] {
            let response = app.get(path).header("host", host).send().await.unwrap();
            assert!(header(&response, "content-security-policy").is_some());
            let problem = assert_problem(&app, response, 421, "host-not-allowed").await;
            assert_eq!(problem["field"], "host");
        }
    }
}

fn asking(app: &TestApp, origin: &str) -> reqwest::RequestBuilder {
    let request = app.client.request(Method::OPTIONS, format!("{}/v1/jobs", app.address));
    request
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

fn words(response: &Response, name: &str) -> Vec<String> {
    let line = header(response, name).unwrap_or_default();
    line.split(',').map(|word| word.trim().to_ascii_lowercase()).collect()
}

#[tokio::test]
async fn pages_from_elsewhere_may_nothing_unless_they_are_named() {
    let app = TestApp::start().await;
    let response = asking(&app, "https://shop.example").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(header(&response, "access-control-allow-origin"), None);

    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::at(folder.path().join("keys.json"));
    let key = file.create("page", vec![Scope::Read], None).unwrap().shown;
    let access = Access::default().with_origins(vec!["https://shop.example".parse().unwrap()]);
    let app = with(access.with_keys(file, None).unwrap()).await;
    // A browser asks without the key.
    let response = asking(&app, "https://shop.example").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(words(&response, "access-control-allow-methods"), ["get", "post", "delete"]);
    let allowed = words(&response, "access-control-allow-headers");
    for name in ["authorization", "x-api-key", "content-type", "prefer", "x-request-id"] {
        assert!(allowed.contains(&name.to_owned()), "{name}");
    }
    assert_eq!(header(&response, "access-control-allow-credentials"), None);

    for (key, status) in [(key.as_str(), StatusCode::OK), ("none", StatusCode::UNAUTHORIZED)] {
        let request = app.get("/v1/models").header("origin", "https://shop.example").bearer_auth(key);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(header(&response, "cross-origin-resource-policy"), Some("cross-origin"));
        let exposed = words(&response, "access-control-expose-headers");
        for name in ["location", "link", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id"] {
            assert!(exposed.contains(&name.to_owned()), "{name}");
        }
    }
    for (path, origin) in [("/v1/models", "https://other.example"), ("/", "https://shop.example")] {
        let response = app.get(path).header("origin", origin).bearer_auth(&key).send().await.unwrap();
        assert_eq!(header(&response, "access-control-allow-origin"), None, "{path}");
        assert_eq!(header(&response, "cross-origin-resource-policy"), Some("same-origin"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_takes_over_the_callers() {
    let app = TestApp::start().await;
    let id = async |path: &str, sent: Option<&str>| {
        let request = sent.iter().fold(app.get(path), |request, id| request.header("x-request-id", *id));
        let response = request.send().await.unwrap();
        assert_eq!(response.headers().get_all("x-request-id").iter().count(), 1);
        header(&response, "x-request-id").unwrap().to_owned()
    };
    let longest = "a".repeat(64);
    for sane in ["1", "order-7/!", &longest] {
        assert_eq!(id("/v1/models", Some(sane)).await, sane);
    }
    for path in ["/", "/healthz", "/nothing", "/v1/models"] {
        let (one, other) = (id(path, None).await, id(path, None).await);
        assert_ne!(one, other);
        assert_eq!((one.len(), &one[14..15]), (36, "7"), "a UUIDv7");
    }
    for odd in ["", "two words", "tab\tbed", &format!("{longest}a")] {
        assert_eq!(id("/v1/models", Some(odd)).await.len(), 36, "{odd}");
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_has_nobody_submit_for_it() {
    let hosts = Hosts::fitting("127.0.0.1:0".parse().unwrap());
    let app = with(Access::default().with_hosts(hosts.clone())).await;
    let form = || {
        let picture = reqwest::multipart::Part::bytes(png()).file_name("a.png");
        app.submission().multipart(reqwest::multipart::Form::new().part("image", picture))
    };
    let job = format!("{}/v1/jobs/{}", app.address, byecaptcha_queue::JobId::new());
    for (origin, site) in [
        ("https://evil.example", Some("cross-site")),
        ("http://localhost:3000", Some("same-site")),
        ("https://evil.example", None),
        ("null", None),
    ] {
        for request in [form(), app.client.delete(&job), app.client.post(format!("{job}/feedback"))] {
            let request = request.header("origin", origin);
            let request = site.iter().fold(request, |request, site| request.header("sec-fetch-site", *site));
            let problem = assert_problem(&app, request.send().await.unwrap(), 403, "cross-site").await;
            assert_eq!(problem["field"], "origin");
        }
    }
    assert_eq!(app.broker_depth().await, 0, "nothing was accepted");

    let own = app.address.clone();
    for (origin, site) in [
        (Some(own.as_str()), Some("same-origin")),
        (Some(own.as_str()), None),
        (Some("chrome-extension://pkedcjkdefgpdelpbcmbmeomcjbeemfm"), Some("cross-site")),
        (None, None),
    ] {
        let request = origin.iter().fold(form(), |request, origin| request.header("origin", *origin));
        let request = site.iter().fold(request, |request, site| request.header("sec-fetch-site", *site));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED, "{origin:?}, {site:?}");
    }
    let reading = app.get("/v1/models").header("origin", "https://evil.example");
    assert_eq!(reading.send().await.unwrap().status(), StatusCode::OK, "which its page cannot read");

    let origins = vec!["https://shop.example".parse().unwrap()];
    let app = with(Access::default().with_hosts(hosts).with_origins(origins)).await;
    for (origin, status) in
        [("https://shop.example", StatusCode::ACCEPTED), ("https://evil.example", StatusCode::FORBIDDEN)]
    {
        let request = app.submit(png()).header("origin", origin).header("sec-fetch-site", "cross-site");
        assert_eq!(request.send().await.unwrap().status(), status, "{origin}");
    }
}
