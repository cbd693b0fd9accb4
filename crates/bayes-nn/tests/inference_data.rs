//! Stores of draws: what is in them, and what keeps them from being written.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bayes_nn::distributions::{Distribution, HalfNormal, MultivariateNormal, Normal};
use bayes_nn::inference_data::Coordinates;
use bayes_nn::model::{self, Batch, Data, Model, Trace};
use bayes_nn::{Advi, Error, InferenceData, Nuts, Posterior};
use serde_json::Value;
use zarrs::array::{Array, ElementOwned};
use zarrs::filesystem::FilesystemStore;

const X: [f64; 4] = [0.5, 1.0, 1.5, 2.0];
const Y: [f64; 4] = [1.1, f64::NAN, 3.2, 3.9];

fn line<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    trace.scope("layer", || {
        trace.sample("slope", Normal::new(0.0, 2.0));
    });
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    trace.observe(
        "y",
        Normal::new(2.0 * data.column("x"), noise),
        data.column("y"),
    );
}

fn data() -> Data {
    let data = Data::new().column("x", &X).unwrap();
    let data = data.column_with_missing("y", &Y).unwrap();
    data.index("group", &[0, 1, 1, 0]).unwrap()
}

fn samples() -> Posterior<impl Model> {
    let nuts = Nuts::new().chains(2).warmup(60).draws(30).keep_warmup(true);
    model::fit(&line, data(), &nuts.seed(4)).unwrap()
}

