//! A run of the sampler whose draws are written while it goes on.

use std::path::PathBuf;
use std::time::Instant;

use bayes_nn_inference::nuts::{DrawBlock, DrawSink, DrawSinkError, PlannedRun};
use bayes_nn_inference::{Density, Nuts, Site};
use bayes_nn_kernels::Precision;
use serde_json::Map;

use super::collect::{planned, statistics_arrays};
use super::growing::Growing;
use super::layout::{Array, Labels, label_settings};
use super::{Coordinates, ExportError};
use crate::error::Error;
use crate::model::{
    Data, DrawTable, Model, ModelDensity, Observations, Posterior, Sampling, Variables, start_into,
};

/// A Zarr store that draws of NUTS are written to while they are made.
///
/// ArviZ opens it at any time, during the run or after the end of the process, however it came.
/// It has the groups `posterior`, `sample_stats`, `warmup_sample_stats`, `warmup_posterior` (if
/// [the draws of the warm-up are kept](Nuts::keep_warmup)), `observed_data` and `constant_data`
/// of [`InferenceData`](super::InferenceData); [`Posterior::inference_data`](crate::Posterior::inference_data) has the others.
///
/// A block of draws of every variable is written and synced, and only then declared: a reader
/// sees whole draws only, of every variable as many. Chains come further at different speeds, and
/// where there are more chains than threads some begin when others have ended, while the arrays
/// of ArviZ are rectangles. So the declared chains are the first ones, as many as have most draws
/// together when each is cut to the shortest of them. The draws of the others are in the store,
/// and are declared when they would be more.
///
/// The run has the same bits as one without a store. A thread of its own writes, and chains wait
/// for it only when it lags far behind: then [`ZarrStore::every`] is too small. If it cannot
/// write, the run stops, keeps what was drawn, and tells why
/// ([`NutsFit::sink_error`](bayes_nn_inference::NutsFit::sink_error)).
///
/// With [checkpoints](Nuts::checkpoints), a run that goes on begins its store anew, with the
/// draws of the checkpoints, so that at its end the store is that of a run that was never
/// interrupted; [`ZarrStore::overwrite`] lets it replace the one it had. Draws that were stored
/// after the last checkpoint are made again, with the same bits.
///
/// ```
/// use bayes_nn::distributions::Normal;
/// use bayes_nn::inference_data::ZarrStore;
/// use bayes_nn::model::{self, Data};
/// use bayes_nn::Nuts;
/// let model = model::from_fn(|trace, data| {
///     let mean = trace.sample("mean", Normal::new(0.0, 10.0));
///     trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
/// });
/// let data = Data::new().column("y", &[1.1, 1.9, 0.2, 0.9, 1.1])?;
/// # let path = std::env::temp_dir().join(format!("bayes-nn-run-{}.zarr", std::process::id()));
/// # let mean_zarr = path.clone();
/// let store = ZarrStore::new(mean_zarr).every(200);
/// let samples = store.sample(&model, &data, &Nuts::new().chains(2).seed(1))?;
/// println!("{samples}");
/// # std::fs::remove_dir_all(path).ok();
/// # Ok::<(), bayes_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ZarrStore {
    path: PathBuf,
    every: usize,
    overwrite: bool,
    labels: Labels,
}

impl ZarrStore {
    /// A store at `path`, where nothing may be yet.
    pub fn new(path: impl Into<PathBuf>) -> ZarrStore {
        ZarrStore {
            path: path.into(),
            every: 100,
            overwrite: false,
            labels: Labels::default(),
        }
    }

    /// How many draws of a chain are written at once, 100 unless set: one file for each variable
    /// and statistic. What a process that is killed has drawn since is lost.
    pub fn every(mut self, draws: usize) -> ZarrStore {
        self.every = draws;
        self
    }

    /// Whether a Zarr store that is at the path is replaced, when the first chain begins.
    pub fn overwrite(mut self, overwrite: bool) -> ZarrStore {
        self.overwrite = overwrite;
        self
    }

    label_settings!();

    /// Draws from the posterior of a model as [`model::fit`](crate::model::fit) does, into
    /// this store.
    ///
    /// # Errors
    /// As [`ZarrStore::start`]; a run that ended without a draw.
    pub fn sample<M: Model + Clone>(
        &self,
        model: &M,
        data: impl Into<Data>,
        nuts: &Nuts,
    ) -> Result<Posterior<M>, Error> {
        self.start(model, data, nuts)?.wait()
    }

