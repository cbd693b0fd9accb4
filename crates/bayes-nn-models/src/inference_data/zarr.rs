//! A Zarr store on disk: written beside its place, then renamed.
//!
//! Version 3 of the format: xarray takes the fill value of version 2 for a mask, so that a draw
//! of 0 would be missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarrs::array::{
    Array, ArrayBuilder, ArrayMetadataOptions, ArrayToBytesCodecTraits, CodecOptions, DataType,
    FillValue, IntoArrayBytes, data_type,
};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::GroupBuilder;
use zarrs::metadata::v3::AdditionalFieldV3;
use zarrs::node::NodeName;
use zarrs::storage::storage_adapter::atomic_write::AtomicWriteStorageAdapter;
use zarrs::storage::{StoreKey, WritableStorageTraits};

use super::layout::{Placed, Values, name_error};
use super::{ExportError, InferenceData};

/// Elements of a chunk at the most, unless one draw has more: 8 MiB of doubles.
const CHUNK: usize = 1 << 20;

pub(super) type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Where stores are written: each file under another name, then renamed, so that a whole one is
/// seen or none.
pub(super) type Folder = AtomicWriteStorageAdapter<FilesystemStore>;

pub(super) fn open(folder: &Path) -> Result<Arc<Folder>, Problem> {
    let store = Arc::new(FilesystemStore::new(folder)?);
    Ok(Arc::new(Folder::new(store)))
}

/// Writes a store, and returns the metadata of all that is in it. Chunks hold `every` draws, or
/// as many as make them of a moderate size.
pub(super) fn write(
    data: &InferenceData,
    path: &Path,
    overwrite: bool,
    every: Option<usize>,
) -> Result<Map<String, Value>, ExportError> {
    let own = || path.to_path_buf();
    let exists = path.symlink_metadata().is_ok();
    if exists && !overwrite {
        return Err(ExportError::Exists { path: own() });
    }
    if exists && !path.join("zarr.json").is_file() {
        return Err(ExportError::NotAStore { path: own() });
    }
    data.check()?;
    let failed = |problem: &dyn std::fmt::Display| ExportError::write(path, problem);
    let folder = Partial::beside(path).ok_or_else(|| failed(&"the path has no last part"))?;
    let written = write_store(data, &folder.0, every);
    let metadata = written.map_err(|problem| match problem.downcast::<ExportError>() {
        Ok(own) => *own,
        Err(problem) => failed(&problem),
    })?;
    let replaced = folder.0.with_extension("replaced");
    let renamed = || -> std::io::Result<()> {
        if exists {
            fs::rename(path, &replaced)?;
        }
        fs::rename(&folder.0, path).inspect_err(|_| {
            // What was there comes back; if not even that goes, the error says enough.
            let _ = fs::rename(&replaced, path);
        })?;
        match exists {
            true => fs::remove_dir_all(&replaced),
            false => Ok(()),
        }
    };
    renamed().map_err(|problem| failed(&problem))?;
    Ok(metadata)
}

/// A folder that is removed unless it was renamed.
struct Partial(PathBuf);

