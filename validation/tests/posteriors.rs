//! A few posteriors with known answers, by short runs.

use std::io::Write;

use bayes_nn::{Nuts, Precision};
use bayes_nn_validation::data::Folder;
use bayes_nn_validation::posteriors::find;

/// Compares means and standard deviations with the reference, in standard errors: beyond five
/// lies one scalar of two million.
fn agrees(name: &str) {
    agrees_in(name, Precision::F64);
}

/// The same by trajectories of this precision.
fn agrees_in(name: &str, precision: Precision) {
    let folder = match Folder::find(None) {
        Ok(folder) => folder,
        Err(error) => {
            // Not by `eprintln!`, which tests keep to themselves.
            let _ = writeln!(std::io::stderr(), "{name} is skipped: {error}");
            return;
        }
    };
    let posterior = find(name).unwrap();
    let nuts = Nuts::new().draws(500).warmup(500).seed(1);
    let nuts = nuts.precision(precision);
    let line = posterior.judge(&folder, &nuts).unwrap();
    let verdict = line.verdict;
    assert!(verdict.missing.is_empty(), "{verdict:?}");
    assert!(verdict.z.0 < 5.0 && verdict.sd_z.0 < 5.0, "{verdict:?}");
    assert!(verdict.r_hat.0 < 1.05, "{verdict:?}");
}

#[test]
fn an_autoregression_agrees_with_its_reference() {
    agrees("arK-arK");
}

#[test]
fn a_hierarchy_agrees_with_its_reference() {
    agrees("eight_schools-eight_schools_noncentered");
}

#[test]
fn flat_priors_agree_with_their_reference() {
    agrees("mesquite-logmesquite_logvas");
}

#[test]
fn a_regression_agrees_with_its_reference() {
    agrees("sblrc-blr");
}

#[test]
fn a_gaussian_process_agrees_with_its_reference() {
    agrees("gp_pois_regr-gp_regr");
}

#[test]
fn trajectories_of_single_precision_agree_with_references() {
    agrees_in("sblrc-blr", Precision::F32);
    agrees_in("gp_pois_regr-gp_regr", Precision::F32);
}

#[test]
fn the_modes_of_a_badly_separated_mixture_are_named_and_no_other_posterior_is_called_multimodal() {
    let Ok(folder) = Folder::find(None) else {
        return;
    };
    for name in [
        "mixture_badly_separated",
        "mixture_well_separated",
        "eight_schools-eight_schools_centered",
    ] {
        let posterior = find(name).unwrap();
        for seed in 1..=3 {
            let run = posterior.sample(&folder, &Nuts::new().seed(seed).into());
            let warnings = run.unwrap().warnings.join("; ");
            let named = warnings.contains("the posterior is multimodal");
            assert_eq!(named, posterior.multimodal, "{name} {seed}: {warnings}");
        }
    }
}

#[test]
fn a_name_that_is_none_gets_the_names_there_are() {
    let error = find("eight_schools").err().unwrap().to_string();
    assert!(
        error.contains("eight_schools-eight_schools_noncentered"),
        "{error}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = Folder::find(Some("no/such/folder".into())).unwrap_err();
    assert!(error.to_string().contains("no/such/folder"));
    assert!(error.to_string().contains("BAYES_NN_DATA"));
}
