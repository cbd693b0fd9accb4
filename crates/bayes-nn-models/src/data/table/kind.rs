//! What a field can be: a number, a date, true or false, or a word.

use std::fmt;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// Days since 1 January 1970, from dates as `2024-01-31` or `2024-01-31T12:30:00`.
    Date,
    /// `true` and `false`.
    Boolean,
    /// Words, each one of some categories.
    Category,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ColumnKind::Number => "number",
            ColumnKind::Date => "date",
            ColumnKind::Boolean => "boolean",
            ColumnKind::Category => "category",
        })
    }
}

impl ColumnKind {
    /// What a field of such a column is, for messages.
    pub(super) fn expected(self) -> &'static str {
        match self {
            ColumnKind::Number => "a number",
            ColumnKind::Date => "a date as 2024-01-31 or 2024-01-31T12:30:00",
            ColumnKind::Boolean => "true or false",
            ColumnKind::Category => "a word",
        }
    }

    /// The value of a field; `None` if it is none of this kind. Categories have no value of their own.
    pub(super) fn parse(self, field: &str, comma: bool) -> Option<f64> {
        match self {
            ColumnKind::Number => number(field, comma),
            ColumnKind::Date => date(field),
            ColumnKind::Boolean => boolean(field),
            ColumnKind::Category => None,
        }
    }

    /// A value as text, as it could stand in a file.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            ColumnKind::Date => date_text(value),
            ColumnKind::Boolean => (value != 0.0).to_string(),
            ColumnKind::Number | ColumnKind::Category => value.to_string(),
        }
    }
}

/// What stands for a value that is missing, as pandas reads it, and a question mark.
pub(super) fn is_missing(field: &str, also: &[String]) -> bool {
    const WORDS: [&str; 14] = [
        "", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-nan", "NULL", "null",
        "None",
    ];
    WORDS.contains(&field) || also.iter().any(|word| word == field)
}

/// A number with a point, or with a comma where that is said: then a point is none, as it may stand
/// between thousands.
fn number(field: &str, comma: bool) -> Option<f64> {
    match comma {
        true if field.contains('.') => None,
        true => field.replacen(',', ".", 1).parse().ok(),
        false => field.parse().ok(),
    }
}

/// Whether digits are a name more than a number: they begin with a zero that would be lost, as those
/// of a postal code, or are more than a double holds.
pub(super) fn is_code(field: &str) -> bool {
    let digits = field.bytes().all(|byte| byte.is_ascii_digit());
    digits && (field.len() > 15 || (field.len() > 1 && field.starts_with('0')))
}

fn boolean(field: &str) -> Option<f64> {
    let is = |word: &str| field.eq_ignore_ascii_case(word);
    match (is("true"), is("false")) {
        (true, _) => Some(1.0),
        (_, true) => Some(0.0),
        _ => None,
    }
}

/// Days since 1 January 1970 of `2024-01-31`, with the time `T12:30`, `T12:30:59.9` or after a space,
/// and a `Z` that says nothing, since there are no zones.
fn date(field: &str) -> Option<f64> {
    let (day, time) = match field.split_once(['T', ' ']) {
        Some((day, time)) => (day, Some(time.strip_suffix('Z').unwrap_or(time))),
        None => (field, None),
    };
    let mut parts = day.split('-').map(|part| (part.len(), digits(part)));
    let (Some((4, year)), Some((2, month)), Some((2, day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let (year, month, day) = (year?, month?, day?);
    if !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let hours = match time {
        Some(time) => time_of_day(time)?,
        None => 0.0,
    };
    Some(days(year, month, day) as f64 + hours)
}

fn digits(part: &str) -> Option<i64> {
    let all = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| part.parse().ok()).flatten()
}

/// The share of a day.
fn time_of_day(time: &str) -> Option<f64> {
    let mut parts = time.split(':');
    let hour = digits(parts.next()?).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next()?).filter(|minute| *minute < 60)?;
    let second = match parts.next() {
        Some(second) if second.starts_with(|first: char| first.is_ascii_digit()) => {
            second.parse().ok().filter(|s| (0.0..60.0).contains(s))?
        }
        Some(_) => return None,
        None => 0.0,
    };
    let is_whole = parts.next().is_none();
    is_whole.then(|| share_of_day(hour * 60 + minute, second))
}

fn share_of_day(minutes: i64, seconds: f64) -> f64 {
    (minutes as f64 + seconds / 60.0) / 1440.0
}

/// Days since 1 January 1970 of a moment in units since then, of which a second has so many.
#[cfg(feature = "parquet")]
pub(super) fn moment(value: i64, a_second: i64) -> f64 {
    let day = 86_400 * a_second;
    let (days, rest) = (value.div_euclid(day), value.rem_euclid(day));
    let seconds = (rest % (60 * a_second)) as f64 / a_second as f64;
    days as f64 + share_of_day(rest / (60 * a_second), seconds)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1 January 1970 in the Gregorian calendar. Years begin in March, so that the day of a
/// leap year is their last (H. Hinnant 2013, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

/// The inverse of [`days`], with the time where there is one.
fn date_text(value: f64) -> String {
    let day = value.floor() as i64;
    // The year of 365.2425 days is at the most one off.
    let near = 1970 + (day as f64 / 365.2425).floor() as i64;
    let year = (near - 1..=near + 1).rfind(|year| days(*year, 1, 1) <= day);
    let year = year.unwrap_or(near);
    let month = (1..=12).rfind(|month| days(year, *month, 1) <= day);
    let month = month.unwrap_or(1);
    let text = format!("{year:04}-{month:02}-{:02}", day - days(year, month, 1) + 1);
    let seconds = ((value - value.floor()) * 86_400.0).round() as i64;
    match seconds {
        0 => text,
        _ => {
            let (hour, minute) = (seconds / 3600, seconds / 60 % 60);
            format!("{text}T{hour:02}:{minute:02}:{:02}", seconds % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_and_only_those_of_the_calendar() {
        let known = [
            ("1970-01-01", 0.0),
            ("1969-12-31", -1.0),
            ("2000-02-29", 11_016.0),
            ("2024-01-31", 19_753.0),
            ("2024-01-31T12:00", 19_753.5),
            ("2024-01-31 06:00:00Z", 19_753.25),
        ];
        for (text, days) in known {
            assert_eq!(date(text), Some(days), "{text}");
            let again = date_text(days);
            assert_eq!(date(&again), Some(days), "{again}");
        }
        for day in (-719_468..2_932_896).step_by(37).map(f64::from) {
            assert_eq!(date(&date_text(day)), Some(day), "{day}");
        }
        for text in [
            "1900-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-04-31",
            "24-01-31",
            "2024-1-31",
            "31.01.2024",
            "2024-01-31T25:00",
            "2024-01-31T12",
            "2024-01-31-01",
            "2024-01-31T12:00:-1",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
