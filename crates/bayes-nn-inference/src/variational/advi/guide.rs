//! The Gaussian guide written into a graph: its parameters, a draw, its entropy.

use std::cell::RefCell;
use std::collections::HashMap;
use std::f64::consts::TAU;
use std::rc::Rc;

use bayes_nn_autodiff::{NodeId, NoiseKind, Shape, Var, concat};
use bayes_nn_distributions::Bijector;
use bayes_nn_kernels::Step;

use super::family::Family;
use super::layout::Layout;
use super::settings::Estimator;
use crate::{Declared, Handler, HandlerError, Point, Sampled, Site, from_unconstrained};

/// The guide of a density: some of its sites are normal, the others are points.
///
/// As a handler it gives the sites their parts of the draw of each step.
pub(crate) struct Guide<'g> {
    /// In the order of the [layout](Layout::blocks).
    pub(crate) blocks: Vec<Var<'g>>,
    layout: Layout,
    normal: Option<Normal<'g>>,
    /// Where the sites of each part have their values.
    parts: Vec<Point<'g>>,
    forms: Forms,
    /// The weights whose products may be drawn, by their values: their means and variances.
    local: RefCell<HashMap<NodeId, (Var<'g>, Var<'g>)>>,
    /// A stream of noise for each product.
    streams: Box<dyn Fn() -> u32 + 'g>,
}

/// The normal part of a guide: `z = mu + D w` with `w = eps` (mean-field), `w = (I + M) eps` (full rank) or
/// `w = eps + B eps'` (low rank), with `D` diagonal, `M` strictly lower triangular and `B` of few columns;
/// the diagonal of `D` is `softplus(rho)`, or a block of its own.
///
/// An optimiser takes steps of one size in all of `M` or `B`: relative to the scale of each row, they suit
/// variables of all scales, where the same steps in `D M` would be too large for narrow ones.
struct Normal<'g> {
    dim: usize,
    mean: Var<'g>,
    diagonal: Var<'g>,
    correlation: Correlation<'g>,
    /// `[S]`, standard normal; of low rank `w`.
    eps: Var<'g>,
    draw: Var<'g>,
}

enum Correlation<'g> {
    None,
    /// `I + M`, with `M` the part of `lower` strictly below the diagonal.
    Lower(Var<'g>),
    /// `B`, and the Cholesky factor of `I + B^T B`, from which by the identities of Woodbury and
    /// Sylvester follow the inverse and the determinant of `I + B B^T`.
    LowRank {
        factor: Var<'g>,
        root: Var<'g>,
    },
}

/// What a guide of independent normals answers in closed form, where it can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forms {
    /// The expectation of a prior's log density, instead of its value at the draw.
    pub(crate) expectations: bool,
    /// A draw of the product of a weight with its input, instead of the product with a draw.
    pub(crate) products: bool,
}

/// Added to the variance of a product, which is 0 where the input is 0: there the square root would
/// have an infinite derivative.
const TINY: f64 = 1e-12;

impl<'g> Guide<'g> {
    /// The guide of a layout, with its parameters as states of the step.
    pub(crate) fn new(step: &Rc<Step<'g>>, layout: Layout, forms: Forms) -> Guide<'g> {
        let (dim, points) = (layout.dim(), layout.dim_of_points());
        let blocks = layout.blocks().into_iter().map(|name| match name {
            "lower" => step.state(name, [dim, dim], 0.0),
            "factor" => step.state(name, [dim, layout.rank()], 0.0),
            "point" => step.state(name, [points], 0.0),
            _ => step.state(name, [dim], 0.0),
        });
        let blocks: Vec<Var<'g>> = blocks.collect();
        let normal = (!layout.is_a_point()).then(|| Normal::new(step, &layout, &blocks));
        let draw = normal.as_ref().map(|normal| normal.draw);
        let part = |values: Option<Var<'g>>, sites: &[Site]| {
            Some(Point::at(values.filter(|_| !sites.is_empty())?, sites))
        };
        let parts = [
            part(draw, &layout.normal),
            part(blocks.last().copied(), &layout.points),
        ];
        Guide {
            blocks,
            normal,
            parts: parts.into_iter().flatten().collect(),
            forms: match layout.family() {
                Family::MeanField => forms,
                Family::FullRank | Family::LowRank { .. } | Family::Point => Forms::default(),
            },
            layout,
            local: RefCell::default(),
            streams: Box::new({
                let step = step.clone();
                move || step.stream()
            }),
        }
    }

