//! Values that a file can hold, and how they stand there.

use std::sync::Arc;

use serde_json::Value;

use crate::{FileError, Node, Place};

/// A value that a file can hold: how it is written at its place, and read there.
///
/// [`record!`](crate::record) and [`choice!`](crate::choice) make entries of structs and enums.
pub trait Entry: Sized {
    /// The value as JSON. Its tensors are added to those of the file.
    fn write(&self, place: &Place<'_>) -> Value;

    /// Reads the value.
    ///
    /// # Errors
    /// [`FileError::Field`] for what cannot be, which names its place.
    fn read(node: &Node<'_>) -> Result<Self, FileError>;

    /// Reads the value of a field of `parent`.
    ///
    /// # Errors
    /// As [`Entry::read`]; a field that is missing.
    fn read_field(parent: &Node<'_>, name: &str) -> Result<Self, FileError> {
        Self::read(&parent.at(name)?)
    }
}

macro_rules! plain {
    ($($type:ty: $wanted:literal),*) => {$(
        impl Entry for $type {
            fn write(&self, _: &Place<'_>) -> Value {
                self.clone().into()
            }

            fn read(node: &Node<'_>) -> Result<$type, FileError> {
                node.parse($wanted)
            }
        }
    )*};
}

plain!(bool: "true or false", u64: "a whole number", u32: "a whole number below 2^32",
       usize: "a whole number", String: "a text");

/// A number stands as JSON's shortest decimal that is read back to the same bits; what JSON has no
/// numbers for as the text `inf`, `-inf` or `NaN`.
impl Entry for f64 {
    fn write(&self, _: &Place<'_>) -> Value {
        match self.is_finite() {
            true => (*self).into(),
            false => self.to_string().into(),
        }
    }

    fn read(node: &Node<'_>) -> Result<f64, FileError> {
        let wanted = "a number";
        match node.text() {
            "\"inf\"" => Ok(f64::INFINITY),
            "\"-inf\"" => Ok(f64::NEG_INFINITY),
            "\"NaN\"" => Ok(f64::NAN),
            _ => node.parse(wanted),
        }
    }
}

impl Entry for Arc<str> {
    fn write(&self, _: &Place<'_>) -> Value {
        (**self).into()
    }

    fn read(node: &Node<'_>) -> Result<Arc<str>, FileError> {
        Ok(String::read(node)?.into())
    }
}

impl<T: Entry> Entry for Arc<T> {
    fn write(&self, place: &Place<'_>) -> Value {
        T::write(self, place)
    }

    fn read(node: &Node<'_>) -> Result<Arc<T>, FileError> {
        T::read(node).map(Arc::new)
    }
}

/// Nothing stands as `null`, or is left out.
impl<T: Entry> Entry for Option<T> {
    fn write(&self, place: &Place<'_>) -> Value {
        self.as_ref()
            .map_or(Value::Null, |value| value.write(place))
    }

    fn read(node: &Node<'_>) -> Result<Option<T>, FileError> {
        match node.text() {
            "null" => Ok(None),
            _ => T::read(node).map(Some),
        }
    }

    fn read_field(parent: &Node<'_>, name: &str) -> Result<Option<T>, FileError> {
        parent.find(name)?.map(|node| T::read(&node)).transpose()
    }
}

impl<T: Entry> Entry for Vec<T> {
    fn write(&self, place: &Place<'_>) -> Value {
        list(self, place)
    }

    fn read(node: &Node<'_>) -> Result<Vec<T>, FileError> {
        node.items()?.iter().map(T::read).collect()
    }
}

impl<T: Entry> Entry for Arc<[T]> {
    fn write(&self, place: &Place<'_>) -> Value {
        list(self, place)
    }

    fn read(node: &Node<'_>) -> Result<Arc<[T]>, FileError> {
        Ok(Vec::read(node)?.into())
    }
}

/// A pair stands as a list of two.
impl<A: Entry, B: Entry> Entry for (A, B) {
    fn write(&self, place: &Place<'_>) -> Value {
        Value::Array(vec![
            self.0.write(&place.at("0")),
            self.1.write(&place.at("1")),
        ])
    }

    fn read(node: &Node<'_>) -> Result<(A, B), FileError> {
        match &node.items()?[..] {
            [first, second] => Ok((A::read(first)?, B::read(second)?)),
            items => Err(node.refuse(format!("is a list of {}, not of two", items.len()))),
        }
    }
}

fn list<T: Entry>(items: &[T], place: &Place<'_>) -> Value {
    let items = items.iter().enumerate();
    let written = items.map(|(number, item)| item.write(&place.at(&number.to_string())));
    Value::Array(written.collect())
}

/// Makes entries of structs whose fields are all entries: an object, with the names that the file has
/// for the fields. A field that is forgotten does not compile.
///
/// ```
/// use bayes_nn_files::{File, record, save};
/// #[derive(Debug, PartialEq)]
/// struct Interval { low: f64, high: Option<f64> }
/// record!(Interval { "low": low, "high": high });
///
/// let path = std::env::temp_dir().join(format!("bayes-nn-record-{}", std::process::id()));
/// let interval = Interval { low: 0.1, high: None };
/// save(&path, |root| Ok(root.put("interval", &interval).value()))?;
/// let file = File::read(&path)?;
/// assert_eq!(file.root()?.get::<Interval>("interval")?, interval);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), bayes_nn_files::FileError>(())
/// ```
#[macro_export]
macro_rules! record {
    ($type:ident { $($name:literal: $field:ident),* $(,)? }) => {
        impl $crate::Entry for $type {
            fn write(&self, place: &$crate::Place<'_>) -> $crate::Value {
                let $type { $($field),* } = self;
                place.object()$(.put($name, $field))*.value()
            }

            fn read(node: &$crate::Node<'_>) -> Result<$type, $crate::FileError> {
                Ok($type { $($field: node.get($name)?),* })
            }
        }
    };
}

/// Makes entries of enums whose fields are all entries: an object with the `kind` of the variant and
/// its fields, by the names that the file has for them; `else` says what to do with variants that a
/// file cannot hold.
///
/// ```
/// use bayes_nn_files::{File, choice, save};
/// #[derive(Debug, PartialEq)]
/// enum Rate { Same, Falling { last: f64 } }
/// choice!(Rate { "same": Same {}, "falling": Falling { "last": last } });
///
/// let path = std::env::temp_dir().join(format!("bayes-nn-choice-{}", std::process::id()));
/// save(&path, |root| Ok(root.put("rate", &Rate::Falling { last: 0.5 }).value()))?;
/// assert_eq!(File::read(&path)?.root()?.get::<Rate>("rate")?, Rate::Falling { last: 0.5 });
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), bayes_nn_files::FileError>(())
/// ```
#[macro_export]
macro_rules! choice {
    ($type:ident { $($kind:literal: $variant:ident { $($name:literal: $field:tt $(as $as:ident)?),* }),* $(,)? }) => {
        impl $crate::Entry for $type {
            fn write(&self, place: &$crate::Place<'_>) -> $crate::Value {
                match self {
                    $($crate::choice!(@pattern $type $variant $($field $($as)?),*) => {
                        place.object().put("kind", &$kind.to_owned())
                            $(.put($name, $crate::choice!(@value $field $($as)?)))*.value()
                    })*
                }
            }

            fn read(node: &$crate::Node<'_>) -> Result<$type, $crate::FileError> {
                match node.get::<String>("kind")?.as_str() {
                    $($kind => Ok($type::$variant { $($field: node.get($name)?),* }),)*
                    other => Err(node.unknown(other, &[$($kind),*])),
                }
            }
        }
    };
    (@pattern $type:ident $variant:ident $($field:tt $($as:ident)?),*) => {
        $type::$variant { $($field $(: $as)?),* }
    };
    (@value $field:ident) => { $field };
    (@value $field:tt $as:ident) => { $as };
}
