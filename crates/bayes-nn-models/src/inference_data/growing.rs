//! A store whose arrays of draws grow: chunks first, then what is declared of them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, thread};

use serde_json::{Map, Value, json};
use zarrs::array;

use super::layout::{Array, Values};
use super::zarr::{self, Folder, Problem};
use super::{ExportError, InferenceData};

/// A store that is being written.
pub(super) struct Growing {
    folder: Arc<Folder>,
    path: PathBuf,
    every: usize,
    attributes: Map<String, Value>,
    /// The metadata of everything, which readers take from the root: all of one moment.
    consolidated: Map<String, Value>,
    groups: Vec<GrowingGroup>,
    /// Chunks that are not synced yet.
    fresh: Vec<PathBuf>,
}

/// A group of draws.
struct GrowingGroup {
    name: &'static str,
    arrays: Vec<GrowingArray>,
    /// Draws of each chain that are on disk.
    written: Vec<usize>,
    /// The chains and draws of each that readers know of.
    declared: (usize, usize),
}

struct GrowingArray {
    name: String,
    array: array::Array<Folder>,
}

impl Growing {
    /// Writes a store without draws, of chunks of `every`.
    pub(super) fn new(
        data: &InferenceData,
        path: &Path,
        overwrite: bool,
        every: usize,
    ) -> Result<Growing, ExportError> {
        let consolidated = zarr::write(data, path, overwrite, Some(every))?;
        let open = Growing::open(data, path, every, consolidated);
        open.map_err(|problem| ExportError::write(path, &problem))
    }

    fn open(
        data: &InferenceData,
        path: &Path,
        every: usize,
        consolidated: Map<String, Value>,
    ) -> Result<Growing, Problem> {
        let folder = zarr::open(path)?;
        let mut groups = Vec::new();
        for group in &data.groups {
            let Some(samples) = &group.samples else {
                continue;
            };
            let mut arrays = Vec::new();
            for placed in data.place(group)? {
                let path = format!("/{}/{}", group.name, placed.name);
                arrays.push(GrowingArray {
                    array: array::Array::open(folder.clone(), &path)?,
                    name: placed.name,
                });
            }
            groups.push(GrowingGroup {
                name: group.name,
                arrays,
                written: vec![0; samples.chains.len()],
                declared: (samples.chains.len(), 0),
            });
        }
        Ok(Growing {
            folder,
            path: path.to_path_buf(),
            every,
            attributes: data.attributes.clone(),
            consolidated,
            groups,
            fresh: Vec::new(),
        })
    }

    /// Writes draws of a chain from number `first`, a multiple of `every`: the arrays of a group,
    /// each with the same number of draws. Readers do not know of them yet.
    pub(super) fn append(
        &mut self,
        group: &str,
        chain: usize,
        first: usize,
        draws: usize,
        arrays: Vec<Array>,
    ) -> Result<(), Problem> {
        let group = self.groups.iter_mut().find(|known| known.name == group);
        let group = group.ok_or("draws came up that were not planned")?;
        let chunk = (first / self.every) as u64;
        for array in arrays {
            let known = group.arrays.iter().find(|known| known.name == array.name);
            let known = known.ok_or("a variable came up that the model did not have")?;
            let mut place = vec![0; known.array.shape().len()];
            (place[0], place[1]) = (chain as u64, chunk);
            // What is behind the last draw is declared by nobody.
            let length = self.every * array.shape.iter().product::<usize>();
            let values = array.values.padded(length);
            let file = zarr::write_chunk(&self.path, &known.array, &place, &values)?;
            self.fresh.push(file);
        }
        if let Some(labels) = group.arrays.iter().find(|known| known.name == "draw") {
            let numbers = (first..first + self.every).map(|draw| draw as i64);
            let numbers = Values::Integers(numbers.collect());
            let file = zarr::write_chunk(&self.path, &labels.array, &[chunk], &numbers)?;
            self.fresh.push(file);
        }
        group.written[chain] = first + draws;
        Ok(())
    }

