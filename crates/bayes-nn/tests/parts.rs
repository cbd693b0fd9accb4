//! Posteriors put together from their parts, and copied.

use bayes_nn::nuts::{
    ChainDraws, ChainParts, LowRank, Metric, Nuts, NutsFit, NutsParts, Statistics, Tuned,
    UnconstrainedDraws, Whitening,
};
use bayes_nn::prelude::*;
use bayes_nn::{
    AdviFit, AdviParts, Approximation, Curve, DrawTable, Family, Fit, InferenceError, Method,
    Model, Site,
};

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

    let fit = fitted(&Advi::low_rank(1).steps(200));
    let fit = fit.advi().unwrap();
    assert_eq!(&rebuilt_guide(fit.approximation()), fit.approximation());
    let again = AdviFit::new(rebuilt(fit)).unwrap();
    assert_eq!(again.to_string(), fit.to_string());
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

/// A guide from the numbers that it shows.
fn rebuilt_guide(guide: &Approximation) -> Approximation {
    let (sites, mean) = (guide.sites().to_vec(), guide.mean().to_vec());
    match guide.family() {
        Family::FullRank => Approximation::correlated(sites, mean, guide.cholesky()),
        Family::LowRank { .. } => {
            let (sd, factor) = guide.factor().unwrap();
            Approximation::low_rank(sites, mean, sd.to_vec(), factor.to_vec())
        }
        Family::Point => Approximation::point(sites, mean),
        _ => Approximation::independent(sites, mean, guide.sd()),
    }
    .unwrap()
}

/// The parts of a fit from the numbers that it shows.
fn rebuilt(fit: &AdviFit) -> AdviParts {
    AdviParts {
        approximation: rebuilt_guide(fit.approximation()),
        curve: Curve::new(fit.curve().elbos().to_vec(), fit.curve().clock().to_vec()).unwrap(),
        elbo: fit.elbo(),
        k_hat: fit.k_hat(),
        convergence: *fit.convergence(),
        stop: fit.stop(),
        seed: fit.seed(),
        settings: fit.settings().clone(),
        gradients: fit.gradients(),
        setup_seconds: fit.setup_seconds(),
        seconds: fit.seconds(),
        restarts: fit.restarts().to_vec(),
        sds_moved: fit.sds_moved().to_vec(),
        concerns: fit.parts().concerns.clone(),
        training: fit.parts().training.clone(),
    }
}

fn rebuilt_draws(draws: &UnconstrainedDraws) -> UnconstrainedDraws {
    let statistics = draws.statistics().iter();
    let statistics = statistics.map(|s| Statistics::from_row(s.row())).collect();
    UnconstrainedDraws::from_parts(draws.dim(), draws.positions().to_vec(), statistics).unwrap()
}

fn rebuilt_chain(chain: &ChainDraws) -> ChainParts {
    let metric = &chain.tuned().whitening;
    let directions = metric.directions().map(|(factor, u)| (factor, u.to_vec()));
    let scaled = Whitening::diagonal(metric.scale().to_vec()).unwrap();
    ChainParts {
        number: chain.number(),
        warmup: rebuilt_draws(chain.warmup()),
        draws: rebuilt_draws(chain.draws()),
        tuned: Tuned {
            step_size: chain.tuned().step_size,
            whitening: scaled.stretched(directions).unwrap(),
        },
        gradients: chain.gradients(),
        rejected: chain.rejected(),
        moved_at: chain.moved_at(),
        seconds: chain.seconds(),
        error: chain.parts().error.clone(),
    }
}

fn rebuilt_chains(fit: &NutsFit) -> NutsParts {
    let chains = fit.chains().iter();
    let chains = chains.map(|chain| ChainDraws::new(rebuilt_chain(chain)).unwrap());
    NutsParts {
        chains: chains.collect(),
        sites: fit.sites().to_vec(),
        settings: fit.settings().clone(),
        stopped: fit.stopped(),
        sink_error: fit.parts().sink_error.clone(),
        seconds: fit.seconds(),
        seconds_per_gradient: fit.seconds_per_gradient(),
        cpu_seconds_per_gradient: fit.cpu_seconds_per_gradient(),
        concerns: fit.parts().concerns.clone(),
    }
}

