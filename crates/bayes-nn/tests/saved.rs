//! Fits in files: what was saved comes back bit for bit, and nothing else does.

mod temporary;

use bayes_nn::nuts::{LowRank, Metric};
use bayes_nn::prelude::*;
use bayes_nn::{Error, FileError, Method, Model, Optimizer, Resume, Schedule, Sgld, Start};
use temporary::Temporary;

const X: [f64; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
const Y: [f64; 6] = [0.1, 1.9, 4.2, 5.8, 8.1, 9.9];

fn data() -> Data {
    let data = Data::new().column("x", &X).unwrap();
    data.column("y", &Y).unwrap()
}

fn line() -> impl Model + Clone {
    model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 2.0));
        let noise = trace.sample("noise", HalfNormal::new(1.0));
        let share = trace.sample("share", Uniform::new(0.0, 1.0));
        trace.deterministic("twice", 2.0 * slope);
        let mean = slope * data.column("x") + share;
        trace.observe("y", Normal::new(mean, noise), data.column("y"));
    })
}

/// That a fit comes back from its file, for this model without its data.
fn comes_back<M: Model + Clone>(fit: &Posterior<M>) -> Posterior<M> {
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let again = model::load(fit.model(), file.path()).unwrap();
    assert_eq!(again.to_string(), fit.to_string());
    assert_eq!(again.warnings(), fit.warnings());
    assert_eq!(again.agreement(), fit.agreement());
    assert_eq!(again.summary().unwrap(), fit.summary().unwrap());
    assert_eq!(again.draws(7, 3).unwrap(), fit.draws(7, 3).unwrap());
    assert_eq!(again.chains(), fit.chains());
    assert_eq!(again.warmup(), fit.warmup());
    assert_eq!(again.sites(), fit.sites());
    assert_eq!(format!("{:?}", again.advi()), format!("{:?}", fit.advi()));
    assert_eq!(format!("{:?}", again.nuts()), format!("{:?}", fit.nuts()));
    // What came back is saved as the same file.
    let bytes = std::fs::read(file.path()).unwrap();
    again.save(file.path()).unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap(), bytes);
    again
}

fn of_line_comes_back(method: &impl Method) {
    let fit = model::fit(&line(), data(), method).unwrap();
    let again = comes_back(&fit);
    let new = || Data::new().column("x", &[0.5, 7.0]).unwrap();
    let simulated = |of: &Posterior<_>| of.predictive(new(), 5, 1).unwrap();
    assert_eq!(simulated(&again), simulated(&fit));
    let predicted = again.predict(new(), 50).unwrap();
    assert_eq!(predicted.mean(), fit.predict(new(), 50).unwrap().mean());
    let likelihood = |of: &Posterior<_>| of.log_likelihood(data()).unwrap();
    assert_eq!(likelihood(&again), likelihood(&fit));
}

#[test]
fn guides_of_every_family_come_back_and_predict_with_the_same_bits() {
    for advi in [
        Advi::mean_field(),
        Advi::full_rank(),
        Advi::map(),
        Advi::low_rank(1).steps(200),
        Advi::mean_field().steps(300).restarts(2).seed(4),
        Advi::map().steps(200),
        Advi::mean_field().steps(400).precision(Precision::F32),
        (Advi::mean_field().steps(300))
            .optimizer(Optimizer::ivon())
            .start_at(Start::values([("slope", [0.1 + 0.2])])),
        (Advi::mean_field().steps(300))
            .schedule(Schedule::Cosine { last: 0.1 })
            .seed(u64::MAX),
    ] {
        of_line_comes_back(&advi);
    }
}

#[test]
fn a_fit_that_began_at_another_comes_back() {
    let map = model::fit(&line(), data(), &Advi::map()).unwrap();
    of_line_comes_back(&Advi::mean_field().steps(200).warm_start(&map, 0.1));
    of_line_comes_back(&Advi::mean_field().steps(200).warm_start_part(&map, 0.1));
    let guide = map.approximation().unwrap().clone();
    of_line_comes_back(&Nuts::new().draws(30).start_at(Start::Approximation(guide)));
}