impl Partial {
    fn beside(path: &Path) -> Option<Partial> {
        let name = path.file_name()?.to_string_lossy();
        let partial = format!(".{name}.{}.partial", std::process::id());
        Some(Partial(path.with_file_name(partial)))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Nothing to be done about a folder that cannot be removed, or is not there any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write_store(
    data: &InferenceData,
    folder: &Path,
    every: Option<usize>,
) -> Result<Map<String, Value>, Problem> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let store = open(folder)?;
    // In the order in which they were declared, which is that of a reader's tables.
    let mut consolidated = Map::new();
    for group in &data.groups {
        let metadata = write_group(&store, group.name, &data.attributes)?;
        consolidated.insert(group.name.to_owned(), metadata);
        for placed in data.place(group)? {
            if !NodeName::validate(&placed.name) || placed.name.is_empty() {
                return Err(name_error(&placed.name, "cannot be that of an array").into());
            }
            let path = format!("{}/{}", group.name, placed.name);
            let array = write_array(&store, &path, &placed, group.samples.is_some(), every)?;
            consolidated.insert(path, json!(array.metadata_opt(&options())));
        }
    }
    write_root(&store, &data.attributes, &consolidated)?;
    Ok(consolidated)
}

/// What goes into the metadata of an array.
fn options() -> ArrayMetadataOptions {
    ArrayMetadataOptions::default().with_include_zarrs_metadata(false)
}

/// Writes the metadata of what is at a path of the store.
pub(super) fn write_metadata(store: &Folder, path: &str, metadata: &Value) -> Result<(), Problem> {
    let key = StoreKey::new(format!("{path}/zarr.json"))?;
    Ok(store.set(&key, serde_json::to_vec_pretty(metadata)?.into())?)
}

/// Writes the metadata of a group, and returns them.
pub(super) fn write_group(
    store: &Arc<Folder>,
    name: &str,
    attributes: &Map<String, Value>,
) -> Result<Value, Problem> {
    let group = GroupBuilder::new()
        .attributes(attributes.clone())
        .build(store.clone(), &format!("/{name}"))?;
    group.store_metadata()?;
    Ok(json!(group.metadata()))
}

/// Writes the metadata of the store, with those of all that is in it.
pub(super) fn write_root(
    store: &Arc<Folder>,
    attributes: &Map<String, Value>,
    consolidated: &Map<String, Value>,
) -> Result<(), Problem> {
    let consolidated = json!({ "kind": "inline", "metadata": consolidated });
    let fields = [(
        "consolidated_metadata".to_owned(),
        AdditionalFieldV3::new(consolidated, false),
    )];
    let root = GroupBuilder::new()
        .attributes(attributes.clone())
        .additional_fields(fields.into())
        .build(store.clone(), "/")?;
    Ok(root.store_metadata()?)
}

fn write_array(
    store: &Arc<Folder>,
    path: &str,
    placed: &Placed<'_>,
    sampled: bool,
    every: Option<usize>,
) -> Result<Array<Folder>, Problem> {
    let shape: Vec<u64> = placed.shape.iter().map(|&n| n as u64).collect();
    let (kind, fill): (DataType, FillValue) = match &*placed.values {
        Values::Numbers(_) => (data_type::float64(), 0.0.into()),
        Values::Integers(_) => (data_type::int64(), 0i64.into()),
        Values::Flags(_) => (data_type::bool(), false.into()),
        Values::Names(_) => (data_type::string(), "".into()),
    };
    let mut chunks: Vec<u64> = shape.iter().map(|&n| n.max(1)).collect();
    let draws = placed.dims.iter().position(|dim| sampled && dim == "draw");
    if let Some(axis) = draws {
        let elements: usize = placed.shape[axis + 1..].iter().product();
        let moderate = (CHUNK / elements.max(1)).max(1) as u64;
        chunks[..axis].fill(1);
        chunks[axis] = every.map_or(moderate.min(chunks[axis]), |every| every as u64);
    }
    let array = ArrayBuilder::new(shape, chunks, kind, fill)
        .dimension_names(Some(placed.dims.iter().map(String::as_str)))
        .build(store.clone(), &format!("/{path}"))?;
    array.store_metadata_opt(&options())?;
    let all = array.subset_all();
    match &*placed.values {
        Values::Numbers(values) => array.store_array_subset(&all, values)?,
        Values::Integers(values) => array.store_array_subset(&all, values)?,
        Values::Flags(values) => array.store_array_subset(&all, values)?,
        Values::Names(values) => array.store_array_subset(&all, values)?,
    }
    Ok(array)
}

/// Writes one chunk of an array, whole, and returns its file, which is not synced yet: many are
/// sooner synced together.
pub(super) fn write_chunk(
    folder: &Path,
    array: &Array<Folder>,
    chunk: &[u64],
    values: &Values,
) -> Result<PathBuf, Problem> {
    let kind = array.data_type();
    let bytes = match values {
        Values::Numbers(values) => values.into_array_bytes(kind)?,
        Values::Integers(values) => values.into_array_bytes(kind)?,
        Values::Flags(values) => values.into_array_bytes(kind)?,
        Values::Names(values) => values.into_array_bytes(kind)?,
    };
    let (shape, fill) = (array.chunk_shape(chunk)?, array.fill_value());
    let options = CodecOptions::default();
    let encoded = array.codecs().encode(bytes, &shape, kind, fill, &options)?;
    let file = folder.join(array.chunk_key(chunk).as_str());
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&file, encoded)?;
    Ok(file)
}
