//! What draws say of observed variables on given rows, gathered while they are made.

use bayes_nn_autodiff::{Graph, Var};
use bayes_nn_distributions::Support;
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{OBSERVATIONS, Predictive, check_draws, output_of};
use crate::error::Error;
use crate::model::handlers::draw as observe;
use crate::model::trace::Observed;
use crate::model::{Data, Model, transposed};

/// What the draws of a source predict of one observed variable.
pub(crate) struct Observation {
    pub(crate) name: String,
    pub(crate) forecast: Forecast,
    /// None where the data lack the variable.
    pub(crate) seen: Option<Seen>,
}

/// The predictive distribution of a variable.
pub(crate) enum Forecast {
    /// Row-major probabilities, `[n]` of class 1 or `[n, classes]`: their mean over the first
    /// half of the draws, over the second, and their standard deviation over all.
    Classes {
        /// None for 0 and 1.
        classes: Option<usize>,
        halves: [Vec<f64>; 2],
        sd: Vec<f64>,
    },
    /// Predictive draws, row-major `[draws, n]`, with one noise for both halves of them.
    Numbers { draws: Vec<f64> },
}

/// What was observed.
pub(crate) struct Seen {
    /// `[n]`
    pub(crate) values: Vec<f64>,
    /// The log of the mean density over draws, in nats: of each value, or of each event.
    pub(crate) log_densities: Vec<f64>,
}

impl<M: Model> Predictive<M> {
    /// Gathers the predictions of all observed variables, at least two draws.
    pub(crate) fn forecasts(
        &self,
        data: &Data,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<Observation>, Error> {
        check_draws(draws)?;
        let graph = Graph::new();
        let written = self.write(&graph, data, true)?;
        let mut outputs = Vec::new();
        let mut gathering: Vec<Gathering<'_, '_>> = Vec::new();
        for observed in &written.record.observed {
            // Values of which some are missing are compared, but not scored.
            let absent = written.batch.shared.is_absent(observed.value);
            let seen = !absent && observed.rows.is_none();
            gathering.push(Gathering::new(observed, seen, &graph, &mut outputs));
        }
        let mut run = written.compile(&outputs, self.precision, seed)?;
        let noise = || Xoshiro256PlusPlus::seed_from_u64(seed ^ OBSERVATIONS);
        let mut rng = noise();
        for draw in 0..draws {
            // Both halves see one noise, so that they differ by what the draws say, and not by it.
            if draw == draws.div_ceil(2) {
                rng = noise();
            }
            self.source.run(&mut run, draw..draw + 1, draws)?;
            for gathering in &mut gathering {
                let end = gathering.first + gathering.outputs;
                let values = (gathering.first..end).map(|o| output_of(&run, o));
                let values = values.collect::<Result<_, _>>()?;
                gathering.add(values, draw, draws, &mut rng)?;
            }
        }
        Ok(gathering.into_iter().map(|g| g.finish(draws)).collect())
    }
}

/// Running sums over draws of one variable.
struct Gathering<'a, 'g> {
    observed: &'a Observed<'g>,
    /// Elements of the variable.
    n: usize,
    first: usize,
    outputs: usize,
    classes: Option<Classes>,
    numbers: Vec<f64>,
    seen: Option<RunningSeen>,
}

struct Classes {
    /// How many; none for 0 and 1, of which the probability of 1 is enough.
    number: Option<usize>,
    /// `[classes, n]` each.
    sums: [Vec<f64>; 2],
    squares: Vec<f64>,
}

struct RunningSeen {
    values: Vec<f64>,
    /// The sum of the densities so far is `sum * exp(largest)`.
    largest: Vec<f64>,
    sum: Vec<f64>,
}

impl<'a, 'g> Gathering<'a, 'g> {
    /// Adds what has to be read of every draw to the outputs.
    fn new(
        observed: &'a Observed<'g>,
        is_seen: bool,
        graph: &'g Graph,
        outputs: &mut Vec<Var<'g>>,
    ) -> Self {
        let first = outputs.len();
        let n = observed.shape.elements();
        let distribution = &*observed.distribution;
        let number = match distribution.support() {
            Support::Boolean => Some(None),
            Support::Categories(classes) => Some(Some(classes)),
            _ => None,
        };
        let number = number.filter(|_| distribution.event_shape().elements() == 1);
        match number {
            Some(number) => {
                let classes = number.map_or(1..2, |classes| 0..classes);
                outputs.extend(classes.map(|class| {
                    let class = graph.constant(&vec![class as f64; n], observed.shape);
                    distribution.log_prob(class).exp()
                }));
            }
            None => outputs.extend(distribution.parameters().iter().map(|p| p.value)),
        }
        if is_seen {
            outputs.extend([observed.value, observed.log_prob]);
        }
        let zeros = vec![0.0; n * number.flatten().unwrap_or(1)];
        let events = observed
            .shape
            .without(0, distribution.event_shape().len())
            .elements();
        Gathering {
            observed,
            n,
            first,
            outputs: outputs.len() - first,
            classes: number.map(|number| Classes {
                number,
                sums: [zeros.clone(), zeros.clone()],
                squares: zeros,
            }),
            numbers: Vec::new(),
            seen: is_seen.then(|| RunningSeen {
                values: Vec::new(),
                largest: vec![f64::NEG_INFINITY; events],
                sum: vec![0.0; events],
            }),
        }
    }

