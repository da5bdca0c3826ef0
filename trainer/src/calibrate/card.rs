//! A calibration in its model's card, and as a person reads it.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use byecaptcha_models::{
    ModelCard,
    calibration::{Calibration, HeldOut},
};

use super::fit;
use crate::{export, whole};

/// Writes a card's calibration into its file; all else in it stays as it is, to the last digit, which reading and writing
/// the whole does not see to.
pub(super) fn write(card: &ModelCard, file: &Path) -> Result<()> {
    let old = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let whole = serde_json::to_string_pretty(card)?;
    let spliced = part(&whole).and_then(|(_, new, _)| {
        let (before, _, after) = part(&old)?;
        Some(format!("{before}{new}{after}"))
    });
    match spliced {
        Some(text) => whole::write(file, text),
        // Somebody has laid it out by hand.
        None => export::write_card(card, file),
    }
}

/// A card as text: what comes before its calibration, that, and what comes after it, from the checksums on.
fn part(card: &str) -> Option<(&str, &str, &str)> {
    let end = card.find("\n  \"onnx_sha256\": ")?;
    let start = card.find("\n  \"calibration\": {").filter(|&start| start < end).unwrap_or(end);
    Some((&card[..start], &card[start..end], &card[end..]))
}

/// What was fitted, as a person reads it, and why there is no threshold where there is none.
pub(crate) fn summary(calibration: &Calibration) -> String {
    let Calibration { map, fitted_on, fitted_readings, abstain_below, right_when_kept, .. } = calibration;
    let promised = (right_when_kept * 1e4).round() / 1e2;
    let threshold = match abstain_below {
        Some(threshold) => format!("abstain below {threshold} for {promised}% right"),
        None => format!(
            "no threshold: {promised}% right takes at least {} readings, and more where not all of the surest are right",
            fit::least(*right_when_kept)
        ),
    };
    format!(
        "fitted on {fitted_readings} readings, {fitted_on}\n  a {:.4}, b {:.4}, c {:.4}; {threshold}",
        map.a, map.b, map.c
    )
}

/// The calibration as a person reads it.
pub(super) fn report(calibration: &Calibration) -> String {
    let mut lines = vec![
        summary(calibration),
        "held out: right, calibration error before, after, by chance; kept, right of these (95% interval)"
            .to_owned(),
    ];
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    for HeldOut {
        set,
        limits,
        images,
        exact,
        error_before,
        error_after,
        error_by_chance,
        kept,
        right_of_kept,
    } in &calibration.held_out
    {
        let right = right_of_kept.map_or("-".to_owned(), |[right, low, high]| {
            format!("{} ({} to {})", percent(right), percent(low), percent(high))
        });
        lines.push(format!(
            "  {set}, limits {limits}, {images}: {}, {error_before:.4}, {error_after:.4}, {error_by_chance:.4}; {}, {right}",
            percent(*exact),
            percent(*kept)
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use byecaptcha_models::{calibration::BetaMap, weights};

    use super::*;
    use crate::calibrate::RIGHT_WHEN_KEPT;

    #[test]
    fn a_card_keeps_all_but_its_calibration_to_the_last_digit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lean.json");
        fs::write(&file, weights::LEAN.card).unwrap();
        let mut card: ModelCard = serde_json::from_str(weights::LEAN.card).unwrap();
        // Twice, so that one is put in and one replaced.
        for c in [0.25, -0.5] {
            card.calibration = Some(Calibration {
                map: BetaMap { a: 1.0, b: 1.0, c },
                fitted_on: "a set".to_owned(),
                fitted_readings: 2,
                abstain_below: Some(0.9),
                right_when_kept: RIGHT_WHEN_KEPT,
                held_out: Vec::new(),
            });
            write(&card, &file).unwrap();
            let text = fs::read_to_string(&file).unwrap();
            let written: ModelCard = serde_json::from_str(&text).unwrap();
            assert_eq!(written.calibration, card.calibration);
            let (before, _, after) = part(&text).unwrap();
            let (expected_before, _, expected_after) = part(weights::LEAN.card).unwrap();
            assert_eq!((before, after), (expected_before, expected_after));
        }
    }
}
