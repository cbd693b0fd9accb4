//! Arrays of Arrow as a column of a table.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, TimeUnit};
use arrow_select::take::take;

use crate::data::table::column::Words;
use crate::data::table::kind::moment;
use crate::data::table::lines::Lines;
use crate::data::table::{ColumnKind, TableColumn, TableReader};
use crate::data::{DataError, StreamError};

/// Doubles hold every whole number up to this one.
const MOST: u64 = 1 << 53;

/// What the values of a column of this type are.
pub(super) fn kind_of(column: &str, of: &DataType) -> Result<ColumnKind, DataError> {
    Ok(match of {
        DataType::Boolean => ColumnKind::Boolean,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => ColumnKind::Date,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnKind::Category,
        DataType::Null | DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            ColumnKind::Number
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => ColumnKind::Number,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            ColumnKind::Number
        }
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => ColumnKind::Number,
        DataType::Dictionary(_, values) if !matches!(**values, DataType::Dictionary(..)) => {
            kind_of(column, values)?
        }
        _ => {
            return Err(DataError::UnsupportedColumn {
                column: column.to_owned(),
                kind: of.to_string(),
            });
        }
    })
}

/// The values of a column so far.
pub(super) struct Collected<'a> {
    reader: &'a TableReader,
    name: &'a str,
    /// The kind that the file declares, and the one that is wanted.
    declared: ColumnKind,
    wanted: ColumnKind,
    lines: &'a Lines,
    values: Vec<f64>,
    words: Words,
}

