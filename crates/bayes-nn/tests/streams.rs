//! Data that are read while a fit goes on: the same fit as from memory, and errors that name file and
//! place.

use std::fs::{self, File};
use std::io::Write;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use bayes_nn::data::{Column, DataError, NpyFile, Source, SourceColumn, SourceKind, StreamError};
use bayes_nn::prelude::*;
use bayes_nn::{InferenceError, Sgld, SgldFit};

/// A folder of files that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = format!("bayes-nn-streams-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    /// A file as `numpy.save` writes it.
    fn npy(&self, name: &str, descr: &str, shape: &str, numbers: Vec<u8>) -> PathBuf {
        let path = self.0.join(name);
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"\x93NUMPY\x01\x00").unwrap();
        file.write_all(&(header.len() as u16).to_le_bytes())
            .unwrap();
        file.write_all(header.as_bytes()).unwrap();
        file.write_all(&numbers).unwrap();
        path
    }

    fn f32(&self, name: &str, shape: &str, numbers: &[f32]) -> NpyFile {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
        NpyFile::open(self.npy(name, "<f4", shape, bytes.collect())).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ROWS: usize = 1_237;

/// Rows of three numbers, the group of each, and a target.
fn numbers() -> (Vec<f32>, Vec<u8>, Vec<f32>) {
    let x: Vec<f32> = (0..3 * ROWS)
        .map(|i| (i as f32 * i as f32 * 0.013).sin())
        .collect();
    let group: Vec<u8> = (0..ROWS).map(|i| (i * i % 5) as u8).collect();
    let y = x.chunks_exact(3).zip(&group);
    let y = y.zip(0..).map(|((x, group), i): (_, u16)| {
        let noise = f32::from(i * 37 % 101) / 101.0 - 0.5;
        x[0] - 2.0 * x[1] + 0.3 * f32::from(*group) + noise
    });
    (x.clone(), group.clone(), y.collect())
}

fn streamed(folder: &Folder) -> Data {
    let (x, group, y) = numbers();
    let shape = format!("({ROWS},)");
    let group = folder.npy("group.npy", "|u1", &shape, group);
    let group = NpyFile::open(group).unwrap().index().unwrap();
    Data::new()
        .stream(folder.f32("x.npy", &format!("({ROWS}, 3)"), &x))
        .and_then(|data| data.stream(group))
        .and_then(|data| data.stream(folder.f32("y.npy", &shape, &y)))
        .unwrap()
}

fn resident() -> Data {
    let (x, group, y) = numbers();
    let group: Vec<usize> = group.into_iter().map(usize::from).collect();
    let data = Data::new().matrix("x", x, 3).unwrap();
    data.index("group", &group).unwrap().column("y", y).unwrap()
}

/// A line with a level of each group.
fn groups<'g>(trace: &model::Trace<'g>, data: &model::Batch<'g>) {
    let slopes = trace.sample("slopes", Normal::new(0.0, 3.0).expand([3, 1]));
    let levels = trace.sample("levels", Normal::new(0.0, 1.0).expand(5));
    let noise = trace.sample("noise", HalfNormal::new(1.0));
    let mean = slopes.t().matmul(data.matrix("x")).row(0);
    let mean = mean + levels.gather(data.index("group"), 0);
    trace.observe("y", Normal::new(mean, noise), data.column("y"));
}

#[test]
fn a_stream_and_rows_in_memory_in_its_order_give_the_same_bits() {
    let folder = Folder::new("bits");
    // Blocks of one row, that do not divide the rows, and larger than all of them.
    for (block, batch) in [(1, 100), (50, 64), (200, 1_237), (5_000, 32)] {
        let streamed = streamed(&folder).shuffle_blocks(block);
        let resident = resident().shuffle_blocks(block);
        let advi = Advi::mean_field().steps(60).batch(batch).seed(5);
        let [a, b] = [&streamed, &resident].map(|data| model::fit(&groups, data, &advi).unwrap());
        assert_eq!(a.approximation(), b.approximation(), "{block}");
        let [a, b] = [&a, &b].map(|fit| fit.advi().unwrap());
        assert_eq!(a.curve().elbos(), b.curve().elbos());
        assert_eq!(a.elbo(), b.elbo());
        let net = Bnn::new(Mlp::new([3, 4, 1]), Gaussian::new());
        let advi = Advi::mean_field().steps(60).batch(batch).restarts(2);
        let [a, b] = [streamed, resident].map(|data| net.fit(data, &advi).unwrap());
        assert_eq!(a.approximation(), b.approximation(), "{block}");
    }
}

