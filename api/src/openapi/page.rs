//! The document as a page.

use utoipa::openapi::OpenApi;

pub(super) fn html(_: &OpenApi) -> String {
    String::new()
}
