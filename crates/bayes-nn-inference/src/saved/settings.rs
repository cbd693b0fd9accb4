//! Settings: what a fit was found by.

use bayes_nn_files::{Entry, FileError, Node, Place, Value, choice, record};
use bayes_nn_kernels::Device;

use super::Bits;
use crate::mcmc::nuts::{Checkpoints, LowRank, Metric, TreeLimits, WarmupSchedule};
use crate::variational::advi::{Extension, WarmStart};
use crate::{Advi, ConvergenceTest, Estimator, Nuts, Optimizer, Pathfinder, Schedule, Sgld, Start};

choice!(Start {
    "uniform": Uniform {},
    "prior": Prior {},
    "approximation": Approximation { "guide": 0 as guide },
    "pathfinder": Pathfinder {},
    "values": Values { "values": 0 as values },
});

choice!(Estimator {
    "analytic_entropy": AnalyticEntropy {},
    "sticking_the_landing": StickingTheLanding {},
});

choice!(Optimizer {
    "adam": Adam { "beta1": beta1, "beta2": beta2, "epsilon": epsilon },
    "adagrad_window": AdagradWindow { "window": window, "epsilon": epsilon },
    "sgd": Sgd { "momentum": momentum },
    "ivon": Ivon { "momentum": momentum, "memory": memory, "clip": clip },
});

choice!(Schedule {
    "constant": Constant {},
    "step": Step { "every": every, "factor": factor },
    "cooldown": Cooldown { "share": share },
    "cosine": Cosine { "last": last },
    "warm_up": WarmUp { "share": share, "last": last },
});

record!(ConvergenceTest { "window": window, "tolerance": tolerance });
record!(Extension { "from": from, "steps": steps, "factor": factor });
record!(TreeLimits { "max_depth": max_depth, "max_leapfrog": max_leapfrog });
record!(LowRank { "cutoff": cutoff, "rank": rank, "shrinkage": shrinkage, "confirmed": confirmed });

choice!(Metric {
    "automatic": Automatic {},
    "identity": Identity {},
    "variance": Variance {},
    "fisher": Fisher {},
    "low_rank": LowRank { "low_rank": 0 as low_rank },
});

choice!(WarmupSchedule { "growing": Growing {}, "stan": Stan {} });

/// What shows progress and what is called back are not of the fit; the device is not in the file.
impl Entry for Advi {
    fn write(&self, place: &Place<'_>) -> Value {
        let Advi {
            family,
            by_optimizer,
            steps,
            budget,
            tolerance,
            samples,
            estimator,
            products,
            expectations,
            optimizer,
            schedule,
            learning_rate,
            batch,
            full_batch,
            averaging,
            restarts,
            seed,
            precision,
            device: _,
            threads,
            convergence,
            stop_when_converged,
            patience,
            temperature,
            kl_annealing,
            initial_sd,
            start,
            warm_start,
            tries,
            elbo_draws,
            every,
            extension,
            callback: _,
            progress: _,
            interrupt: _,
            checkpoint: _,
        } = self;
        (place.object())
            .put("family", family)
            .put("by_optimizer", by_optimizer)
            .put("steps", steps)
            .put("budget", budget)
            .put("tolerance", tolerance)
            .put("samples", samples)
            .put("estimator", estimator)
            .put("local_reparameterization", products)
            .put("closed_form_priors", expectations)
            .put("optimizer", optimizer)
            .put("schedule", schedule)
            .put("learning_rate", learning_rate)
            .put("batch", batch)
            .put("full_batch", full_batch)
            .put("averaging", averaging)
            .put("restarts", restarts)
            .put("seed", seed)
            .put("precision", &precision.map(Bits))
            .put("threads", threads)
            .put("convergence", convergence)
            .put("stop_when_converged", stop_when_converged)
            .put("patience", patience)
            .put("temperature", temperature)
            .put("kl_annealing", kl_annealing)
            .put("initial_sd", initial_sd)
            .put("start", start)
            .put("warm_start", warm_start)
            .put("tries", tries)
            .put("elbo_draws", elbo_draws)
            .put("every", every)
            .put("extension", extension)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<Advi, FileError> {
        Ok(Advi {
            family: node.get("family")?,
            by_optimizer: node.get("by_optimizer")?,
            steps: node.get("steps")?,
            budget: node.get("budget")?,
            tolerance: node.get("tolerance")?,
            samples: node.get("samples")?,
            estimator: node.get("estimator")?,
            products: node.get("local_reparameterization")?,
            expectations: node.get("closed_form_priors")?,
            optimizer: node.get("optimizer")?,
            schedule: node.get("schedule")?,
            learning_rate: node.get("learning_rate")?,
            batch: node.get("batch")?,
            full_batch: node.get("full_batch")?,
            averaging: node.get("averaging")?,
            restarts: node.get("restarts")?,
            seed: node.get("seed")?,
            precision: node.get::<Option<Bits>>("precision")?.map(|bits| bits.0),
            device: Device::cpu(),
            threads: node.get("threads")?,
            convergence: node.get("convergence")?,
            stop_when_converged: node.get("stop_when_converged")?,
            patience: node.get("patience")?,
            temperature: node.get("temperature")?,
            kl_annealing: node.get("kl_annealing")?,
            initial_sd: node.get("initial_sd")?,
            start: node.get("start")?,
            warm_start: node.get("warm_start")?,
            tries: node.get("tries")?,
            elbo_draws: node.get("elbo_draws")?,
            every: node.get("every")?,
            extension: node.get("extension")?,
            callback: None,
            progress: None,
            interrupt: None,
            checkpoint: None,
        })
    }
}

/// Files of before have no `is_part`.
impl Entry for WarmStart {
    fn write(&self, place: &Place<'_>) -> Value {
        let WarmStart {
            source,
            relative_sd,
            is_part,
        } = self;
        let object = place.object().put("source", source);
        let object = object.put("relative_sd", relative_sd);
        object.put("is_part", is_part).value()
    }