#[test]
fn the_order_is_that_of_the_seed_whatever_the_threads() {
    let data = resident().shuffle_blocks(100);
    let advi = Advi::mean_field().steps(50).batch(32).restarts(3);
    let fit = |advi: &Advi| model::fit(&groups, &data, advi).unwrap();
    let (one, two) = (fit(&advi.clone().threads(1)), fit(&advi.clone().threads(2)));
    assert_eq!(one.approximation(), two.approximation());
    let other = fit(&advi.seed(9));
    assert_ne!(one.approximation(), other.approximation());
}

#[test]
fn a_stream_is_fitted_to_what_all_rows_say_in_nats_of_all() {
    let folder = Folder::new("nats");
    let advi = Advi::mean_field().batch(100).steps(3_000);
    let advi = advi.schedule(Schedule::Cosine { last: 0.01 });
    let fit = model::fit(&groups, streamed(&folder), &advi.learning_rate(0.05)).unwrap();
    let exact = model::fit(&groups, resident(), &Advi::mean_field()).unwrap();
    let [a, b] = [&fit, &exact].map(|fit| fit.advi().unwrap().elbo().mean);
    assert!((a - b).abs() < 0.05 * b.abs(), "{a} for {b}");
    let slope = |fit: &Posterior<_>| {
        fit.draws(200, 0)
            .unwrap()
            .variable("slopes")
            .unwrap()
            .mean()[1]
    };
    assert!((slope(&fit) - slope(&exact)).abs() < 0.05);
    let chains = Sgld::new()
        .batch(100)
        .step_size(1e-5)
        .warmup(500)
        .draws(100);
    model::fit(&groups, streamed(&folder), &chains).unwrap();
}

#[test]
fn held_out_rows_may_be_a_stream() {
    let (folder, held_out) = (Folder::new("train"), Folder::new("valid"));
    let advi = Advi::mean_field().batch(100).steps(500);
    let score = |valid: Data| {
        let fit = model::fit_validated(&groups, streamed(&folder), valid, &advi).unwrap();
        let scores = fit.advi().unwrap().curve().scores();
        scores.last().unwrap().score.rmse.unwrap()
    };
    let (streamed, resident) = (score(streamed(&held_out)), score(resident()));
    assert!(
        (streamed - resident).abs() < 0.1 * resident,
        "{streamed} for {resident}"
    );
}

#[test]
fn what_needs_all_rows_at_once_refuses_a_stream() {
    let folder = Folder::new("refused");
    let data = streamed(&folder);
    let refused = |error: Error| {
        let message = error.to_string();
        let has = |part| message.contains(part);
        assert!(
            has("x.npy") && has("all rows are needed at once"),
            "{message}"
        );
    };
    refused(
        model::fit(&groups, &data, &Nuts::new().chains(1))
            .err()
            .unwrap(),
    );
    refused(
        model::fit(&groups, &data, &Pathfinder::new())
            .err()
            .unwrap(),
    );
    let error = model::fit(&groups, &data, &Advi::full_rank())
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("the data are streamed"),
        "{error}"
    );
    let fit = model::fit(&groups, &data, &Advi::mean_field().steps(10).batch(10)).unwrap();
    refused(fit.predict(&data, 10).unwrap_err());
    refused(fit.log_likelihood(&data).unwrap_err());
    refused(fit.loo("y").unwrap_err());
    // What says nothing of rows is there.
    assert_eq!(
        fit.draws(5, 0).unwrap().variable("levels").unwrap().shape()[0],
        5
    );
}

