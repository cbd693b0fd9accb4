//! Contraction: a product that only one addition reads becomes part of it, rounded once and never
//! stored; the slope of a hyperbolic tangent becomes part of the product that reads it, with that
//! one's factors; softplus, or the logarithm of the logistic function, and its slope are computed
//! together.

use bayes_nn_autodiff::{Binary, NoiseKind, Unary};

use crate::plan::{FusedGroup, Instruction};

/// What an instruction computes from its arguments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// Nothing: it names an operand or a number.
    Source,
    /// Nothing any more: whoever reads it computes it.
    Contracted,
    Unary(Unary),
    /// A function of one number and, for the [`Function::Slope`] that names it, its derivative.
    WithSlope(Unary),
    /// The derivative that an instruction before it has computed.
    Slope,
    Binary(Binary),
    /// `a b + c`; `a` is a run of elements.
    MulAdd,
    /// `c - a b`; `a` is a run of elements, `c` a constant.
    SubMul,
    /// `(1 - a a) b`; `a` is a run of elements.
    MulSlope,
    /// `(1 - a a) b c`; `a` is a run of elements.
    MulSlopeMul,
    Select,
    Noise(NoiseKind, u32),
}

/// What an instruction computes, and the instructions that it reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lowered {
    pub function: Function,
    pub arguments: Vec<usize>,
}