    fn read(node: &Node<'_>) -> Result<WarmStart, FileError> {
        Ok(WarmStart {
            source: node.get("source")?,
            relative_sd: node.get("relative_sd")?,
            is_part: node.get::<Option<bool>>("is_part")?.unwrap_or(false),
        })
    }
}

impl Entry for Checkpoints {
    fn write(&self, place: &Place<'_>) -> Value {
        let folder = self.folder.to_string_lossy().into_owned();
        let object = place.object().put("folder", &folder);
        object.put("every", &self.every).value()
    }

    fn read(node: &Node<'_>) -> Result<Checkpoints, FileError> {
        Ok(Checkpoints {
            folder: node.get::<String>("folder")?.into(),
            every: node.get("every")?,
        })
    }
}

impl Entry for Nuts {
    fn write(&self, place: &Place<'_>) -> Value {
        let Nuts {
            draws,
            warmup,
            chains,
            first_chain,
            seed,
            target_accept,
            limits,
            metric,
            schedule,
            initial_step,
            threads,
            device: _,
            precision,
            keep_warmup,
            start,
            checkpoints,
            progress: _,
            interrupt: _,
        } = self;
        (place.object())
            .put("draws", draws)
            .put("warmup", warmup)
            .put("chains", chains)
            .put("first_chain", first_chain)
            .put("seed", seed)
            .put("target_accept", target_accept)
            .put("limits", limits)
            .put("metric", metric)
            .put("schedule", schedule)
            .put("initial_step", initial_step)
            .put("threads", threads)
            .put("precision", &Bits(*precision))
            .put("keep_warmup", keep_warmup)
            .put("start", start)
            .put("checkpoints", checkpoints)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<Nuts, FileError> {
        Ok(Nuts {
            draws: node.get("draws")?,
            warmup: node.get("warmup")?,
            chains: node.get("chains")?,
            first_chain: node.get("first_chain")?,
            seed: node.get("seed")?,
            target_accept: node.get("target_accept")?,
            limits: node.get("limits")?,
            metric: node.get("metric")?,
            schedule: node.get("schedule")?,
            initial_step: node.get("initial_step")?,
            threads: node.get("threads")?,
            device: Device::cpu(),
            precision: node.get::<Bits>("precision")?.0,
            keep_warmup: node.get("keep_warmup")?,
            start: node.get("start")?,
            checkpoints: node.get("checkpoints")?,
            progress: None,
            interrupt: None,
        })
    }
}

impl Entry for Sgld {
    fn write(&self, place: &Place<'_>) -> Value {
        let Sgld {
            draws,
            warmup,
            thinning,
            chains,
            step_size,
            schedule,
            batch,
            seed,
            start,
            threads,
            device: _,
            precision,
            interrupt: _,
        } = self;
        (place.object())
            .put("draws", draws)
            .put("warmup", warmup)
            .put("thinning", thinning)
            .put("chains", chains)
            .put("step_size", step_size)
            .put("schedule", schedule)
            .put("batch", batch)
            .put("seed", seed)
            .put("start", start)
            .put("threads", threads)
            .put("precision", &precision.map(Bits))
            .value()
    }

    fn read(node: &Node<'_>) -> Result<Sgld, FileError> {
        Ok(Sgld {
            draws: node.get("draws")?,
            warmup: node.get("warmup")?,
            thinning: node.get("thinning")?,
            chains: node.get("chains")?,
            step_size: node.get("step_size")?,
            schedule: node.get("schedule")?,
            batch: node.get("batch")?,
            seed: node.get("seed")?,
            start: node.get("start")?,
            threads: node.get("threads")?,
            device: Device::cpu(),
            precision: node.get::<Option<Bits>>("precision")?.map(|bits| bits.0),
            interrupt: None,
        })
    }
}

impl Entry for Pathfinder {
    fn write(&self, place: &Place<'_>) -> Value {
        let Pathfinder {
            paths,
            draws,
            proposals,
            history,
            elbo_draws,
            max_iterations,
            seed,
            start,
            threads,
            device: _,
            precision,
            progress: _,
        } = self;
        (place.object())
            .put("paths", paths)
            .put("draws", draws)
            .put("proposals", proposals)
            .put("history", history)
            .put("elbo_draws", elbo_draws)
            .put("max_iterations", max_iterations)
            .put("seed", seed)
            .put("start", start)
            .put("threads", threads)
            .put("precision", &Bits(*precision))
            .value()
    }

    fn read(node: &Node<'_>) -> Result<Pathfinder, FileError> {
        Ok(Pathfinder {
            paths: node.get("paths")?,
            draws: node.get("draws")?,
            proposals: node.get("proposals")?,
            history: node.get("history")?,
            elbo_draws: node.get("elbo_draws")?,
            max_iterations: node.get("max_iterations")?,
            seed: node.get("seed")?,
            start: node.get("start")?,
            threads: node.get("threads")?,
            device: Device::cpu(),
            precision: node.get::<Bits>("precision")?.0,
            progress: None,
        })
    }
}
