//! Tensors, and the value of each operation by one plain loop.

use std::sync::Arc;

use crate::{GraphError, Op, Reduction, Shape, Side, slide};

/// Values in a shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Shape,
    values: Arc<[f64]>,
}

impl Tensor {
    pub(crate) fn new(shape: Shape, values: Arc<[f64]>) -> Tensor {
        debug_assert_eq!(shape.elements(), values.len());
        Tensor { shape, values }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The elements in row-major order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

/// The number that all elements of a result are, where all those of each argument are one;
/// `first` is the shape of the first argument, `shape` that of the result.
pub(crate) fn of_numbers(
    op: Op,
    number: impl Fn(usize) -> Option<f64>,
    first: Shape,
    shape: Shape,
) -> Option<f64> {
    Some(match op {
        Op::Unary(f) => f.apply(number(0)?),
        Op::Binary(f) => f.apply(number(0)?, number(1)?),
        Op::Select => match (number(0)?, number(1)?, number(2)?) {
            (0.0, _, b) => b,
            (_, a, _) => a,
        },
        Op::Reduce { .. } if first.elements() == 0 => return None,
        Op::Reduce { kind, .. } => match kind {
            Reduction::Sum => number(0)? * (first.elements() / shape.elements()) as f64,
            Reduction::Max => number(0)?,
        },
        Op::Broadcast | Op::View { .. } | Op::Transpose => number(0)?,
        _ => return None,
    })
}

/// The most elements that are computed while a formula is written: half a gigabyte.
pub(crate) const AT_ONCE: usize = 1 << 26;

/// Whether the system has memory for so many numbers.
pub(crate) fn reservable(numbers: usize) -> bool {
    /// Fewer numbers are not worth asking for.
    const SMALL: usize = 1 << 20;
    numbers <= SMALL || Vec::<f64>::new().try_reserve_exact(numbers).is_ok()
}

pub(crate) fn filled(shape: Shape, value: impl FnMut(usize) -> f64) -> Tensor {
    Tensor::new(shape, (0..shape.elements()).map(value).collect())
}

/// Where element `index` of `shape` lies in a tensor of shape `own` that is broadcast to it.
fn source_index(index: usize, shape: Shape, own: Shape) -> usize {
    let mut rest = index;
    let mut stride = 1;
    let mut source = 0;
    for axis in (0..shape.rank()).rev() {
        let position = rest % shape[axis];
        rest /= shape[axis];
        let length = own.aligned(axis, shape.rank());
        if length != 1 {
            source += position * stride;
        }
        stride *= length;
    }
    source
}

/// The lengths before, of and after the axes `from..to`.
fn blocks(shape: Shape, from: usize, to: usize) -> (usize, usize, usize) {
    (
        shape[..from].iter().product(),
        shape[from..to].iter().product(),
        shape[to..].iter().product(),
    )
}

/// The result of an operation on known arguments.
pub(crate) fn apply(op: Op, arguments: &[&Tensor], shape: Shape) -> Result<Tensor, GraphError> {
    let element = |i: usize, index: usize| {
        let argument = arguments[i];
        argument.values[source_index(index, shape, argument.shape)]
    };
    Ok(match op {
        Op::Input(_) | Op::Constant(_) | Op::Noise { .. } | Op::Step | Op::Batch { .. } => {
            unreachable!("{op:?} has no arguments")
        }
        Op::Unary(f) => filled(shape, |i| f.apply(arguments[0].values[i])),
        Op::Binary(f) => filled(shape, |i| f.apply(element(0, i), element(1, i))),
        Op::Select => filled(shape, |i| {
            if element(0, i) != 0.0 {
                element(1, i)
            } else {
                element(2, i)
            }
        }),
        Op::MatMul {
            transpose_a,
            transpose_b,
        } => {
            let (a, b) = (arguments[0], arguments[1]);
            let inner = a.shape[usize::from(!transpose_a)];
            let columns = shape[1];
            filled(shape, |index| {
                let (i, j) = (index / columns, index % columns);
                (0..inner)
                    .map(|k| {
                        let left = if transpose_a {
                            k * a.shape[1] + i
                        } else {
                            i * a.shape[1] + k
                        };
                        let right = if transpose_b {
                            j * b.shape[1] + k
                        } else {
                            k * b.shape[1] + j
                        };
                        a.values[left] * b.values[right]
                    })
                    .sum()
            })
        }
        Op::ProductByGroup { result } => by_group(result, arguments, shape)?,
        Op::Cholesky => cholesky(arguments[0]),
        Op::TriangularSolve { transpose } => {
            let (triangle, right) = (arguments[0], arguments[1]);
            let [n, columns] = [shape[0], shape[1]];
            let mut x = right.values.to_vec();
            for step in 0..n {
                let i = if transpose { n - 1 - step } else { step };
                let known = if transpose { i + 1..n } else { 0..i };
                for column in 0..columns {
                    let terms = known.clone().map(|k| {
                        let place = if transpose { k * n + i } else { i * n + k };
                        triangle.values[place] * x[k * columns + column]
                    });
                    let rest = x[i * columns + column] - terms.sum::<f64>();
                    x[i * columns + column] = rest / triangle.values[i * n + i];
                }
            }
            Tensor::new(shape, x.into())
        }
        Op::Convolution {
            result,
            window,
            groups,
        } => {
            let given = [arguments[0], arguments[1]];
            slide::convolution(result, &window, groups, given, shape)
        }
        Op::Pool { window } => slide::pool(&window, arguments[0], arguments[1], shape),
        Op::Unpool { window } => slide::unpool(&window, arguments[0], arguments[1], shape),
        Op::Reduce { kind, from, to } => {
            let source = arguments[0];
            let (_, length, after) = blocks(source.shape, from, to);
            filled(shape, |index| {
                let (outer, inner) = (index / after, index % after);
                let terms =
                    (0..length).map(|k| source.values[(outer * length + k) * after + inner]);
                match kind {
                    Reduction::Sum => terms.sum(),
                    Reduction::Max => {
                        terms.fold(
                            f64::NEG_INFINITY,
                            |a, b| {
                                if a > b || a.is_nan() { a } else { b }
                            },
                        )
                    }
                }
            })
        }
        Op::Broadcast => filled(shape, |i| element(0, i)),
        Op::View { offset } => filled(shape, |i| arguments[0].values[offset + i]),
        Op::Transpose => filled(shape, |i| {
            arguments[0].values[(i % shape[1]) * shape[0] + i / shape[1]]
        }),
        Op::Concat { axis } => {
            let mut values = Vec::with_capacity(shape.elements());
            let (outer, ..) = blocks(shape, axis, axis + 1);
            for block in 0..outer {
                for argument in arguments {
                    let size = argument.values.len() / outer;
                    values.extend_from_slice(&argument.values[block * size..(block + 1) * size]);
                }
            }
            Tensor::new(shape, values.into())
        }
        Op::Gather { axis } => {
            let (source, index) = (arguments[0], arguments[1]);
            let (_, length, inner) = blocks(source.shape, axis, axis + 1);
            check_index(&index.values, length)?;
            let count = index.values.len();
            filled(shape, |i| {
                let (outer, k, j) = (i / inner / count, i / inner % count, i % inner);
                source.values[(outer * length + index.values[k] as usize) * inner + j]
            })
        }
        Op::Scatter { axis } => {
            let (source, index) = (arguments[0], arguments[1]);
            let (outer, length, inner) = blocks(shape, axis, axis + 1);
            check_index(&index.values, length)?;
            let count = index.values.len();
            let mut values = vec![0.0; shape.elements()];
            for block in 0..outer {
                for (k, &place) in index.values.iter().enumerate() {
                    for j in 0..inner {
                        values[(block * length + place as usize) * inner + j] +=
                            source.values[(block * count + k) * inner + j];
                    }
                }
            }
            Tensor::new(shape, values.into())
        }
        // The interpreter is the only rank.
        Op::AllReduceMean => arguments[0].clone(),
        Op::MeanOverDraws { .. } => unreachable!("means over draws are unrolled before"),
    })
}

/// The side `result` of products by groups, from its two others and the groups of rows, if they
/// have them.
fn by_group(result: Side, given: &[&Tensor], shape: Shape) -> Result<Tensor, GraphError> {
    let mut sides = [None; 3];
    for (side, tensor) in result.others().into_iter().zip(given) {
        sides[side as usize] = Some(*tensor);
    }
    let shape_of = |side: Side| sides[side as usize].map_or(shape, Tensor::shape);
    let [groups, outputs, inputs] = *shape_of(Side::Weight) else {
        unreachable!("weights have three axes");
    };
    let index = given.get(2).map(|index| index.values());
    if let Some(index) = index {
        check_index(index, groups)?;
    }
    let rows = shape_of(Side::Output).columns();
    let mut values = vec![0.0; shape.elements()];
    for block in 0..index.map_or(groups, |_| 1) {
        for row in 0..rows {
            let group = index.map_or(block, |index| index[row] as usize);
            for (output, input) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
                let at = [
                    (block * inputs + input) * rows + row,
                    (group * outputs + output) * inputs + input,
                    (block * outputs + output) * rows + row,
                ];
                let factors = sides.iter().zip(at);
                let factors = factors.filter_map(|(side, at)| Some(side.as_ref()?.values[at]));
                values[at[result as usize]] += factors.product::<f64>();
            }
        }
    }
    Ok(Tensor::new(shape, values.into()))
}

/// The factor; NaN in the rows of its triangle from the first pivot on that is not positive and
/// finite.
fn cholesky(matrix: &Tensor) -> Tensor {
    let n = matrix.shape[0];
    let mut factor = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let products = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]);
            let rest = matrix.values[i * n + j] - products.sum::<f64>();
            if i > j {
                factor[i * n + j] = rest / factor[j * n + j];
            } else if rest > 0.0 && rest < f64::INFINITY {
                factor[i * n + i] = rest.sqrt();
            } else {
                for row in i..n {
                    factor[row * n..][..=row].fill(f64::NAN);
                }
                return Tensor::new(matrix.shape, factor.into());
            }
        }
    }
    Tensor::new(matrix.shape, factor.into())
}

fn check_index(index: &[f64], length: usize) -> Result<(), GraphError> {
    let outside = |v: &f64| !(*v >= 0.0 && *v < length as f64 && v.fract() == 0.0);
    match index.iter().position(outside) {
        Some(position) => Err(GraphError::Index {
            index: index[position],
            position,
            length,
        }),
        None => Ok(()),
    }
}
