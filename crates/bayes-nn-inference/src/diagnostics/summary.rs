//! The table of a posterior: moments, interval and diagnostics of each scalar.

use std::fmt;

use super::draws::{equal_length, finite, mean, variance};
use super::{DiagnosticsError, ess_bulk, ess_tail, hdi, mcse_mean, mcse_sd, r_hat};

/// Moments and diagnostics of named scalars; displays as the table of ArviZ 1.x.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One row a scalar.
    pub rows: Vec<SummaryRow>,
    /// The share of the draws in each interval.
    pub hdi_probability: f64,
}

/// One scalar. What its draws do not give is none, and displayed as `nan`.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// The scalar.
    pub name: String,
    /// Mean of all draws.
    pub mean: Option<f64>,
    /// Standard deviation of all draws, with the divisor S - 1.
    pub sd: Option<f64>,
    /// [Highest-density interval](hdi()).
    pub hdi: Option<[f64; 2]>,
    /// [Effective sample size](ess_bulk()) of the bulk.
    pub ess_bulk: Option<f64>,
    /// [Effective sample size](ess_tail()) of the tails.
    pub ess_tail: Option<f64>,
    /// [Rank-normalised split R-hat](r_hat()); none for one chain.
    pub r_hat: Option<f64>,
    /// [Monte Carlo standard error](mcse_mean()) of the mean.
    pub mcse_mean: Option<f64>,
    /// [Monte Carlo standard error](mcse_sd()) of the standard deviation.
    pub mcse_sd: Option<f64>,
}

/// Summarises scalars, each given by its name and its chains.
///
/// # Errors
/// A scalar without chains or with chains of different lengths, a probability outside (0, 1].
/// Draws that are too few, all the same or not finite leave gaps in the row instead.
///
/// ```
/// use bayes_nn_inference::diagnostics::{HDI_PROBABILITY, summary};
/// let wave = |phase: f64| -> Vec<f64> { (0..500).map(|s| (phase + 2.4 * f64::from(s)).sin()).collect() };
/// let (a, b) = (wave(0.0), wave(1.0));
/// let table = summary(&[("x", &[&a, &b])], HDI_PROBABILITY)?;
/// assert!(table.rows[0].r_hat.unwrap() < 1.01);
/// assert!(table.to_string().contains("hdi89_lb"));
/// # Ok::<(), bayes_nn_inference::diagnostics::DiagnosticsError>(())
/// ```
pub fn summary(
    scalars: &[(&str, &[&[f64]])],
    hdi_probability: f64,
) -> Result<Summary, DiagnosticsError> {
    if !(hdi_probability > 0.0 && hdi_probability <= 1.0) {
        return Err(DiagnosticsError::Setting {
            field: "hdi_probability",
            value: hdi_probability,
            allowed: "above 0 and at most 1",
        });
    }
    let rows = scalars.iter().map(|&(name, chains)| {
        let fits = equal_length(chains, 1);
        fits.map_err(|source| DiagnosticsError::Scalar {
            name: name.to_owned(),
            source: Box::new(source),
        })?;
        Ok(row(name, chains, hdi_probability))
    });
    Ok(Summary {
        rows: rows.collect::<Result<_, DiagnosticsError>>()?,
        hdi_probability,
    })
}

