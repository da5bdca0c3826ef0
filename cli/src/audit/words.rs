//! Numbers as the page and the summary write them: with as many digits as say something.

use indicatif::HumanCount;

/// With commas between thousands.
pub(crate) fn number(count: usize) -> String {
    HumanCount(count as u64).to_string()
}

/// A share, 0 to 1. Only what is all is 100%, and only what is none is 0%.
pub(crate) fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    let rounded = if share < 1.0 && hundredths >= 99.99 {
        trimmed(format!("{:.3}", hundredths.min(99.999)))
    } else if share < 1.0 && hundredths >= 99.9 {
        trimmed(format!("{:.2}", hundredths.min(99.99)))
    } else if hundredths >= 1.0 {
        trimmed(format!("{hundredths:.1}"))
    } else {
        decimal(hundredths)
    };
    format!("{rounded}%")
}

/// A small number with two digits that count.
pub(crate) fn decimal(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let before = value.abs().log10().floor();
    let places = (1.0 - before).clamp(0.0, 15.0) as usize;
    trimmed(format!("{value:.places$}"))
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// About so many, with two digits that count: 65,432,100 as 65,000,000.
pub(crate) fn about(value: f64) -> String {
    if value < 100.0 {
        return decimal(value);
    }
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    number(((value / unit).round() * unit).round() as usize)
}

/// An amount of dollars.
pub(crate) fn dollars(amount: f64) -> String {
    if amount >= 1.0 { format!("${amount:.2}") } else { format!("${}", decimal(amount)) }
}

/// A character such that a reader sees it: blanks and controls are named by their code points.
pub(crate) fn visible(character: char) -> String {
    if character.is_whitespace() || character.is_control() {
        format!("U+{:04X}", u32::from(character))
    } else {
        character.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_look_like_all_or_none_when_they_are_not() {
        let shares =
            [0.0, 0.000_012_3, 0.0001, 0.0096, 0.01, 0.9626, 0.5, 0.999_16, 0.999_9, 0.999_999_9, 1.0];
        assert_eq!(
            shares.map(percent),
            ["0%", "0.0012%", "0.01%", "0.96%", "1%", "96.3%", "50%", "99.92%", "99.99%", "99.999%", "100%"]
        );
    }

    #[test]
    fn amounts_keep_two_digits() {
        assert_eq!([0.000_018_2, 0.5, 3.0, 12.346].map(dollars), ["$0.000018", "$0.5", "$3.00", "$12.35"]);
        assert_eq!([0.123, 12.3, 65_432_100.0, 999.0].map(about), ["0.12", "12", "65,000,000", "1,000"]);
        assert_eq!([0.2, 1.43, 33.7].map(decimal), ["0.2", "1.4", "34"]);
        assert_eq!(['a', ' ', '\n', '\u{7f}'].map(visible), ["a", "U+0020", "U+000A", "U+007F"]);
    }
}