#[test]
fn chains_come_back_with_their_statistics_and_metric() {
    let nuts = Nuts::new().chains(2).draws(50).warmup(150).seed(1);
    let low_rank = Metric::LowRank(LowRank::new().cutoff(1.01));
    for nuts in [
        nuts.clone(),
        nuts.clone().keep_warmup(true).metric(low_rank),
        nuts.precision(Precision::F32).threads(1),
    ] {
        of_line_comes_back(&nuts);
    }
    of_line_comes_back(&Sgld::new().chains(2).draws(40).warmup(50));
    of_line_comes_back(&Pathfinder::new().seed(1));
}

#[test]
fn a_posterior_of_draws_or_of_a_guide_alone_comes_back() {
    let fit = model::fit(&line(), data(), &Advi::full_rank()).unwrap();
    comes_back(&fit.take(30, 1).unwrap());
    let guide = fit.approximation().unwrap();
    comes_back(&Posterior::new(line(), data(), guide).unwrap());
}

#[test]
fn what_needs_the_data_of_the_fit_says_so_and_takes_them() {
    let model = model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 2.0));
        let mean = trace.deterministic("mean", slope * data.column("x"));
        trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
    });
    let file = Temporary::new();
    for by_chains in [false, true] {
        let fit = match by_chains {
            false => model::fit(&model, data(), &Advi::full_rank()).unwrap(),
            true => model::fit(&model, data(), &Nuts::new().draws(30).warmup(60)).unwrap(),
        };
        fit.save(file.path()).unwrap();
        let again = model::load(&model, file.path()).unwrap();
        assert_eq!(again.to_string(), fit.to_string());
        let draws = again.draws(3, 0).unwrap();
        assert_eq!(draws.variable("slope").unwrap().values().len(), 3);
        let says = |error: Error| {
            assert!(matches!(error, Error::NotSaved { .. }), "{error}");
            error.to_string()
        };
        let message = says(draws.variable("mean").unwrap_err());
        assert!(message.starts_with("`mean` needs the data of the fit"));
        says(again.waic("y").unwrap_err());

        let again = model::load_with_data(&model, data(), file.path()).unwrap();
        assert_eq!(again.summary().unwrap(), fit.summary().unwrap());
        assert_eq!(again.draws(3, 0).unwrap(), fit.draws(3, 0).unwrap());
        assert_eq!(again.waic("y").unwrap(), fit.waic("y").unwrap());
        let other = Data::new().column("x", &X[..3]).unwrap();
        let error = model::load_with_data(&model, other, file.path())
            .err()
            .unwrap();
        assert!(
            error
                .to_string()
                .contains("has 6 rows, and the data have 3")
        );
        let other = Data::new()
            .column("x", &X)
            .unwrap()
            .matrix("y", &Y, 1)
            .unwrap();
        let error = model::load_with_data(&model, other, file.path())
            .err()
            .unwrap();
        assert!(error.to_string().contains("has the column `y`"), "{error}");
    }
}

#[test]
fn missing_values_come_back_with_the_data() {
    let model = model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(0.0, 10.0));
        trace.observe("y", Normal::new(mean, 0.5), data.column("y"));
    });
    let data = Data::new().column_with_missing("y", &[1.0, f64::NAN, 1.5, 1.2]);
    let data = data.unwrap();
    let fit = model::fit(&model, &data, &Nuts::new().draws(30).warmup(60)).unwrap();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let error = model::load(&model, file.path()).err().unwrap();
    assert!(matches!(error, Error::NotSaved { .. }), "{error}");
    let again = model::load_with_data(&model, &data, file.path()).unwrap();
    assert_eq!(again.chains(), fit.chains());
}

