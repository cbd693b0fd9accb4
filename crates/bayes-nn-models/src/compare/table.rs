//! The comparison as cells of tables.

use super::predictions::mean;
use super::{Comparison, Estimate, PredictiveComparison, SiteComparison};
use crate::predict::{Score, Task};

impl Comparison {
    /// What stands above the columns of [`SiteComparison::cells`].
    pub fn site_headers(&self) -> [String; 7] {
        let [fit, reference] = &self.methods;
        [
            String::new(),
            format!("mean, {fit}"),
            reference.clone(),
            "difference in sd".to_owned(),
            format!("sd, {fit}"),
            reference.clone(),
            "ratio".to_owned(),
        ]
    }

    /// What the cells of sites mean.
    pub fn note(&self) -> String {
        format!(
            "difference: of the means, in units of the sd of {}; ratio: of the sds; ±: Monte Carlo \
             error of both sides; *: beyond four of it",
            self.methods[1]
        )
    }

    /// What stands above the columns of [`PredictiveComparison::cells`].
    pub fn prediction_headers(&self) -> [String; 4] {
        let [fit, reference] = self.methods.clone();
        [String::new(), fit, reference, "difference".to_owned()]
    }
}

impl SiteComparison {
    /// The comparison as a row of a table of text.
    pub fn cells(&self) -> Vec<String> {
        let number = |value: Option<f64>| value.map_or("none".to_owned(), short);
        let marked = |value: Option<Estimate>, at: f64| match value {
            None => "none".to_owned(),
            Some(estimate) if estimate.is_beyond_noise(at) => format!("{estimate} *"),
            Some(estimate) => format!("{estimate}  "),
        };
        vec![
            self.name().to_owned(),
            number(self.fit.mean),
            number(self.reference.mean),
            marked(self.difference(), 0.0),
            number(self.fit.sd),
            number(self.reference.sd),
            marked(self.sd_ratio(), 1.0),
        ]
    }
}

impl PredictiveComparison {
    /// What is predicted, of which variable, for how many rows.
    pub fn heading(&self) -> String {
        let what = match self.task {
            Task::Binary => "probability of 1".to_owned(),
            Task::Classes(classes) => format!("probabilities of {classes} classes"),
            Task::Counts => "a count".to_owned(),
            Task::Regression => "a number".to_owned(),
        };
        format!("`{}`, {what}, {} rows", self.name, self.rows())
    }

    /// The comparison as rows of a table of text.
    pub fn cells(&self) -> Vec<Vec<String>> {
        let both = [&self.fit, &self.reference];
        let mut rows = Vec::new();
        let mut add = |name: &str, [a, b]: [f64; 2]| {
            rows.push(vec![name.to_owned(), short(a), short(b), short(a - b)]);
        };
        match both.map(|side| side.score) {
            [
                Some(Score::Classification(a)),
                Some(Score::Classification(b)),
            ] => {
                add("accuracy", [a.accuracy, b.accuracy]);
                add("Brier score", [a.brier, b.brier]);
                add("calibration error", [a.ece, b.ece]);
            }
            [Some(Score::Regression(a)), Some(Score::Regression(b))] => {
                let interval = (1e6 * a.interval).round() / 1e4;
                add("RMSE", [a.rmse, b.rmse]);
                let coverage = format!("coverage of {interval} % intervals");
                add(&coverage, [a.coverage, b.coverage]);
            }
            _ => {}
        }
        let spread = match self.task {
            Task::Counts | Task::Regression => "mean predictive sd",
            Task::Binary | Task::Classes(_) => "mean sd of probabilities between draws",
        };
        add(spread, both.map(|side| mean(&side.sd)));
        if let Some([a, b]) = self.log_scores() {
            let difference = self.log_score_difference();
            rows.insert(
                0,
                vec![
                    "log score, nats a row".to_owned(),
                    format!("{a:.4}"),
                    format!("{b:.4}"),
                    difference.map_or("none".to_owned(), |d| d.to_string()),
                ],
            );
        }
        rows
    }
}

/// Three digits.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = (2.0 - size.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

/// A table in columns, the first to the left, the others to the right.
pub(super) fn aligned(headers: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.fold(headers[column].chars().count(), usize::max)
    };
    let widths: Vec<usize> = (0..headers.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let mut line = format!("{:<1$}", cells[0], widths[0]);
        for (cell, width) in cells.iter().zip(&widths).skip(1) {
            line += &format!("  {cell:>width$}");
        }
        line.trim_end().to_owned() + "\n"
    };
    let head = line(headers.iter().map(String::as_str).collect());
    let body = rows
        .iter()
        .map(|row| line(row.iter().map(String::as_str).collect()));
    head + &body.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.012_345, -1.234_5, 987.65, 123_456.0, 1.5e-7, 2e9];
        let shown = shown.map(short);
        assert_eq!(
            shown,
            ["0", "0.0123", "-1.23", "988", "123456", "1.50e-7", "2.00e9"]
        );
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["slope".to_owned(), "1 ± 2".to_owned()]];
        assert_eq!(
            aligned(&["", "mean"].map(str::to_owned), &rows),
            "        mean\nslope  1 ± 2\n"
        );
    }
}
