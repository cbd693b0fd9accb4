//! Stores that are written while the sampler runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use bayes_nn::distributions::{HalfNormal, Normal};
use bayes_nn::inference_data::{ExportError, ZarrStore};
use bayes_nn::model::{self, Batch, Data, Model, Trace};
use bayes_nn::nuts::{ChainProgress, SamplingProgress};
use bayes_nn::{Error, InferenceError, Nuts, Posterior};
use serde_json::Value;
use zarrs::array::{Array, ElementOwned};
use zarrs::filesystem::FilesystemStore;

/// A scalar, a vector, a deterministic, and a value that is missing.
fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let slope = trace.sample("slope", Normal::new(0.0, 2.0));
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    let x = data.column("x");
    let mean = trace.deterministic("mean", slope * x);
    trace.observe("y", Normal::new(mean, noise), data.column("y"));
}

fn data() -> Data {
    let data = Data::new().column("x", &[0.5, 1.0, 1.5, 2.0]).unwrap();
    data.column_with_missing("y", &[1.1, f64::NAN, 3.2, 3.9])
        .unwrap()
}

fn nuts() -> Nuts {
    let nuts = Nuts::new().chains(3).threads(2).warmup(60).draws(45);
    nuts.keep_warmup(true).seed(4)
}

/// A path that is removed with its owner.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let name = format!("bayes-nn-store-{name}-{}", std::process::id());
        let place = Place(std::env::temp_dir().join(name));
        let _ = fs::remove_dir_all(&place.0);
        place
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read<T: ElementOwned>(path: &Path, array: &str) -> (Vec<u64>, Vec<T>) {
    let store = Arc::new(FilesystemStore::new(path).unwrap());
    let array = Array::open(store, array).unwrap();
    let values = array.retrieve_array_subset(&array.subset_all()).unwrap();
    (array.shape().to_vec(), values)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Shapes of all arrays, as the root of a store declares them at one moment.
fn declared(path: &Path) -> Vec<(String, Vec<u64>)> {
    let root = json(&path.join("zarr.json"));
    let all = root["consolidated_metadata"]["metadata"].clone();
    let all = all.as_object().unwrap();
    let arrays = all
        .iter()
        .filter(|(_, metadata)| metadata["node_type"] == "array");
    let shape = |metadata: &Value| serde_json::from_value(metadata["shape"].clone()).unwrap();
    arrays
        .map(|(name, metadata)| (name.clone(), shape(metadata)))
        .collect()
}

/// Asserts that all that a store declares is there and is as in the whole run; returns the
/// draws of the posterior that are declared, of all chains.
fn assert_part_of(path: &Path, whole: &Posterior<impl Model>) -> usize {
    let mut posterior = 0;
    let all = declared(path);
    for (group, chains) in [
        ("posterior", whole.chains()),
        ("warmup_posterior", whole.warmup()),
    ] {
        let shapes = all.iter().filter(|(name, shape)| {
            name.strip_suffix("_dim_0").is_none() && shape.len() > 1 && name.starts_with(group)
        });
        let mut sizes: Vec<_> = shapes.clone().map(|(_, shape)| &shape[..2]).collect();
        sizes.dedup();
        assert_eq!(sizes.len(), 1, "one size in a group: {all:?}");
        for (name, shape) in shapes {
            let (now, values) = read::<f64>(path, &format!("/{name}"));
            let (count, draws) = (now[0] as usize, now[1] as usize);
            // A store that is written may have grown since.
            assert!(count * draws >= (shape[0] * shape[1]) as usize);
            let variable = name.split_once('/').unwrap().1;
            let each = (values.len() / count.max(1)).max(1);
            for (chain, values) in values.chunks(each).enumerate() {
                let expected = chains[chain].variable(variable).unwrap().values();
                assert_eq!(values, &expected[..values.len()], "{name}");
            }
            if group == "posterior" {
                posterior = (shape[0] * shape[1]) as usize;
            }
        }
    }
    posterior
}

/// Everything in a store but what it tells of time and how it is cut into chunks: names,
/// metadata, and the values declared.
fn contents(path: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, shape) in declared(path) {
        let metadata = json(&path.join(&name).join("zarr.json"));
        let values = match metadata["data_type"].as_str().unwrap() {
            "float64" => {
                let bits = read::<f64>(path, &format!("/{name}")).1;
                format!("{:?}", bits.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
            }
            "int64" => format!("{:?}", read::<i64>(path, &format!("/{name}")).1),
            _ => format!("{:?}", read::<bool>(path, &format!("/{name}")).1),
        };
        let (dims, codecs) = (&metadata["dimension_names"], &metadata["codecs"]);
        all.push((name, format!("{shape:?} {dims} {codecs} {values}")));
    }
    all
}

#[test]
fn a_store_written_on_the_way_is_that_of_the_finished_run_and_changes_no_bit() {
    let plain = model::fit(&line, data(), &nuts()).unwrap();
    let after = Place::new("after");
    plain.to_zarr(after.path()).unwrap();
    let mut expected = contents(after.path());
    expected.retain(|(name, _)| !name.starts_with("log_likelihood"));
    // Blocks that fit into neither warm-up nor draws, into both, and that are never full.
    for every in [7, 15, 1000] {
        let place = Place::new(&format!("whole-{every}"));
        let store = ZarrStore::new(place.path()).every(every);
        let samples = store.sample(&line, data(), &nuts()).unwrap();
        assert!(samples.nuts().unwrap().sink_error().is_none());
        for (a, b) in samples
            .nuts()
            .unwrap()
            .chains()
            .iter()
            .zip(plain.nuts().unwrap().chains())
        {
            assert_eq!((a.draws(), a.warmup()), (b.draws(), b.warmup()));
        }
        assert_eq!(samples.chains(), plain.chains());
        let mut found = contents(place.path());
        let by_name = |a: &(String, String), b: &(String, String)| a.0.cmp(&b.0);
        found.sort_by(by_name);
        expected.sort_by(by_name);
        assert_eq!(found, expected);
        let root = json(&place.path().join("zarr.json"));
        assert_eq!(root["attributes"]["tuning_steps"], 60);
        assert!(root["attributes"]["sampling_time"].is_number());
        let own = json(&place.path().join("posterior/slope/zarr.json"));
        assert_eq!(
            root["consolidated_metadata"]["metadata"]["posterior/slope"],
            own
        );
    }
}

#[test]
fn a_store_without_kept_warm_up_has_its_statistics() {
    let place = Place::new("statistics");
    let nuts = nuts().keep_warmup(false);
    let store = ZarrStore::new(place.path()).dims("mean", ["row"]);
    let samples = store.coords("row", ["a", "b", "c", "d"]);
    let samples = samples.sample(&line, data(), &nuts).unwrap();
    assert!(!place.path().join("warmup_posterior").exists());
    let (shape, steps) = read::<i64>(place.path(), "/warmup_sample_stats/n_steps");
    assert_eq!(shape, [3, 60]);
    let last = samples.nuts().unwrap().chains()[2].warmup().statistics()[59];
    assert_eq!(steps[179], i64::from(last.leapfrog_steps));
    let rows = read::<String>(place.path(), "/posterior/row").1;
    assert_eq!(rows, ["a", "b", "c", "d"]);
}

/// Shape and values of an array.
type Seen = (Vec<u64>, Vec<f64>);

/// Looks at a store whenever the run reports, and keeps what it sees of one variable.
#[derive(Clone, Default)]
struct Watch {
    path: PathBuf,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl SamplingProgress for Watch {
    fn start(&self, _: usize, _: u64) {
        self.look();
    }
    fn update(&self, _: ChainProgress) {
        self.look();
    }
    fn finish(&self) {
        self.look();
    }
}

impl Watch {
    fn look(&self) {
        let sizes: Vec<_> = declared(&self.path)
            .into_iter()
            .filter(|(name, shape)| name.starts_with("posterior/") && shape.len() > 1)
            .map(|(_, shape)| (shape[0], shape[1]))
            .collect();
        assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
        let seen = read::<f64>(&self.path, "/posterior/slope");
        self.seen.lock().unwrap().push(seen);
    }
}

#[test]
fn a_store_opened_on_the_way_declares_whole_draws_only() {
    let place = Place::new("watched");
    let watch = Watch {
        path: place.path().to_path_buf(),
        ..Watch::default()
    };
    let nuts = nuts().chains(4).draws(1 << 40);
    let store = ZarrStore::new(place.path()).every(50);
    let run = store
        .start(&line, data(), &nuts.progress(watch.clone()))
        .unwrap();
    // From outside, too, while chains go on.
    loop {
        watch.look();
        let size = watch.seen.lock().unwrap().last().unwrap().0.clone();
        if size[0] >= 2 && size[1] >= 100 {
            break;
        }
    }
    run.stop();
    let samples = run.wait().unwrap();
    let seen = watch.seen.lock().unwrap();
    assert!(seen[0].1.is_empty());
    let mut before = 0;
    for (shape, values) in seen.iter() {
        assert!(values.len() >= before, "what was declared stays");
        before = values.len();
        let draws = shape[1] as usize;
        for (chain, values) in values.chunks(draws.max(1)).enumerate() {
            let whole = samples.chains()[chain].variable("slope").unwrap().values();
            assert_eq!(values, &whole[..draws]);
        }
    }
    // At the end all that the first chains have in common is there, to the last draw.
    let draws = samples.nuts().unwrap().chains()[..2]
        .iter()
        .map(|c| c.draws().len());
    assert!(before >= 2 * draws.min().unwrap());
}

fn long() -> Nuts {
    nuts().chains(2).warmup(40).draws(400)
}

/// Not a test by itself: what [`the_store_of_a_killed_process_has_whole_draws_and_its_run_goes_on`]
/// starts and kills.
#[test]
fn a_process_that_is_to_be_killed() {
    if let Some(folder) = std::env::var_os("BAYES_NN_KILLED_STORE") {
        let folder = PathBuf::from(folder);
        let store = ZarrStore::new(folder.join("run.zarr")).every(20);
        let nuts = long().checkpoints(folder.join("chains"), 50);
        store.sample(&line, data(), &nuts).unwrap();
    }
}

#[test]
fn the_store_of_a_killed_process_has_whole_draws_and_its_run_goes_on() {
    let whole = model::fit(&line, data(), &long()).unwrap();
    let after = Place::new("killed-whole");
    let store = ZarrStore::new(after.path()).every(20);
    store.sample(&line, data(), &long()).unwrap();
    for kill in [0, 200] {
        let folder = Place::new(&format!("killed-{kill}"));
        let place = folder.path().join("run.zarr");
        fs::create_dir_all(folder.path()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_that_is_to_be_killed"])
            .env("BAYES_NN_KILLED_STORE", folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let drawn = || match place.join("zarr.json").exists() {
            true => declared(&place)
                .iter()
                .find(|(name, _)| name == "posterior/slope")
                .map_or(0, |(_, shape)| shape.iter().product::<u64>() as usize),
            false => 0,
        };
        while drawn() <= kill && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(assert_part_of(&place, &whole) > kill);

        // The run that goes on is the one that was never killed, in memory and in its store.
        let nuts = long().checkpoints(folder.path().join("chains"), 1_000);
        let store = ZarrStore::new(&place).every(20);
        let refused = store.sample(&line, data(), &nuts).err().unwrap();
        assert!(refused.to_string().contains("exists already"), "{refused}");
        let resumed = store.overwrite(true).sample(&line, data(), &nuts).unwrap();
        assert_eq!(resumed.chains(), whole.chains());
        assert_eq!(contents(&place), contents(after.path()));
    }
}

#[test]
fn a_store_that_cannot_be_written_ends_the_run_and_names_its_path() {
    // Nothing is drawn into a place that is taken.
    let place = Place::new("taken");
    fs::create_dir_all(place.path()).unwrap();
    let store = ZarrStore::new(place.path());
    let error = store.sample(&line, data(), &nuts()).err().unwrap();
    assert!(matches!(&error, Error::Export(ExportError::Exists { path }) if path == place.path()));
    let error = store
        .overwrite(true)
        .sample(&line, data(), &nuts())
        .err()
        .unwrap();
    assert!(matches!(
        error,
        Error::Export(ExportError::NotAStore { .. })
    ));
    let every = ZarrStore::new(place.path().join("new")).every(0);
    let error = every.sample(&line, data(), &nuts()).err().unwrap();
    assert_eq!(error.to_string(), "`every` is 0; it must be 1 or more");

    // A file in the place of a folder stands for a disk that fails on the way.
    let place = Place::new("fails");
    let store = ZarrStore::new(place.path()).every(10);
    let run = store.start(&line, data(), &nuts().draws(1 << 40)).unwrap();
    while run.progress()[0].draws < 200 {
        std::thread::yield_now();
    }
    let slope = place.path().join("posterior/slope");
    fs::rename(&slope, place.path().join("gone")).unwrap();
    fs::write(&slope, "in the way").unwrap();
    let samples = run.wait().unwrap();
    assert!(samples.nuts().unwrap().stopped());
    assert!(
        samples
            .all_draws()
            .unwrap()
            .variable("slope")
            .unwrap()
            .values()
            .len()
            > 100
    );
    let error = samples.nuts().unwrap().sink_error().unwrap();
    let InferenceError::DrawSink(source) = error else {
        panic!("{error}");
    };
    let own = source.downcast_ref::<Error>().unwrap();
    assert!(matches!(own, Error::Export(ExportError::Write { path, .. }) if path == place.path()));
    assert!(samples.warnings().contains(&error.to_string()));
}