#[test]
fn a_model_of_other_variables_is_told_the_first_that_differs() {
    let fit = model::fit(&line(), data(), &Advi::mean_field().steps(50)).unwrap();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let message = |named: &'static str, scale: f64| {
        let other = model::from_fn(move |trace, data| {
            let slope = trace.sample("slope", Normal::new(0.0, 2.0));
            let noise = trace.sample(named, HalfNormal::new(1.0));
            trace.sample("share", Uniform::new(0.0, scale));
            trace.observe("y", Normal::new(slope, noise), data.column("y"));
        });
        model::load(&other, file.path()).err().unwrap().to_string()
    };
    assert_eq!(
        message("sigma", 1.0),
        "variable 1 of the model is `sigma` [], in the file it is `noise` []"
    );
    let support = message("noise", 2.0);
    assert!(support.contains("`share`"), "{support}");
}

fn small() -> Vec<u8> {
    let fit = model::fit(&line(), data(), &Advi::mean_field().steps(2)).unwrap();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    std::fs::read(file.path()).unwrap()
}

#[test]
fn any_other_byte_and_any_end_is_an_error() {
    let bytes = small();
    let file = Temporary::new();
    let load = |bytes: &[u8]| {
        std::fs::write(file.path(), bytes).unwrap();
        model::load(&line(), file.path())
    };
    load(&bytes).unwrap();
    let refused = |bytes: &[u8], place: usize| match load(bytes) {
        Err(Error::File(_)) => {}
        Err(error) => panic!("byte {place}: {error}"),
        Ok(_) => panic!("byte {place} makes no difference"),
    };
    for place in 0..bytes.len() {
        refused(&bytes[..place], place);
        let mut other = bytes.clone();
        other[place] ^= 1 << (place % 8);
        refused(&other, place);
    }
    let longer = [&bytes[..], &[0]].concat();
    refused(&longer, bytes.len());
}

#[test]
fn what_cannot_be_written_leaves_the_last_file() {
    let fit = model::fit(&line(), data(), &Advi::mean_field().steps(2)).unwrap();
    let folder = Temporary::new();
    let error = fit.save(folder.path().join("fit.bnn")).unwrap_err();
    assert!(matches!(error, Error::File(FileError::System { .. })));
    assert!(
        error.to_string().contains("fit.bnn cannot be written: "),
        "{error}"
    );

    // A name that is a folder cannot be replaced; nothing is left beside it.
    std::fs::create_dir(folder.path()).unwrap();
    let path = folder.path().join("fit.bnn");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("inside"), "kept").unwrap();
    assert!(fit.save(&path).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(path.join("inside")).unwrap(), b"kept");
    std::fs::remove_dir_all(folder.path()).unwrap();

    let missing = model::load(&line(), folder.path()).err().unwrap();
    assert!(matches!(missing, Error::File(FileError::System { .. })));
}

#[test]
fn training_by_another_random_stream_does_not_go_on_and_predicts() {
    let advi = Advi::mean_field().steps(50).seed(3);
    let fit = model::fit(&line(), data(), &advi).unwrap();
    let file = Temporary::new();
    fit.save(file.path()).unwrap();
    let text = |version| format!(r#"\"random_stream\":{version}"#);
    let own = text(1);
    let mut bytes = std::fs::read(file.path()).unwrap();
    let places: Vec<usize> = (bytes.windows(own.len()).enumerate())
        .filter_map(|(place, window)| (window == own.as_bytes()).then_some(place))
        .collect();
    // That of the file, and that of the training.
    assert_eq!(places.len(), 2);
    for place in places {
        bytes[place..][..own.len()].copy_from_slice(text(7).as_bytes());
    }
    let end = bytes.len() - 4;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.sum().to_le_bytes());
    std::fs::write(file.path(), bytes).unwrap();

    let other = model::load(&line(), file.path()).unwrap();
    let mean = |fit: &Posterior<_>| fit.draws(20, 1).unwrap().variable("slope").unwrap().mean();
    assert_eq!(mean(&other), mean(&fit));
    let error = other.resume(data(), Resume::steps(10)).err().unwrap();
    let told = error.to_string();
    assert!(
        told.contains("was trained with version 7 of the random stream, and this library has 1"),
        "{told}"
    );
    // One of this stream goes on.
    assert_eq!(
        fit.resume(data(), Resume::steps(10))
            .unwrap()
            .advi()
            .unwrap()
            .steps(),
        60
    );
}