    /// The draw of the step, `[P]`.
    pub(crate) fn draw(&self) -> Result<Var<'g>, HandlerError> {
        let sites = self.layout.sites().iter().map(|site| {
            let value = self.unconstrained(&site.name, site.shape)?;
            Ok(value.reshape([site.shape.elements()]))
        });
        let values = sites.collect::<Result<Vec<_>, HandlerError>>()?;
        Ok(concat(&values, 0))
    }

    /// The differential entropy of the normal part, in nats.
    fn entropy(&self) -> Var<'g> {
        (self.normal.as_ref()).map_or(0.0.into(), |normal| {
            normal.log_det() + 0.5 * normal.dim as f64 * (1.0 + TAU.ln())
        })
    }

    /// The log density of the normal part at its draw.
    pub(crate) fn log_prob(&self) -> Var<'g> {
        self.normal.as_ref().map_or(0.0.into(), Normal::log_prob)
    }

    /// What is differentiated, and the ELBO that is reported; of a point the log density.
    pub(super) fn objective(&self, log_prob: Var<'g>, estimator: Estimator) -> (Var<'g>, Var<'g>) {
        match (estimator, &self.normal) {
            (_, None) => (log_prob, log_prob),
            (Estimator::AnalyticEntropy, Some(_)) => {
                let elbo = log_prob + self.entropy();
                (elbo, elbo)
            }
            (Estimator::StickingTheLanding, Some(normal)) => {
                // d/dz (log p - log q) dz, with the parameters of q themselves held fixed.
                let path = log_prob + (normal.score() * normal.draw).sum();
                (path, log_prob - normal.log_prob())
            }
        }
    }

    /// The part of a site, where it is looked for; the first of one that is nowhere.
    fn part(&self, name: &str) -> &Point<'g> {
        let [first, .., points] = self.parts.as_slice() else {
            return &self.parts[0];
        };
        match points.site(name) {
            Some(_) => points,
            None => first,
        }
    }
}

impl<'g> Normal<'g> {
    fn new(step: &Rc<Step<'g>>, layout: &Layout, blocks: &[Var<'g>]) -> Normal<'g> {
        let graph = step.graph();
        let dim = layout.dim();
        let identity = |size: usize| graph.constant(&vec![1.0; size], [size]).diagonal_matrix();
        let correlation = match layout.family() {
            Family::FullRank => Correlation::Lower(blocks[2].tril(-1) + identity(dim)),
            Family::LowRank { rank } => {
                let factor = blocks[2];
                let root = (factor.t().matmul(factor) + identity(rank)).cholesky();
                Correlation::LowRank { factor, root }
            }
            Family::MeanField | Family::Point => Correlation::None,
        };
        let diagonal = match layout.has_sds() {
            true => blocks[1],
            false => blocks[1].softplus(),
        };
        let rank = layout.rank();
        let mut eps = graph.noise(NoiseKind::Normal, step.stream(), [dim + rank]);
        let correlated = match &correlation {
            Correlation::None => eps,
            Correlation::Lower(factor) => factor.matmul(eps),
            Correlation::LowRank { factor, .. } => {
                eps = eps.view(0, [dim]) + factor.matmul(eps.view(dim, [rank]));
                eps
            }
        };
        Normal {
            dim,
            mean: blocks[0],
            diagonal,
            correlation,
            eps,
            draw: blocks[0] + diagonal * correlated,
        }
    }

    fn log_prob(&self) -> Var<'g> {
        let eps = self.eps;
        let constant = 0.5 * self.dim as f64 * TAU.ln();
        let squares = match &self.correlation {
            Correlation::LowRank { factor, root } => eps * solved(*factor, *root, eps),
            _ => eps * eps,
        };
        -(0.5 * squares.sum() + self.log_det() + constant)
    }

    /// Half the logarithm of the determinant of the covariance.
    fn log_det(&self) -> Var<'g> {
        let diagonal = self.diagonal.ln().sum();
        match &self.correlation {
            Correlation::LowRank { root, .. } => diagonal + root.diagonal().ln().sum(),
            _ => diagonal,
        }
    }

    /// `-d log q / d z` at the draw, a constant for differentiation: `D^-1 (I + M)^-T eps`, of low rank
    /// `D^-1 (I + B B^T)^-1 w`.
    fn score(&self) -> Var<'g> {
        let white = match &self.correlation {
            Correlation::None => self.eps,
            Correlation::Lower(factor) => factor.solve_lower_t(self.eps),
            Correlation::LowRank { factor, root } => solved(*factor, *root, self.eps),
        };
        (white / self.diagonal).stop_gradient()
    }
}

/// `(I + B B^T)^-1 w = w - B (I + B^T B)^-1 B^T w`, by the Cholesky factor of the small matrix.
fn solved<'g>(factor: Var<'g>, root: Var<'g>, w: Var<'g>) -> Var<'g> {
    let along = root.solve_lower(factor.t().matmul(w));
    w - factor.matmul(root.solve_lower_t(along))
}

