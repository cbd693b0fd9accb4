//! Reading: a file that was found whole, and the places in it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_core::Deserialize;
use serde_json::value::RawValue;

use crate::layout::{Layout, Parsed, Problem};
use crate::{Entry, FORMAT, FileError};

/// The most places inside one another.
const MOST_DEPTH: usize = 200;

/// A file that was read and is whole: every byte is one that was written.
pub struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    layout: Layout,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "File({}, {} bytes)",
            self.path.display(),
            self.bytes.len()
        )
    }
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, of another kind, or of a newer version of the format.
    pub fn read(path: impl AsRef<Path>) -> Result<File, FileError> {
        let path = path.as_ref().to_owned();
        match fs::read(&path) {
            Ok(bytes) => File::of_bytes(path, bytes),
            Err(source) => Err(FileError::System {
                path,
                doing: "read",
                source,
            }),
        }
    }

    fn of_bytes(path: PathBuf, bytes: Vec<u8>) -> Result<File, FileError> {
        match layout_of(&bytes) {
            Ok((_, found)) if found > FORMAT => Err(FileError::Newer {
                path,
                found,
                known: FORMAT,
            }),
            Ok((layout, _)) => Ok(File {
                path,
                bytes,
                layout,
            }),
            Err(Problem::OtherKind(problem)) => Err(FileError::OtherKind { path, problem }),
            Err(Problem::Damaged(problem)) => Err(FileError::Damaged { path, problem }),
        }
    }

    /// Where everything begins.
    ///
    /// # Errors
    /// [`FileError::Field`] for a description that is no JSON.
    pub fn root(&self) -> Result<Node<'_>, FileError> {
        let unread = Node {
            path: String::new(),
            text: "",
            file: self,
        };
        match serde_json::from_str::<&RawValue>(&self.layout.description) {
            Ok(raw) => Ok(Node {
                text: raw.get(),
                ..unread
            }),
            Err(error) => Err(unread.refuse(format!("is no JSON: {error}"))),
        }
    }
}

/// The layout, and the version of the format. Of a newer one nothing else is looked at.
fn layout_of(bytes: &[u8]) -> Result<(Layout, u64), Problem> {
    let parsed = Parsed::of(bytes)?;
    let description = parsed.description()?;
    let fields: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(&description).ok();
    let format = fields.as_ref().and_then(|fields| fields.get("format"));
    let format = format.and_then(|raw| serde_json::from_str::<u64>(raw.get()).ok());
    let slots = match format {
        Some(format) if format > FORMAT => BTreeMap::new(),
        _ => {
            parsed.check_sum()?;
            parsed.slots()?
        }
    };
    match format {
        None | Some(0) => {
            let problem = "its description has no version of the format";
            Err(Problem::OtherKind(problem.to_owned()))
        }
        Some(format) => Ok((Layout { description, slots }, format)),
    }
}

/// A place in a file, from which a value is read.
#[derive(Clone)]
pub struct Node<'f> {
    path: String,
    text: &'f str,
    file: &'f File,
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.path)
    }
}

impl<'f> Node<'f> {
    /// The error of a value that cannot be, which names its place.
    #[must_use]
    pub fn refuse(&self, problem: impl fmt::Display) -> FileError {
        FileError::Field {
            path: self.file.path.clone(),
            field: self.path.clone(),
            problem: problem.to_string(),
        }
    }

    /// The same for a value that was refused by what was made of it: `is refused: ..`.
    #[must_use]
    pub fn refused(&self, error: impl fmt::Display) -> FileError {
        self.refuse(format!("is refused: {error}"))
    }

    /// The value as JSON.
    #[must_use]
    pub fn text(&self) -> &'f str {
        self.text
    }

    /// How many places this one is inside of.
    fn depth(&self) -> usize {
        self.path.bytes().filter(|byte| *byte == b'.').count()
    }

    pub(crate) fn parse<T: Deserialize<'f>>(&self, wanted: &str) -> Result<T, FileError> {
        serde_json::from_str(self.text).map_err(|_| {
            let shown: String = self.text.chars().take(40).collect();
            self.refuse(format!("is {shown}, not {wanted}"))
        })
    }

    /// The error of a kind that is none of those that are known.
    #[must_use]
    pub fn unknown(&self, kind: &str, known: &[&str]) -> FileError {
        let known: Vec<String> = known.iter().map(|kind| format!("`{kind}`")).collect();
        let kind: String = kind.chars().take(40).collect();
        self.refuse(format!(
            "is of the kind `{kind}`, and not one of {}",
            known.join(", ")
        ))
    }

    /// Checks that what is inside may be read: readers that call themselves do so no deeper.
    fn check_depth(&self) -> Result<(), FileError> {
        match self.depth() < MOST_DEPTH {
            true => Ok(()),
            false => Err(self.refuse(format!("is deeper than {MOST_DEPTH} places"))),
        }
    }

    fn inside(&self, name: &str, text: &'f str) -> Node<'f> {
        let path = match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
        };
        Node {
            path,
            text,
            file: self.file,
        }
    }

    /// A field, if there is one that is not `null`.
    ///
    /// # Errors
    /// A value without fields.
    pub fn find(&self, name: &str) -> Result<Option<Node<'f>>, FileError> {
        self.check_depth()?;
        let fields: BTreeMap<String, &RawValue> = self.parse("an object")?;
        let found = fields.get(name).map(|raw| raw.get());
        let found = found.filter(|text| *text != "null");
        Ok(found.map(|text| self.inside(name, text)))
    }

    /// A field.
    ///
    /// # Errors
    /// A field that is not there; a value without fields.
    pub fn at(&self, name: &str) -> Result<Node<'f>, FileError> {
        let missing = || self.inside(name, "").refuse("is missing");
        self.find(name)?.ok_or_else(missing)
    }

    /// Reads a field.
    ///
    /// # Errors
    /// A field that is not there or cannot be.
    pub fn get<T: Entry>(&self, name: &str) -> Result<T, FileError> {
        T::read_field(self, name)
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// A value that is no list.
    pub fn items(&self) -> Result<Vec<Node<'f>>, FileError> {
        self.check_depth()?;
        let items: Vec<&RawValue> = self.parse("a list")?;
        let items = items.into_iter().enumerate();
        let node =
            |(number, raw): (usize, &'f RawValue)| self.inside(&number.to_string(), raw.get());
        Ok(items.map(node).collect())
    }

    /// The shape of the tensor of a field, if there is one.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&'f [usize]> {
        let slot = self.file.layout.slots.get(&self.inside(name, "").path)?;
        Some(&slot.shape)
    }

    /// The numbers of the tensor of a field, row-major, which has this shape.
    ///
    /// # Errors
    /// A tensor that is not there, or of another shape.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>, FileError> {
        let node = self.inside(name, "");
        match self.file.layout.slots.get(&node.path) {
            Some(slot) if slot.shape == shape => Ok(slot.numbers(&self.file.bytes)),
            Some(slot) => Err(node.refuse(format!(
                "is a tensor of the shape {:?}, not {shape:?}",
                slot.shape
            ))),
            None => Err(node.refuse("is no tensor of the file")),
        }
    }

    /// The numbers of the tensor of a field that is a vector of any length.
    ///
    /// # Errors
    /// As [`Node::tensor`].
    pub fn vector(&self, name: &str) -> Result<Vec<f64>, FileError> {
        let length = self.shape(name).and_then(|shape| shape.first().copied());
        self.tensor(name, &[length.unwrap_or(0)])
    }
}
