//! Checks that all plots share.

use super::{PlotError, Result};

pub(super) fn finite(what: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(PlotError::NotFinite {
            what: what.to_owned(),
            index,
            value: values[index],
        }),
    }
}

/// That values lie between bounds, up to rounding.
pub(super) fn within(what: &str, values: &[f64], (lower, upper): (f64, f64)) -> Result<()> {
    let slack = |bound: f64| 1e-6 * bound.abs().max(1.0);
    let lies = |value: f64| value >= lower - slack(lower) && value <= upper + slack(upper);
    match values.iter().position(|&value| !lies(value)) {
        None => Ok(()),
        Some(index) => Err(PlotError::Beyond {
            what: what.to_owned(),
            index,
            value: values[index],
            lower,
            upper,
        }),
    }
}

pub(super) fn not_empty(what: &str, len: usize) -> Result<()> {
    match len {
        0 => Err(PlotError::Empty {
            what: what.to_owned(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn length(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(PlotError::Length {
        what: what.to_owned(),
        found,
        expected,
    })
}

/// Points `[n, 2]` and one class each.
pub(super) fn points(x: &[f64], classes: &[f64]) -> Result<()> {
    length("x", x.len(), 2 * classes.len())?;
    finite("x", x)?;
    self::classes(classes)
}

pub(super) fn classes(classes: &[f64]) -> Result<()> {
    let is_class = |label: f64| label.fract() == 0.0 && (0.0..=255.0).contains(&label);
    match classes.iter().position(|&label| !is_class(label)) {
        None => Ok(()),
        Some(row) => Err(PlotError::Class {
            row,
            label: classes[row],
        }),
    }
}

/// The smallest and largest value; 0 and 1 for no values.
pub(super) fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let values = values.into_iter().map(|value| (value, value));
    let extent = values.reduce(|(lower, upper), (value, _)| (value.min(lower), value.max(upper)));
    extent.unwrap_or((0.0, 1.0))
}

/// The range itself; some width around a single value, which an axis needs.
pub(super) fn widened((lower, upper): (f64, f64)) -> (f64, f64) {
    match lower < upper {
        true => (lower, upper),
        false => padded((lower, upper), 0.0),
    }
}

/// The range with a margin on both sides, so that no mark sits on the frame; never empty.
pub(super) fn padded((lower, upper): (f64, f64), share: f64) -> (f64, f64) {
    let pad = match upper - lower {
        0.0 if lower == 0.0 => 0.5,
        0.0 => 0.05 * lower.abs(),
        width => share * width,
    };
    (lower - pad, upper + pad)
}

/// The value that a share of the sorted values lies below, by linear interpolation.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}
