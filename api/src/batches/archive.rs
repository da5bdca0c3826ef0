//! A batch as a ZIP archive. Its directory stands at its end, so it goes to a file without a name first, in the folder for
//! temporary files; from there entry after entry is unpacked in memory, none of them to the disk, whatever path it names.

use std::{
    fs::File,
    io::{BufReader, Read, SeekFrom},
    sync::Arc,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncSeekExt, AsyncWriteExt},
    runtime::Handle,
    sync::mpsc::Sender,
    task,
};
use zip::{ZipReadOptions, read::Config, result::ZipError, unstable::read::ZipIterable};

use super::{Entry, Picture, Stop, checked_name, too_large, upload::Upload};
use crate::{
    options::Options,
    problem::{self, Problem},
    room::{FREE, Place, Room},
    state::{ApiSettings, ApiState},
};

/// How often larger an entry may be than it is packed. Pictures hardly can be packed at all.
const RATIO: u64 = 100;
/// An entry of fewer bytes than these may be as it likes: one colour packs well.
const SMALL: u64 = 1 << 20;

/// Entries beside pictures that an archive may have, however few pictures it has.
const SOME_BESIDE: u64 = 1_000;

/// Sends an entry for each file in the archive, named as its path there.
pub(super) async fn read(
    upload: Upload,
    options: Options,
    state: &ApiState,
    entries: &Sender<Entry>,
) -> Result<(), Stop> {
    let (file, spooled) = spool(upload, &state.spool).await?;
    let (settings, room, entries, runtime) =
        (state.settings, Arc::clone(&state.batch_room), entries.clone(), Handle::current());
    let unpacked = task::spawn_blocking(move || {
        // Given back when the file is gone.
        let _spooled = spooled;
        let place = |bytes| {
            runtime.block_on(async {
                tokio::select! {
                    place = room.take(bytes) => place,
                    () = entries.closed() => {
                        Err(Problem::new(problem::NOT_READY, "Nobody takes the archive's pictures any more."))
                    }
                }
            })
        };
        unpack(BufReader::new(file), &options, &settings, place, |entry| entries.blocking_send(entry).is_ok())
    });
    let failed = |_| Problem::new(problem::INTERNAL, "The archive could not be unpacked.");
    Ok(unpacked.await.map_err(failed)??)
}

/// The upload as a file, at its beginning, and what it takes of the room for such. Room that is not there is not waited for: those
/// who have some would wait for one another.
async fn spool(mut upload: Upload, room: &Room) -> Result<(File, Option<Place>), Stop> {
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "an archive cannot be kept in the folder for temporary files");
        Problem::new(problem::UNAVAILABLE, "There is no room for the archive now.")
    };
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(failed)?);
    let mut place: Option<Place> = None;
    while let Some(piece) = upload.next().await? {
        let more = room.take(piece.len()).await?;
        match &mut place {
            Some(place) => place.add(more),
            None => place = Some(more),
        }
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.seek(SeekFrom::Start(0)).await.map_err(failed)?;
    Ok((file.into_std().await, place))
}

/// Unpacks for as long as entries are taken. The directory is read entry by entry, too, so that no archive, however many
/// entries it claims to have, takes more memory than its largest picture.
fn unpack<R: Read + std::io::Seek>(
    archive: R,
    options: &Options,
    settings: &ApiSettings,
    place: impl Fn(usize) -> Result<Place, Problem>,
    mut take: impl FnMut(Entry) -> bool,
) -> Result<(), Problem> {
    let broken =
        |error: ZipError| Problem::new(problem::MALFORMED_BODY, format!("The archive is damaged: {error}."));
    let mut archive = ZipIterable::try_new(archive, Config::default()).map_err(broken)?;
    let most = settings.max_batch_items;
    let (mut count, mut beside) = (0, 0);
    for file in archive.files().map_err(broken)? {
        let file = file.map_err(broken)?;
        let path = file.name().unwrap_or_default();
        *if is_beside(&path, file.is_dir()) { &mut beside } else { &mut count } += 1;
        // A folder and what a system puts beside it for each picture, and some: the walk itself is to end, too.
        if count > most || beside > 2 * most + SOME_BESIDE {
            let detail = format!("The archive has more entries than the {most} that are taken.");
            return Err(Problem::new(problem::BATCH_TOO_LARGE, detail));
        }
    }
    let mut left = settings.max_batch_bytes;
    let files = archive.files().map_err(broken)?;
    while let Some(file) = files.next() {
        let file = file.map_err(broken)?;
        let path = file.name().map(|name| name.into_owned()).unwrap_or_default();
        if is_beside(&path, file.is_dir()) {
            continue;
        }
        let mut taken = None;
        let refused = |kind, detail: &str| Err(Problem::new(kind, detail).into_failure());
        let image = if file.enclosed_name().is_none() {
            refused(problem::MALFORMED_BODY, "The entry's path leads out of the archive, or is none.")
        } else if file.is_symlink() {
            refused(problem::UNSUPPORTED_IMAGE, "The entry is a link.")
        } else if file.encrypted() {
            refused(problem::MALFORMED_BODY, "The entry is encrypted.")
        } else {
            let packed = file.compressed_size();
            let most = settings.max_upload_bytes as u64;
            let most = most.min(packed.saturating_mul(RATIO).max(SMALL)).min(left);
            // What unpacks to more than its entry says is damaged.
            let size = most.min(file.size());
            let mut image = Vec::new();
            if size > FREE as u64 {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                taken = Some(place(size)?);
                image.reserve_exact(size);
            }
            let read = file
                .with_reader(files.reader_mut(), ZipReadOptions::new())
                .map_err(|error| error.to_string())
                .and_then(|file| {
                    file.take(size + 1).read_to_end(&mut image).map_err(|error| error.to_string())
                });
            left -= (image.len() as u64).min(left);
            if left == 0 {
                let detail = format!("Unpacked it has more than {} bytes.", settings.max_batch_bytes);
                return Err(Problem::new(problem::BATCH_TOO_LARGE, detail));
            }
            match read {
                Err(error) => refused(problem::MALFORMED_BODY, &format!("The entry is damaged: {error}.")),
                Ok(_) if image.len() > settings.max_upload_bytes => Err(too_large(settings.max_upload_bytes)),
                Ok(_) if image.len() as u64 > most => {
                    refused(problem::BODY_TOO_LARGE, "The entry is packed far more than a picture can be.")
                }
                Ok(_) if image.len() as u64 > size => {
                    refused(problem::MALFORMED_BODY, "The entry is damaged: it has more bytes than it says.")
                }
                Ok(_) => Ok(Bytes::from(image)),
            }
        };
        let (custom_id, named) = match checked_name(&path) {
            Ok(name) => (name, Ok(())),
            Err(failure) => (String::new(), Err(failure)),
        };
        let picture = named.and(image).map(|image| Picture { image, options: options.clone(), place: taken });
        if !take(Entry { custom_id, picture }) {
            break;
        }
    }
    Ok(())
}

/// Whether an entry is none for a picture: a folder, or what some systems put beside pictures by themselves.
fn is_beside(path: &str, is_dir: bool) -> bool {
    is_dir || path.starts_with("__MACOSX/") || path.ends_with(".DS_Store")
}