/// That a posterior of a fit from its parts is the posterior: by what is printed, and by draws.
fn is_the_same<M: Model + Clone>(posterior: &Posterior<M>, fit: impl Fit) {
    let found = (fit.to_string(), fit.warnings(), format!("{fit:?}"));
    let data = Data::new().column("x", &[0.0, 1.0, 2.0, 3.0]);
    let data = data.and_then(|data| data.column("y", &[0.1, 1.9, 4.2, 5.8]));
    let again = Posterior::from_fit(posterior.model().clone(), data.unwrap(), fit).unwrap();
    assert_eq!(again.to_string(), posterior.to_string());
    assert_eq!(again.summary().unwrap(), posterior.summary().unwrap());
    assert_eq!(again.draws(7, 3).unwrap(), posterior.draws(7, 3).unwrap());
    assert_eq!(again.warmup(), posterior.warmup());
    let new = || Data::new().column("x", &[0.5, 7.0]).unwrap();
    let simulated = |of: &Posterior<M>| of.predictive(new(), 5, 1).unwrap();
    assert_eq!(simulated(&again), simulated(posterior));
    let first: Option<&dyn Fit> = match (posterior.advi(), posterior.nuts()) {
        (Some(advi), _) => Some(advi),
        (_, nuts) => nuts.map(|nuts| nuts as &dyn Fit),
    };
    let first = first.unwrap();
    assert_eq!(
        found,
        (first.to_string(), first.warnings(), format!("{first:?}"))
    );
}

#[test]
fn variational_fits_from_their_parts_print_warn_and_draw_as_they_did() {
    for advi in [
        Advi::mean_field(),
        Advi::mean_field().steps(300).restarts(2).seed(4),
        Advi::full_rank(),
        Advi::map(),
        Advi::map().steps(200),
    ] {
        let posterior = fitted(&advi);
        let fit = AdviFit::new(rebuilt(posterior.advi().unwrap())).unwrap();
        assert_eq!(fit.curve(), posterior.advi().unwrap().curve());
        is_the_same(&posterior, fit);
    }
}

#[test]
fn chains_from_their_parts_print_warn_and_draw_as_they_did() {
    for keep in [false, true] {
        let nuts = Nuts::new()
            .chains(2)
            .draws(50)
            .warmup(150)
            .seed(1)
            .metric(Metric::LowRank(LowRank::new().cutoff(1.01)))
            .keep_warmup(keep);
        let posterior = fitted(&nuts);
        let fit = posterior.nuts().unwrap();
        assert!(fit.chains()[0].tuned().whitening.directions().count() > 0);
        is_the_same(&posterior, NutsFit::new(rebuilt_chains(fit)).unwrap());
    }
}

