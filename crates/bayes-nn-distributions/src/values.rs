//! Values of parameters laid out for drawing on the host, and the drawing itself.

use bayes_nn_autodiff::Shape;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{Distribution, Parameter, ParameterError};

/// The values of all parameters of a distribution, broadcast to its batch.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_distributions::{Normal, ParameterValues};
///
/// let graph = Graph::new();
/// let loc = graph.input("loc", [3]);
/// // `loc` was evaluated elsewhere; the scale is a number and stands for all three.
/// let normal = Normal::new(loc, 0.5);
/// let values = ParameterValues::of(&normal, vec![vec![1.0, 2.0, 3.0], vec![0.5]])?;
/// let mut numbers = Vec::new();
/// values.read(2, &mut numbers);
/// assert_eq!(numbers, [3.0, 0.5]);
/// # Ok::<(), bayes_nn_distributions::ParameterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParameterValues {
    shape: Shape,
    columns: Vec<Column>,
}

#[derive(Clone, Debug)]
struct Column {
    numbers: usize,
    shape: Shape,
    values: Vec<f64>,
}

impl ParameterValues {
    /// Values that were computed elsewhere: for each of `distribution.parameters()` all its
    /// elements in row-major order.
    ///
    /// # Errors
    /// When a parameter has another number of values than elements.
    pub fn of<'g>(
        distribution: &(impl Distribution<'g> + ?Sized),
        values: Vec<Vec<f64>>,
    ) -> Result<ParameterValues, ParameterError> {
        let parameters = distribution.parameters();
        let count = |expected, got| ParameterError::Count {
            distribution: distribution.name(),
            expected,
            got,
        };
        if values.len() != parameters.len() {
            return Err(count(parameters.len(), values.len()));
        }
        let mut columns = Vec::with_capacity(values.len());
        for (parameter, values) in parameters.iter().zip(values) {
            let elements = parameter.value.shape().elements();
            if values.len() != elements {
                return Err(count(elements, values.len()));
            }
            columns.push(Column {
                numbers: parameter.numbers(),
                shape: parameter.batch_shape(),
                values,
            });
        }
        Ok(ParameterValues {
            shape: distribution.batch_shape(),
            columns,
        })
    }

    /// The values that are known before anything runs: numbers and constants.
    ///
    /// # Errors
    /// Those of [`Distribution::check`]; a parameter that a graph computes.
    pub fn known<'g>(
        distribution: &(impl Distribution<'g> + ?Sized),
    ) -> Result<ParameterValues, ParameterError> {
        distribution.check()?;
        let mut values = Vec::new();
        for parameter in distribution.parameters() {
            match parameter.value.constant_values() {
                Some(known) => values.push(known),
                None => {
                    return Err(ParameterError::Unknown {
                        distribution: distribution.name(),
                        parameter: parameter.name,
                    });
                }
            }
        }
        ParameterValues::of(distribution, values)
    }

    /// What is known before anything runs, in the batch that this needs; NaN for the rest. The
    /// shapes must broadcast.
    pub(crate) fn known_so_far(parameters: &[Parameter<'_>]) -> ParameterValues {
        let mut shape = Shape::SCALAR;
        let column = |parameter: &Parameter<'_>| {
            let numbers = parameter.numbers();
            match parameter.value.constant_values() {
                Some(values) => {
                    let own = parameter.batch_shape();
                    shape = shape.broadcast(&own).unwrap_or(shape);
                    Column {
                        numbers,
                        shape: own,
                        values,
                    }
                }
                None => Column {
                    numbers,
                    shape: Shape::SCALAR,
                    values: vec![f64::NAN; numbers],
                },
            }
        };
        let columns = parameters.iter().map(column).collect();
        ParameterValues { shape, columns }
    }

    /// The batch shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Writes into `numbers` what one draw at `position` of the batch (row-major) needs, in the
    /// order of [`Distribution::draw`].
    pub fn read(&self, position: usize, numbers: &mut Vec<f64>) {
        numbers.clear();
        for column in &self.columns {
            let stride = column.shape.elements();
            let source = source_index(position, self.shape, column.shape);
            numbers.extend((0..column.numbers).map(|n| column.values[n * stride + source]));
        }
    }
}

/// Where element `index` of `shape` lies in a tensor of shape `own` that is broadcast to it.
fn source_index(index: usize, shape: Shape, own: Shape) -> usize {
    let mut rest = index;
    let mut stride = 1;
    let mut source = 0;
    for axis in (0..shape.rank()).rev() {
        let length = own.aligned(axis, shape.rank());
        if length != 1 {
            source += rest % shape[axis] * stride;
        }
        rest /= shape[axis];
        stride *= length;
    }
    source
}

