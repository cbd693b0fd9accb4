//! Statistics that follow a value from step to step.

use bayes_nn_autodiff::Var;

use super::Step;

/// The running mean of a value over steps 0, 1, .. of a run, of the value's shape: a state of this
/// name, which holds the mean of all steps done.
///
/// ```
/// use bayes_nn_autodiff::Graph;
/// use bayes_nn_kernels::{Runtime, Step, running_mean};
///
/// let graph = Graph::new();
/// let step = Step::new(&graph);
/// running_mean(&step, "mean", graph.step());
/// let mut run = step.finish(&Runtime::default())?.start(1)?;
/// run.begin(&[0])?;
/// run.advance_one(0, 5)?;
/// assert_eq!(run.get(0, "mean")?, [2.0]);
/// # Ok::<(), bayes_nn_kernels::KernelError>(())
/// ```
pub fn running_mean<'g>(step: &Step<'g>, name: &str, value: Var<'g>) -> Var<'g> {
    let mean = step.state(name, value.shape(), 0.0);
    let share = (step.graph().step() + 1.0).reciprocal();
    step.next(mean, mean + (value - mean) * share);
    mean
}

/// The running mean of a value, as [`running_mean`], and the sum of its squared deviations from
/// the mean: a state named `name.squares`. Divided by the number of steps it is the variance.
///
/// Welford 1962, "Note on a method for calculating corrected sums of squares and products": no
/// digits are lost where a variance is small beside the mean.
pub fn running_mean_and_squares<'g>(
    step: &Step<'g>,
    name: &str,
    value: Var<'g>,
) -> (Var<'g>, Var<'g>) {
    let mean = step.state(name, value.shape(), 0.0);
    let share = (step.graph().step() + 1.0).reciprocal();
    let next = mean + (value - mean) * share;
    step.next(mean, next);
    let squares = step.state(&format!("{name}.squares"), value.shape(), 0.0);
    step.next(squares, squares + (value - mean) * (value - next));
    (mean, squares)
}