fn problem<T: std::fmt::Debug>(result: Result<T, InferenceError>) -> String {
    match result.unwrap_err() {
        InferenceError::Parts { problem } => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn parts_of_a_variational_fit_that_do_not_fit_one_another_are_told() {
    let posterior = fitted(&Advi::mean_field().steps(300).restarts(2));
    let parts = rebuilt(posterior.advi().unwrap());
    let changed = |change: &dyn Fn(&mut AdviParts)| {
        let mut parts = parts.clone();
        change(&mut parts);
        problem(AdviFit::new(parts))
    };
    assert_eq!(
        changed(&|parts| parts.settings = Advi::mean_field().steps(299)),
        "has a curve of 300 steps and settings of 299"
    );
    assert_eq!(
        changed(&|parts| parts.settings = Advi::full_rank()),
        "has a guide MeanField and settings of FullRank"
    );
    assert_eq!(
        changed(&|parts| parts.restarts[1].seed = parts.restarts[0].seed),
        "has two restarts of the seed 0"
    );
    assert!(changed(&|parts| parts.restarts.clear()).contains("have no outcome"));
    assert!(changed(&|parts| parts.elbo.mean += 1.0).contains("and its restart of the seed"));
    assert!(changed(&|parts| parts.elbo.mcse = f64::NAN).contains("not finite"));
    assert_eq!(changed(&|parts| parts.seconds = -1.0), "took -1 seconds");
    assert_eq!(
        changed(&|parts| parts.sds_moved[1] = parts.sds_moved[0].clone()),
        "says twice how sds of `slope` moved"
    );
    assert!(changed(&|parts| parts.sds_moved[0].0 = "b".into()).contains("sds of `b` moved"));
    let clock = |clock: &[(usize, f64)]| problem(Curve::new(vec![0.0; 3], clock.to_vec()));
    assert!(clock(&[(2, 0.1), (4, 0.2)]).contains("after 4 of 3 steps"));
    assert!(clock(&[(2, 0.1), (2, 0.2)]).contains("0.1 s after 2 before"));
    assert!(clock(&[(2, 0.1), (3, 0.0)]).contains("reads 0 s after 3"));
}

#[test]
fn parts_of_chains_that_do_not_fit_one_another_are_told() {
    let posterior = fitted(&Nuts::new().chains(2).draws(50).warmup(60).seed(1));
    let fit = posterior.nuts().unwrap();
    let changed = |change: &dyn Fn(&mut NutsParts)| {
        let mut parts = rebuilt_chains(fit);
        change(&mut parts);
        problem(NutsFit::new(parts))
    };
    assert_eq!(
        changed(&|parts| parts.chains[1] = parts.chains[0].clone()),
        "has the chain 0 after the chain 0; chains stand in the order of their numbers, each once"
    );
    let settings = Nuts::new().chains(2).draws(40).warmup(60);
    assert_eq!(
        changed(&|parts| parts.settings = settings.clone()),
        "has a chain 0 of 50 draws, and settings of 40"
    );
    let settings = Nuts::new().chains(2).draws(50).warmup(70);
    assert_eq!(
        changed(&|parts| parts.settings = settings.clone()),
        "has a chain 0 of 60 draws of the warm-up, and settings of 70"
    );
    let settings = Nuts::new().chains(2).draws(50).warmup(60).first_chain(1);
    assert_eq!(
        changed(&|parts| parts.settings = settings.clone()),
        "has a chain 0, and settings of chains 1 to 2"
    );
    let settings = Nuts::new().chains(2).draws(50).warmup(60).keep_warmup(true);
    assert!(changed(&|parts| parts.settings = settings.clone()).contains("were to be kept"));
    assert_eq!(
        changed(&|parts| parts.sites[1].name = parts.sites[0].name.clone()),
        "has two sites `slope`"
    );
    assert_eq!(
        changed(&|parts| drop(parts.sites.pop())),
        "has a chain 0 of draws of length 2, not 1"
    );
    // A run that was stopped has fewer draws.
    let mut parts = rebuilt_chains(fit);
    parts.settings = Nuts::new().chains(2).draws(70).warmup(60);
    parts.stopped = true;
    NutsFit::new(parts).unwrap();

    let changed = |change: &dyn Fn(&mut ChainParts)| {
        let mut parts = rebuilt_chain(&fit.chains()[0]);
        change(&mut parts);
        problem(ChainDraws::new(parts))
    };
    assert_eq!(
        changed(&|parts| parts.tuned.whitening = Whitening::identity(3)),
        "has a chain 0 of draws of length 2, with a warm-up of length 2 and a metric of 3"
    );
    assert!(changed(&|parts| parts.draws = parts.warmup.clone()).contains("without its draws"));
    assert!(changed(&|parts| parts.moved_at = Some(61)).contains("after 61 of 60 draws"));
    let statistics = fit.chains()[0].draws().statistics()[..2].to_vec();
    let draws = |positions: &[f64]| {
        problem(UnconstrainedDraws::from_parts(
            2,
            positions.to_vec(),
            statistics.clone(),
        ))
    };
    assert_eq!(draws(&[0.0; 3]), "has 3 numbers for 2 draws of length 2");
    assert_eq!(
        draws(&[0.0, 1.0, f64::NAN, 2.0]),
        "has a draw with the value NaN"
    );
    for directions in [vec![0.6, 0.7], vec![1.0], vec![f64::NAN, 1.0]] {
        let stretched = Whitening::identity(2).stretched([(2.0, directions)]);
        assert!(matches!(stretched, Err(InferenceError::Setting { .. })));
    }
}

#[test]
fn sites_of_one_name_are_refused_in_guides_and_tables() {
    let sites = vec![Site::new("x", [], 0), Site::new("x", [], 1)];
    let guide = Approximation::independent(sites.clone(), vec![0.0; 2], vec![1.0; 2]);
    assert_eq!(
        guide.unwrap_err().to_string(),
        "the guide has two sites `x`"
    );
    let table = DrawTable::new(sites, vec![0.0; 2], [1]);
    assert_eq!(
        table.unwrap_err().to_string(),
        "the table of draws has two sites `x`"
    );
    let apart = vec![Site::new("x", [], 0), Site::new("y", [], 2)];
    let table = DrawTable::new(apart, vec![0.0; 3], [1]);
    assert_eq!(
        table.unwrap_err().to_string(),
        "the table of draws has `y` at 2, not at 1"
    );
}

#[test]
fn a_chain_that_stays_where_it_is_is_told() {
    let posterior = fitted(&Nuts::new().chains(2).draws(50).warmup(60).seed(1));
    let fit = posterior.nuts().unwrap();
    let still = |draws: usize| {
        let mut parts = rebuilt_chains(fit);
        let mut chain = rebuilt_chain(&fit.chains()[1]);
        let mut positions = chain.draws.positions().to_vec();
        for i in 1..=draws {
            positions.copy_within(..2, 2 * i);
        }
        let statistics = chain.draws.statistics().to_vec();
        chain.draws = UnconstrainedDraws::from_parts(2, positions, statistics).unwrap();
        parts.chains[1] = ChainDraws::new(chain).unwrap();
        let warnings = NutsFit::new(parts).unwrap().warnings();
        warnings.into_iter().find(|told| told.contains("stayed"))
    };
    assert_eq!(still(20), None);
    let told = still(40).unwrap();
    // One draw more of the chain as it was is the draw before it.
    let expected =
        "chain 1 stayed where it was in 41 of 50 draws: its step size is too large there";
    assert!(told.starts_with(expected), "{told}");
}
