//! Posteriors put together from their parts, and copied.

use bayes_nn::prelude::*;
use bayes_nn::{Approximation, InferenceError, Method, Model};

fn line() -> Posterior<impl Model + Clone> {
    fitted(&Advi::full_rank().steps(300).seed(1))
}

fn fitted<M: Method>(method: &M) -> Posterior<impl Model + Clone + use<M>> {
    let line = model::from_fn(|trace, data| {
        let slope = trace.sample("slope", Normal::new(0.0, 2.0));
        let noise = trace.sample("noise", HalfNormal::new(1.0));
        trace.observe(
            "y",
            Normal::new(slope * data.column("x"), noise),
            data.column("y"),
        );
    });
    let data = Data::new()
        .column("x", &[0.0, 1.0, 2.0, 3.0])
        .and_then(|data| data.column("y", &[0.1, 1.9, 4.2, 5.8]))
        .unwrap();
    model::fit(&line, &data, method).unwrap()
}

#[test]
fn a_guide_from_its_parts_is_the_guide() {
    let fit = line();
    let guide = fit.approximation().unwrap();
    let (sites, mean) = (guide.sites().to_vec(), guide.mean().to_vec());
    let same = Approximation::correlated(sites.clone(), mean.clone(), guide.cholesky()).unwrap();
    assert_eq!(&same, guide);
    let independent = Approximation::independent(sites, mean, guide.sd()).unwrap();
    assert_eq!(independent.sd(), guide.sd());
    assert_eq!(same.draws(3, 7).unwrap(), guide.draws(3, 7).unwrap());
}

#[test]
fn parts_that_do_not_fit_are_told() {
    let fit = line();
    let sites = fit.approximation().unwrap().sites().to_vec();
    let message = |mean: &[f64], sd: &[f64]| {
        let error = Approximation::independent(sites.clone(), mean.to_vec(), sd.to_vec());
        error.unwrap_err().to_string()
    };
    assert_eq!(
        message(&[0.0], &[1.0, 1.0]),
        "the guide has 1 means for 2 coordinates"
    );
    assert!(message(&[0.0, f64::NAN], &[1.0, 1.0]).contains("at element 0 of `noise`"));
    assert!(message(&[0.0, 0.0], &[0.0, 1.0]).contains("at element 0 of `slope`"));
    let factor = Approximation::correlated(sites, vec![0.0; 2], vec![1.0; 3]);
    assert!(matches!(factor, Err(InferenceError::Guide { .. })));
}

#[test]
fn fits_of_every_method_are_copied_whole() {
    let chains = fitted(&Nuts::new().chains(2).draws(50).warmup(50).seed(1));
    let copy = chains.nuts().unwrap().clone();
    assert_eq!(copy.to_string(), chains.nuts().unwrap().to_string());
    assert_eq!(
        copy.chains()[1].draws(),
        chains.nuts().unwrap().chains()[1].draws()
    );
    let guide = line();
    assert_eq!(
        guide.advi().unwrap().clone().to_string(),
        guide.advi().unwrap().to_string()
    );
}