/// A place for a store that is removed with its owner.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let name = format!("bayes-nn-{name}-{}.zarr", std::process::id());
        let place = Place(std::env::temp_dir().join(name));
        let _ = fs::remove_dir_all(&place.0);
        place
    }

    fn read<T: ElementOwned>(&self, array: &str) -> (Vec<u64>, Vec<T>) {
        let store = Arc::new(FilesystemStore::new(&self.0).unwrap());
        let array = Array::open(store, array).unwrap();
        let values = array.retrieve_array_subset(&array.subset_all()).unwrap();
        (array.shape().to_vec(), values)
    }

    fn root(&self) -> Value {
        let text = fs::read_to_string(self.0.join("zarr.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_store_holds_what_was_drawn_seen_and_given() {
    let samples = samples();
    let place = Place::new("all");
    let replicated = samples.predictive(data(), 60, 0).unwrap();
    let whole = samples.inference_data().unwrap();
    let whole = whole.posterior_predictive(&replicated).unwrap();
    whole.write_zarr(&place.0).unwrap();

    let draws = samples.all_draws().unwrap();
    let (shape, values) = place.read::<f64>("/posterior/layer.slope");
    assert_eq!(shape, [2, 30]);
    assert_eq!(values, draws.variable("layer.slope").unwrap().values());
    let (shape, values) = place.read::<f64>("/posterior/y_missing");
    assert_eq!(shape, [2, 30, 1]);
    assert_eq!(values, draws.variable("y_missing").unwrap().values());
    assert_eq!(place.read::<i64>("/posterior/y_missing_dim_0").1, [1]);
    assert_eq!(place.read::<i64>("/posterior/chain").1, [0, 1]);

    let fit = samples.nuts().unwrap().chains();
    let statistics = fit.iter().flat_map(|c| c.draws().statistics());
    let diverging: Vec<bool> = statistics.clone().map(|s| s.diverging).collect();
    assert_eq!(place.read::<bool>("/sample_stats/diverging").1, diverging);
    let steps: Vec<i64> = statistics.map(|s| s.leapfrog_steps.into()).collect();
    assert_eq!(place.read::<i64>("/sample_stats/n_steps").1, steps);

    let warmup = samples.warmup()[1].variable("noise").unwrap();
    let (shape, values) = place.read::<f64>("/warmup_posterior/noise");
    assert_eq!(shape, [2, 60]);
    assert_eq!(values[60..], *warmup.values());
    assert_eq!(place.read::<f64>("/warmup_sample_stats/lp").0, [2, 60]);

    let pointwise = samples.log_likelihood(data()).unwrap();
    let (shape, values) = place.read::<f64>("/log_likelihood/y");
    assert_eq!(shape, [2, 30, 3]);
    assert_eq!(values, pointwise.variable("y").unwrap().values());
    let (shape, values) = place.read::<f64>("/posterior_predictive/y");
    assert_eq!(shape, [2, 30, 4]);
    assert_eq!(values, replicated.variable("y").unwrap().values());
    assert_eq!(place.read::<f64>("/observed_data/y").1, [1.1, 3.2, 3.9]);
    assert_eq!(place.read::<i64>("/observed_data/y_dim_0").1, [0, 2, 3]);
    assert_eq!(place.read::<f64>("/constant_data/x").1, X);
    assert_eq!(place.read::<i64>("/constant_data/group").1, [0, 1, 1, 0]);

    // Readers that take the consolidated metadata see the arrays as they are.
    let root = place.root();
    let declared = root["consolidated_metadata"]["metadata"]
        .as_object()
        .unwrap();
    let own = fs::read_to_string(place.0.join("posterior/y_missing/zarr.json")).unwrap();
    let own: Value = serde_json::from_str(&own).unwrap();
    assert_eq!(declared["posterior/y_missing"], own);
    let names = serde_json::json!(["chain", "draw", "y_missing_dim_0"]);
    assert_eq!(own["dimension_names"], names);
    assert_eq!(root["attributes"]["inference_library"], "bayes-nn");
    assert_eq!(root["attributes"]["tuning_steps"], 60);
}

#[test]
fn draws_of_a_guide_are_one_chain() {
    let fit = model::fit(&line, data(), &Advi::mean_field().steps(50)).unwrap();
    let place = Place::new("advi");
    let data = fit.take(7, 2).unwrap().inference_data().unwrap();
    data.write_zarr(&place.0).unwrap();
    let (shape, values) = place.read::<f64>("/posterior/noise");
    assert_eq!(shape, [1, 7]);
    let draws = fit.draws(7, 2).unwrap();
    assert_eq!(values, draws.variable("noise").unwrap().values());
    assert!(!place.0.join("sample_stats").exists());
}

/// A pair that is one event in every row, of a matrix that was given.
fn pairs<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
    let loc = trace.sample("loc", Normal::new(0.0, 1.0).expand([2, 1]));
    let factor = trace.graph().constant(&[1.0, 0.0, 0.5, 1.0], [2, 2]);
    let loc = loc + data.matrix("given");
    trace.observe(
        "pair",
        MultivariateNormal::new(loc, factor),
        data.matrix("pair"),
    );
}

#[test]
fn events_have_an_axis_that_their_log_likelihood_lacks() {
    let data = Data::new().matrix("given", &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 2);
    let data = data
        .unwrap()
        .matrix("pair", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2);
    let data = data.unwrap();
    let nuts = Nuts::new().chains(2).warmup(20).draws(10);
    let samples = model::fit(&pairs, &data, &nuts).unwrap();
    let place = Place::new("events");
    let replicated = samples.predictive(&data, 7, 0).unwrap();
    let whole = samples.inference_data().unwrap();
    let whole = whole.posterior_predictive(&replicated).unwrap();
    let whole = whole.dims("pair", ["part", "row"]);
    whole
        .coords("row", ["a", "b", "c"])
        .write_zarr(&place.0)
        .unwrap();
    // Rows last, as the model has them; other columns as they were handed in.
    let (shape, values) = place.read::<f64>("/observed_data/pair");
    assert_eq!(
        (&shape[..], &values[..3]),
        (&[2, 3][..], &[1.0, 3.0, 5.0][..])
    );
    let (shape, values) = place.read::<f64>("/constant_data/given");
    assert_eq!(
        (&shape[..], &values[..3]),
        (&[3, 2][..], &[0.1, 0.2, 0.3][..])
    );
    assert_eq!(place.read::<f64>("/log_likelihood/pair").0, [2, 10, 3]);
    assert_eq!(
        place.read::<String>("/log_likelihood/row").1,
        ["a", "b", "c"]
    );
    assert!(!place.0.join("log_likelihood/part").exists());
    // Other than as many predictions as draws are one chain.
    assert_eq!(
        place.read::<f64>("/posterior_predictive/pair").0,
        [1, 7, 2, 3]
    );
}

#[test]
fn chains_that_were_stopped_are_cut_to_one_length() {
    let nuts = Nuts::new().chains(2).draws(1_000_000_000).warmup(50);
    let sampling = model::start(&line, data(), &nuts.seed(4)).unwrap();
    while sampling.progress().iter().any(|chain| chain.draws < 80) {
        std::thread::yield_now();
    }
    sampling.stop();
    let samples = sampling.wait().unwrap();
    let lengths = samples
        .nuts()
        .unwrap()
        .chains()
        .iter()
        .map(|c| c.draws().len());
    let shortest = lengths.min().unwrap();
    let place = Place::new("stopped");
    samples.to_zarr(&place.0).unwrap();
    for array in ["posterior/noise", "sample_stats/lp", "log_likelihood/y"] {
        let (shape, _) = place.read::<f64>(&format!("/{array}"));
        assert_eq!(shape[..2], [2, shortest as u64], "{array}");
    }
    let (_, values) = place.read::<f64>("/posterior/noise");
    let second = samples.chains()[1].variable("noise").unwrap();
    assert_eq!(values[shortest..], second.values()[..shortest]);
    assert!(!place.0.join("warmup_posterior").exists());
}

#[test]
fn names_and_labels_go_with_the_dimensions() {
    let place = Place::new("labels");
    let data = samples().inference_data().unwrap();
    let data = data
        .dims("y", ["day"])
        .coords("day", ["Mon", "Tue", "Wed", "Thu"])
        .dims("y_missing", ["gap"])
        .coords("gap", vec![10, 11, 12, 13]);
    data.write_zarr(&place.0).unwrap();
    // Where rows are missing, so are their labels.
    let (_, days) = place.read::<String>("/log_likelihood/day");
    assert_eq!(days, ["Mon", "Wed", "Thu"]);
    assert_eq!(place.read::<i64>("/posterior/gap").1, [11]);

    let problem = |data: InferenceData| message(data.overwrite_zarr(&place.0));
    let whole = || data.clone();
    assert_eq!(
        problem(whole().dims("y", ["day", "hour"])),
        "`y` has 1 axes and is given 2 dimensions; it needs one for each"
    );
    assert_eq!(
        problem(whole().coords("day", vec![1.0, 2.0, 3.0])),
        "the dimension `day` has 3 labels, `y` has 4 places along it"
    );
    let unknown = problem(whole().dims("z", ["day"]));
    assert!(unknown.starts_with("there is no variable `z`"), "{unknown}");
    let none = problem(whole().coords("week", Coordinates::Integers(vec![1])));
    assert!(none.starts_with("there is no dimension `week`"), "{none}");
    let plain = samples().inference_data().unwrap();
    let taken = problem(plain.dims("y", ["draw"]));
    assert!(
        taken.starts_with("the name `draw` stands for two"),
        "{taken}"
    );
    // What could not be written left what was there.
    assert_eq!(place.read::<i64>("/posterior/gap").1, [11]);
}

#[test]
fn nothing_is_overwritten_unasked_and_only_stores_when_asked() {
    let data = samples().inference_data().unwrap();
    let place = Place::new("twice");
    data.write_zarr(&place.0).unwrap();
    let error = message(data.write_zarr(&place.0));
    assert!(
        error.contains("exists already; `overwrite_zarr`"),
        "{error}"
    );
    let left = place.0.join("posterior/left");
    fs::create_dir(&left).unwrap();
    data.overwrite_zarr(&place.0).unwrap();
    assert!(!left.exists());

    let folder = Place::new("folder");
    fs::create_dir(&folder.0).unwrap();
    fs::write(folder.0.join("thesis.tex"), "all of it").unwrap();
    let error = message(data.overwrite_zarr(&folder.0));
    assert!(error.contains("is no Zarr store"), "{error}");
    assert!(folder.0.join("thesis.tex").exists());
    let error = message(data.write_zarr(folder.0.join("thesis.tex/store")));
    assert!(error.starts_with("cannot write"), "{error}");
}

#[test]
fn names_that_a_store_cannot_have_are_refused() {
    let slashed = model::from_fn(|trace, _| {
        trace.sample("a/b", Normal::new(0.0, 1.0));
    });
    let nuts = Nuts::new().chains(1).warmup(10).draws(5);
    let samples = model::fit(&slashed, Data::new(), &nuts).unwrap();
    let place = Place::new("names");
    let error = message(samples.to_zarr(&place.0));
    assert!(error.starts_with("the name `a/b`"), "{error}");
    assert!(!place.0.exists());
    let folder = place.0.parent().unwrap();
    let left = place.0.file_name().unwrap().to_string_lossy().into_owned();
    let names = fs::read_dir(folder).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name());
    assert!(names.all(|name| !name.to_string_lossy().contains(&left)));
}

