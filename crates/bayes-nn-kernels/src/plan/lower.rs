//! Lowering: the nodes of a graph become passes, and values in memory where a pass needs them.
//!
//! Views cost a pass only where something needs the elements in memory in an order that no layout
//! gives.

use std::sync::Arc;

use bayes_nn_autodiff::{InputInfo, Kind, Op, Shape};

use super::draft::DraftValue;
use super::fuse::Fusion;
use super::layout::Layout;
use super::request::Asked;
use super::views::Views;
use super::{Input, MatMul, Pass, ReduceMiddle, Selection, TriangularSolve, ValueId};

pub(super) struct Lowering<'a> {
    pub views: Views<'a>,
    pub fusion: Fusion,
    /// The value that holds a node's elements, of nodes that are kept in memory.
    pub value_of: Vec<Option<ValueId>>,
    pub values: Vec<DraftValue>,
    pub inputs: Vec<Input>,
    pub constants: Vec<(ValueId, Arc<[f64]>)>,
    /// Whether a value is an input or a constant.
    pub given: Vec<bool>,
    names: Vec<InputInfo>,
    asked: &'a Asked,
    /// Whether every use of a node reads its elements without regard to rows, so that padded rows
    /// would only force a copy.
    flat: Vec<bool>,
    /// The transpose of a node, and the pass that writes it.
    transposes: Vec<Option<(ValueId, usize)>>,
}