impl<'g> Handler<'g> for Guide<'g> {
    fn unconstrained(&self, name: &str, shape: Shape) -> Result<Var<'g>, HandlerError> {
        self.part(name).unconstrained(name, shape)
    }

    fn sample(&self, site: &Declared<'_, 'g>) -> Result<Sampled<'g>, HandlerError> {
        let mut sampled = from_unconstrained(self, site)?;
        // A point is the mode in the model's own space, whatever maps it from the unconstrained one.
        if self.layout.has_point(site.name) {
            sampled.log_jacobian = Var::from(0.0);
            return Ok(sampled);
        }
        // Where the bijector is the identity, the guide of the site is independent normals.
        let (Some(Bijector::Identity), None, Some(normal)) =
            (site.bijector, site.rows, &self.normal)
        else {
            return Ok(sampled);
        };
        let Some((offset, local)) = (self.parts[0].site(site.name)).map(|s| (s.offset, s.local))
        else {
            return Ok(sampled);
        };
        let mean = normal.mean.view(offset, site.shape);
        let sd = normal.diagonal.view(offset, site.shape);
        if self.forms.expectations
            && let Some(expected) = site.distribution.expected_log_prob(mean, sd)
        {
            sampled.log_prob = expected.sum();
        }
        if let (true, true, Some(id)) = (self.forms.products, local, sampled.value.id()) {
            self.local.borrow_mut().insert(id, (mean, sd * sd));
        }
        Ok(sampled)
    }

    /// The product with a normal weight is normal given its input, and where every row has an input
    /// of its own, the products of different rows may have noise of their own (Kingma, Salimans and
    /// Welling 2015, "Variational dropout and the local reparameterization trick", equation 6). For
    /// any map whose coefficients are single elements of `x` its variance is the map of variances
    /// by squares.
    fn times(
        &self,
        weight: Var<'g>,
        x: Var<'g>,
        map: &dyn Fn(Var<'g>, Var<'g>) -> Var<'g>,
    ) -> Var<'g> {
        let known = weight
            .id()
            .and_then(|id| self.local.borrow().get(&id).copied());
        let (Some((mean, variance)), Some(graph), true) = (known, x.graph(), x.comes_from_rows())
        else {
            return map(weight, x);
        };
        let mean = map(mean, x);
        let sd = (map(variance, x * x) + TINY).sqrt();
        mean + sd * graph.noise(NoiseKind::Normal, (self.streams)(), mean.shape())
    }

    /// Given its scale, a scaled normal weight is normal.
    fn scale_weight(&self, weight: Var<'g>, scale: Var<'g>) -> Var<'g> {
        let scaled = scale * weight;
        let mut local = self.local.borrow_mut();
        let known = weight.id().and_then(|id| local.get(&id).copied());
        if let (Some((mean, variance)), Some(id)) = (known, scaled.id()) {
            local.insert(id, (scale * mean, scale * scale * variance));
        }
        scaled
    }
}

#[cfg(test)]
mod tests {
    use super::super::family::softplus;
    use super::*;
    use bayes_nn_autodiff::{Bindings, Graph, grad};

    const MEAN: [f64; 3] = [0.3, -1.0, 2.0];
    const RHO: [f64; 3] = [0.1, 0.7, -0.4];
    // The part on and above the diagonal must not count.
    const LOWER: [f64; 9] = [9.0, 9.0, 9.0, 0.5, 9.0, 9.0, -0.8, 1.5, 9.0];

    #[test]
    fn the_score_is_the_gradient_of_the_full_rank_log_density() {
        let graph = Graph::new();
        let step = Rc::new(Step::new(&graph));
        let sites = [Site::new("x", [3], 0)];
        let layout = Layout::new(Family::FullRank, &sites);
        let guide = Guide::new(&step, layout, Forms::default());
        let normal = guide.normal.as_ref().unwrap();
        let eps = graph.noise(NoiseKind::Normal, 0, [3]);
        // d log q / d eps = (D (I + M))^T d log q / d z.
        let product = (normal.draw * normal.score()).sum();
        let chained = grad(product, &[eps]).unwrap()[0];
        let direct = grad(guide.log_prob(), &[eps]).unwrap()[0];
        let bindings = Bindings::new()
            .bind(guide.blocks[0], &MEAN)
            .bind(guide.blocks[1], &RHO)
            .bind(guide.blocks[2], &LOWER)
            .seed(4);
        let outputs = [chained, direct, guide.draw().unwrap(), eps];
        let values = graph.evaluate(&outputs, &bindings).unwrap();
        for (chained, direct) in values[0].values().iter().zip(values[1].values()) {
            assert!((chained + direct).abs() < 1e-12);
        }
        let eps = values[3].values();
        let expected = 2.0 + softplus(-0.4) * (-0.8 * eps[0] + 1.5 * eps[1] + eps[2]);
        assert!((values[2].values()[2] - expected).abs() < 1e-12);
    }
}
