//! What kind of picture bytes are, by what they begin with. The server looks for itself; this is for whatever stands
//! between, and for its logs.

/// The media type to send these bytes as.
pub(crate) fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'B', b'M', ..] => "image/bmp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn pictures_are_known_by_their_bytes() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        for (name, expected) in [
            ("forms/plain.png", "image/png"),
            ("kuEr_num5412.jpg", "image/jpeg"),
            ("forms/animated.gif", "image/gif"),
            ("forms/lossless.webp", "image/webp"),
            ("forms/picture.bmp", "image/bmp"),
        ] {
            assert_eq!(sniff(&fs::read(fixtures.join(name)).unwrap()), expected, "{name}");
        }
        for other in [&b""[..], b"B", b"RIFF....WAVE", b"Dear Sir"] {
            assert_eq!(sniff(other), "application/octet-stream");
        }
    }
}
