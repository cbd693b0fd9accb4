//! Reductions: sums and maxima over axes, and the means over ranks and draws.

use super::Var;
use super::operation::{Operation, written};
use crate::graph::Graph;
use crate::{Kind, Op, Reduction};

/// The most draws of a [mean](Var::mean_over_draws): streams of noise are numbers of 32 bits, and
/// each of the draws has its own.
pub const MOST_DRAWS: usize = 1 << 20;

impl<'g> Var<'g> {
    #[track_caller]
    fn reduce(self, kind: Reduction, from: usize, to: usize) -> Var<'g> {
        let name = match kind {
            Reduction::Sum => "sum",
            Reduction::Max => "max",
        };
        Operation::new(name, &[self]).of_floats(|| {
            let shape = self.shape();
            if to > shape.rank() {
                let axes = shape.rank();
                return Err(format!(
                    "axis {from} of the shape {shape}, which has {axes} axes"
                ));
            }
            if kind == Reduction::Max && shape[from..to].contains(&0) {
                return Err(format!(
                    "the shape {shape} has no elements there, so no largest one"
                ));
            }
            let op = Op::Reduce { kind, from, to };
            written(op, &[self], shape.without(from, to), Kind::Float)
        })
    }

    /// The sum of all elements, a scalar.
    #[track_caller]
    #[must_use]
    pub fn sum(self) -> Var<'g> {
        self.reduce(Reduction::Sum, 0, self.shape().rank())
    }

    /// The sums along `axis`, which disappears.
    #[track_caller]
    #[must_use]
    pub fn sum_axis(self, axis: usize) -> Var<'g> {
        self.reduce(Reduction::Sum, axis, axis.saturating_add(1))
    }

    /// The mean of all elements, a scalar.
    #[track_caller]
    #[must_use]
    pub fn mean(self) -> Var<'g> {
        self.sum() / self.shape().elements() as f64
    }

    /// The largest element, a scalar. Ties share its derivative.
    #[track_caller]
    #[must_use]
    pub fn max(self) -> Var<'g> {
        self.reduce(Reduction::Max, 0, self.shape().rank())
    }

    /// The largest elements along `axis`, which disappears. Ties share the derivative.
    #[track_caller]
    #[must_use]
    pub fn max_axis(self, axis: usize) -> Var<'g> {
        self.reduce(Reduction::Max, axis, axis.saturating_add(1))
    }

    /// `ln(sum(exp(x)))` along `axis`, which disappears; no intermediate overflows.
    #[track_caller]
    #[must_use]
    pub fn logsumexp(self, axis: usize) -> Var<'g> {
        let largest = self.max_axis(axis).stop_gradient();
        // Where all terms are -inf (or one is +inf) the shift must not make inf - inf.
        let shift = largest.abs().lt(f64::INFINITY).select(largest, 0.0);
        let shape = self.shape();
        let kept = match shape.rank() > axis {
            true => shift.reshape(shape.with(axis, 1)),
            false => shift,
        };
        let sum = (self - kept).exp().sum_axis(axis);
        // The logarithm of an empty sum is kept away from the derivative: 0 / 0 is no number.
        let empty = sum.eq(0.0);
        empty.select(f64::NEG_INFINITY, shift + empty.select(1.0, sum).ln())
    }

    /// The mean over the *ranks* that run the graph together, of the same shape and the same on
    /// all of them; with one rank this itself, as a number is.
    ///
    /// Ranks are devices that run the same program on their own parts of minibatches. They wait
    /// for one another here, so one mean of a [`concat()`](crate::concat()) costs less than several of its parts.
    ///
    /// A gradient through it is this rank's part: its mean over the ranks is the gradient of the
    /// mean of what they compute, and has to be taken, too. Of a loss
    /// that each rank has of its own rows, differentiate first: one mean over gradients and loss is
    /// then all there is.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph, grad};
    /// let graph = Graph::new();
    /// let x = graph.input("x", [2]);
    /// let loss = (x * x).sum().all_reduce_mean();
    /// let own_part = grad(loss, &[x])?[0];
    /// let gradient = own_part.all_reduce_mean();
    /// // The interpreter is the only rank.
    /// let values = graph.evaluate(&[loss, gradient], &Bindings::new().bind(x, &[1.0, 2.0]))?;
    /// assert_eq!((values[0].values(), values[1].values()), (&[5.0][..], &[2.0, 4.0][..]));
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn all_reduce_mean(self) -> Var<'g> {
        Operation::new("all_reduce_mean", &[self]).of_floats(|| {
            let op = Op::AllReduceMean;
            match self.graph() {
                Some(_) => written(op, &[self], self.shape(), Kind::Float),
                None => Ok(self),
            }
        })
    }

    /// The mean over `draws` draws of the noise that this is computed from, of the same shape. The
    /// first draw has the [streams](crate::Graph::noise) as they were written, the next has those
    /// after them, and so on, so that streams have to be `draws` apart to be independent; there are
    /// [`MOST_DRAWS`] at most. What no noise reaches, and the mean of one draw, is this itself.
    ///
    /// It cannot be differentiated: the gradient of a mean is the mean of the gradients.
    ///
    /// ```
    /// use bayes_nn_autodiff::{Bindings, Graph, NoiseKind};
    /// let graph = Graph::new();
    /// let square = |stream| {
    ///     let x = graph.noise(NoiseKind::Normal, stream, [3]);
    ///     x * x
    /// };
    /// let mean = square(0).mean_over_draws(2);
    /// let by_hand = (square(0) + square(1)) / 2.0;
    /// let values = graph.evaluate(&[mean, by_hand], &Bindings::new().seed(7))?;
    /// assert_eq!(values[0], values[1]);
    /// # Ok::<(), bayes_nn_autodiff::GraphError>(())
    /// ```
    #[track_caller]
    #[must_use]
    pub fn mean_over_draws(self, draws: usize) -> Var<'g> {
        let of_noise = |graph: &Graph| self.id().is_some_and(|id| graph.is_of_noise(id));
        let differs = self.graph().is_some_and(of_noise);
        Operation::new("mean_over_draws", &[self]).of_floats(|| match draws {
            0 => Err("a mean needs 1 draw or more".to_owned()),
            _ if draws > MOST_DRAWS => Err(format!(
                "a mean over {draws} draws; at most {MOST_DRAWS} are possible"
            )),
            2.. if differs => {
                let op = Op::MeanOverDraws { draws };
                written(op, &[self], self.shape(), Kind::Float)
            }
            _ => Ok(self),
        })
    }
}