/// A fit whose files `change` changes at its first look, and the error of it.
fn stopped(name: &str, change: impl Fn(&PathBuf) + Send + 'static) -> (String, usize) {
    let folder = Folder::new(name);
    let data = streamed(&folder);
    let path = folder.0.join("x.npy");
    let mut looks = 0;
    let advi = Advi::mean_field().batch(100).steps(1_000_000).every(100);
    let advi = advi.callback(move |_| {
        looks += 1;
        if looks == 3 {
            change(&path);
        }
        ControlFlow::Continue(())
    });
    let error = model::fit(&groups, &data, &advi).err().unwrap();
    assert!(error.last_good().is_some_and(|guide| guide.dim() == 9));
    match &error {
        Error::Inference(InferenceError::Interrupted(interruption)) => {
            (error.to_string(), interruption.elbos.len())
        }
        _ => panic!("{error}"),
    }
}

#[test]
fn a_file_that_is_cut_off_while_it_is_read_ends_the_fit_with_its_last_good_state() {
    let (message, steps) = stopped("cut", |path| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(5_000).unwrap();
    });
    assert!(message.contains("x.npy, from byte "), "{message}");
    assert!(
        message.contains("it had 14917 bytes, and has 5000"),
        "{message}"
    );
    assert!(message.contains("last good"), "{message}");
    assert!(steps >= 300 && steps.is_multiple_of(100), "{steps}");
}

#[test]
fn a_file_that_is_written_to_while_it_is_read_ends_the_fit() {
    let (message, _) = stopped("written", |path| {
        let mut file = File::options().write(true).open(path).unwrap();
        file.write_all(b"another file").unwrap();
    });
    assert!(message.contains("it was written to since"), "{message}");
}

#[test]
fn a_number_that_is_not_finite_is_named_by_file_and_row() {
    let folder = Folder::new("nan");
    let (mut x, _, y) = numbers();
    x[3 * 1_200 + 1] = f32::NAN;
    let shape = format!("({ROWS},)");
    let data = Data::new()
        .stream(folder.f32("x.npy", &format!("({ROWS}, 3)"), &x))
        .and_then(|data| data.stream(folder.f32("y.npy", &shape, &y)))
        .unwrap();
    let net = Bnn::new(Mlp::new([3, 4, 1]), Gaussian::new());
    let error = net.fit(&data, &Advi::mean_field().batch(100)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("x.npy: row 1200, column `x[1]`: NaN is not finite"),
        "{message}"
    );
    assert!(error.last_good().is_some());
}

#[test]
fn a_file_that_is_no_array_or_was_not_written_to_its_end_is_refused() {
    let folder = Folder::new("damaged");
    let message = |path: PathBuf| NpyFile::open(path).unwrap_err().to_string();
    let short = folder.npy("short.npy", "<f4", "(10, 2)", vec![0; 79]);
    assert!(message(short).contains("79 bytes follow it"));
    let other = folder.0.join("other.npy");
    fs::write(&other, b"PK").unwrap();
    assert!(message(other).contains("begins with 93 and `NUMPY`"));
    assert!(message(folder.0.join("none.npy")).contains("cannot open"));
    let rows = |name: &str, rows: usize| folder.f32(name, &format!("({rows},)"), &vec![0.0; rows]);
    let data = Data::new().stream(rows("a.npy", 3)).unwrap();
    let error = data.clone().stream(rows("b.npy", 4)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `b` has 4 rows, the columns before it have 3"
    );
    let error = data.stream(rows("c.npy", 3).named("a")).unwrap_err();
    assert!(error.to_string().contains("`a` is not unique"), "{error}");
}

#[derive(Debug)]
struct Short;

impl Source for Short {
    fn name(&self) -> String {
        "a short source".to_owned()
    }

    fn rows(&self) -> usize {
        10
    }

    fn columns(&self) -> Vec<SourceColumn> {
        vec![SourceColumn::new("y", SourceKind::Column)]
    }

    fn read(&self, _: Range<usize>) -> Result<Vec<Column>, DataError> {
        Ok(vec![Column::from(&[1.0, 2.0])])
    }
}

