//! `bayes-nn show` and `bayes-nn report`: what a saved model is.

use std::io::Write;
use std::path::{Path, PathBuf};

use bayes_nn::{Bnn, Posterior};
use clap::Args;
use serde_json::json;

use crate::error::Failure;
use crate::input;

/// Draws of the weights behind each prediction, unless said otherwise.
pub const DRAWS: usize = 200;

/// A network from its file.
pub fn load(path: &Path) -> Result<Posterior<Bnn>, Failure> {
    Ok(Bnn::load(path)?)
}

#[derive(Args)]
pub struct Show {
    /// A saved model
    model: PathBuf,
    /// Prints one line of JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Show {
    pub fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let fit = load(&self.model)?;
        let weights: usize = fit.sites().iter().map(|site| site.shape.elements()).sum();
        let encoding = fit.encoding();
        if self.json {
            let sites = fit.sites().iter();
            let sites = sites.map(|site| json!({ "name": site.name, "shape": &site.shape[..] }));
            let line = json!({
                "target": encoding.map(|encoding| encoding.target_name()),
                "features": encoding.map(|encoding| encoding.feature_names()),
                "classes": fit.classes(),
                "variables": sites.collect::<Vec<_>>(),
                "warnings": fit.warnings(),
            });
            return Ok(writeln!(out, "{line}")?);
        }
        for (name, head) in fit.model().heads() {
            let name = encoding.map_or(name, |encoding| encoding.target_name());
            writeln!(out, "{name} by {head:?}, {weights} variables")?;
        }
        for site in fit.sites() {
            writeln!(out, "  {} {}", site.name, site.shape)?;
        }
        if let Some(encoding) = encoding {
            writeln!(out, "\n{encoding}")?;
        }
        Ok(writeln!(out, "\n{fit}")?)
    }
}

#[derive(Args)]
pub struct Report {
    /// A saved model
    model: PathBuf,
    /// A table with the target, to show how it is predicted; `-` for standard input
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Where the page goes
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
}

impl Report {
    pub fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        let fit = load(&self.model)?;
        let title = self.model.display().to_string();
        let page = bayes_nn::report::Report::new(title).fit(&fit)?;
        let page = match &self.data {
            Some(path) => {
                let no_table = || Failure::NoTable(self.model.clone());
                let target = fit.encoding().ok_or_else(no_table)?.target_name();
                let rows = input::table(path)?.target(target)?;
                page.predictions(&fit, &rows, bayes_nn::Predict::draws(DRAWS))?
            }
            None => page,
        };
        page.write(&self.out)?;
        Ok(writeln!(out, "wrote {}", self.out.display())?)
    }
}