    /// Syncs what was written, and tells readers of it.
    pub(super) fn declare(&mut self) -> Result<(), Problem> {
        sync(&self.fresh)?;
        self.fresh.clear();
        for group in &mut self.groups {
            let (chains, draws) = rectangle(&group.written);
            if (chains, draws) == group.declared {
                continue;
            }
            for known in &group.arrays {
                let path = format!("{}/{}", group.name, known.name);
                let metadata = &mut self.consolidated[&path];
                let shape = json!(known.shape(chains as u64, draws as u64));
                if metadata["shape"] != shape {
                    metadata["shape"] = shape;
                    zarr::write_metadata(&self.folder, &path, metadata)?;
                }
            }
            group.declared = (chains, draws);
        }
        zarr::write_root(&self.folder, &self.attributes, &self.consolidated)
    }

    /// Says more of the origin of the store, in every group.
    pub(super) fn describe(&mut self, attributes: Map<String, Value>) -> Result<(), Problem> {
        self.attributes.extend(attributes);
        let groups = self.consolidated.iter_mut();
        for (name, metadata) in groups.filter(|(path, _)| !path.contains('/')) {
            *metadata = zarr::write_group(&self.folder, name, &self.attributes)?;
        }
        zarr::write_root(&self.folder, &self.attributes, &self.consolidated)
    }

    /// Draws of a group on disk, of the chain that has most.
    pub(super) fn longest(&self, group: &str) -> usize {
        let group = self.groups.iter().find(|known| known.name == group);
        let written = group.and_then(|group| group.written.iter().max());
        written.copied().unwrap_or(0)
    }
}

impl GrowingArray {
    /// Its shape with so many chains and draws of each.
    fn shape(&self, chains: u64, draws: u64) -> Vec<u64> {
        let mut shape = self.array.shape().to_vec();
        let names = self.array.dimension_names().as_ref();
        for (size, name) in shape.iter_mut().zip(names.into_iter().flatten()) {
            match name.as_deref() {
                Some("chain") => *size = chains,
                Some("draw") => *size = draws,
                _ => {}
            }
        }
        shape
    }
}

/// Syncs files, some at the same time: a disk takes many in little more time than one.
fn sync(files: &[PathBuf]) -> io::Result<()> {
    const THREADS: usize = 16;
    let sync_part = |part: &[PathBuf]| {
        let mut files = part.iter();
        files.try_for_each(|file| File::open(file)?.sync_all())
    };
    thread::scope(|scope| {
        let parts = files.chunks(files.len().div_ceil(THREADS).max(1));
        let parts: Vec<_> = parts
            .map(|part| scope.spawn(move || sync_part(part)))
            .collect();
        parts.into_iter().try_for_each(|part| {
            let panicked = |_| Err(io::Error::other("a thread that syncs panicked"));
            part.join().unwrap_or_else(panicked)
        })
    })
}

/// Chains and draws of each, as far as all these chains have them: those first chains that
/// together have most, all if none has any.
fn rectangle(written: &[usize]) -> (usize, usize) {
    let mut shortest = usize::MAX;
    let sizes = written.iter().enumerate().map(|(before, &draws)| {
        shortest = shortest.min(draws);
        (before + 1, shortest)
    });
    let most = sizes.max_by_key(|(chains, draws)| (chains * draws, *chains));
    most.unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chains_that_have_most_together_are_declared() {
        assert_eq!(rectangle(&[0, 0, 0]), (3, 0));
        assert_eq!(rectangle(&[100, 100, 0, 0]), (2, 100));
        assert_eq!(rectangle(&[100, 100, 40, 40]), (2, 100));
        assert_eq!(rectangle(&[100, 100, 60, 50]), (4, 50));
        assert_eq!(rectangle(&[20, 100, 90]), (3, 20));
        assert_eq!(rectangle(&[]), (0, 0));
    }
}
