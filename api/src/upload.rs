//! Takes the picture out of a request, in any of the three forms it may come in, and refuses early what no worker could
//! read: only what stands before the pixels is looked at here, pixels are the workers' business.

use std::io::Cursor;

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request},
    http::{HeaderMap, request::Parts},
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use byecaptcha_queue::{Fingerprint, JobOptions, QueueName};
use bytes::Bytes;
use image::{ImageError, ImageFormat, ImageReader};
use sha2::{Digest, Sha256};

use crate::{
    body,
    linger::linger,
    members::{Member, Members},
    options::Options,
    problem::{self, Problem},
    room::Place,
    state::{ApiSettings, ApiState},
};

/// Most bytes that a decoder takes before it comes to the pixels: a PNG's colour profile is unpacked there, and 60 kB of it
/// may be packed 62 MiB. A part of the file itself takes up to twice its size.
const MOST_ALLOCATED: u64 = 32 << 20;

/// A picture and what its sender asks for.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) image: Bytes,
    pub(crate) options: JobOptions,
    pub(crate) queue: QueueName,
    /// What makes two uploads the same: the picture, and the options as they were asked for.
    pub(crate) fingerprint: Fingerprint,
    /// What the picture takes of the room for such.
    pub(crate) place: Option<Place>,
}

/// The forms a body may have.
#[derive(Clone, Copy)]
enum Form {
    Raw,
    Multipart,
    Json,
}

/// Reads and checks the request's picture.
pub(crate) async fn extract(state: &ApiState, request: Request) -> Result<Upload, Problem> {
    let (parts, body) = request.into_parts();
    let settings = &state.settings;
    let checked = body::refuse_declared_length(&parts.headers, settings.max_upload_bytes)
        .and_then(|()| Ok((form(&parts.headers)?, Options::from_query(&parts.uri)?)));
    let (form, mut options) = match checked {
        Ok(checked) => checked,
        Err(problem) => {
            linger(body);
            return Err(problem);
        }
    };
    let (body, mut place) =
        body::read(body, settings.max_upload_bytes, settings.body_timeout, &state.room).await?;
    let image = match form {
        Form::Raw => body,
        Form::Multipart => multipart(parts, body, &mut options).await?,
        Form::Json => json(body, &mut options)?,
    };
    if let Some(place) = &mut place {
        place.shrink(image.len());
    }
    check_image(&image, settings)?;
    let fingerprint = fingerprint(&image, &options);
    let (options, queue) = options.checked(state)?;
    Ok(Upload { image, options, queue, fingerprint, place })
}

/// What makes two uploads the same: the picture, and the options as they were asked for.
pub(crate) fn fingerprint(image: &[u8], options: &Options) -> Fingerprint {
    // The options' debug form names each with its value, and no two sets of them have the same.
    Sha256::new().chain_update(format!("{options:?}")).chain_update(image).finalize().into()
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    match body::media_type(headers).as_str() {
        "multipart/form-data" => Ok(Form::Multipart),
        "application/json" => Ok(Form::Json),
        "" | "application/octet-stream" => Ok(Form::Raw),
        image if image.starts_with("image/") => Ok(Form::Raw),
        other => Err(body::not_taken(
            other,
            "image/*, application/octet-stream, multipart/form-data or application/json",
        )),
    }
}

fn json(body: Bytes, options: &mut Options) -> Result<Bytes, Problem> {
    let malformed = |detail| Problem::new(problem::MALFORMED_BODY, detail);
    let members: Members = serde_json::from_slice(&body)
        .map_err(|error| malformed(format!("The JSON is not a job: {error}.")))?;
    // Before the picture is decoded: each of the three is as large as an upload.
    drop(body);
    members_of_job(members, options)
}

