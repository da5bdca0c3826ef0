//! What a generator promises about its images, whatever they look like.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test may panic")]

use byecaptcha_dataset::{Draw, Encoding, Error, Generator, Resampling, Style, Warp};

fn hku() -> Style {
    Style::preset("hku").unwrap()
}

#[test]
fn a_run_is_the_same_on_any_number_of_threads() {
    let generator = Generator::new(hku(), 7).unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generator.batch(10..70))
    };
    let alone: Vec<_> = (10..70).map(|index| generator.sample(index)).collect();
    for threads in [1, 4] {
        for (here, there) in on(threads).into_iter().zip(&alone) {
            assert_eq!((here.label, here.image), (there.label.clone(), there.image.clone()));
        }
    }
}

#[test]
fn seed_and_index_make_the_difference() {
    let files = |seed: u64| {
        let generator = Generator::new(hku(), seed).unwrap();
        (0..50).map(|index| generator.encoded(index)).collect::<Vec<_>>()
    };
    assert_eq!(files(1), files(1));
    let mut all: Vec<_> = files(1).into_iter().chain(files(2)).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 100);
}

#[test]
fn a_sample_is_its_file_read_back() {
    for name in ["hku", "hku-pairs", "hku6", "default", "0.7.1", "0.7.1-digits"] {
        let style = Style::preset(name).unwrap();
        let size = (style.width, style.height);
        let generator = Generator::new(style, 3).unwrap();
        for index in 0..12 {
            let (label, bytes, _) = generator.encoded(index);
            let sample = generator.sample(index);
            assert_eq!(label, sample.label);
            assert_eq!(image::load_from_memory(&bytes).unwrap().into_rgb8(), sample.image);
            assert_eq!(sample.image.dimensions(), size);
        }
    }
}

#[test]
fn emphasized_symbols_are_half_of_all_and_alike_among_themselves() {
    let generator = Generator::new(Style::preset("hku-pairs").unwrap(), 5).unwrap();
    let symbols: String = (0..6_000).map(|index| generator.label(index)).collect();
    let count = |symbol| symbols.matches(symbol).count() as f64 / symbols.len() as f64;
    // Half of all from six, and the other half from all 59.
    let expected = 0.5 / 6.0 + 0.5 / 59.0;
    for symbol in ["V", "v", "X", "x", "Z", "z"] {
        assert!((count(symbol) - expected).abs() < 0.01, "{symbol}: {}", count(symbol));
    }
    assert!((count("k") - 0.5 / 59.0).abs() < 0.003, "{}", count("k"));
    let foreign = Style { emphasis: "V0".to_owned(), ..hku() };
    assert!(matches!(Generator::new(foreign, 1), Err(Error::UnknownEmphasis('0'))));
}

#[test]
fn a_preset_has_the_charset_that_stands_behind_its_name() {
    for (name, letters) in
        [("default-all", "AZaz"), ("0.7.1-digits", ""), ("hku6-upper", "AZ"), ("hku-lower", "az")]
    {
        let style = Style::preset(name).unwrap();
        let held: String = "AZaz".chars().filter(|&letter| style.charset.contains(letter)).collect();
        assert_eq!(held, letters, "{name}");
        assert_eq!(style.charset.len(), 10 + letters.len() / 2 * 26, "{name}");
        assert!(style.charset.starts_with("0123456789"));
        assert_eq!(style.lengths == [6], name.starts_with("hku6"), "{name}");
        assert!(Generator::new(style, 1).is_ok());
    }
    let (plain, digits) = (Style::preset("0.7.1").unwrap(), Style::preset("0.7.1-digits").unwrap());
    assert_eq!(Style { charset: plain.charset.clone(), lengths: vec![4, 5, 6], ..digits }, plain);
}

#[test]
fn lengths_and_symbols_come_evenly_whichever_pictures_are_taken() {
    let style = Style { lengths: vec![2, 5, 3], charset: "aB3".to_owned(), ..hku() };
    let generator = Generator::new(style, 5).unwrap();
    let labels: Vec<String> = generator.batch(0..3600).into_iter().map(|sample| sample.label).collect();
    let count = |step, length| labels.iter().step_by(step).filter(|label| label.len() == length).count();
    for length in [2, 5, 3] {
        assert_eq!(count(1, length), 1200);
        // Nor does every second picture, or every third, have some lengths only.
        for step in [2, 3] {
            let share = (count(step, length) * step) as f64 / labels.len() as f64;
            assert!(
                (share - 1.0 / 3.0).abs() < 0.05,
                "of every {step}, length {length} has a share of {share}"
            );
        }
    }
    let symbols = labels.concat();
    for symbol in "aB3".chars() {
        let share = symbols.chars().filter(|&c| c == symbol).count() as f64 / symbols.len() as f64;
        assert!((share - 1.0 / 3.0).abs() < 0.05, "{symbol} has a share of {share}");
    }
}

#[test]
fn extreme_but_valid_styles_are_drawn() {
    for (width, height, size, length) in
        [(16, 16, 200, 1), (16, 1024, 4, 20), (300, 16, 60, 20), (1024, 200, 4, 1)]
    {
        for resampling in [Resampling::Bicubic, Resampling::Nearest] {
            for warp in [Warp::V0_3, Warp::V0_7_1] {
                let style = Style {
                    width,
                    height,
                    font_sizes: vec![size],
                    lengths: vec![length],
                    emphasis: String::new(),
                    charset: ('a'..='z').chain('A'..='Z').chain('0'..='9').collect(),
                    resampling,
                    warp,
                    encoding: Encoding::Png,
                };
                let generator = Generator::new(style, 9).unwrap();
                for sample in generator.batch(0..8) {
                    assert_eq!(sample.image.dimensions(), (width, height));
                }
            }
        }
    }
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    type Change = fn(&mut Style);
    let refusal = |change: Change| {
        let mut style = hku();
        change(&mut style);
        Generator::new(style, 1).err().map(|error: Error| error.to_string()).unwrap_or_default()
    };
    let cases: [(Change, &str); 9] = [
        (|style| style.width = 0, "width 0 is outside 16 to 1024"),
        (|style| style.height = 5000, "height 5000 is outside 16 to 1024"),
        (|style| style.font_sizes = vec![40, 0], "font size 0 is outside 4 to 200"),
        (|style| style.font_sizes.clear(), "font sizes must not be empty"),
        (|style| style.lengths = vec![4, 99], "length 99 is outside 1 to 20"),
        (|style| style.encoding = Encoding::Jpeg { quality: 0 }, "JPEG quality 0 is outside 1 to 100"),
        (|style| style.charset.clear(), "charset must not be empty"),
        (|style| style.charset = "abca".to_owned(), "charset has 'a' twice"),
        (|style| style.charset = "a b".to_owned(), "charset has ' ', which the font cannot draw"),
    ];
    for (change, expected) in cases {
        assert_eq!(refusal(change), expected);
    }
    for name in ["hkz", "hku-", "hku-lowercase", "-pairs", "hku-all-pairs"] {
        assert!(Style::preset(name).unwrap_err().to_string().contains(&format!("{name:?}")));
    }
}

#[test]
fn a_style_survives_json_and_unknown_fields_do_not() {
    let style = Style::preset("0.7.1").unwrap();
    let json = serde_json::to_string(&style).unwrap();
    assert_eq!(serde_json::from_str::<Style>(&json).unwrap(), style);
    assert!(serde_json::from_str::<Style>(&json.replacen('{', "{\"colour\":1,", 1)).is_err());
}