/// The instructions of a group with products contracted.
///
/// Differences are left alone unless they are taken from a constant: of two equal products, one of
/// them not rounded, the difference would not be zero.
pub(super) fn lower(group: &FusedGroup) -> Vec<Lowered> {
    let mut readers = vec![0; group.instructions.len()];
    for argument in group.instructions.iter().flat_map(Instruction::arguments) {
        readers[argument] += 1;
    }
    for register in
        (group.stores.iter().map(|s| s.register)).chain(group.reductions.iter().map(|r| r.register))
    {
        readers[register] += 1;
    }
    let is_number = |i: usize| match group.instructions[i] {
        Instruction::Load(operand) => !group.operands[operand].access.advances,
        Instruction::Constant(_) | Instruction::Step => true,
        _ => false,
    };
    // The factors of a product that only one instruction reads, a run of elements first.
    let factors = |of: &Lowered, i: usize| match (&of.function, group.instructions[i]) {
        (Function::Binary(Binary::Mul), Instruction::Binary(_, a, b)) if readers[i] == 1 => {
            match (is_number(a), is_number(b)) {
                (false, _) => Some((a, b)),
                (_, false) => Some((b, a)),
                _ => None,
            }
        }
        _ => None,
    };
    let is_one = |i: usize| matches!(group.instructions[i], Instruction::Constant(c) if c == 1.0);
    let mut lowered: Vec<Lowered> = Vec::with_capacity(group.instructions.len());
    for instruction in &group.instructions {
        // What is contracted once more: the run of which it is the slope.
        let slope = |i: usize| match (&lowered[i].function, lowered[i].arguments.as_slice()) {
            (Function::SubMul, &[a, b, c]) if a == b && is_one(c) && readers[i] == 1 => Some(a),
            _ => None,
        };
        if let Instruction::Binary(Binary::Mul, x, y) = *instruction
            && let Some((contracted, a, factor)) = slope(y)
                .map(|a| (y, a, x))
                .or_else(|| slope(x).map(|a| (x, a, y)))
        {
            lowered[contracted] = Lowered {
                function: Function::Contracted,
                arguments: Vec::new(),
            };
            let joined = match factors(&lowered[factor], factor) {
                Some((b, c)) => {
                    lowered[factor] = Lowered {
                        function: Function::Contracted,
                        arguments: Vec::new(),
                    };
                    Lowered {
                        function: Function::MulSlopeMul,
                        arguments: vec![a, b, c],
                    }
                }
                None => Lowered {
                    function: Function::MulSlope,
                    arguments: vec![a, factor],
                },
            };
            lowered.push(joined);
            continue;
        }
        let contraction = match *instruction {
            Instruction::Binary(Binary::Add, x, y) => factors(&lowered[x], x)
                .map(|product| (Function::MulAdd, x, product, y))
                .or_else(|| {
                    factors(&lowered[y], y).map(|product| (Function::MulAdd, y, product, x))
                }),
            Instruction::Binary(Binary::Sub, c, y)
                if matches!(group.instructions[c], Instruction::Constant(_)) =>
            {
                factors(&lowered[y], y).map(|product| (Function::SubMul, y, product, c))
            }
            _ => None,
        };
        if let Some((function, product, (a, b), c)) = contraction {
            lowered[product] = Lowered {
                function: Function::Contracted,
                arguments: Vec::new(),
            };
            lowered.push(Lowered {
                function,
                arguments: vec![a, b, c],
            });
            continue;
        }
        lowered.push(Lowered {
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
    }
    pair_slopes(&mut lowered, &readers);
    lowered
}

/// Has softplus and the logarithm of the logistic function compute their derivatives, where these
/// are wanted too: the logistic function of the same argument, or of its negative.
fn pair_slopes(lowered: &mut [Lowered], readers: &[usize]) {
    for i in 0..lowered.len() {
        let (Function::Unary(Unary::Sigmoid), &[of]) =
            (lowered[i].function, lowered[i].arguments.as_slice())
        else {
            continue;
        };
        let value = |function, of: usize| {
            let wanted = Lowered {
                function: Function::Unary(function),
                arguments: vec![of],
            };
            let value = lowered[..i].iter().position(|l| *l == wanted)?;
            Some((value, function))
        };
        let negated = match (lowered[of].function, lowered[of].arguments.as_slice()) {
            (Function::Unary(Unary::Neg), &[x]) => value(Unary::LogSigmoid, x),
            _ => None,
        };
        let Some((value, function)) = negated.or_else(|| value(Unary::Softplus, of)) else {
            continue;
        };
        lowered[value].function = Function::WithSlope(function);
        lowered[i] = Lowered {
            function: Function::Slope,
            arguments: vec![value],
        };
        if negated.is_some() && readers[of] == 1 {
            lowered[of] = Lowered {
                function: Function::Contracted,
                arguments: Vec::new(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::Graph;

    use super::*;
    use crate::plan::{Pass, Plan};

    /// The functions that the first group of a plan computes.
    fn functions(plan: &Plan) -> Vec<Function> {
        let group = plan.passes.iter().find_map(|step| match step {
            Pass::Fused(group) => Some(group),
            _ => None,
        });
        lower(group.unwrap())
            .into_iter()
            .map(|l| l.function)
            .filter(|f| !matches!(f, Function::Source | Function::Contracted))
            .collect()
    }

    #[test]
    fn products_join_additions_but_not_differences_of_products() {
        let graph = Graph::new();
        let (x, y) = (graph.input("x", [100]), graph.input("y", [100]));
        let plan = |output| Plan::new(&graph, &[output], &[]).unwrap();
        assert_eq!(functions(&plan(x * y + y)), [Function::MulAdd]);
        assert_eq!(functions(&plan(1.0 - x * x)), [Function::SubMul]);
        assert_eq!(functions(&plan((1.0 - x * x) * y)), [Function::MulSlope]);
        assert_eq!(functions(&plan(y * (1.0 - x * x))), [Function::MulSlope]);
        assert_eq!(
            functions(&plan((1.0 - x * x) * (x * y))),
            [Function::MulSlopeMul]
        );
        assert_eq!(
            functions(&plan(y * (1.0 - x * x) + y)),
            [Function::MulSlope, Function::Binary(Binary::Add)]
        );
        let mul = Function::Binary(Binary::Mul);
        assert_eq!(
            functions(&plan(x * x - y * y)),
            [mul, mul, Function::Binary(Binary::Sub)]
        );
        assert_eq!(
            functions(&plan(x.log_sigmoid() * (-x).sigmoid())),
            [Function::WithSlope(Unary::LogSigmoid), Function::Slope, mul]
        );
        assert_eq!(
            functions(&plan(x.softplus() * x.sigmoid())),
            [Function::WithSlope(Unary::Softplus), Function::Slope, mul]
        );
        assert_eq!(
            functions(&plan(x.log_sigmoid() * x.sigmoid())),
            [
                Function::Unary(Unary::LogSigmoid),
                Function::Unary(Unary::Sigmoid),
                mul
            ]
        );
        let shared = x * y;
        assert_eq!(
            functions(&plan((shared + x) * shared)),
            [mul, Function::Binary(Binary::Add), mul]
        );
    }

    #[test]
    fn a_slope_is_found_by_the_argument_that_it_is_written_with() {
        let graph = Graph::new();
        let x = -graph.input("x", [100]);
        let plan = Plan::new(&graph, &[x.softplus() * x.sigmoid()], &[]).unwrap();
        assert_eq!(
            functions(&plan),
            [
                Function::Unary(Unary::Neg),
                Function::WithSlope(Unary::Softplus),
                Function::Slope,
                Function::Binary(Binary::Mul)
            ]
        );
    }
}
