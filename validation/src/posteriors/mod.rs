//! Models with known posteriors: fourteen of [posteriordb](https://github.com/stan-dev/posteriordb),
//! two of TensorFlow Probability's inference gym, and eight of [`simulated`] data.
//!
//! Each is a function that reads its data, writes the model and samples it. Variables are named
//! as the reference names them; what it counts from 1 is counted from 0 here.

mod eight_schools;
mod garch;
mod gaussian_process;
mod german_credit;
mod hidden_markov;
mod mixture;
mod radon;
mod regression;
pub mod simulated;

use bayes_nn::Nuts;

use crate::Error;
use crate::data::Folder;
use crate::judge::{self, Verdict};
use crate::reference::{self, Moments};
use crate::run::{Method, Run};
use crate::table::table;

/// A model, data and what is known of the posterior.
#[derive(Debug)]
pub struct Posterior {
    /// As its source calls it.
    pub name: &'static str,
    source: Source,
    sample: Sample,
    /// Whether the model is known to be out of the sampler's reach: then it has to diverge.
    pub diverges: bool,
    /// Whether chains stay in modes of their own: then there has to be a warning of it.
    pub multimodal: bool,
}

/// Finds the posterior by a method.
type Sample = fn(&Folder, &Method) -> Result<Run, Error>;

#[derive(Debug)]
enum Source {
    PosteriorDb,
    /// The variables: as the model calls them, and as the file of the reference does.
    InferenceGym(&'static [(&'static str, &'static str)]),
    /// A long run of the sampler here, of a model of that posterior whose chains mix.
    Simulated(Sample),
}

const fn posteriordb(name: &'static str, sample: Sample) -> Posterior {
    Posterior {
        name,
        source: Source::PosteriorDb,
        sample,
        diverges: false,
        multimodal: false,
    }
}

/// All that others have computed.
pub const ALL: &[Posterior] = &[
    posteriordb("arK-arK", regression::autoregression),
    posteriordb("earnings-logearn_height", regression::earnings),
    Posterior {
        diverges: true,
        ..posteriordb(
            "eight_schools-eight_schools_centered",
            eight_schools::centred,
        )
    },
    posteriordb(
        "eight_schools-eight_schools_noncentered",
        eight_schools::non_centred,
    ),
    posteriordb("garch-garch11", garch::garch),
    posteriordb("gp_pois_regr-gp_regr", gaussian_process::regression),
    posteriordb("hmm_example-hmm_example", hidden_markov::two_states),
    posteriordb(
        "kidiq-kidscore_interaction",
        regression::kidscore_interaction,
    ),
    posteriordb("kidiq-kidscore_momhsiq", regression::kidscore),
    posteriordb("kilpisjarvi_mod-kilpisjarvi", regression::kilpisjarvi),
    posteriordb("low_dim_gauss_mix-low_dim_gauss_mix", mixture::two_peaks),
    posteriordb("mesquite-logmesquite_logvas", regression::mesquite),
    posteriordb("nes2000-nes", regression::election),
    posteriordb("sblrc-blr", regression::correlated),
    Posterior {
        name: "german_credit_numeric_logistic_regression",
        source: Source::InferenceGym(&[("weights", "IDENTITY")]),
        sample: german_credit::logistic_regression,
        diverges: false,
        multimodal: false,
    },
    Posterior {
        name: "radon_contextual_effects_minnesota_halfnormal",
        source: Source::InferenceGym(&[
            ("county_effect_mean", "IDENTITY_COUNTY_EFFECT_MEAN"),
            ("county_effect_scale", "IDENTITY_COUNTY_EFFECT_SCALE"),
            ("county_effect", "IDENTITY_COUNTY_EFFECT"),
            ("weight", "IDENTITY_WEIGHT"),
            ("log_radon_scale", "IDENTITY_LOG_RADON_SCALE"),
        ]),
        sample: radon::contextual_effects,
        diverges: false,
        multimodal: false,
    },
];

/// The posterior of a name.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static Posterior, Error> {
    let all = || ALL.iter().chain(simulated::ALL);
    let found = all().find(|posterior| posterior.name == name);
    found.ok_or_else(|| Error::Unknown {
        kind: "posterior",
        name: name.to_owned(),
        available: all().map(|p| p.name).collect::<Vec<_>>().join(", "),
    })
}

