//! Rewrites: several instructions of a group become one, or a function is computed together with
//! its derivative (its slope).
//!
//! Each rule is a function that looks at one instruction and those before it; [`RULES`] is the
//! list, in the order in which they are tried. They hold for any backend. CUDA uses none: its
//! compiler contracts products by itself, and its text is one statement an instruction.

use bayes_nn_autodiff::{Binary, NoiseKind, Unary};

use super::{FusedGroup, Instruction};

/// What an instruction computes from its arguments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    /// Nothing: it names an operand or a number.
    Source,
    /// Nothing any more: the instruction that reads it computes it, too.
    Contracted,
    Unary(Unary),
    /// A function of one number and, for the [`Function::Slope`] that names it, its derivative.
    WithSlope(Unary),
    /// The derivative that an instruction before it has computed.
    Slope,
    Binary(Binary),
    /// `a b + c`; `a` is an array of elements.
    MulAdd,
    /// `c - a b`; `a` is an array of elements, `c` a constant.
    SubMul,
    /// `(1 - a a) b`; `a` is an array of elements.
    MulSlope,
    /// `(1 - a a) b c`; `a` is an array of elements.
    MulSlopeMul,
    Select,
    Noise(NoiseKind, u32),
}

impl Function {
    /// The number that belongs to it: the stream of noise, the order of a polygamma function.
    pub fn number(self) -> u32 {
        if let Function::Noise(_, number) | Function::Unary(Unary::Polygamma(number)) = self {
            return number;
        }
        0
    }
}

/// What an instruction computes, and the instructions that it reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rewritten {
    pub function: Function,
    pub arguments: Vec<usize>,
}

/// A rule: if it applies, it changes instruction `i` and removes those that become superfluous.
type Rule = fn(&mut Rewriter<'_>, i: usize) -> Option<()>;

/// The rules, in the order in which they are tried; the first that applies is the last for an
/// instruction.
const RULES: [Rule; 5] = [
    times_slope_of_tanh,
    product_and_addend,
    constant_less_product,
    log_sigmoid_and_slope,
    softplus_and_slope,
];

/// The instructions of a group, rewritten by all rules.
pub(crate) fn rewrite(group: &FusedGroup) -> Vec<Rewritten> {
    rewrite_by(&RULES, group)
}

fn rewrite_by(rules: &[Rule], group: &FusedGroup) -> Vec<Rewritten> {
    let mut rewriter = Rewriter::new(group);
    for i in 0..group.instructions.len() {
        let mut rules = rules.iter();
        let _ = rules.find_map(|rule| rule(&mut rewriter, i));
    }
    rewriter.instructions
}

struct Rewriter<'a> {
    group: &'a FusedGroup,
    /// How many instructions, stores and reductions read each instruction, as it was.
    readers: Vec<usize>,
    instructions: Vec<Rewritten>,
}

