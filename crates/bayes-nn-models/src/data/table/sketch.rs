//! What is known of a column after its fields have gone by once: its kind, and sums of its numbers.

use super::Place;
use super::kind::{ColumnKind, is_code, is_missing};

/// What a first walk over values finds of their mean and standard deviation, of which a second finds the
/// rest: to the last bit those of [`mean_and_sd`](crate::data::standardize::mean_and_sd), but where squares leave
/// the range of doubles.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    count: f64,
    min: f64,
    max: f64,
    sum: f64,
    /// Whether all are 0 or 1.
    pub(super) is_binary: bool,
    /// Whether all are whole numbers from 0 to 254.
    pub(super) are_bytes: bool,
    /// Whether single precision holds all.
    pub(super) are_single: bool,
}

impl Moments {
    fn new() -> Moments {
        Moments {
            count: 0.0,
            min: f64::MAX,
            max: f64::MIN,
            sum: 0.0,
            is_binary: true,
            are_bytes: true,
            are_single: true,
        }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += value;
        self.is_binary &= value == 0.0 || value == 1.0;
        self.are_bytes &= f64::from(value as u8).to_bits() == value.to_bits() && value != 255.0;
        self.are_single &= f64::from(value as f32).to_bits() == value.to_bits();
    }

    /// The squared deviation of a value.
    pub(super) fn square(&self, value: f64) -> f64 {
        (value - self.sum / self.count).powi(2)
    }

    /// Mean and standard deviation, given the sum of squared deviations.
    pub(super) fn mean_and_sd(&self, squares: f64) -> (f64, f64) {
        let rounding = 16.0 * f64::EPSILON * self.min.abs().max(self.max.abs());
        if self.count == 0.0 {
            return (0.0, 1.0);
        }
        if 0.5 * self.max - 0.5 * self.min <= 0.5 * rounding {
            return (self.min, 1.0);
        }
        let sd = (squares / self.count).sqrt();
        let sd = if sd.is_normal() { sd } else { 1.0 };
        (self.sum / self.count, sd)
    }
}

/// A column of which every field is looked at once.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    /// The kinds that all fields so far are of, with the moments of their values.
    kinds: Vec<(ColumnKind, Moments)>,
    comma: bool,
    pub(super) has_comma: bool,
    pub(super) known: usize,
    pub(super) missing: usize,
    /// Where the first missing value stands.
    pub(super) first_missing: Option<Place>,
}

impl Sketch {
    /// Of a column whose numbers may have a comma for a point.
    pub(super) fn new(comma: bool) -> Sketch {
        let kinds = [ColumnKind::Number, ColumnKind::Boolean, ColumnKind::Date];
        Sketch {
            kinds: kinds.map(|kind| (kind, Moments::new())).to_vec(),
            comma,
            has_comma: false,
            known: 0,
            missing: 0,
            first_missing: None,
        }
    }

    /// Of a column that is of a kind.
    pub(super) fn of(kind: ColumnKind) -> Sketch {
        let kinds = match kind {
            ColumnKind::Category => Vec::new(),
            kind => vec![(kind, Moments::new())],
        };
        Sketch {
            kinds,
            ..Sketch::new(false)
        }
    }

    /// Looks at the value of such a column, NaN if it is missing.
    pub(super) fn add_value(&mut self, value: f64, place: impl Fn() -> Place) {
        if value.is_nan() {
            self.missing += 1;
            self.first_missing.get_or_insert_with(place);
            return;
        }
        self.known += 1;
        self.kinds
            .iter_mut()
            .for_each(|(_, moments)| moments.add(value));
    }

    /// Looks at a field.
    pub(super) fn add(&mut self, field: &str, place: impl Fn() -> Place, words: &[String]) {
        if is_missing(field, words) {
            self.missing += 1;
            self.first_missing.get_or_insert_with(place);
            return;
        }
        self.known += 1;
        self.has_comma |= self.comma && field.contains(',');
        let comma = self.comma;
        self.kinds.retain_mut(|(kind, moments)| {
            let value = kind.parse(field, comma);
            value.map(|value| moments.add(value)).is_some()
        });
        if self.kind() == ColumnKind::Number && is_code(field) {
            self.kinds.clear();
        }
    }

    /// The kind that all fields are of; words, if there is none.
    pub(super) fn kind(&self) -> ColumnKind {
        let first = self.kinds.first();
        first.map_or(ColumnKind::Category, |(kind, _)| *kind)
    }

    /// The moments of the values as this kind, if all are of it.
    pub(super) fn moments(&self, kind: ColumnKind) -> Option<&Moments> {
        let mut kinds = self.kinds.iter();
        kinds.find(|(own, _)| *own == kind).map(|(_, m)| m)
    }
}