fn row(name: &str, chains: &[&[f64]], hdi_probability: f64) -> SummaryRow {
    let draws = chains.concat();
    let all_finite = finite(0, &draws).is_ok();
    SummaryRow {
        name: name.to_owned(),
        mean: (all_finite && !draws.is_empty()).then(|| mean(&draws)),
        sd: (all_finite && draws.len() > 1).then(|| variance(&draws).sqrt()),
        hdi: hdi(chains, hdi_probability).ok(),
        ess_bulk: ess_bulk(chains).ok(),
        ess_tail: ess_tail(chains).ok(),
        r_hat: r_hat(chains).ok(),
        mcse_mean: mcse_mean(chains).ok(),
        mcse_sd: mcse_sd(chains).ok(),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (100.0 * self.hdi_probability).round();
        let header = [
            String::new(),
            "mean".to_owned(),
            "sd".to_owned(),
            format!("hdi{percent}_lb"),
            format!("hdi{percent}_ub"),
            "ess_bulk".to_owned(),
            "ess_tail".to_owned(),
            "r_hat".to_owned(),
            "mcse_mean".to_owned(),
            "mcse_sd".to_owned(),
        ];
        let lines: Vec<[String; 10]> = std::iter::once(header)
            .chain(self.rows.iter().map(SummaryRow::cells))
            .collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
        let widths: Vec<usize> = (0..10).filter_map(width).collect();
        for (i, line) in lines.iter().enumerate() {
            let first = widths[0];
            write!(f, "{}{:<first$}", if i > 0 { "\n" } else { "" }, line[0])?;
            for (cell, width) in line.iter().zip(&widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
        }
        Ok(())
    }
}

impl SummaryRow {
    /// ArviZ's digits: effective sample sizes rounded down, R-hat to two decimals, errors to two
    /// digits, moments to the digit of twice their error, the interval to two digits.
    fn cells(&self) -> [String; 10] {
        let whole = |value: Option<f64>| cell(value, |value| format!("{:.0}", value.floor()));
        let [low, high] = self.hdi.map_or([None; 2], |hdi| hdi.map(Some));
        [
            self.name.clone(),
            with_error(self.mean, self.mcse_mean),
            with_error(self.sd, self.mcse_sd),
            cell(low, two_digits),
            cell(high, two_digits),
            whole(self.ess_bulk),
            whole(self.ess_tail),
            cell(self.r_hat, |value| format!("{value:.2}")),
            cell(self.mcse_mean, two_digits),
            cell(self.mcse_sd, two_digits),
        ]
    }
}

fn cell(value: Option<f64>, format: impl Fn(f64) -> String) -> String {
    match value {
        None => "nan".to_owned(),
        Some(value) if value.is_finite() => format(value),
        Some(value) => value.to_string(),
    }
}

/// A value with as many decimals as twice its standard error has before its first digit.
fn with_error(value: Option<f64>, error: Option<f64>) -> String {
    cell(value, |value| match error {
        None => two_digits(value),
        Some(0.0) => general(round(value, 0)),
        Some(error) => {
            let decimals = -(2.0 * error).log10().floor() as i32;
            if decimals < 0 {
                scientific(value, 2)
            } else {
                general(round(value, decimals))
            }
        }
    })
}

fn two_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    general(round(value, 1 - value.abs().log10().floor() as i32))
}

/// The value at so many decimals; fewer than none are powers of ten.
fn round(value: f64, decimals: i32) -> f64 {
    if decimals < 0 {
        let unit = 10f64.powi(-decimals);
        return (value / unit).round_ties_even() * unit;
    }
    let text = format!("{value:.*}", decimals as usize);
    text.parse().unwrap_or(value)
}

/// Six digits without trailing zeros, as C's `%g`.
fn general(value: f64) -> String {
    let text = format!("{value:.5e}");
    let exponent = text
        .split_once('e')
        .and_then(|(_, e)| e.parse::<i32>().ok());
    let trim = |digits: &str| match digits.contains('.') {
        true => digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        false => digits.to_owned(),
    };
    match exponent {
        Some(exponent) if (-4..6).contains(&exponent) => {
            trim(&format!("{value:.*}", (5 - exponent) as usize))
        }
        _ => {
            let text = scientific(value, 5);
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
            format!("{}e{exponent}", trim(digits))
        }
    }
}

/// Digits after the point and an exponent of at least two, as C's `%e`.
fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_arviz() {
        assert_eq!(general(1_234_567.8), "1.23457e+06");
        assert_eq!(general(0.000_012), "1.2e-05");
        assert_eq!(general(-120.0), "-120");
        assert_eq!(general(0.0), "0");
        assert_eq!(two_digits(0.004_56), "0.0046");
        assert_eq!(two_digits(-1_234.0), "-1200");
        assert_eq!(with_error(Some(4.123_456), Some(0.013)), "4.12");
        assert_eq!(with_error(Some(2_345.6), Some(7.0)), "2.35e+03");
        assert_eq!(with_error(Some(3.0), Some(0.0)), "3");
        assert_eq!(with_error(Some(2.345_67), None), "2.3");
        assert_eq!(with_error(None, None), "nan");
    }

    #[test]
    fn one_scalar_without_draws_is_named() {
        let chains: [&[f64]; 2] = [&[1.0, 2.0], &[1.0]];
        let error = summary(&[("sigma", &chains)], 0.9).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sigma`: chain 1 has 1 draws, chain 0 has 2; all must have as many"
        );
    }
}
