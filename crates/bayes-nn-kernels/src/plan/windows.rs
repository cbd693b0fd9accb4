//! Convolutions and pools as passes.

use bayes_nn_autodiff::{Side, Window};

use super::lower::Lowering;
use super::{Pass, ValueId};

/// A convolution, of which one side is computed from the two others.
#[derive(Clone, Debug)]
pub struct Convolution {
    /// The side that is computed.
    pub result: Side,
    /// What moves over the images.
    pub window: Window,
    /// Into how many groups channels and outputs are cut.
    pub groups: usize,
    /// Inputs, weights and outputs.
    pub sides: [ValueId; 3],
}

impl Convolution {
    /// The value of a side.
    pub fn value(&self, side: Side) -> ValueId {
        self.sides[side as usize]
    }
}

/// A pool over `[channels, height, width, rows]`, or its adjoint.
#[derive(Clone, Debug)]
pub struct Pool {
    /// What moves over the images.
    pub window: Window,
    /// The images whose elements are compared.
    pub keys: ValueId,
    /// What is taken, or added.
    pub source: ValueId,
    /// To where.
    pub out: ValueId,
}

impl Lowering<'_> {
    pub fn convolution(&mut self, node: usize, result: Side, window: Window, groups: usize) {
        let sides = self.sides(node, result);
        let convolution = Convolution {
            result,
            window,
            groups,
            sides,
        };
        self.push(node, Pass::Convolution(convolution));
    }

    /// The values of inputs, weights and outputs, of which a node computes `result` from its first
    /// two arguments.
    pub fn sides(&mut self, node: usize, result: Side) -> [ValueId; 3] {
        let (read, out) = self.operands::<2>(node);
        let mut sides = [out; 3];
        for (side, value) in result.others().into_iter().zip(read) {
            sides[side as usize] = value;
        }
        sides
    }

    /// A pool or its adjoint, as `pass` makes it.
    pub fn pool(&mut self, node: usize, window: Window, pass: impl Fn(Pool) -> Pass) {
        let ([keys, source], out) = self.operands(node);
        let pool = Pool {
            window,
            keys,
            source,
            out,
        };
        self.push(node, pass(pool));
    }
}
