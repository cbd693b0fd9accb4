//! A Zarr store on disk: written beside its place, then renamed.
//!
//! Version 3 of the format: xarray takes the fill value of version 2 for a mask, so that a draw
//! of 0 would be missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, json};
use zarrs::array::{Array, ArrayBuilder, ArrayMetadataOptions, DataType, FillValue, data_type};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::GroupBuilder;
use zarrs::metadata::v3::AdditionalFieldV3;
use zarrs::node::NodeName;

use super::layout::{Placed, Values, name_error};
use super::{ExportError, InferenceData};

/// Elements of a chunk at the most, unless one draw has more: 8 MiB of doubles.
const CHUNK: usize = 1 << 20;

type Problem = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn write(data: &InferenceData, path: &Path, overwrite: bool) -> Result<(), ExportError> {
    let own = || path.to_path_buf();
    let exists = path.symlink_metadata().is_ok();
    if exists && !overwrite {
        return Err(ExportError::Exists { path: own() });
    }
    if exists && !path.join("zarr.json").is_file() {
        return Err(ExportError::NotAStore { path: own() });
    }
    data.check()?;
    let failed = |problem: &dyn std::fmt::Display| ExportError::Write {
        path: own(),
        problem: problem.to_string(),
    };
    let folder = Partial::beside(path).ok_or_else(|| failed(&"the path has no last part"))?;
    write_store(data, &folder.0).map_err(|problem| match problem.downcast::<ExportError>() {
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
    renamed().map_err(|problem| failed(&problem))
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

fn write_store(data: &InferenceData, folder: &Path) -> Result<(), Problem> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let store = Arc::new(FilesystemStore::new(folder)?);
    let options = ArrayMetadataOptions::default().with_include_zarrs_metadata(false);
    // In the order in which they were declared, which is that of a reader's tables.
    let mut consolidated = Map::new();
    for group in &data.groups {
        let written = GroupBuilder::new()
            .attributes(data.attributes.clone())
            .build(store.clone(), &format!("/{}", group.name))?;
        written.store_metadata()?;
        consolidated.insert(group.name.to_owned(), json!(written.metadata()));
        for placed in data.place(group)? {
            if !NodeName::validate(&placed.name) || placed.name.is_empty() {
                return Err(name_error(&placed.name, "cannot be that of an array").into());
            }
            let path = format!("{}/{}", group.name, placed.name);
            let sampled = group.samples.is_some() && placed.dims.len() > 1;
            let array = write_array(&store, &path, &placed, sampled, &options)?;
            consolidated.insert(path, json!(array.metadata_opt(&options)));
        }
    }
    let consolidated = json!({ "kind": "inline", "metadata": consolidated });
    let fields = [(
        "consolidated_metadata".to_owned(),
        AdditionalFieldV3::new(consolidated, false),
    )];
    let root = GroupBuilder::new()
        .attributes(data.attributes.clone())
        .additional_fields(fields.into())
        .build(store, "/")?;
    Ok(root.store_metadata()?)
}

fn write_array(
    store: &Arc<FilesystemStore>,
    path: &str,
    placed: &Placed<'_>,
    sampled: bool,
    options: &ArrayMetadataOptions,
) -> Result<Array<FilesystemStore>, Problem> {
    let shape: Vec<u64> = placed.shape.iter().map(|&n| n as u64).collect();
    let (kind, fill): (DataType, FillValue) = match &*placed.values {
        Values::Numbers(_) => (data_type::float64(), 0.0.into()),
        Values::Integers(_) => (data_type::int64(), 0i64.into()),
        Values::Flags(_) => (data_type::bool(), false.into()),
        Values::Names(_) => (data_type::string(), "".into()),
    };
    let mut chunks: Vec<u64> = shape.iter().map(|&n| n.max(1)).collect();
    if sampled {
        let elements: usize = placed.shape[2..].iter().product();
        let draws = (CHUNK / elements.max(1)).max(1) as u64;
        (chunks[0], chunks[1]) = (1, draws.min(chunks[1]));
    }
    let array = ArrayBuilder::new(shape, chunks, kind, fill)
        .dimension_names(Some(placed.dims.iter().map(String::as_str)))
        .build(store.clone(), &format!("/{path}"))?;
    array.store_metadata_opt(options)?;
    let all = array.subset_all();
    match &*placed.values {
        Values::Numbers(values) => array.store_array_subset(&all, values)?,
        Values::Integers(values) => array.store_array_subset(&all, values)?,
        Values::Flags(values) => array.store_array_subset(&all, values)?,
        Values::Names(values) => array.store_array_subset(&all, values)?,
    }
    Ok(array)
}
