//! The columns of data that a density reads: what single precision makes of them, and whether they
//! are of the scale that a fit supposes.

use bayes_nn_kernels::Precision;

use crate::Density;

/// Rounding to single precision may change a column by this part of its standard deviation.
const ROUNDING: f64 = 1e-3;
/// A mean of so many standard deviations is far from 0.
const SHIFT: f64 = 10.0;
/// Standard deviations from the inverse of this to this are near 1.
const SPREAD: f64 = 1e3;
/// Sentences of one kind at the most.
const MOST: usize = 3;

/// The scale of a column of numbers that a [density reads](Density::columns).
///
/// ```
/// use bayes_nn_inference::ColumnScale;
/// let seconds = (0..1_000).map(|i| 1.7e9 + 10.0 * f64::from(i));
/// let column = ColumnScale::of("time", seconds);
/// // Around 1.7e9 the numbers of single precision are 128 apart.
/// assert!(column.rounding > 1e-3 * column.sd);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnScale {
    /// The name, as messages show it.
    pub name: String,
    /// The mean.
    pub mean: f64,
    /// The population standard deviation.
    pub sd: f64,
    /// The root mean square of what rounding to single precision changes; infinite where a number
    /// is beyond its range.
    pub rounding: f64,
    /// The number that is farthest from 0.
    pub extreme: f64,
    /// Of a column that a fit supposes to be of unit scale: how it is brought there, in words.
    pub remedy: Option<&'static str>,
    /// Whether it says yes or no, as 1 and 0.
    is_indicator: bool,
}

impl ColumnScale {
    /// The scale of these values, of a column that may have any.
    pub fn of(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> ColumnScale {
        let (mut count, mut mean, mut squares, mut rounding) = (0.0, 0.0, 0.0, 0.0);
        let (mut extreme, mut is_indicator) = (0.0_f64, true);
        for value in values {
            // The mean and the sum of squares around it so far (Welford 1962).
            count += 1.0;
            let before = value - mean;
            mean += before / count;
            squares += before * (value - mean);
            rounding += (value - f64::from(value as f32)).powi(2);
            if value.abs() > extreme.abs() {
                extreme = value;
            }
            is_indicator &= value == 0.0 || value == 1.0;
        }
        let count = f64::max(count, 1.0);
        ColumnScale {
            name: name.into(),
            mean,
            sd: (squares / count).sqrt(),
            rounding: (rounding / count).sqrt(),
            extreme,
            remedy: None,
            is_indicator,
        }
    }

    /// The column as one that a fit supposes to be of unit scale, and is brought there by `remedy`.
    #[must_use]
    pub fn supposed_unit(self, remedy: &'static str) -> ColumnScale {
        ColumnScale {
            remedy: Some(remedy),
            ..self
        }
    }

    /// What single precision loses of it, if that is much.
    fn lost(&self) -> Option<String> {
        let ColumnScale { name, sd, .. } = self;
        if self.rounding.is_infinite() {
            let extreme = self.extreme;
            return Some(format!(
                "the column `{name}` has the value {extreme:e}, which single precision cannot hold: \
                 set `precision(F64)`, or rescale the column"
            ));
        }
        // The numbers of a constant column, or of one whose spread is rounding, are all the same.
        let is_constant = *sd <= 1e-12 * self.extreme.abs();
        (!is_constant && self.rounding > ROUNDING * sd).then(|| {
            format!(
                "single precision cannot tell the values of the column `{name}` apart: it changes \
                 them by {}, and their sd is {}; set `precision(F64)`, or subtract the column's \
                 mean",
                digits(self.rounding),
                digits(*sd)
            )
        })
    }

    /// That it is far from unit scale, if it is and that is supposed.
    fn far_from_unit(&self) -> Option<String> {
        let remedy = self.remedy?;
        let ColumnScale { name, mean, sd, .. } = self;
        let is_constant = *sd <= 1e-12 * self.extreme.abs();
        // A column that is 0 but for a few rows has a small deviation and values that are not.
        let is_small = *sd < 1.0 / SPREAD && (self.extreme - mean).abs() < SHIFT * sd;
        let is_far = mean.abs() > SHIFT * sd || *sd > SPREAD || is_small;
        (is_far && !is_constant && !self.is_indicator).then(|| {
            format!(
                "the column `{name}` has the mean {} and the sd {}, far from 0 and 1, which \
                 starts, step sizes and priors suppose: standardise it, {remedy}",
                digits(*mean),
                digits(*sd)
            )
        })
    }
}

/// A number with four digits.
fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e6).contains(&size) => {
            let decimals = 3 - size.log10().floor() as i32;
            format!("{value:.*}", decimals.clamp(0, 6) as usize)
        }
        _ => format!("{value:.3e}"),
    }
}