/// The picture among the members of a JSON object, all others of which are options.
pub(crate) fn members_of_job(mut members: Members, options: &mut Options) -> Result<Bytes, Problem> {
    /// Senders differ on padding, and nothing hangs on it.
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let malformed = |detail| Problem::new(problem::MALFORMED_BODY, detail);
    let mut images = members.take("image");
    if images.len() > 1 {
        return Err(malformed("The JSON holds more than one picture.".to_owned()).in_field("image"));
    }
    let Some(Member::Text(mut image)) = images.pop() else {
        let detail = "The JSON is not a job: it has no member image, or one that is not a string.";
        return Err(malformed(detail.to_owned()).in_field("image"));
    };
    options.set_members(&members)?;
    if image.starts_with("data:") {
        const START: &str = ";base64,";
        let start = image.find(START).ok_or_else(|| {
            Problem::new(problem::MALFORMED_BASE64, "The data: URL holds no base64.").in_field("image")
        })?;
        image.drain(..start + START.len());
    }
    // Command-line tools break base64 into lines.
    if image.bytes().any(|byte| byte.is_ascii_whitespace()) {
        image.retain(|character| !character.is_ascii_whitespace());
    }
    let image = BASE64
        .decode(image)
        .map_err(|error| Problem::new(problem::MALFORMED_BASE64, format!("{error}.")).in_field("image"))?;
    Ok(image.into())
}

async fn multipart(parts: Parts, body: Bytes, options: &mut Options) -> Result<Bytes, Problem> {
    let malformed = |detail: String| Problem::new(problem::MALFORMED_BODY, detail);
    let mut form = Multipart::from_request(Request::from_parts(parts, Body::from(body)), &())
        .await
        .map_err(|rejection| malformed(format!("{}.", rejection.body_text())))?;
    let broken =
        |error: axum::extract::multipart::MultipartError| malformed(format!("{}.", error.body_text()));
    let mut image = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "image" | "file" if image.is_some() => {
                return Err(malformed("The form holds more than one picture.".to_owned()).in_field("image"));
            }
            "image" | "file" => image = Some(field.bytes().await.map_err(broken)?),
            name => {
                let name = name.to_owned();
                let text = field.text().await.map_err(broken)?;
                if !options.set_field(&name, &text)? {
                    return Err(malformed(format!(
                        "The form holds an unknown field {:?}.",
                        problem::shown(&name)
                    )));
                }
            }
        }
    }
    image.ok_or_else(|| {
        Problem::new(problem::EMPTY_IMAGE, "The form holds no field called image or file.").in_field("image")
    })
}

/// Looks at what the bytes are, whatever they are called, and at the size that the picture's header gives.
pub(crate) fn check_image(image: &[u8], settings: &ApiSettings) -> Result<(), Problem> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    let refused = |kind, detail: &str| Err(Problem::new(kind, detail).in_field("image"));
    if image.is_empty() {
        return refused(problem::EMPTY_IMAGE, "The picture is empty.");
    }
    let Ok(format @ (Png | Jpeg | Gif | WebP | Bmp)) = image::guess_format(image) else {
        return refused(problem::UNSUPPORTED_IMAGE, "The file is not a PNG, JPEG, GIF, WebP or BMP picture.");
    };
    let (max_width, max_height) = (settings.max_width, settings.max_height);
    let mut reader = ImageReader::with_format(Cursor::new(image), format);
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MOST_ALLOCATED);
    reader.limits(limits);
    let (width, height) = match reader.into_dimensions() {
        Ok((width, height)) if width > 0 && height > 0 => (width, height),
        // So large that the decoder itself balks.
        Err(ImageError::Limits(_)) => (u32::MAX, u32::MAX),
        _ => {
            let detail = "The file ends or is damaged before it says how large the picture is.";
            return refused(problem::IMAGE_TRUNCATED, detail);
        }
    };
    if width > max_width || height > max_height {
        let found =
            if width == u32::MAX { "far larger".to_owned() } else { format!("{width} x {height} pixels") };
        let detail = format!("The picture is {found}; at most {max_width} x {max_height} pixels are read.");
        return refused(problem::IMAGE_TOO_LARGE, &detail);
    }
    Ok(())
}
