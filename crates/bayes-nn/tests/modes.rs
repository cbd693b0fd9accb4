//! Chains that stay in modes of their own say so.

use bayes_nn::model::{self, Posterior};
use bayes_nn::prelude::*;
use bayes_nn::{Draws, distributions};

#[test]
fn a_posterior_of_two_modes_is_called_multimodal_with_the_chains_in_each() {
    let square = model::from_fn(|trace, data| {
        let x = trace.sample("x", Normal::new(0.0, 3.0));
        trace.observe("y", Normal::new(x * x, 0.5), data.column("y"));
    });
    let data = Data::new().column("y", &[4.1, 3.9]).unwrap();
    let nuts = Nuts::new().draws(300).warmup(300).chains(6).seed(2);
    let fit = model::fit(&square, &data, &nuts).unwrap();
    let means = fit.chains().iter().map(|chain| mean(chain, "x"));
    let above = means.filter(|mean| *mean > 0.0).count();
    assert!((1..6).contains(&above), "{fit}");

    let warning = fit.warnings().join("\n");
    assert!(warning.contains("the posterior is multimodal"), "{warning}");
    let counts = [
        format!("`x` is in {} near -", 6 - above),
        format!("in {above} near "),
    ];
    assert!(
        counts.iter().all(|count| warning.contains(count)),
        "{warning}"
    );
    assert!(fit.to_string().contains("multimodal"), "{fit}");

    // Draws say it themselves, without the fit that made them.
    let table = fit.table().unwrap().clone();
    let again = Posterior::new(&square, &data, table).unwrap();
    assert!(again.warnings().join("\n").contains("multimodal"));
}

fn mean(chain: &Draws, name: &str) -> f64 {
    chain.variable(name).unwrap().mean()[0]
}

#[test]
fn a_funnel_whose_chains_disagree_is_not_called_multimodal() {
    let funnel = model::from_fn(|trace, _| {
        let scale = trace.sample("scale", distributions::HalfCauchy::new(1.0));
        trace.sample("x", Normal::new(0.0, scale).expand([8]));
    });
    let nuts = Nuts::new().draws(200).warmup(200);
    let mut disagree = 0;
    for seed in 0..5 {
        let fit = model::fit(&funnel, Data::new(), &nuts.clone().seed(seed)).unwrap();
        let warnings = fit.warnings().join("\n");
        disagree += usize::from(warnings.contains("do not agree"));
        assert!(!warnings.contains("multimodal"), "{warnings}");
    }
    assert!(disagree > 0);
}