/// What a fit has to say of the data that it read and of its precision, a sentence each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Concerns {
    /// What the precision of the fit loses.
    pub coarse: Vec<String>,
    /// What is far from the scale that is supposed.
    pub scale: Vec<String>,
}

impl Concerns {
    /// Of a density that is fitted in this precision.
    pub(crate) fn of(density: &dyn Density, precision: Precision) -> Concerns {
        let columns = density.columns();
        let coarse = match precision {
            Precision::F32 => columns.iter().filter_map(ColumnScale::lost).collect(),
            Precision::F64 => Vec::new(),
        };
        let scale = columns.iter().filter_map(ColumnScale::far_from_unit);
        Concerns {
            coarse: shortened(coarse, "columns"),
            scale: shortened(scale.collect(), "columns"),
        }
    }

    /// The most serious.
    pub(crate) fn first(self) -> Option<String> {
        self.coarse.into_iter().chain(self.scale).next()
    }
}

/// The first few of many sentences of one kind, and how many more there are.
pub(crate) fn shortened(mut sentences: Vec<String>, of: &str) -> Vec<String> {
    let more = sentences.len().saturating_sub(MOST);
    if more > 0 {
        sentences.truncate(MOST);
        sentences.push(format!("the same holds for {more} more {of}"));
    }
    sentences
}

/// Half the distance of a number to the next one of single precision.
pub(crate) fn half_ulp(value: f64) -> f64 {
    let value = (value.abs() as f32).max(f32::MIN_POSITIVE);
    match value.is_finite() {
        true => 0.5 * f64::from(value.next_up() - value),
        false => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: impl Fn(f64) -> f64) -> ColumnScale {
        let wave = |i: u32| (f64::from(i) * 0.7).sin();
        ColumnScale::of("x", (0..500).map(|i| values(wave(i))))
            .supposed_unit("by subtracting its mean")
    }

    #[test]
    fn what_single_precision_cannot_hold_or_tell_apart_is_said() {
        for (found, part) in [
            (column(|w| 1e6 + w).lost(), "sd is 0.7062"),
            (column(|w| 1e39 * w).lost(), "cannot hold"),
            (column(|w| 1.7e9 + 1e4 * w).lost(), "precision(F64)"),
        ] {
            assert!(
                found.as_ref().is_some_and(|s| s.contains(part)),
                "{found:?}"
            );
        }
        for fine in [
            column(|w| 1000.0 + w),
            column(|w| 1e-12 * w),
            column(|_| 0.1),
        ] {
            assert_eq!(fine.lost(), None);
        }
    }

    #[test]
    fn what_is_far_from_unit_scale_is_said() {
        for far in [
            column(|w| 5000.0 + w),
            column(|w| 1e4 * w),
            column(|w| 1e-5 * w),
            column(|w| 2e5 + 1e5 * w),
        ] {
            assert!(far.far_from_unit().is_some(), "{far:?}");
        }
        for near in [
            column(|w| 3.0 + 10.0 * w),
            column(|_| 1.0),
            // An indicator that is nearly always 1, and one pixel of an image's corner.
            column(|w| f64::from(w > -0.999)),
            column(|w| if w > 0.9999 { 0.01 } else { 0.0 }),
        ] {
            assert_eq!(near.far_from_unit(), None);
        }
        let free = ColumnScale::of("x", [1e9, 1e9 + 1.0]);
        assert_eq!(free.far_from_unit(), None);
    }

    #[test]
    fn half_an_ulp_is_what_rounding_may_change() {
        assert_eq!(half_ulp(1.0), 0.5f64.powi(24));
        assert_eq!(half_ulp(-1e6), 0.03125);
        assert!(half_ulp(1e39).is_infinite() && half_ulp(0.0) > 0.0);
    }
}