impl<'a> Lowering<'a> {
    /// Nothing lowered yet of a graph whose `live` nodes are needed.
    pub fn new(views: Views<'a>, live: &[bool], asked: &'a Asked) -> Lowering<'a> {
        let count = views.nodes.len();
        Lowering {
            fusion: Fusion::new(count),
            value_of: vec![None; count],
            values: Vec::new(),
            inputs: Vec::new(),
            constants: Vec::new(),
            given: Vec::new(),
            names: views.graph.inputs(),
            flat: views.flat_uses(live),
            transposes: vec![None; count],
            views,
            asked,
        }
    }

    pub fn argument(&self, node: usize, i: usize) -> usize {
        self.views.argument(node, i)
    }

    fn new_value(&mut self, shape: Shape, kind: Kind, layout: Layout) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        self.given.push(false);
        self.values.push(DraftValue {
            shape,
            kind,
            layout,
            within: None,
        });
        id
    }

    /// The value that holds a node's elements; from now on the node is kept in memory.
    pub fn memory(&mut self, node: usize) -> ValueId {
        if let Some(value) = self.value_of[node] {
            return value;
        }
        let (op, shape, kind) = self.node(node);
        if let Op::View { offset } = op {
            return self.view(node, offset);
        }
        let layout = match self.flat[node] {
            true => Layout::contiguous(&shape),
            false => Layout::padded(&shape),
        };
        let value = self.new_value(shape, kind, layout);
        self.value_of[node] = Some(value);
        match op {
            Op::Input(id) => {
                self.given[value.index()] = true;
                self.inputs.push(Input {
                    name: self.names[id.index()].name.clone(),
                    id,
                    value,
                    role: self.asked.role(node),
                    hoisted: false,
                });
            }
            Op::Constant(id) => {
                let values = self.views.graph.constant_values(id);
                self.constant(value, values);
            }
            // Groups compute such a node where they read it; here it has to be in memory.
            Op::Broadcast => match self.views.number(self.argument(node, 0)) {
                Some(number) => self.constant(value, vec![number; shape.elements()].into()),
                None => self.fusion.join(&self.views, node),
            },
            Op::Step => self.fusion.join(&self.views, node),
            Op::Noise { .. }
            | Op::Batch { .. }
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::Select
            | Op::View { .. }
            | Op::Reduce { .. }
            | Op::Concat { .. }
            | Op::Transpose
            | Op::MatMul { .. }
            | Op::ProductByGroup { .. }
            | Op::Cholesky
            | Op::TriangularSolve { .. }
            | Op::Convolution { .. }
            | Op::Pool { .. }
            | Op::Unpool { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. }
            | Op::AllReduceMean
            | Op::MeanOverDraws { .. } => {}
        }
        value
    }

    /// The value of a view, in the memory of what it looks into.
    fn view(&mut self, node: usize, offset: usize) -> ValueId {
        let (_, shape, kind) = self.node(node);
        let within = self.memory(self.argument(node, 0));
        let view = self.values[within.index()].layout.view(offset, &shape);
        let (start, layout) = view.expect("views without a layout are copied when visited");
        let value = self.new_value(shape, kind, layout);
        self.values[value.index()].within = Some((within, start));
        self.value_of[node] = Some(value);
        value
    }

    /// The values that an operation reads, and the one that it writes.
    pub fn operands<const N: usize>(&mut self, node: usize) -> ([ValueId; N], ValueId) {
        let read = std::array::from_fn(|i| self.memory(self.argument(node, i)));
        (read, self.memory(node))
    }

    fn node(&self, node: usize) -> (Op, Shape, Kind) {
        let node = &self.views.nodes[node];
        (node.op, node.shape, node.kind)
    }

    fn constant(&mut self, value: ValueId, values: Arc<[f64]>) {
        self.given[value.index()] = true;
        self.constants.push((value, values));
    }

    pub fn push(&mut self, node: usize, pass: Pass) {
        self.fusion.at[node] = Some(self.fusion.push(pass));
    }

    /// Notes the value of a node and the pass that writes it.
    fn made(&mut self, node: usize, (value, pass): (ValueId, usize)) {
        (self.value_of[node], self.fusion.at[node]) = (Some(value), Some(pass));
    }

    /// The rows into which a value is copied, one a step.
    pub fn record(&mut self, source: ValueId, rows: usize) -> ValueId {
        let DraftValue { shape, kind, .. } = self.values[source.index()];
        let shape = Shape::from([rows, shape.elements()]);
        let out = self.new_value(shape, kind, Layout::contiguous(&shape));
        self.fusion.push(Pass::Record { source, rows, out });
        out
    }

    /// A pass that copies from `source` into a value of the shape of `node`, and its number.
    pub fn copy(&mut self, source: ValueId, offset: usize, node: usize) -> (ValueId, usize) {
        let (_, shape, kind) = self.node(node);
        let out = self.new_value(shape, kind, Layout::padded(&shape));
        let pass = self.fusion.push(Pass::Copy {
            source,
            offset,
            out,
        });
        (out, pass)
    }

    /// Says how a node is computed; its arguments have been visited.
    pub fn visit(&mut self, node: usize) {
        let (op, shape, _) = self.node(node);
        match op {
            Op::Input(_) => {
                self.memory(node);
            }
            Op::Constant(_) | Op::Step => {}
            Op::Noise { .. } | Op::Unary(_) | Op::Binary(_) | Op::Select => {
                self.fusion.join(&self.views, node);
            }
            Op::Broadcast => self.fusion.at[node] = self.fusion.at[self.argument(node, 0)],
            Op::View { offset } => {
                let source = self.argument(node, 0);
                if self.views.is_unit_view(node) {
                    self.fusion.at[node] = self.fusion.at[source];
                    return;
                }
                let memory = self.memory(source);
                self.fusion.at[node] = self.fusion.at[source];
                let layout = self.values[memory.index()].layout;
                if layout.view(offset, &shape).is_none() {
                    let copy = self.copy(memory, offset, node);
                    self.made(node, copy);
                }
            }
            Op::Reduce { kind, from, to } => {
                let source = self.argument(node, 0);
                let whole = self.views.shape(source);
                let inner: usize = whole[to..].iter().product();
                if inner == 1 {
                    self.fusion.join(&self.views, node);
                    return;
                }
                let ([source], out) = self.operands(node);
                let reduce = ReduceMiddle {
                    kind,
                    source,
                    out,
                    outer: whole[..from].iter().product(),
                    length: whole[from..to].iter().product(),
                };
                self.push(node, Pass::ReduceMiddle(reduce));
            }
            Op::MatMul {
                transpose_a,
                transpose_b,
            } => self.matmul(node, transpose_a, transpose_b),
            Op::ProductByGroup { result } => self.product_by_group(node, result),
            Op::Cholesky => {
                let ([matrix], out) = self.operands(node);
                self.push(node, Pass::Cholesky { matrix, out });
            }
            Op::TriangularSolve { transpose } => {
                let ([triangle, right], out) = self.operands(node);
                let solve = TriangularSolve {
                    triangle,
                    right,
                    out,
                    transpose,
                };
                self.push(node, Pass::TriangularSolve(solve));
            }
            Op::Convolution {
                result,
                window,
                groups,
            } => self.convolution(node, result, window, groups),
            Op::Pool { window } => self.pool(node, window, Pass::Pool),
            Op::Unpool { window } => self.pool(node, window, Pass::Unpool),
            Op::Transpose => {
                let made = self.transposed(self.argument(node, 0));
                self.made(node, made);
            }
            Op::Concat { axis } => self.concat(node, axis),
            Op::Gather { axis } => {
                let pass = Pass::Gather(self.selection(node, axis));
                self.push(node, pass);
            }
            Op::Scatter { axis } => {
                let pass = Pass::Scatter(self.selection(node, axis));
                self.push(node, pass);
            }
            Op::Batch { rows, stream } => {
                let out = self.memory(node);
                self.push(node, Pass::Batch { rows, stream, out });
            }
            Op::AllReduceMean => {
                let source = self.memory(self.argument(node, 0));
                // The memory of the value goes to the other ranks as it is, paddings included.
                let layout = self.values[source.index()].layout;
                let out = self.new_value(shape, Kind::Float, layout);
                self.value_of[node] = Some(out);
                self.push(node, Pass::AllReduceMean { source, out });
            }
            Op::MeanOverDraws { .. } => {
                let ([source], out) = self.operands(node);
                self.push(node, Pass::MeanOverDraws { source, out });
            }
        }
    }

    fn selection(&mut self, node: usize, axis: usize) -> Selection {
        let ([source, index], out) = self.operands(node);
        Selection {
            source,
            index,
            out,
            axis,
        }
    }

    /// The transpose of a matrix in memory, made once, and the pass that writes it.
    fn transposed(&mut self, source: usize) -> (ValueId, usize) {
        if let Some(made) = self.transposes[source] {
            return made;
        }
        let from = self.memory(source);
        let (_, shape, kind) = self.node(source);
        let shape = Shape::from([shape[1], shape[0]]);
        let out = self.new_value(shape, kind, Layout::padded(&shape));
        let pass = self.fusion.push(Pass::Transpose { source: from, out });
        self.transposes[source] = Some((out, pass));
        (out, pass)
    }

    fn matmul(&mut self, node: usize, transpose_left: bool, transpose_right: bool) {
        let (left, right) = (self.argument(node, 0), self.argument(node, 1));
        let [m, n] = *self.views.shape(node) else {
            unreachable!("a product is a matrix");
        };
        let k = self.views.shape(left)[usize::from(!transpose_left)];
        let ([left, right_value], out) = self.operands(node);
        let mut product = MatMul {
            left,
            right: right_value,
            out,
            transpose_left,
            transpose_right,
            m,
            n,
            k,
        };
        // With both transposed neither the columns of the product nor the sum over k run
        // along memory; one copy mends that. A vector is its own transpose.
        let both = transpose_left && transpose_right && m > 1 && n > 1 && k > 1;
        if both && !product.is_large() {
            product.right = self.transposed(right).0;
            product.transpose_right = false;
        }
        self.push(node, Pass::MatMul(product));
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, Var};

    use crate::plan::{Pass, Plan};

    /// The kinds of the passes that compute `output`.
    fn kinds(graph: &Graph, output: Var<'_>) -> Vec<&'static str> {
        let plan = Plan::new(graph, &[output], &[]).unwrap();
        let kind = |pass: &Pass| match pass {
            Pass::Fused(_) => "group",
            Pass::MatMul(_) => "product",
            Pass::ProductByGroup(_) => "product by group",
            Pass::Cholesky { .. } => "factor",
            Pass::TriangularSolve { .. } => "solve",
            Pass::Convolution(_) => "convolution",
            Pass::Pool(_) => "pool",
            Pass::Unpool(_) => "unpool",
            Pass::ReduceMiddle { .. } => "reduce",
            Pass::Copy { .. } => "copy",
            Pass::Transpose { .. } => "transpose",
            Pass::Concat { .. } => "concat",
            Pass::Gather { .. } => "gather",
            Pass::Scatter { .. } => "scatter",
            Pass::Batch { .. } => "batch",
            Pass::AllReduceMean { .. } => "mean",
            Pass::MeanOverDraws { .. } => "mean over draws",
            Pass::Record { .. } => "record",
        };
        plan.passes.iter().map(kind).collect()
    }

    #[test]
    fn a_sum_over_the_last_axis_joins_a_group_and_one_over_others_is_a_pass() {
        let graph = Graph::new();
        let x = graph.input("x", [40, 50]);
        assert_eq!(kinds(&graph, x.exp().sum_axis(1)), ["group"]);
        assert_eq!(kinds(&graph, x.exp().sum_axis(0)), ["group", "reduce"]);
    }

    #[test]
    fn a_view_is_copied_where_no_layout_gives_its_order() {
        let graph = Graph::new();
        let x = graph.input("x", [4, 50]);
        assert_eq!(kinds(&graph, x.view(50, [2, 50]).exp()), ["group"]);
        let part = x.view(20, [2, 30]).exp().sum();
        assert!(kinds(&graph, part + x.sum()).contains(&"copy"));
    }

    #[test]
    fn a_product_of_two_transposes_needs_one_copy() {
        let graph = Graph::new();
        let (a, b) = (graph.input("a", [5, 3]), graph.input("b", [4, 5]));
        let product = a.t().matmul(b.t());
        assert_eq!(kinds(&graph, product), ["transpose", "product"]);
    }
}
