//! The table as Markdown and as one HTML page that holds its pictures.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};
use byecaptcha_dataset::stdout;

use super::{measure::Measured, plots, rows::Task};
use crate::{metrics::Metrics, whole};

/// Heads of the columns.
const HEADS: [&str; 11] = [
    "network",
    "optimizer",
    "characters",
    "web page",
    "report",
    "extension",
    "report",
    "parameters",
    "multiply-adds",
    "ms an image",
    "images seen",
];

/// Writes table6.md, table6.html, curves.svg and a confusion matrix for each row.
pub(super) fn write(rows: &[Measured], budget: u64, out: &Path) -> Result<()> {
    let save = |name: &str, text: &str| whole::write(&out.join(name), text);
    plots::curves(rows, &out.join("curves.svg"))?;
    for row in rows {
        plots::confusion_matrix(row, &out.join(matrix(row)))?;
    }
    save("table6.md", &markdown(rows, budget))?;
    save("table6.html", &html(rows, budget, out)?)?;
    Ok(stdout::line(out.join("table6.md").display())?)
}

fn matrix(row: &Measured) -> String {
    format!("confusions-{}.svg", row.config.name)
}

fn cells(row: &Measured) -> [String; 11] {
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1}%", share * 100.0));
    [
        row.config.name.clone(),
        format!("{:?}", row.row.rule),
        if row.row.task == Task::Fixed { "6" } else { "4 to 6" }.to_owned(),
        score(&row.web_page),
        percent(row.row.report.0),
        score(&row.extension),
        percent(row.row.report.1),
        thousands(row.card.parameters as u64),
        format!("{:.1} M", row.card.multiply_adds as f64 / 1e6),
        format!("{:.2}", row.milliseconds),
        thousands(row.card.training.images),
    ]
}

fn score(metrics: &Metrics) -> String {
    let ((right, all), (low, high)) = (metrics.exact(), metrics.interval());
    let share = right as f64 / all.max(1) as f64 * 100.0;
    format!("{share:.1}% ({:.1} to {:.1})", low * 100.0, high * 100.0)
}

/// 1234567 as 1,234,567.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What the figures are of.
fn about(rows: &[Measured], budget: u64) -> Vec<String> {
    let sizes = |of: fn(&Measured) -> &Metrics| {
        let mut sizes: Vec<String> = rows.iter().map(|row| thousands(of(row).exact().1 as u64)).collect();
        sizes.dedup();
        sizes.join(" or ")
    };
    vec![
        format!(
            "Every network was trained on {} images drawn afresh, three in ten of them cut out of web pages, with one \
             schedule: a rise, a level part and a straight fall over the last half.",
            thousands(budget)
        ),
        format!(
            "Share of whole texts right, case counted, one pass, with 95% intervals (Wilson): the web page task on {} \
             files, the extension task on {} cuts. Milliseconds are for one core and batches of eight with the ONNX \
             engine, the quickest of several rounds in one run.",
            sizes(|row| &row.web_page),
            sizes(|row| &row.extension)
        ),
        "The columns named \"report\" are Table 6 of the report, whose networks saw 30,000 images many times.".to_owned(),
    ]
}

fn markdown(rows: &[Measured], budget: u64) -> String {
    let mut text = String::from("# The networks of the report, trained again\n\n");
    for paragraph in about(rows, budget) {
        text += &format!("{paragraph}\n\n");
    }
    text += &format!("| {} |\n|{}\n", HEADS.join(" | "), "---|".repeat(HEADS.len()));
    for row in rows {
        text += &format!("| {} |\n", cells(row).join(" | "));
    }
    text += "\n![Learning curves](curves.svg)\n";
    for row in rows {
        text += &format!("\n## {}\n\n{}\n\n", row.config.name, confusions(row));
        text += &format!("![What {} takes for what]({})\n", row.config.name, matrix(row));
    }
    text
}

/// The commonest mistakes, in words.
fn confusions(row: &Measured) -> String {
    let worst = row.web_page.worst_confusions(8);
    if worst.is_empty() {
        return "No character was taken for another.".to_owned();
    }
    let list: Vec<String> =
        worst.into_iter().map(|(truth, reading, times)| format!("{truth} as {reading} ({times})")).collect();
    format!("Most often misread: {}.", list.join(", "))
}

fn html(rows: &[Measured], budget: u64, out: &Path) -> Result<String> {
    let picture =
        |name: &str| fs::read_to_string(out.join(name)).with_context(|| format!("cannot read {name}"));
    let mut text = String::from(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>The networks of the report, trained \
         again</title>\n<style>body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 \
         1rem}table{border-collapse:collapse;font-size:14px}th,td{border-bottom:1px solid \
         #ccc;padding:.3rem .6rem;text-align:right}th:first-child,td:first-child{text-align:left}svg{max-width:100%;\
         height:auto}</style>\n<h1>The networks of the report, trained again</h1>\n",
    );
    for paragraph in about(rows, budget) {
        writeln!(text, "<p>{}</p>", paragraph.replace('"', "&quot;"))?;
    }
    let heads: String = HEADS.iter().map(|head| format!("<th>{head}</th>")).collect();
    writeln!(text, "<table><tr>{heads}</tr>")?;
    for row in rows {
        let cells: String = cells(row).iter().map(|cell| format!("<td>{cell}</td>")).collect();
        writeln!(text, "<tr>{cells}</tr>")?;
    }
    writeln!(text, "</table>\n<h2>Learning curves</h2>\n{}", picture("curves.svg")?)?;
    for row in rows {
        writeln!(
            text,
            "<h2>{}</h2>\n<p>{}</p>\n{}",
            row.config.name,
            confusions(row),
            picture(&matrix(row))?
        )?;
    }
    text += "</html>\n";
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_parted_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
