//! Writing: entries at their places, and files that are whole at any moment.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

use crate::layout::{Tensor, bytes_of};
use crate::{Entry, FORMAT, FileError};

/// Where an entry is written, and the tensors of the file.
pub struct Place<'w> {
    path: String,
    tensors: &'w RefCell<Vec<Tensor>>,
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({})", self.path)
    }
}

impl<'w> Place<'w> {
    /// The place of a field.
    #[must_use]
    pub fn at(&self, name: &str) -> Place<'w> {
        let path = match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
        };
        Place { path, ..*self }
    }

    /// An object to be written here.
    #[must_use]
    pub fn object(&self) -> Object<'w> {
        let place = Place {
            path: self.path.clone(),
            ..*self
        };
        let fields = Map::new();
        Object { place, fields }
    }

    /// Numbers that stand here as a tensor of this shape, row-major.
    pub fn tensor(&self, values: &[f64], shape: &[usize]) {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        self.tensors.borrow_mut().push(Tensor {
            name: self.path.clone(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        });
    }
}

/// Fields by name, as they are written.
#[derive(Debug)]
pub struct Object<'w> {
    place: Place<'w>,
    fields: Map<String, Value>,
}

impl<'w> Object<'w> {
    /// The place of a field.
    #[must_use]
    pub fn at(&self, name: &str) -> Place<'w> {
        self.place.at(name)
    }

    /// Writes a field.
    #[must_use]
    pub fn put<T: Entry>(self, name: &str, value: &T) -> Object<'w> {
        let value = value.write(&self.at(name));
        self.put_value(name, value)
    }

    /// Adds a field that was written at its place.
    #[must_use]
    pub fn put_value(mut self, name: &str, value: Value) -> Object<'w> {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// Writes numbers as a tensor of this shape, row-major.
    #[must_use]
    pub fn tensor(self, name: &str, values: &[f64], shape: &[usize]) -> Object<'w> {
        self.at(name).tensor(values, shape);
        self
    }

    /// The object.
    #[must_use]
    pub fn value(self) -> Value {
        Value::Object(self.fields)
    }
}

/// Saves what is described at the root of a file, with the version of the format.
///
/// # Errors
/// Those of `describe`; a file that cannot be written. What was there under its name before is then
/// still there.
pub fn save<E: From<FileError>>(
    path: &Path,
    describe: impl FnOnce(Object<'_>) -> Result<Value, E>,
) -> Result<(), E> {
    let tensors = RefCell::default();
    let root = Place {
        path: String::new(),
        tensors: &tensors,
    };
    let description = describe(root.object().put("format", &FORMAT))?;
    let written = write_whole(path, &bytes_of(&description, &tensors.take()));
    Ok(written.map_err(|source| FileError::System {
        path: path.to_owned(),
        doing: "written",
        source,
    })?)
}

/// Writes a file: under another name in the same folder, which is synced and then renamed, so that
/// at any moment there is a whole file under its name, the last one or the new one.
///
/// # Errors
/// Those of the system. What was there under its name before is then still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial(path);
    let written = write_new(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })?;
    sync_folder(path)
}

/// A name of its own in the same folder.
fn partial(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.partial", std::process::id()));
    path.with_file_name(name)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The new name, too, must reach the disk; where folders cannot be opened it does so by itself.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
