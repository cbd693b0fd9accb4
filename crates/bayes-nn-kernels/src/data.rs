//! Data as a user holds them: columns of numbers in a type of their own.

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

impl Column {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Column::F64(values) => values.len(),
            Column::F32(values) => values.len(),
            Column::U8(values) => values.len(),
            Column::U32(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        match self {
            Column::F64(values) => size_of_val(&**values),
            Column::F32(values) => size_of_val(&**values),
            Column::U8(values) => size_of_val(&**values),
            Column::U32(values) => size_of_val(&**values),
        }
    }

    /// Number `index`; `None` beyond the last.
    pub fn get(&self, index: usize) -> Option<f64> {
        match self {
            Column::F64(values) => values.get(index).copied(),
            Column::F32(values) => values.get(index).map(|&v| f64::from(v)),
            Column::U8(values) => values.get(index).map(|&v| f64::from(v)),
            Column::U32(values) => values.get(index).map(|&v| f64::from(v)),
        }
    }

    /// A copy in double precision.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Column::F64(values) => values.to_vec(),
            Column::F32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Column::U8(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Column::U32(values) => values.iter().map(|&v| f64::from(v)).collect(),
        }
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
    )+};
}

from!(f64 => F64, f32 => F32, u8 => U8, u32 => U32);

/// An input of a graph with the data that it stands for.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The input.
    pub input: InputId,
    /// Its values, in row-major order of the input's shape.
    pub column: Column,
}

impl Binding {
    /// Data for an input.
    pub fn new(input: InputId, column: impl Into<Column>) -> Binding {
        Binding {
            input,
            column: column.into(),
        }
    }
}
