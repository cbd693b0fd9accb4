//! Where an axis has its ticks, and what they say.

/// About `count` ticks at multiples of 1, 2 or 5 times a power of ten inside the range.
pub(super) fn linear((lower, upper): (f64, f64), count: usize) -> Vec<(f64, String)> {
    let raw = (upper - lower) / count.max(1) as f64;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|&step| step >= raw * 0.999)
        .unwrap_or(10.0 * magnitude);
    // A hair of tolerance keeps ends such as 0.3 = 3 * 0.1.
    let (first, last) = ((lower / step - 1e-6).ceil(), (upper / step + 1e-6).floor());
    let ticks = 1 + (last - first).max(0.0) as usize;
    let values: Vec<f64> = (0..ticks).map(|i| (first + i as f64) * step).collect();
    let largest = values
        .iter()
        .fold(0.0, |max: f64, value| max.max(value.abs()));
    values
        .iter()
        .map(|&value| (value, label(value, step, largest)))
        .collect()
}

/// Powers of ten inside the range, with 2 and 5 times them where there is room, thinned where it is long; round numbers
/// where the range is too short for two of these.
pub(super) fn logarithmic((lower, upper): (f64, f64), count: usize) -> Vec<(f64, String)> {
    let (low, high) = (lower.log10().floor() as i32, upper.log10().ceil() as i32);
    let decades = upper.log10() - lower.log10();
    let room = count.max(1) as f64;
    let factors: &[f64] = if 3.0 * decades <= room {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let every = (decades / room).ceil().max(1.0) as usize;
    let ticks: Vec<(f64, String)> = (low..=high)
        .step_by(every)
        .flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)))
        .filter(|value| (lower * 0.999_999..=upper * 1.000_001).contains(value))
        .map(|value| (value, label(value, value, value)))
        .collect();
    if ticks.len() < 2 {
        return linear((lower, upper), count);
    }
    ticks
}

/// As many decimals as the step needs; powers of ten where all digits would be long.
fn label(value: f64, step: f64, largest: f64) -> String {
    if value.abs() < 1e-6 * step {
        return "0".to_owned();
    }
    if largest >= 1e6 || step < 1e-4 {
        let digits = (largest / step).log10().ceil().clamp(0.0, 15.0) as usize;
        let text = format!("{value:.digits$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = match mantissa.contains('.') {
            true => mantissa.trim_end_matches('0').trim_end_matches('.'),
            false => mantissa,
        };
        return format!("{mantissa}e{exponent}").replace('-', "\u{2212}");
    }
    let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (text.as_str(), String::new()),
    };
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    format!("{sign}{}{fraction}", thousands(whole))
}

fn thousands(whole: &str) -> String {
    if whole.len() < 5 {
        return whole.to_owned();
    }
    let separated = |(i, digit): (usize, char)| {
        let comma = i > 0 && (whole.len() - i).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    whole.chars().enumerate().flat_map(separated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[(f64, String)]) -> Vec<&str> {
        ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round_numbers_inside_the_range() {
        assert_eq!(
            labels(&linear((-3.0, 3.0), 6)),
            ["−3", "−2", "−1", "0", "1", "2", "3"]
        );
        assert_eq!(labels(&linear((0.0, 0.3), 3)), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(
            labels(&linear((0.0, 50_000.0), 5)),
            ["0", "10,000", "20,000", "30,000", "40,000", "50,000"]
        );
        assert_eq!(
            labels(&linear((-131.0, -108.0), 5)),
            ["−130", "−125", "−120", "−115", "−110"]
        );
    }

    #[test]
    fn very_large_and_very_small_ticks_use_powers_of_ten() {
        assert_eq!(labels(&linear((0.0, 3e7), 3)), ["0", "1e7", "2e7", "3e7"]);
        assert_eq!(labels(&linear((0.0, 2e-5), 2)), ["0", "1e−5", "2e−5"]);
        assert_eq!(labels(&linear((1e6, 1.4e6), 2)), ["1e6", "1.2e6", "1.4e6"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten() {
        assert_eq!(
            labels(&logarithmic((1.0, 50_000.0), 8)),
            ["1", "10", "100", "1000", "10,000"]
        );
        assert_eq!(
            labels(&logarithmic((0.1, 1.0), 8)),
            ["0.1", "0.2", "0.5", "1"]
        );
    }

    #[test]
    fn extreme_ranges_end() {
        for range in [(-1e300, 1e300), (1e17, 1e17 + 64.0), (0.0, 5e-300)] {
            assert!(linear(range, 5).len() <= 12, "{range:?}");
        }
    }
}