impl<'a> Rewriter<'a> {
    fn new(group: &'a FusedGroup) -> Rewriter<'a> {
        let mut readers = vec![0; group.instructions.len()];
        let arguments = group.instructions.iter().flat_map(Instruction::arguments);
        let stored = group.stores.iter().map(|store| store.register);
        let reduced = group.reductions.iter().map(|r| r.register);
        for register in arguments.chain(stored).chain(reduced) {
            readers[register] += 1;
        }
        let plain = group.instructions.iter().map(|instruction| Rewritten {
            function: match *instruction {
                Instruction::Load(_) | Instruction::Constant(_) | Instruction::Step => {
                    Function::Source
                }
                Instruction::Unary(f, _) => Function::Unary(f),
                Instruction::Binary(f, ..) => Function::Binary(f),
                Instruction::Select(..) => Function::Select,
                Instruction::Noise { kind, stream } => Function::Noise(kind, stream),
            },
            arguments: instruction.arguments().collect(),
        });
        Rewriter {
            instructions: plain.collect(),
            group,
            readers,
        }
    }

    fn set(&mut self, i: usize, function: Function, arguments: &[usize]) {
        self.instructions[i] = Rewritten {
            function,
            arguments: arguments.to_vec(),
        };
    }

    fn contract(&mut self, i: usize) {
        self.set(i, Function::Contracted, &[]);
    }

    /// The arguments of an instruction, if it is still this function of so many.
    fn are<const N: usize>(&self, i: usize, function: Function) -> Option<[usize; N]> {
        let Rewritten {
            function: own,
            arguments,
        } = &self.instructions[i];
        (*own == function).then(|| arguments.as_slice().try_into().ok())?
    }

    /// The constant that an instruction is.
    fn constant(&self, i: usize) -> Option<f64> {
        if let Instruction::Constant(number) = self.group.instructions[i] {
            return Some(number);
        }
        None
    }

    /// Whether an instruction gives one number for all elements of a row.
    fn is_number(&self, i: usize) -> bool {
        match self.group.instructions[i] {
            Instruction::Load(operand) => !self.group.operands[operand].access.advances,
            Instruction::Constant(_) | Instruction::Step => true,
            Instruction::Noise { .. }
            | Instruction::Unary(..)
            | Instruction::Binary(..)
            | Instruction::Select(..) => false,
        }
    }

    /// The factors of a product that only one instruction reads, an array of elements first.
    fn factors(&self, i: usize) -> Option<[usize; 2]> {
        let [a, b] = self.are(i, Function::Binary(Binary::Mul))?;
        match (self.readers[i] == 1, self.is_number(a), self.is_number(b)) {
            (false, ..) | (_, true, true) => None,
            (true, false, _) => Some([a, b]),
            (true, true, false) => Some([b, a]),
        }
    }

    /// The instruction before number `i` that is this function of `of`.
    fn earlier(&self, i: usize, function: Unary, of: usize) -> Option<usize> {
        let is = |at: &usize| self.are(*at, Function::Unary(function)) == Some([of]);
        (0..i).find(is)
    }
}

/// `(1 - a a) b`, the slope of a hyperbolic tangent times what it is multiplied by, and the
/// factors of that, if only this reads them.
fn times_slope_of_tanh(rewriter: &mut Rewriter<'_>, i: usize) -> Option<()> {
    let [x, y] = rewriter.are(i, Function::Binary(Binary::Mul))?;
    let slope = |i: usize| {
        let [a, b, c] = rewriter.are(i, Function::SubMul)?;
        let is_slope = a == b && rewriter.constant(c) == Some(1.0) && rewriter.readers[i] == 1;
        is_slope.then_some(a)
    };
    let (contracted, a, factor) = match (slope(y), slope(x)) {
        (Some(a), _) => (y, a, x),
        (None, Some(a)) => (x, a, y),
        (None, None) => return None,
    };
    rewriter.contract(contracted);
    match rewriter.factors(factor) {
        Some([b, c]) => {
            rewriter.contract(factor);
            rewriter.set(i, Function::MulSlopeMul, &[a, b, c]);
        }
        None => rewriter.set(i, Function::MulSlope, &[a, factor]),
    }
    Some(())
}

/// `a b + c`, rounded once; only if nothing else reads the product.
fn product_and_addend(rewriter: &mut Rewriter<'_>, i: usize) -> Option<()> {
    let [x, y] = rewriter.are(i, Function::Binary(Binary::Add))?;
    let (product, [a, b], c) = match (rewriter.factors(x), rewriter.factors(y)) {
        (Some(factors), _) => (x, factors, y),
        (None, Some(factors)) => (y, factors, x),
        (None, None) => return None,
    };
    rewriter.contract(product);
    rewriter.set(i, Function::MulAdd, &[a, b, c]);
    Some(())
}

/// `c - a b` of a constant, rounded once. Other differences are left alone: of two equal products,
/// one of them not rounded, the difference would not be zero.
fn constant_less_product(rewriter: &mut Rewriter<'_>, i: usize) -> Option<()> {
    let [c, product] = rewriter.are(i, Function::Binary(Binary::Sub))?;
    rewriter.constant(c)?;
    let [a, b] = rewriter.factors(product)?;
    rewriter.contract(product);
    rewriter.set(i, Function::SubMul, &[a, b, c]);
    Some(())
}

/// The logarithm of the logistic function, and the logistic function of the negative, which is its
/// derivative.
fn log_sigmoid_and_slope(rewriter: &mut Rewriter<'_>, i: usize) -> Option<()> {
    let [of] = rewriter.are(i, Function::Unary(Unary::Sigmoid))?;
    let [x] = rewriter.are(of, Function::Unary(Unary::Neg))?;
    let value = rewriter.earlier(i, Unary::LogSigmoid, x)?;
    rewriter.set(value, Function::WithSlope(Unary::LogSigmoid), &[x]);
    rewriter.set(i, Function::Slope, &[value]);
    if rewriter.readers[of] == 1 {
        rewriter.contract(of);
    }
    Some(())
}

/// Softplus, and the logistic function of the same number, which is its derivative.
fn softplus_and_slope(rewriter: &mut Rewriter<'_>, i: usize) -> Option<()> {
    let [of] = rewriter.are(i, Function::Unary(Unary::Sigmoid))?;
    let value = rewriter.earlier(i, Unary::Softplus, of)?;
    rewriter.set(value, Function::WithSlope(Unary::Softplus), &[of]);
    rewriter.set(i, Function::Slope, &[value]);
    Some(())
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::{Graph, Var};

    use super::*;
    use crate::plan::{Pass, Plan};

    const MUL: Function = Function::Binary(Binary::Mul);
    const ADD: Function = Function::Binary(Binary::Add);
    const SUB: Function = Function::Binary(Binary::Sub);

    /// The functions of the first group that computes `output`, after these rules.
    fn after(rules: &[Rule], graph: &Graph, output: Var<'_>) -> Vec<Function> {
        let plan = Plan::new(graph, &[output], &[]).unwrap();
        let group = plan.passes.iter().find_map(Pass::group).unwrap();
        rewrite_by(rules, group)
            .into_iter()
            .map(|rewritten| rewritten.function)
            .filter(|f| !matches!(f, Function::Source | Function::Contracted))
            .collect()
    }

    fn inputs(graph: &Graph) -> (Var<'_>, Var<'_>) {
        (graph.input("x", [100]), graph.input("y", [100]))
    }

    #[test]
    fn a_product_joins_an_addition_that_alone_reads_it() {
        let graph = Graph::new();
        let (x, y) = inputs(&graph);
        let after = |output| after(&[product_and_addend], &graph, output);
        assert_eq!(after(x * y + y), [Function::MulAdd]);
        assert_eq!(after(x * 2.0 + y), [Function::MulAdd]);
        assert_eq!(after(x * x - y * y), [MUL, MUL, SUB]);
        let shared = x * y;
        assert_eq!(after((shared + x) * shared), [MUL, ADD, MUL]);
    }

    #[test]
    fn a_product_joins_its_difference_from_a_constant() {
        let graph = Graph::new();
        let (x, y) = inputs(&graph);
        let after = |output| after(&[constant_less_product], &graph, output);
        assert_eq!(after(1.0 - x * x), [Function::SubMul]);
        assert_eq!(after(y - x * x), [MUL, SUB]);
    }

    #[test]
    fn the_slope_of_a_hyperbolic_tangent_joins_its_product() {
        let graph = Graph::new();
        let (x, y) = inputs(&graph);
        let rules: [Rule; 2] = [times_slope_of_tanh, constant_less_product];
        let after = |output| after(&rules, &graph, output);
        assert_eq!(after((1.0 - x * x) * y), [Function::MulSlope]);
        assert_eq!(after(y * (1.0 - x * x)), [Function::MulSlope]);
        assert_eq!(after((1.0 - x * x) * (x * y)), [Function::MulSlopeMul]);
        assert_eq!(after(y * (2.0 - x * x)), [Function::SubMul, MUL]);
    }

    #[test]
    fn softplus_is_computed_with_its_slope() {
        let graph = Graph::new();
        let (x, _) = inputs(&graph);
        let after = |output| after(&[softplus_and_slope], &graph, output);
        let paired = [Function::WithSlope(Unary::Softplus), Function::Slope, MUL];
        assert_eq!(after(x.softplus() * x.sigmoid()), paired);
        let negative = -x;
        let negated = [&[Function::Unary(Unary::Neg)], &paired[..]].concat();
        assert_eq!(after(negative.softplus() * negative.sigmoid()), negated);
    }

    #[test]
    fn the_logarithm_of_the_logistic_function_is_computed_with_its_slope() {
        let graph = Graph::new();
        let (x, _) = inputs(&graph);
        let after = |output| after(&[log_sigmoid_and_slope], &graph, output);
        let paired = [Function::WithSlope(Unary::LogSigmoid), Function::Slope, MUL];
        assert_eq!(after(x.log_sigmoid() * (-x).sigmoid()), paired);
        let (value, other) = (Unary::LogSigmoid, Unary::Sigmoid);
        let unpaired = [Function::Unary(value), Function::Unary(other), MUL];
        assert_eq!(after(x.log_sigmoid() * x.sigmoid()), unpaired);
    }

    #[test]
    fn all_rules_together_leave_one_instruction_to_each_reader() {
        let graph = Graph::new();
        let (x, y) = inputs(&graph);
        let output = y * (1.0 - x * x) + y;
        assert_eq!(after(&RULES, &graph, output), [Function::MulSlope, ADD]);
    }
}