#[test]
fn a_source_that_gives_other_rows_than_asked_for_is_refused() {
    let message = Data::new().stream(Short).unwrap_err().to_string();
    let expected = "a short source: gave 2 numbers for the rows 0 to 9 of `y`";
    assert_eq!(message, expected);
}

/// A wave and numbers of it, of which each is known from the number of its row.
#[derive(Debug)]
struct Waves(usize);

impl Waves {
    fn numbers(rows: Range<usize>) -> [Vec<f64>; 2] {
        let x: Vec<f64> = rows.map(|row| (row as f64 * 0.37).sin()).collect();
        let y = x.iter().map(|x| x * x + 0.1 * (97.0 * x).sin()).collect();
        [x, y]
    }
}

impl Source for Waves {
    fn name(&self) -> String {
        "waves".to_owned()
    }

    fn rows(&self) -> usize {
        self.0
    }

    fn columns(&self) -> Vec<SourceColumn> {
        let columns = ["x", "y"].map(|name| SourceColumn::new(name, SourceKind::Column));
        columns.to_vec()
    }

    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
        if rows.end > 150_000 {
            return Err(DataError::Empty);
        }
        Ok(Waves::numbers(rows).map(Column::from).to_vec())
    }
}

#[test]
fn predictions_of_a_stream_are_those_of_all_rows_at_once() {
    let folder = Folder::new("predictions");
    let (rows, how) = (70_000, Predict::draws(8));
    let streamed = Data::new().stream(Waves(rows)).unwrap();
    let [x, y] = Waves::numbers(0..rows);
    let resident = Data::new().column("x", &x).unwrap();
    let resident = resident.column("y", &y).unwrap();
    let net = Bnn::new(Mlp::new([1, 4, 1]), Gaussian::new());
    let fit = net
        .fit(&streamed, &Advi::mean_field().steps(300).batch(64))
        .unwrap();
    let [a, b] = [("a.csv", &streamed), ("b.csv", &resident)].map(|(name, data)| {
        let path = folder.0.join(name);
        fit.predict_to(data, how, &path).unwrap();
        fs::read_to_string(path).unwrap()
    });
    assert!(a.starts_with("mean,lower,upper,aleatoric,epistemic\n"));
    assert_eq!(a.lines().count(), rows + 1);
    assert!(a == b);
    let last = fit.predict_with(&resident, how).unwrap();
    let last = last.mean().last().unwrap().to_string();
    assert!(a.lines().last().unwrap().starts_with(&last));
    let scores = [&streamed, &resident].map(|data| fit.score(data, how).unwrap());
    let [a, b] = scores.map(|score| *score.regression().unwrap());
    assert!((a.rmse - b.rmse).abs() < 1e-12 && (a.coverage - b.coverage).abs() < 1e-12);
    assert!((a.log_likelihood - b.log_likelihood).abs() < 1e-10);
}

#[test]
fn scores_of_classes_of_a_stream_are_those_of_all_rows_at_once() {
    #[derive(Debug)]
    struct Signs(Waves);
    impl Source for Signs {
        fn name(&self) -> String {
            self.0.name()
        }
        fn rows(&self) -> usize {
            self.0.rows()
        }
        fn columns(&self) -> Vec<SourceColumn> {
            self.0.columns()
        }
        fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
            let mut columns = self.0.read(rows)?;
            let signs = columns[1].to_f64().into_iter();
            columns[1] = signs.map(|y| u8::from(y > 0.3)).collect::<Vec<u8>>().into();
            Ok(columns)
        }
    }
    let (rows, how) = (70_000, Predict::draws(4));
    let streamed = Data::new().stream(Signs(Waves(rows))).unwrap();
    let [x, y] = Waves::numbers(0..rows);
    let y: Vec<u8> = y.iter().map(|y| u8::from(*y > 0.3)).collect();
    let resident = Data::new().column("x", &x).unwrap().column("y", y).unwrap();
    let net = Bnn::new(Mlp::new([1, 4, 1]), Bernoulli);
    let fit = net
        .fit(&streamed, &Advi::mean_field().steps(300).batch(64))
        .unwrap();
    let scores = [&streamed, &resident].map(|data| fit.score(data, how).unwrap());
    let [a, b] = scores.map(|score| *score.classification().unwrap());
    let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
    assert!(
        near(a.accuracy, b.accuracy) && near(a.log_loss, b.log_loss),
        "{a}, {b}"
    );
    assert!(near(a.brier, b.brier) && near(a.ece, b.ece), "{a}, {b}");
}

