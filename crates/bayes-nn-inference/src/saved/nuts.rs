//! Chains of NUTS.

use bayes_nn_files::{Entry, FileError, Node, Object, Place, Value};

use super::site::{get_sites, put_sites};
use super::{NUTS, again, of_kind, told};
use crate::NutsFit;
use crate::nuts::{ChainDraws, ChainParts, NutsParts, Statistics, Tuned};
use crate::nuts::{UnconstrainedDraws, Whitening};

/// Columns of the statistics of draws.
const STATISTICS: usize = Statistics::COLUMNS.len();

impl Entry for NutsFit {
    fn write(&self, place: &Place<'_>) -> Value {
        let NutsParts {
            chains,
            sites,
            settings,
            stopped,
            sink_error,
            seconds,
            seconds_per_gradient,
            cpu_seconds_per_gradient,
            concerns,
        } = self.parts();
        put_sites(of_kind(NUTS, place), sites)
            .put("chains", chains)
            .put("settings", settings)
            .put("stopped", stopped)
            .put("sink_error", &told(sink_error.as_deref()))
            .put("seconds", seconds)
            .put("seconds_per_gradient", seconds_per_gradient)
            .put("cpu_seconds_per_gradient", cpu_seconds_per_gradient)
            .put("concerns", concerns)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<NutsFit, FileError> {
        let parts = NutsParts {
            chains: node.get("chains")?,
            sites: get_sites(node)?,
            settings: node.get("settings")?,
            stopped: node.get("stopped")?,
            sink_error: again(node.get("sink_error")?),
            seconds: node.get("seconds")?,
            seconds_per_gradient: node.get("seconds_per_gradient")?,
            cpu_seconds_per_gradient: node.get("cpu_seconds_per_gradient")?,
            concerns: node.get("concerns")?,
        };
        NutsFit::new(parts).map_err(|error| node.refused(error))
    }
}

impl Entry for ChainDraws {
    fn write(&self, place: &Place<'_>) -> Value {
        let ChainParts {
            number,
            warmup,
            draws,
            tuned,
            gradients,
            rejected,
            moved_at,
            seconds,
            error,
        } = self.parts();
        let object = place
            .object()
            .put("number", number)
            .put("dim", &draws.dim());
        put_draws(put_draws(object, "warmup", warmup), "draws", draws)
            .put("tuned", tuned)
            .put("gradients", gradients)
            .put("rejected", rejected)
            .put("moved_at", moved_at)
            .put("seconds", seconds)
            .put("error", &told(error.as_deref()))
            .value()
    }

    fn read(node: &Node<'_>) -> Result<ChainDraws, FileError> {
        let dim = node.get("dim")?;
        let parts = ChainParts {
            number: node.get("number")?,
            warmup: get_draws(node, "warmup", dim)?,
            draws: get_draws(node, "draws", dim)?,
            tuned: node.get("tuned")?,
            gradients: node.get("gradients")?,
            rejected: node.get("rejected")?,
            moved_at: node.get("moved_at")?,
            seconds: node.get("seconds")?,
            error: again(node.get("error")?),
        };
        ChainDraws::new(parts).map_err(|error| node.refused(error))
    }
}

/// Adds draws as tensors: their statistics, and their positions if these were kept.
fn put_draws<'w>(object: Object<'w>, name: &str, draws: &UnconstrainedDraws) -> Object<'w> {
    let statistics = draws.statistics().iter();
    let statistics: Vec<f64> = statistics.flat_map(Statistics::row).collect();
    let object = object.tensor(
        &format!("{name}.statistics"),
        &statistics,
        &[draws.len(), STATISTICS],
    );
    match draws.positions() {
        [] => object,
        rows => object.tensor(
            &format!("{name}.positions"),
            rows,
            &[draws.len(), draws.dim()],
        ),
    }
}

fn get_draws(node: &Node<'_>, name: &str, dim: usize) -> Result<UnconstrainedDraws, FileError> {
    let (statistics, positions) = (format!("{name}.statistics"), format!("{name}.positions"));
    let draws = node.shape(&statistics).and_then(|shape| shape.first());
    let draws = draws.copied().unwrap_or(0);
    let rows = node.tensor(&statistics, &[draws, STATISTICS])?;
    let rows = rows.as_chunks::<STATISTICS>().0.iter();
    let statistics = rows.map(|row| Statistics::from_row(*row)).collect();
    let positions = match node.shape(&positions) {
        Some(_) => node.tensor(&positions, &[draws, dim])?,
        None => Vec::new(),
    };
    let draws = UnconstrainedDraws::from_parts(dim, positions, statistics);
    draws.map_err(|error| node.refused(error))
}

impl Entry for Tuned {
    fn write(&self, place: &Place<'_>) -> Value {
        let Tuned {
            step_size,
            whitening,
        } = self;
        let (factors, directions): (Vec<f64>, Vec<&[f64]>) = whitening.directions().unzip();
        let (scale, rank) = (whitening.scale(), factors.len());
        (place.object())
            .put("step_size", step_size)
            .tensor("scale", scale, &[scale.len()])
            .tensor("factors", &factors, &[rank])
            .tensor("directions", &directions.concat(), &[rank, scale.len()])
            .value()
    }

    fn read(node: &Node<'_>) -> Result<Tuned, FileError> {
        let (scale, factors) = (node.vector("scale")?, node.vector("factors")?);
        let dim = scale.len();
        let directions = node.tensor("directions", &[factors.len(), dim])?;
        let directions = directions.chunks(dim.max(1)).map(<[f64]>::to_vec);
        let metric = Whitening::diagonal(scale);
        let metric =
            metric.and_then(|metric| metric.stretched(factors.into_iter().zip(directions)));
        Ok(Tuned {
            step_size: node.get("step_size")?,
            whitening: metric.map_err(|error| node.refused(error))?,
        })
    }
}
