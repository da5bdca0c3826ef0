//! Takes the picture out of a request, in any of the three forms it may come in, and refuses early what no worker could
//! read: only headers are looked at here, pixels are the workers' business.

use std::io::Cursor;

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request},
    http::{HeaderMap, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_queue::JobOptions;
use bytes::Bytes;
use image::{ImageFormat, ImageReader};
use serde::Deserialize;

use crate::{
    problem::{self, Problem},
    state::ApiState,
};

/// A picture and what its sender asks for.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) image: Bytes,
    pub(crate) options: JobOptions,
}

/// The body's form where it is JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonUpload {
    /// Base64, alone or as a `data:` URL.
    image: String,
    #[serde(default)]
    model: Option<String>,
}

/// Reads and checks the request's picture.
pub(crate) async fn extract(state: &ApiState, request: Request) -> Result<Upload, Problem> {
    let limit = state.settings.max_upload_bytes;
    refuse_declared_length(request.headers(), limit)?;
    let media_type = media_type(request.headers());
    let upload = match media_type.as_str() {
        "multipart/form-data" => multipart(request, limit).await?,
        "application/json" => json(&read(request.into_body(), limit).await?)?,
        "" | "application/octet-stream" => raw(request, limit).await?,
        image if image.starts_with("image/") => raw(request, limit).await?,
        other => {
            let detail = format!("{other:?} is not taken: send image/*, multipart/form-data or application/json.");
            return Err(Problem::new(problem::MEDIA_TYPE, detail));
        }
    };
    check_image(&upload.image, state)?;
    if let Some(model) = &upload.options.model
        && !state.models.iter().any(|known| known.name == *model)
    {
        let names: Vec<&str> = state.models.iter().map(|known| known.name.as_str()).collect();
        let detail = format!("No model is called {model:?}; there are: {}.", names.join(", "));
        return Err(Problem::new(problem::UNKNOWN_MODEL, detail).in_field("model"));
    }
    Ok(upload)
}

/// The media type in lower case, without parameters.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn too_large(limit: usize) -> Problem {
    Problem::new(problem::BODY_TOO_LARGE, format!("At most {limit} bytes are taken."))
}

/// A body that says it is too large is refused before any of it is read.
fn refuse_declared_length(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(length) if length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

/// The whole body; one that does not say its length is cut off at the limit.
async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let over = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if over { too_large(limit) } else { Problem::new(problem::MALFORMED_BODY, "The body ended early.") }
    })
}

async fn raw(request: Request, limit: usize) -> Result<Upload, Problem> {
    Ok(Upload { image: read(request.into_body(), limit).await?, options: JobOptions::default() })
}

fn json(body: &[u8]) -> Result<Upload, Problem> {
    let JsonUpload { image, model } = serde_json::from_slice(body)
        .map_err(|error| Problem::new(problem::MALFORMED_BODY, format!("The JSON is not a job: {error}.")))?;
    let encoded = match image.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,").map(|(_, encoded)| encoded).ok_or_else(|| {
            Problem::new(problem::MALFORMED_BASE64, "The data: URL holds no base64.").in_field("image")
        })?,
        None => &image,
    };
    let image = STANDARD
        .decode(encoded.trim())
        .map_err(|error| Problem::new(problem::MALFORMED_BASE64, format!("{error}.")).in_field("image"))?;
    Ok(Upload { image: image.into(), options: JobOptions { model } })
}

async fn multipart(request: Request, limit: usize) -> Result<Upload, Problem> {
    let malformed = |detail: String| Problem::new(problem::MALFORMED_BODY, detail);
    let (parts, body) = request.into_parts();
    // The limit is put around the stream, so that it holds whatever the parts say of themselves.
    let limited = Body::new(http_body_util::Limited::new(body, limit));
    let mut form = Multipart::from_request(Request::from_parts(parts, limited), &())
        .await
        .map_err(|rejection| malformed(format!("{}.", rejection.body_text())))?;
    let refused = |error: axum::extract::multipart::MultipartError| {
        if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE || over_limit(&error) {
            too_large(limit)
        } else {
            malformed(format!("{}.", error.body_text()))
        }
    };
    let (mut image, mut options) = (None, JobOptions::default());
    while let Some(field) = form.next_field().await.map_err(refused)? {
        match field.name().unwrap_or_default() {
            "image" | "file" if image.is_some() => {
                return Err(malformed("The form holds more than one picture.".into()).in_field("image"));
            }
            "image" | "file" => image = Some(field.bytes().await.map_err(refused)?),
            "model" => options.model = Some(field.text().await.map_err(refused)?),
            other => return Err(malformed(format!("The form holds an unknown field {other:?}."))),
        }
    }
    let image = image.ok_or_else(|| {
        Problem::new(problem::EMPTY_IMAGE, "The form holds no field called image or file.").in_field("image")
    })?;
    Ok(Upload { image, options })
}

/// Whether a length limit is among the causes of an error.
fn over_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Looks at what the bytes are, whatever they are called, and at the size that the picture's header gives.
fn check_image(image: &[u8], state: &ApiState) -> Result<(), Problem> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    if image.is_empty() {
        return Err(Problem::new(problem::EMPTY_IMAGE, "The picture is empty.").in_field("image"));
    }
    let format = match image::guess_format(image) {
        Ok(format @ (Png | Jpeg | Gif | WebP | Bmp)) => format,
        _ => {
            let detail = "The file is not a PNG, JPEG, GIF, WebP or BMP picture.";
            return Err(Problem::new(problem::UNSUPPORTED_IMAGE, detail).in_field("image"));
        }
    };
    let (width, height) = ImageReader::with_format(Cursor::new(image), format).into_dimensions().map_err(|_| {
        let detail = "The file ends or is damaged before it says how large the picture is.";
        Problem::new(problem::IMAGE_TRUNCATED, detail).in_field("image")
    })?;
    let (max_width, max_height) = (state.settings.max_width, state.settings.max_height);
    if width > max_width || height > max_height {
        let detail =
            format!("The picture is {width} x {height} pixels; at most {max_width} x {max_height} are read.");
        return Err(Problem::new(problem::IMAGE_TOO_LARGE, detail).in_field("image"));
    }
    Ok(())
}