    /// Sets chains going as [`model::start`](crate::model::start) does, into this store.
    ///
    /// # Errors
    /// Whatever is wrong with the model, the data or the settings; no start with a finite density;
    /// something at the path already; names and labels that do not fit the variables; a store that
    /// cannot be written.
    pub fn start<M: Model + Clone>(
        &self,
        model: &M,
        data: impl Into<Data>,
        nuts: &Nuts,
    ) -> Result<Sampling<M>, Error> {
        let data = data.into();
        let sites = ModelDensity::new(model, data.clone())?.sites().to_vec();
        let table = DrawTable::new(sites.clone(), [], [])?;
        let empty =
            Posterior::from_parts(model.clone(), data.clone(), table.into(), Precision::F64);
        let predictive = empty.predictive;
        let writer = Writer {
            store: self.clone(),
            variables: predictive.variables()?,
            observations: Some(predictive.observations()?),
            sites,
            growing: None,
            first_chain: 0,
            begun: Instant::now(),
        };
        start_into(model, data, nuts, Box::new(writer))
    }
}

/// What takes the draws of a run.
struct Writer {
    store: ZarrStore,
    variables: Variables,
    observations: Option<Observations>,
    sites: Vec<Site>,
    growing: Option<Growing>,
    first_chain: usize,
    begun: Instant,
}

impl Writer {
    fn growing(&mut self) -> Result<&mut Growing, DrawSinkError> {
        Ok(self.growing.as_mut().ok_or("the store has not begun")?)
    }

    /// An error of the file system, with the path of the store.
    fn named_by_path<T>(&self, result: Result<T, DrawSinkError>) -> Result<T, DrawSinkError> {
        result.map_err(|problem| match problem.downcast::<Error>() {
            Ok(own) => own as DrawSinkError,
            Err(problem) => Error::from(ExportError::write(&self.store.path, &problem)).into(),
        })
    }

    fn append(&mut self, block: &DrawBlock) -> Result<(), DrawSinkError> {
        let chain = block.chain - self.first_chain;
        let draws = block.rows.len();
        let [posterior, statistics] = match block.warmup {
            true => ["warmup_posterior", "warmup_sample_stats"],
            false => ["posterior", "sample_stats"],
        };
        if !block.rows.positions().is_empty() {
            let table = DrawTable::new(self.sites.clone(), block.rows.positions(), [draws])?;
            let drawn = self.variables.draws(&table.into(), draws, 0)?;
            let arrays = drawn.variables().iter().map(Array::of_variable).collect();
            let growing = self.growing()?;
            growing.append(posterior, chain, block.first, draws, arrays)?;
        }
        let arrays = statistics_arrays(&[block.rows.statistics()]).collect();
        let growing = self.growing()?;
        growing.append(statistics, chain, block.first, draws, arrays)
    }

    fn describe(&mut self) -> Result<(), DrawSinkError> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let growing = self.growing()?;
        let mut attributes = Map::new();
        attributes.insert("sampling_time".to_owned(), seconds.into());
        let steps = growing.longest("warmup_sample_stats");
        attributes.insert("tuning_steps".to_owned(), steps.into());
        growing.describe(attributes)
    }
}

impl DrawSink for Writer {
    fn every(&self) -> usize {
        self.store.every
    }

    fn begin(&mut self, run: &PlannedRun) -> Result<(), DrawSinkError> {
        let observations = self.observations.take();
        let observations = observations.ok_or("the store has begun already")?;
        let mut data = planned(run, &self.variables.declared, observations);
        data.labels = self.store.labels.clone();
        let ZarrStore {
            path,
            overwrite,
            every,
            ..
        } = &self.store;
        let growing = Growing::new(&data, path, *overwrite, *every).map_err(Error::from)?;
        self.growing = Some(growing);
        self.first_chain = run.chains.start;
        self.begun = Instant::now();
        Ok(())
    }

    fn write(&mut self, block: &DrawBlock) -> Result<(), DrawSinkError> {
        let result = self.append(block);
        self.named_by_path(result)
    }

    fn commit(&mut self) -> Result<(), DrawSinkError> {
        let result = self.growing().and_then(Growing::declare);
        self.named_by_path(result)
    }

    fn finish(&mut self) -> Result<(), DrawSinkError> {
        let result = self.describe();
        self.named_by_path(result)
    }
}