#[test]
fn named_dimensions_of_a_model_are_those_of_its_store() {
    let model = model::from_fn(|trace, data| {
        let level = trace.sample("level", Normal::new(0.0, 1.0).over(["term", "county"]));
        let spread = trace.deterministic_over("spread", ["term", "county"], level.exp());
        let plain = trace.sample("plain", Normal::new(0.0, 1.0).expand([2]));
        let mean =
            level.row(0).gather(data.index("county"), 0) + 0.0 * (plain + spread.row(1)).sum();
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let data = Data::new()
        .groups("county", &["RAMSEY", "ANOKA", "RAMSEY"])
        .unwrap();
    let data = data.with_dimension("term", ["low", "high"]).unwrap();
    let data = data.column("y", &[0.1, 0.9, 0.3]).unwrap();
    let nuts = Nuts::new().chains(1).warmup(50).draws(20).seed(1);
    let check = |place: &Place| {
        for group in ["posterior/level", "posterior/spread"] {
            let own = fs::read_to_string(place.0.join(group).join("zarr.json")).unwrap();
            let own: Value = serde_json::from_str(&own).unwrap();
            let names = serde_json::json!(["chain", "draw", "term", "county"]);
            assert_eq!(own["dimension_names"], names);
        }
        assert_eq!(
            place.read::<String>("/posterior/county").1,
            ["ANOKA", "RAMSEY"]
        );
        assert_eq!(place.read::<String>("/posterior/term").1, ["low", "high"]);
        assert_eq!(place.read::<i64>("/posterior/plain_dim_0").1, [0, 1]);
        assert_eq!(place.read::<i64>("/constant_data/county").1, [1, 0, 1]);
    };
    let place = Place::new("named");
    let fit = model::fit(&model, &data, &nuts).unwrap();
    fit.to_zarr(&place.0).unwrap();
    check(&place);
    let place = Place::new("named-growing");
    let store = bayes_nn::ZarrStore::new(place.0.clone()).every(10);
    store.sample(&model, &data, &nuts).unwrap();
    check(&place);
    // What is said of the store goes before what the model says.
    let place = Place::new("renamed");
    let renamed = fit
        .inference_data()
        .unwrap()
        .dims("level", ["what", "place"]);
    renamed.write_zarr(&place.0).unwrap();
    assert_eq!(
        place.read::<String>("/posterior/place").1,
        ["ANOKA", "RAMSEY"]
    );
}