/// `n` independent draws on the host with the parameters known now, in row-major order of the
/// shape `[n, ...distribution.shape()]`. The same seed gives the same numbers everywhere.
///
/// # Errors
/// Those of [`ParameterValues::known`]; a density that nothing can be drawn from; more draws than
/// memory holds.
///
/// ```
/// use bayes_nn_distributions::{Poisson, sample};
/// let counts = sample(&Poisson::new(3.5), 1000, 7)?;
/// assert_eq!(counts.len(), 1000);
/// assert!(sample(&Poisson::new(-3.5), 1000, 7).is_err());
/// # Ok::<(), bayes_nn_distributions::ParameterError>(())
/// ```
pub fn sample<'g>(
    distribution: &(impl Distribution<'g> + ?Sized),
    n: usize,
    seed: u64,
) -> Result<Vec<f64>, ParameterError> {
    sample_with(
        distribution,
        n,
        &mut Xoshiro256PlusPlus::seed_from_u64(seed),
    )
}

/// [`sample`] with a generator of one's own.
///
/// # Errors
/// Those of [`sample`].
pub fn sample_with<'g>(
    distribution: &(impl Distribution<'g> + ?Sized),
    n: usize,
    rng: &mut dyn Rng,
) -> Result<Vec<f64>, ParameterError> {
    let values = ParameterValues::known(distribution)?;
    if !distribution.is_proper() {
        return Err(ParameterError::Improper {
            distribution: distribution.name(),
        });
    }
    let elements = values.shape().elements();
    let numbers_of_event = distribution.event_shape().elements();
    let count = n
        .max(1)
        .saturating_mul(elements)
        .saturating_mul(numbers_of_event);
    let mut draws = Vec::new();
    let asked = draws.try_reserve_exact(count);
    asked.map_err(|_| ParameterError::Draws {
        distribution: distribution.name(),
        draws: n,
    })?;
    let mut event = vec![f64::NAN; numbers_of_event];
    draws.resize(n * elements * event.len(), f64::NAN);
    let support = distribution.support();
    let mut numbers = Vec::new();
    for draw in draws.chunks_mut((elements * event.len()).max(1)) {
        for position in 0..elements {
            values.read(position, &mut numbers);
            distribution.draw_event(&numbers, rng, &mut event);
            for (place, number) in event.iter().enumerate() {
                draw[place * elements + position] = support.nearest(*number);
            }
        }
    }
    Ok(draws)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Categorical, Normal, Uniform};
    use bayes_nn_autodiff::Graph;

    #[test]
    fn parameters_broadcast_and_event_axes_are_read_whole() {
        let graph = Graph::new();
        let column = graph.constant(&[0.0, 10.0], [2, 1]);
        let row = graph.constant(&[20.0, 30.0, 40.0], [3]);
        let values = ParameterValues::known(&Uniform::new(column, row)).unwrap();
        assert_eq!(values.shape(), Shape::from([2, 3]));
        let mut numbers = Vec::new();
        values.read(4, &mut numbers);
        assert_eq!(numbers, [10.0, 30.0]);

        let logits = graph.constant(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3, 2]);
        let values = ParameterValues::known(&Categorical::new(logits)).unwrap();
        values.read(1, &mut numbers);
        assert_eq!(numbers, [2.0, 4.0, 6.0]);
    }

    #[test]
    fn draws_lie_in_row_major_order_of_draw_and_batch() {
        let graph = Graph::new();
        let low = graph.constant(&[0.0, 100.0], [2]);
        let high = graph.constant(&[1.0, 101.0], [2]);
        let draws = sample(&Uniform::new(low, high), 3, 1).unwrap();
        assert_eq!(draws.len(), 6);
        assert!(draws.chunks(2).all(|d| d[0] < 1.0 && d[1] > 100.0));
    }

    #[test]
    fn a_parameter_that_a_graph_computes_is_asked_for() {
        let graph = Graph::new();
        let loc = graph.input("loc", [3]);
        let error = sample(&Normal::new(loc, 1.0), 1, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Normal: loc is computed by a graph; evaluate it first and give its values"
        );
        let error = ParameterValues::of(&Normal::new(loc, 1.0), vec![vec![1.0], vec![1.0]]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "Normal: 3 parameter values are needed, got 1"
        );
    }
}