    /// Takes the outputs of one draw.
    fn add(
        &mut self,
        mut outputs: Vec<Vec<f64>>,
        draw: usize,
        draws: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<(), Error> {
        let name = &self.observed.name;
        let wrong = |element: usize, value: f64| Error::NotFiniteDraw {
            name: name.clone(),
            draw,
            element,
            value,
        };
        if let Some(seen) = &mut self.seen {
            let log_densities = outputs.pop().unwrap_or_default();
            let values = outputs.pop().unwrap_or_default();
            if draw == 0 {
                seen.values = stretched(&values, self.n).collect();
            }
            let states = seen.largest.iter_mut().zip(&mut seen.sum);
            let events = states.len();
            for (element, ((largest, sum), value)) in
                states.zip(stretched(&log_densities, events)).enumerate()
            {
                if value.is_nan() || value == f64::INFINITY {
                    return Err(wrong(element, value));
                }
                let next = largest.max(value);
                // Nothing has had a density so far.
                if next > f64::NEG_INFINITY {
                    *sum = *sum * (*largest - next).exp() + (value - next).exp();
                    *largest = next;
                }
            }
        }
        if let Some(classes) = &mut self.classes {
            let half = usize::from(2 * draw >= draws);
            let sums = classes.sums[half].iter_mut().zip(&mut classes.squares);
            let all = outputs.iter().flat_map(|class| stretched(class, self.n));
            for (element, ((sum, square), p)) in sums.zip(all).enumerate() {
                if !p.is_finite() {
                    return Err(wrong(element % self.n, p));
                }
                *sum += p;
                *square += p * p;
            }
            return Ok(());
        }
        let observed = self.observed;
        let values = observe(name, &*observed.distribution, observed.shape, outputs, rng)?;
        match values.iter().position(|v| !v.is_finite()) {
            Some(element) => Err(wrong(element, values[element])),
            None => {
                self.numbers.extend(values);
                Ok(())
            }
        }
    }

    fn finish(self, draws: usize) -> Observation {
        let forecast = match self.classes {
            Some(classes) => classes.finish(draws, self.n),
            None => Forecast::Numbers {
                draws: self.numbers,
            },
        };
        let seen = self.seen.map(|seen| {
            let logs = seen.largest.iter().zip(&seen.sum);
            let mean = |(largest, sum): (&f64, &f64)| largest + (sum / draws as f64).ln();
            Seen {
                log_densities: logs.map(mean).collect(),
                values: seen.values,
            }
        });
        Observation {
            name: self.observed.name.clone(),
            forecast,
            seen,
        }
    }
}

impl Classes {
    fn finish(self, draws: usize, n: usize) -> Forecast {
        let count = draws as f64;
        let total = self.sums[0].iter().zip(&self.sums[1]).map(|(a, b)| a + b);
        let sd = total.zip(&self.squares).map(|(sum, square)| {
            let variance = (square - sum * sum / count) / (count - 1.0).max(1.0);
            variance.max(0.0).sqrt()
        });
        let sd: Vec<f64> = sd.collect();
        let first = draws.div_ceil(2);
        let [a, b] = self.sums;
        let mean = |sums: Vec<f64>, draws: usize| -> Vec<f64> {
            let mut means = transposed(&sums, n);
            means.iter_mut().for_each(|p| *p /= draws.max(1) as f64);
            if let Some(classes) = self.number {
                for row in means.chunks_exact_mut(classes) {
                    // Single precision leaves sums a little off 1.
                    let sum: f64 = row.iter().sum();
                    row.iter_mut().for_each(|p| *p /= sum);
                }
            }
            means
        };
        Forecast::Classes {
            classes: self.number,
            halves: [mean(a, first), mean(b, draws - first)],
            sd: transposed(&sd, n),
        }
    }
}

/// One value for all, or one for each.
fn stretched(values: &[f64], n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(|element| values[element.min(values.len() - 1)])
}