impl Posterior {
    /// What is known of it.
    ///
    /// # Errors
    /// When the reference cannot be read.
    pub fn reference(&self, folder: &Folder) -> Result<Vec<Moments>, Error> {
        match self.source {
            Source::PosteriorDb => reference::posteriordb(folder, self.name),
            Source::InferenceGym(variables) => {
                reference::inference_gym(folder, self.name, variables)
            }
            Source::Simulated(_) => reference::simulated(self.name),
        }
    }

    /// Samples it.
    ///
    /// # Errors
    /// Whatever is wrong with data, model or settings.
    pub fn sample(&self, folder: &Folder, method: &Method) -> Result<Run, Error> {
        (self.sample)(folder, method)
    }

    /// Samples it, if its data are simulated, by a model whose chains mix.
    ///
    /// # Errors
    /// As [`Posterior::sample`].
    pub fn sample_reference(&self, folder: &Folder, method: &Method) -> Result<Run, Error> {
        match self.source {
            Source::Simulated(sample) => sample(folder, method),
            Source::PosteriorDb | Source::InferenceGym(_) => self.sample(folder, method),
        }
    }

    /// Samples it by chains, and compares what came out.
    ///
    /// # Errors
    /// Those of [`Posterior::sample`] and [`Posterior::reference`].
    pub fn judge(&'static self, folder: &Folder, nuts: &Nuts) -> Result<Line, Error> {
        let reference = self.reference(folder)?;
        let run = self.sample(folder, &nuts.clone().into())?;
        let verdict = Verdict::of(&run, &reference);
        let problems = match (self.diverges, run.divergences) {
            (false, _) => verdict.problems(&run),
            (true, 0) if verdict.r_hat.0 < judge::LARGEST_R_HAT => {
                vec!["no divergence and no R-hat that would warn of the funnel".to_owned()]
            }
            (true, _) => verdict.wrong_means(),
        };
        Ok(Line {
            posterior: self,
            problems,
            verdict,
            run,
        })
    }
}

/// A line of the table.
#[derive(Debug)]
pub struct Line {
    posterior: &'static Posterior,
    /// What was sampled.
    pub run: Run,
    /// How it compares.
    pub verdict: Verdict,
    /// What is wrong; nothing if all is well.
    pub problems: Vec<String>,
}

/// The table of all lines, as Markdown.
pub fn markdown(lines: &[Line]) -> String {
    let header = [
        "posterior",
        "parameters",
        "worst z",
        "worst sd ratio",
        "max R-hat",
        "divergences",
        "at max depth",
        "rejected",
        "gradients",
        "min bulk ESS",
        "ESS / 1000 gradients",
        "ESS / s",
        "seconds",
        "verdict",
    ];
    let rows: Vec<_> = lines.iter().map(Line::cells).collect();
    table(header, &rows)
}

impl Line {
    fn cells(&self) -> [String; 14] {
        let (run, verdict) = (&self.run, &self.verdict);
        let ess = verdict.ess.0;
        [
            self.posterior.name.to_owned(),
            verdict.parameters.to_string(),
            format!("{:.2}", verdict.z.0),
            format!("{:.3}", verdict.sd_ratio.0),
            format!("{:.4}", verdict.r_hat.0),
            run.divergences.to_string(),
            run.depth_reached.to_string(),
            run.rejected.to_string(),
            run.gradients.to_string(),
            format!("{ess:.0}"),
            format!("{:.2}", 1e3 * ess / run.gradients as f64),
            format!("{:.0}", ess / run.seconds),
            format!("{:.2}", run.seconds),
            match (
                self.problems.is_empty(),
                run.divergences > 0 || self.posterior.diverges,
            ) {
                (true, false) => "passed".to_owned(),
                (true, true) => "passed: warned".to_owned(),
                (false, _) => format!("FAILED: {}", self.problems.join("; ")),
            },
        ]
    }
}
