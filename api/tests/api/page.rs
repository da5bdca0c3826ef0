//! The web page as it is served.

use byecaptcha_api::ApiSettings;
use reqwest::StatusCode;

use crate::app::{Setup, TestApp, header};

const FILES: [(&str, &str); 15] = [
    ("/", "text/html; charset=utf-8"),
    ("/style.css", "text/css; charset=utf-8"),
    ("/results.css", "text/css; charset=utf-8"),
    ("/docs", "text/html; charset=utf-8"),
    ("/docs.css", "text/css; charset=utf-8"),
    ("/app.js", "text/javascript; charset=utf-8"),
    ("/card.js", "text/javascript; charset=utf-8"),
    ("/client.js", "text/javascript; charset=utf-8"),
    ("/colours.js", "text/javascript; charset=utf-8"),
    ("/history.js", "text/javascript; charset=utf-8"),
    ("/intake.js", "text/javascript; charset=utf-8"),
    ("/key.js", "text/javascript; charset=utf-8"),
    ("/speech.js", "text/javascript; charset=utf-8"),
    ("/words.js", "text/javascript; charset=utf-8"),
    ("/favicon.svg", "image/svg+xml"),
];

#[tokio::test]
async fn files_are_served_and_name_no_other_host() {
    let app = TestApp::start().await;
    for (path, media_type) in FILES {
        let response = app.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "content-type"), Some(media_type));
        assert_eq!(header(&response, "cache-control"), Some("no-cache"));
        let text = response.text().await.unwrap();
        assert!(text.len() > 100, "{path} is there");
        // The name of the SVG format is an identifier and is not fetched.
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for reference in ["http:", "https:", "//www", "src=\"//", "href=\"//", "url(", "@import"] {
            assert!(!text.contains(reference), "{path} holds {reference}");
        }
        assert!(!text.contains("{{"), "{path} holds an unfilled place");
    }
}

#[tokio::test]
async fn the_page_has_nothing_inline_and_all_it_names_is_there() {
    let app = TestApp::start().await;
    for page in ["/", "/docs"] {
        let html = app.get(page).send().await.unwrap().text().await.unwrap();
        assert_nothing_inline(&app, &html).await;
    }
}

async fn assert_nothing_inline(app: &TestApp, html: &str) {
    assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("javascript:"));
    let handler = html.split_whitespace().find(|word| word.starts_with("on") && word.contains('='));
    assert_eq!(handler, None, "no handlers in attributes");
    for script in html.split("<script").skip(1) {
        let (tag, inside) = script.split_once('>').unwrap();
        assert!(tag.contains("src=") && inside.trim_start().starts_with("</script>"));
    }
    let named = html.split([' ', '>']).filter_map(|attribute| {
        let address = attribute.strip_prefix("href=\"").or_else(|| attribute.strip_prefix("src=\""))?;
        address.strip_suffix('"').filter(|address| address.starts_with('/') && address.len() > 1)
    });
    for path in named {
        assert_eq!(app.get(path).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn answers_keep_to_themselves() {
    let app = TestApp::start().await;
    for path in ["/", "/app.js", "/v1/models", "/nothing", "/problems/internal", "/healthz"] {
        let response = app.get(path).send().await.unwrap();
        let policy = header(&response, "content-security-policy").unwrap();
        for part in ["default-src 'self'", "img-src 'self' blob: data:", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&response, "referrer-policy"), Some("no-referrer"));
    }
}

#[tokio::test]
async fn a_copy_that_is_still_right_is_not_sent_again() {
    let app = TestApp::start().await;
    let first = app.get("/app.js").send().await.unwrap();
    let tag = header(&first, "etag").unwrap().to_owned();
    let other = app.get("/card.js").send().await.unwrap();
    assert_ne!(header(&other, "etag"), Some(&*tag));
    for known in [tag.clone(), format!("W/{tag}"), format!("\"old\", {tag}"), "*".to_owned()] {
        let response = app.get("/app.js").header("if-none-match", known).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header(&response, "etag"), Some(&*tag));
        assert!(header(&response, "content-security-policy").is_some());
        assert!(response.bytes().await.unwrap().is_empty());
    }
    let response = app.get("/app.js").header("if-none-match", "\"old\"").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_knows_the_limit() {
    let settings = ApiSettings { max_upload_bytes: 123_456, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let html = app.get("/").send().await.unwrap().text().await.unwrap();
    assert!(html.contains("data-max-upload-bytes=\"123456\""));
}
