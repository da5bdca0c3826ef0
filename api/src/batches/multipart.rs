//! A batch as a form: fields with options first, then a file for each picture.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{
        FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::request::Parts,
};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::Sender;

use super::{
    Entry, Picture, Stop, checked_name,
    sips::Sips,
    too_large,
    upload::{Fault, Upload},
};
use crate::{
    body::Pace,
    options::Options,
    problem::{self, Problem},
    room::{FREE, Place, Room},
    state::ApiSettings,
};

/// Most bytes in a field that is no picture.
const OPTION: usize = 4096;

/// Sends an entry for each file, named as the file is.
pub(super) async fn read(
    parts: Parts,
    upload: Upload,
    mut options: Options,
    settings: &ApiSettings,
    room: &Room,
    entries: &Sender<Entry>,
) -> Result<(), Stop> {
    let (largest, patience) = (settings.max_upload_bytes, settings.body_timeout);
    let (pieces, fault) = upload.into_pieces();
    let sips = Sips::new(fault);
    let mut form = open(parts, sips.body(pieces)).await?;
    let mut has_pictures = false;
    loop {
        sips.begin();
        let Some(field) = form.next_field().await.map_err(|error| broken(&sips.fault, &error))? else {
            break;
        };
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        if file.is_none() && name != "image" && name != "file" {
            if has_pictures {
                let detail = format!("The field {name:?} comes after a picture; options come first.");
                return Err(Problem::new(problem::OPTION_TOO_LATE, detail).into());
            }
            option(field, &name, &mut options, patience, &sips, room).await?;
            continue;
        }
        has_pictures = true;
        let image = bytes(field, largest, patience, &sips, room).await?;
        let (custom_id, named) = match checked_name(&file.unwrap_or_default()) {
            Ok(name) => (name, Ok(())),
            Err(failure) => (String::new(), Err(failure)),
        };
        let picture = match (named, image) {
            (Err(failure), _) => Err(failure),
            (Ok(()), None) => Err(too_large(largest)),
            (Ok(()), Some((image, place))) => Ok(Picture { image, options: options.clone(), place }),
        };
        if entries.send(Entry { custom_id, picture }).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn open(parts: Parts, body: Body) -> Result<Multipart, Problem> {
    let rejected = Multipart::from_request(Request::from_parts(parts, body), &()).await;
    rejected.map_err(|rejection| Problem::new(problem::MALFORMED_BODY, format!("{}.", rejection.body_text())))
}

fn broken(fault: &Fault, error: &MultipartError) -> Stop {
    fault.or(Problem::new(problem::MALFORMED_BODY, format!("{}.", error.body_text())))
}

async fn option(
    field: Field<'_>,
    name: &str,
    options: &mut Options,
    patience: Duration,
    sips: &Sips,
    room: &Room,
) -> Result<(), Stop> {
    let malformed = |detail: String| Stop::from(Problem::new(problem::MALFORMED_BODY, detail));
    let text = bytes(field, OPTION, patience, sips, room).await?;
    let text = text.and_then(|(bytes, _)| String::from_utf8(bytes.to_vec()).ok());
    let Some(text) = text else {
        return Err(malformed(format!("The field {name:?} holds more than a short text.")));
    };
    if !options.set_field(name, &text)? {
        return Err(malformed(format!("The form holds an unknown field {name:?}.")));
    }
    *options = std::mem::take(options).bulk()?;
    Ok(())
}

/// What a field holds, read to its end, and what that takes of the room; nothing where it is too much.
async fn bytes(
    mut field: Field<'_>,
    largest: usize,
    patience: Duration,
    sips: &Sips,
    room: &Room,
) -> Result<Option<(Bytes, Option<Place>)>, Stop> {
    let (mut read, mut fits) = (BytesMut::new(), true);
    let mut taken: Option<(Place, Pace)> = None;
    loop {
        sips.begin();
        let chunk = match &taken {
            None => field.chunk().await,
            Some((_, pace)) => pace.next(read.len(), field.chunk()).await.map_err(Stop::of_connection)?,
        };
        let Some(chunk) = chunk.map_err(|error| broken(&sips.fault, &error))? else { break };
        fits = fits && chunk.len() <= largest - read.len();
        if !fits {
            (read, taken) = (BytesMut::new(), None);
            continue;
        }
        if taken.is_none() && read.len() + chunk.len() > FREE {
            taken = Some((room.take(largest).await?, Pace::new(patience, largest)));
        }
        read.extend_from_slice(&chunk);
    }
    let place = taken.map(|(mut place, _)| {
        place.shrink(read.len());
        place
    });
    Ok(fits.then(|| (read.freeze(), place)))
}