#[test]
fn predictions_that_end_early_leave_no_file_that_looks_whole() {
    let folder = Folder::new("partial");
    let net = Bnn::new(Mlp::new([1, 2, 1]), Gaussian::new());
    let advi = Advi::mean_field().steps(20).batch(64);
    let train = Data::new().stream(Waves(1_000)).unwrap();
    let fit = net.fit(train, &advi).unwrap();
    let path = folder.0.join("predicted.csv");
    let data = Data::new().stream(Waves(200_000)).unwrap();
    fit.predict_to(&data, Predict::draws(1), &path).unwrap_err();
    assert!(!path.exists() && folder.0.join("predicted.csv.partial").exists());
    let nowhere = folder.0.join("nowhere").join("predicted.csv");
    let error = fit
        .predict_to(&data, Predict::draws(1), nowhere)
        .unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
}

#[test]
fn images_and_labels_of_idx_files_are_fitted_where_they_are() {
    use bayes_nn::data::{Idx, IdxFile};
    let folder = Folder::new("idx");
    let file = |name: &str, shape: &[u32], bytes: &[u8]| {
        let path = folder.0.join(name);
        let mut file = vec![0, 0, 8, shape.len() as u8];
        file.extend(shape.iter().flat_map(|length| length.to_be_bytes()));
        file.extend(bytes);
        fs::write(&path, file).unwrap();
        path
    };
    let pixels: Vec<u8> = (0..600 * 4_usize).map(|i| (i * i % 251) as u8).collect();
    let labels: Vec<u8> = pixels
        .chunks_exact(4)
        .map(|x| u8::from(x[0] > 125))
        .collect();
    let (x, y) = (file("x", &[600, 2, 2], &pixels), file("y", &[600], &labels));
    let streamed = IdxFile::open(&x, "x").and_then(|x| Ok((x, IdxFile::open(&y, "y")?)));
    let (images, targets) = streamed.unwrap();
    let streamed = Data::new().stream(images).unwrap().stream(targets).unwrap();
    let resident = Dataset::new(Idx::read(&x).unwrap().values(), 4, &labels).unwrap();
    let net = Bnn::new(Mlp::new([4, 3, 1]), Bernoulli);
    let advi = Advi::mean_field().steps(50).batch(32);
    let fits = [streamed, Data::from(&resident)].map(|data| {
        let fit = net.fit(data.shuffle_blocks(64), &advi).unwrap();
        fit.approximation().cloned()
    });
    assert_eq!(fits[0], fits[1]);
    let packed = folder.0.join("packed.gz");
    fs::write(&packed, [0x1f, 0x8b, 8, 0]).unwrap();
    let message = IdxFile::open(packed, "x").unwrap_err().to_string();
    assert!(message.contains("decompress it"), "{message}");
}

#[test]
fn a_target_of_a_later_row_that_cannot_be_is_named_by_file_and_row() {
    let folder = Folder::new("support");
    let mut y = vec![0.0; 1_500];
    y[1_321] = 2.0;
    let x: Vec<f32> = (0..1_500).map(|i| (i as f32).sin()).collect();
    let data = Data::new()
        .stream(folder.f32("x.npy", "(1500,)", &x))
        .and_then(|data| data.stream(folder.f32("y.npy", "(1500,)", &y)))
        .unwrap();
    let net = Bnn::new(Mlp::new([1, 2, 1]), Bernoulli);
    let error = net.fit(&data, &Advi::mean_field().batch(50)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("y.npy: row 1321, column `y`: 2 was observed of `y`"),
        "{message}"
    );
}

