//! Labelled pictures by Rust's captcha libraries: `real-libraries LIBRARY FOLDER COUNT`.

use std::{env, fs, path::Path};

use captcha::{CaptchaName, Difficulty, by_name};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [library, folder, count] = arguments.as_slice() else { panic!("LIBRARY FOLDER COUNT") };
    for number in 0..count.parse().expect("COUNT is a number") {
        let (text, picture) = match library.as_str() {
            "captcha" => of_captcha(number),
            _ => of_captcha_rs(number),
        };
        let name = format!("{text}_num{number}.png");
        fs::write(Path::new(folder).join(name), picture).expect("FOLDER can be written");
    }
}

/// Its two named kinds and three grades in turn.
fn of_captcha(number: usize) -> (String, Vec<u8>) {
    let grade = match number / 2 % 3 {
        0 => Difficulty::Easy,
        1 => Difficulty::Medium,
        _ => Difficulty::Hard,
    };
    let kind = if number % 2 == 0 { CaptchaName::Lucy } else { CaptchaName::Mila };
    let drawn = by_name(grade, kind);
    (drawn.chars_as_string(), drawn.as_png().expect("a PNG"))
}

/// Light and dark, in three grades of complexity.
fn of_captcha_rs(number: usize) -> (String, Vec<u8>) {
    let drawn = captcha_rs::CaptchaBuilder::new()
        .length(5)
        .width(160)
        .height(60)
        .dark_mode(number % 2 == 1)
        .complexity([1, 3, 5][number / 2 % 3])
        .build();
    let mut png = std::io::Cursor::new(Vec::new());
    drawn.image.write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    (drawn.text, png.into_inner())
}