impl<'a> Collected<'a> {
    /// Nothing yet, of rows that stand there.
    pub(super) fn new(
        reader: &'a TableReader,
        field: &'a Field,
        wanted: ColumnKind,
        lines: &'a Lines,
    ) -> Collected<'a> {
        let declared = kind_of(field.name(), field.data_type()).unwrap_or(wanted);
        // Whole numbers become words as they are, however long they are.
        let are_whole = field.data_type().is_integer() && wanted == ColumnKind::Category;
        Collected {
            reader,
            name: field.name(),
            declared: if are_whole { wanted } else { declared },
            wanted,
            lines,
            values: Vec::with_capacity(lines.len()),
            words: Words::default(),
        }
    }

    /// The column.
    pub(super) fn column(mut self, comma: bool) -> Result<TableColumn, DataError> {
        let categories = match self.declared {
            ColumnKind::Category => self.words.sorted(&mut self.values),
            _ => Vec::new(),
        };
        let column = TableColumn {
            name: self.name.to_owned(),
            kind: self.declared,
            values: self.values.into(),
            categories: categories.into(),
        };
        column.of_kind(self.wanted, self.lines, comma)
    }

    /// Adds the values of the next rows.
    pub(super) fn add(&mut self, array: &ArrayRef) -> Result<(), DataError> {
        let first = self.values.len();
        match array.as_any_dictionary_opt() {
            Some(listed) => {
                let values = take(listed.values(), listed.keys(), None).map_err(|error| {
                    DataError::from(StreamError::Source {
                        name: format!("the column `{}`", self.name),
                        problem: error.to_string(),
                    })
                })?;
                self.plain(&values)?;
            }
            None => self.plain(array)?,
        }
        let added = &self.values[first..];
        // Without a way out of the loop the comparisons are done several at once.
        if !(added.iter()).fold(false, |any, value| any | value.is_infinite()) {
            return Ok(());
        }
        match added.iter().position(|value| value.is_infinite()) {
            None => Ok(()),
            Some(row) => Err(DataError::NotFiniteField {
                place: self.lines.place(first + row),
                column: self.name.to_owned(),
                field: added[row].to_string(),
            }),
        }
    }

    /// Adds values that are no dictionary.
    fn plain(&mut self, array: &ArrayRef) -> Result<(), DataError> {
        if self.declared == ColumnKind::Category && array.data_type().is_integer() {
            self.whole_words(array);
            return Ok(());
        }
        match array.data_type() {
            DataType::Null => self
                .values
                .resize(self.values.len() + array.len(), f64::NAN),
            DataType::Boolean => {
                let values = array.as_boolean().iter();
                let number =
                    |value: Option<bool>| value.map_or(f64::NAN, |is| f64::from(u8::from(is)));
                self.values.extend(values.map(number));
            }
            DataType::Int8 => self.numbers::<Int8Type>(array, f64::from),
            DataType::Int16 => self.numbers::<Int16Type>(array, f64::from),
            DataType::Int32 => self.numbers::<Int32Type>(array, f64::from),
            DataType::UInt8 => self.numbers::<UInt8Type>(array, f64::from),
            DataType::UInt16 => self.numbers::<UInt16Type>(array, f64::from),
            DataType::UInt32 => self.numbers::<UInt32Type>(array, f64::from),
            DataType::Int64 => {
                self.check_exact::<Int64Type>(array, i64::unsigned_abs)?;
                self.numbers::<Int64Type>(array, |value| value as f64);
            }
            DataType::UInt64 => {
                self.check_exact::<UInt64Type>(array, |value| value)?;
                self.numbers::<UInt64Type>(array, |value| value as f64);
            }
            DataType::Float16 => self.numbers::<Float16Type>(array, f64::from),
            DataType::Float32 => self.numbers::<Float32Type>(array, f64::from),
            DataType::Float64 => self.numbers::<Float64Type>(array, |value| value),
            DataType::Date32 => self.numbers::<Date32Type>(array, f64::from),
            DataType::Date64 => self.numbers::<Date64Type>(array, |value| moment(value, 1_000)),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => {
                    self.numbers::<TimestampSecondType>(array, |value| moment(value, 1));
                }
                TimeUnit::Millisecond => {
                    self.numbers::<TimestampMillisecondType>(array, |value| moment(value, 1_000));
                }
                TimeUnit::Microsecond => self
                    .numbers::<TimestampMicrosecondType>(array, |value| moment(value, 1_000_000)),
                TimeUnit::Nanosecond => self.numbers::<TimestampNanosecondType>(array, |value| {
                    moment(value, 1_000_000_000)
                }),
            },
            DataType::Decimal32(..) => self.decimals::<Decimal32Type>(array),
            DataType::Decimal64(..) => self.decimals::<Decimal64Type>(array),
            DataType::Decimal128(..) => self.decimals::<Decimal128Type>(array),
            DataType::Decimal256(..) => self.decimals::<Decimal256Type>(array),
            DataType::Utf8 => self.texts(array.as_string::<i32>().iter()),
            DataType::LargeUtf8 => self.texts(array.as_string::<i64>().iter()),
            DataType::Utf8View => self.texts(array.as_string_view().iter()),
            other => {
                return Err(DataError::UnsupportedColumn {
                    column: self.name.to_owned(),
                    kind: other.to_string(),
                });
            }
        }
        Ok(())
    }

    fn numbers<T: ArrowPrimitiveType>(
        &mut self,
        array: &ArrayRef,
        number: impl Fn(T::Native) -> f64,
    ) {
        let array = array.as_primitive::<T>();
        match array.null_count() {
            0 => self
                .values
                .extend(array.values().iter().map(|value| number(*value))),
            _ => {
                let values = array.iter();
                let values = values.map(|value| value.map_or(f64::NAN, &number));
                self.values.extend(values);
            }
        }
    }

    /// Refuses whole numbers that a double rounds, such as long keys.
    fn check_exact<T: ArrowPrimitiveType>(
        &self,
        array: &ArrayRef,
        size: impl Fn(T::Native) -> u64,
    ) -> Result<(), DataError> {
        let values = array.as_primitive::<T>().iter();
        let is_longer = |value: &Option<T::Native>| value.is_some_and(|value| size(value) > MOST);
        let mut longer = values.enumerate().filter(|(_, value)| is_longer(value));
        match longer.next() {
            Some((row, Some(value))) => Err(DataError::WrongField {
                place: self.lines.place(self.values.len() + row),
                column: self.name.to_owned(),
                field: format!("{value:?}"),
                expected: "a number that a double holds exactly, which are those up to 2^53; as words, by \
                           `Table::reader().kind(.., ColumnKind::Category)`, the column is read",
            }),
            _ => Ok(()),
        }
    }

    /// Decimals as the doubles that their text is read as.
    fn decimals<T: DecimalType>(&mut self, array: &ArrayRef) {
        let array = array.as_primitive::<T>();
        for row in 0..array.len() {
            let text = array.is_valid(row).then(|| array.value_as_string(row));
            let value = text.map_or(f64::NAN, |text| text.parse().unwrap_or(f64::INFINITY));
            self.values.push(value);
        }
    }

    fn texts<'t>(&mut self, texts: impl Iterator<Item = Option<&'t str>>) {
        let missing = &self.reader.missing;
        for text in texts {
            let is_there = |text: &&str| !text.is_empty() && !missing.iter().any(|own| own == text);
            let word = text.filter(is_there);
            let value = word.map_or(f64::NAN, |word| self.words.place(word));
            self.values.push(value);
        }
    }

    /// Whole numbers as words.
    fn whole_words(&mut self, array: &ArrayRef) {
        macro_rules! words {
            ($($variant:ident => $number:ty),+) => {
                match array.data_type() {
                    $(DataType::$variant => {
                        let words: Vec<Option<String>> = (array.as_primitive::<$number>().iter())
                            .map(|value| value.map(|value| value.to_string()))
                            .collect();
                        self.texts(words.iter().map(Option::as_deref));
                    })+
                    _ => {}
                }
            };
        }
        words!(
            Int8 => Int8Type, Int16 => Int16Type, Int32 => Int32Type, Int64 => Int64Type,
            UInt8 => UInt8Type, UInt16 => UInt16Type, UInt32 => UInt32Type, UInt64 => UInt64Type
        );
    }
}
