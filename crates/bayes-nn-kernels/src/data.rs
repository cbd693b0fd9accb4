//! Data as a user holds them: columns of numbers in a type of their own.

use std::ops::Range;
use std::sync::Arc;

use bayes_nn_autodiff::InputId;

/// Numbers in row-major order, in the type in which they came. Cloning shares them.
///
/// ```
/// use bayes_nn_kernels::Column;
/// let pixels = Column::from(vec![0_u8, 128, 255]);
/// assert_eq!(pixels.len(), 3);
/// assert_eq!(pixels.bytes(), 3);
/// assert_eq!(pixels.to_f64(), [0.0, 128.0, 255.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Column {
    /// Double precision.
    F64(Arc<[f64]>),
    /// Single precision.
    F32(Arc<[f32]>),
    /// Bytes, such as the grey values of pixels.
    U8(Arc<[u8]>),
    /// Whole numbers from 0, such as indices.
    U32(Arc<[u32]>),
}

/// One expression for the numbers of a column, whatever their type.
macro_rules! each_type {
    ($column:expr, $values:ident => $result:expr) => {
        match $column {
            // An expression for all types may convert to the type that this one has already.
            #[allow(clippy::useless_conversion)]
            $crate::data::Column::F64($values) => $result,
            $crate::data::Column::F32($values) => $result,
            $crate::data::Column::U8($values) => $result,
            $crate::data::Column::U32($values) => $result,
        }
    };
}
pub(crate) use each_type;

impl Column {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        each_type!(self, values => values.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        each_type!(self, values => size_of_val(&**values))
    }

    /// Number `index`; `None` beyond the last.
    pub fn get(&self, index: usize) -> Option<f64> {
        each_type!(self, values => values.get(index).map(|&v| v.into()))
    }

    /// The place of the first number that satisfies a condition.
    pub fn position(&self, mut condition: impl FnMut(f64) -> bool) -> Option<usize> {
        each_type!(self, values => values.iter().position(|&v| condition(v.into())))
    }

    /// A copy in double precision.
    pub fn to_f64(&self) -> Vec<f64> {
        each_type!(self, values => values.iter().map(|&v| v.into()).collect())
    }

    /// A copy in the same type of the rows with these numbers, in this order, of so many elements
    /// each.
    ///
    /// # Panics
    /// If a row is not there, as slicing does.
    #[must_use]
    pub fn rows(&self, rows: &[usize], columns: usize) -> Column {
        fn rows_of<T: Copy>(values: &[T], rows: &[usize], columns: usize) -> Vec<T> {
            let row = |row: &usize| &values[row * columns..(row + 1) * columns];
            rows.iter().flat_map(row).copied().collect()
        }
        each_type!(self, values => rows_of(values, rows, columns).into())
    }

    /// The numbers of rows, row-major, of so many elements each, from one up to another.
    ///
    /// # Panics
    /// If a row is not there, as slicing does.
    #[must_use]
    pub fn range(&self, rows: Range<usize>, columns: usize) -> Column {
        each_type!(self, values => values[rows.start * columns..rows.end * columns].into())
    }

    /// Copies a row, of as many elements as there is room for.
    ///
    /// ```
    /// let mut row = [0.0; 2];
    /// bayes_nn_kernels::Column::from(vec![7_u8, 8, 9, 10]).copy_row(1, &mut row);
    /// assert_eq!(row, [9.0, 10.0]);
    /// ```
    ///
    /// # Panics
    /// If the row is not there, as slicing does.
    pub fn copy_row(&self, row: usize, to: &mut [f64]) {
        each_type!(self, values => {
            let row = &values[row * to.len()..][..to.len()];
            to.iter_mut().zip(row).for_each(|(to, value)| *to = (*value).into());
        });
    }

    /// Whether no number is infinite or NaN.
    ///
    /// ```
    /// use bayes_nn_kernels::Column;
    /// assert!(Column::from(vec![1.0, -2.0]).is_finite());
    /// assert!(!Column::from(vec![1.0_f32, f32::NAN]).is_finite());
    /// ```
    pub fn is_finite(&self) -> bool {
        // Without a way out of the loop the comparisons are done several at once.
        match self {
            Column::F64(values) => values.iter().fold(true, |all, v| all & v.is_finite()),
            Column::F32(values) => values.iter().fold(true, |all, v| all & v.is_finite()),
            Column::U8(_) | Column::U32(_) => true,
        }
    }

    /// Row-major `[n, columns]` as row-major `[columns, n]`, in the same type.
    #[must_use]
    pub fn transposed(&self, columns: usize) -> Column {
        fn transposed<T: Copy>(values: &[T], columns: usize) -> Arc<[T]> {
            let mut at = 0;
            let next = |_| {
                let value = values[at];
                at += columns;
                if at >= values.len() {
                    at = at + 1 - values.len();
                }
                value
            };
            (0..values.len()).map(next).collect()
        }
        each_type!(self, values => transposed(values, columns).into())
    }
}

macro_rules! from {
    ($($number:ty => $variant:ident),+) => {$(
        impl From<Arc<[$number]>> for Column {
            fn from(values: Arc<[$number]>) -> Column {
                Column::$variant(values)
            }
        }

        impl From<Vec<$number>> for Column {
            fn from(values: Vec<$number>) -> Column {
                Column::$variant(values.into())
            }
        }

        impl From<&[$number]> for Column {
            fn from(values: &[$number]) -> Column {
                Column::$variant(values.into())
            }
        }

        impl<const N: usize> From<&[$number; N]> for Column {
            fn from(values: &[$number; N]) -> Column {
                Column::$variant(values.as_slice().into())
            }
        }

        impl From<&Vec<$number>> for Column {
            fn from(values: &Vec<$number>) -> Column {
                Column::$variant(values.as_slice().into())
            }
        }

        impl From<&Arc<[$number]>> for Column {
            fn from(values: &Arc<[$number]>) -> Column {
                Column::$variant(values.clone())
            }
        }
    )+};
}

from!(f64 => F64, f32 => F32, u8 => U8, u32 => U32);

impl From<&Column> for Column {
    fn from(column: &Column) -> Column {
        column.clone()
    }
}

/// An input of a graph with the data that it stands for.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The input.
    pub input: InputId,
    /// Its values, in row-major order of the input's shape.
    pub column: Column,
    /// Where it is not 1: the values are those of `[n, columns]`, and the input has the shape
    /// `[columns, n]`. They are turned while a program takes them over, and stay as they are.
    pub columns: usize,
}

impl Binding {
    /// Data for an input.
    pub fn new(input: InputId, column: impl Into<Column>) -> Binding {
        Binding {
            input,
            column: column.into(),
            columns: 1,
        }
    }

    /// Rows `[n, columns]` for an input `[columns, n]`.
    pub fn of_rows(input: InputId, column: impl Into<Column>, columns: usize) -> Binding {
        Binding {
            columns,
            ..Binding::new(input, column)
        }
    }
}