#[test]
fn missing_values_are_refused_in_shuffled_blocks_as_in_any_minibatch() {
    let mut y: Vec<f64> = (0..2_000).map(|i| f64::from(i).sin()).collect();
    y[3] = f64::NAN;
    let data = Data::new().column_with_missing("y", &y).unwrap();
    let model = model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let advi = Advi::mean_field().steps(10).batch(100);
    let error = model::fit(&model, data.shuffle_blocks(50), &advi)
        .err()
        .unwrap();
    assert!(error.to_string().contains("`y`"), "{error}");
}

/// Rows that cannot be read any more after some reads.
#[derive(Debug)]
struct Failing {
    reads: AtomicUsize,
    most: usize,
}

impl Failing {
    fn after(most: usize) -> Data {
        let reads = AtomicUsize::new(0);
        let data = Data::new().stream(Failing { reads, most });
        data.unwrap().shuffle_blocks(10)
    }
}

impl Source for Failing {
    fn name(&self) -> String {
        "the network".to_owned()
    }

    fn rows(&self) -> usize {
        1_000
    }

    fn columns(&self) -> Vec<SourceColumn> {
        vec![SourceColumn::new("y", SourceKind::Column)]
    }

    fn read(&self, rows: Range<usize>) -> Result<Vec<Column>, DataError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) >= self.most {
            let (name, problem) = (self.name(), format!("row {}: it is down", rows.start));
            return Err(StreamError::Source { name, problem }.into());
        }
        let y: Vec<f64> = rows.map(|row| (row as f64).sin()).collect();
        Ok(vec![y.into()])
    }
}

#[test]
fn chains_whose_rows_cannot_be_read_any_more_keep_their_draws() {
    let level = model::from_fn(|trace, data| {
        let level = trace.sample("level", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(level, 1.0), data.column("y"));
    });
    let chains = Sgld::new().chains(1).batch(10).warmup(50);
    let chains = chains.step_size(1e-5).draws(1_000_000);
    let fit = model::fit(&level, Failing::after(3_000), &chains).unwrap();
    let chain = &fit.fit::<SgldFit>().unwrap().chains()[0];
    assert!((2_000..3_000).contains(&chain.len()), "{}", chain.len());
    let told = chain.error().unwrap().to_string();
    let draws = chain.len();
    assert!(
        told.starts_with(&format!(
            "chain 0 failed after {draws} draws: the network: row"
        )) && told.ends_with("it is down"),
        "{told}"
    );
    assert_eq!(fit.warnings()[0], told);
    let level_of =
        |fit: &Posterior<_>| fit.draws(100, 0).unwrap().variable("level").unwrap().mean();
    assert!(level_of(&fit)[0].abs() < 0.5);
    let error = model::fit(&level, Failing::after(30), &chains);
    let told = error.err().unwrap().to_string();
    assert!(
        told.contains("chain 0 failed after 0 draws: the network: row"),
        "{told}"
    );
}

#[test]
fn an_index_outside_its_axis_is_told_by_file_row_and_column() {
    let folder = Folder::new("outside");
    let (_, mut group, y) = numbers();
    // Beyond the rows that are looked at before a fit.
    group[1_200] = 7;
    let shape = format!("({ROWS},)");
    let group = folder.npy("group.npy", "|u1", &shape, group);
    let data = Data::new()
        .stream(NpyFile::open(group).unwrap().index().unwrap())
        .and_then(|data| data.stream(folder.f32("y.npy", &shape, &y)))
        .unwrap();
    let levels = model::from_fn(|trace, data| {
        let levels = trace.sample("levels", Normal::new(0.0, 1.0).expand(5));
        let mean = levels.gather(data.index("group"), 0);
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let advi = Advi::mean_field().batch(100).steps(1_000);
    let error = model::fit(&levels, &data, &advi).err().unwrap();
    let told = error.to_string();
    assert!(
        told.contains("group.npy: row 1200, column `group`: the index 7 is not below 5"),
        "{told}"
    );
}
