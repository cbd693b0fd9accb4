//! Recurrent layers: GRU and LSTM over sequences.
//!
//! Weights are those of all steps in time: they meet an input at each, so that a guide draws the
//! weights themselves, once for the sequence, and not their products.

use bayes_nn_autodiff::{Var, stack};
use bayes_nn_models::saved::{FileError, Place, Value};

use super::layer::Output;
use super::{Layer, LayerError, Parameters};

/// Gated recurrent units over a sequence (Cho et al. 2014, *Learning Phrase Representations using
/// RNN Encoder-Decoder*, section 2.3).
///
/// ```text
/// reset     = sigmoid(W_r x + U_r h + b_r)
/// update    = sigmoid(W_u x + U_u h + b_u)
/// candidate = tanh(W_c x + b_c + reset (U_c h + d))
/// h         = update h + (1 - update) candidate
/// ```
///
/// The input is `[time, features, rows]`, the output the last state, `[units, rows]`, or
/// [all of them](Gru::all_states), `[time, units, rows]`; the first follows a state of zeros.
/// Parameters are `weight [features, 3 units]`, `state_weight [units, 3 units]` and
/// `bias [3 units]`, in the order reset, update, candidate, and `state_bias [units]`, `d`.
///
/// Rows of data are read in the shape of an input: a series of 28 steps with 28 numbers each is a
/// row of 784 numbers, the first step before the second.
///
/// ```
/// use bayes_nn::nn::{Dense, Gru, Input, Layer, Sequential};
/// let net = Sequential::new()
///     .input([28, 28])
///     .layer(Gru::new(32).all_states())
///     .layer(Gru::new(64))
///     .layer(Dense::new(10));
/// assert_eq!(net.output_shape(&[Input::values([28, 28])])?.to_string(), "[10]");
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gru {
    pub(super) units: usize,
    pub(super) all_states: bool,
}

impl Gru {
    /// With so many numbers in its state; the output is the last state.
    pub fn new(units: usize) -> Gru {
        let all_states = false;
        Gru { units, all_states }
    }

    /// The output is the state after every step, `[time, units, rows]`.
    #[must_use]
    pub fn all_states(self) -> Gru {
        let all_states = true;
        Gru { all_states, ..self }
    }
}

impl Layer for Gru {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let gates = Gates::new(p, inputs, self.units, 3)?;
        let state_bias = p.get("state_bias", self.units, 1)?;
        let state_bias = state_bias.reshape([self.units, 1]);
        gates.run(
            self.all_states,
            |of_input, of_state, state: Option<Var<'g>>| {
                let before = |gate| of_state.map(|sum| gates.part(sum, gate));
                let gate = |gate| plus(gates.part(of_input, gate), before(gate)).sigmoid();
                let (reset, update) = (gate(0), gate(1));
                let of_candidate = plus(state_bias, before(2));
                let candidate = (gates.part(of_input, 2) + reset * of_candidate).tanh();
                let kept = state.map(|state| update * state);
                let state = plus((1.0 - update) * candidate, kept);
                (state, state)
            },
        )
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// Long short-term memory over a sequence (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and
/// Cummins 2000).
///
/// ```text
/// input  = sigmoid(W_i x + U_i h + b_i)
/// forget = sigmoid(W_f x + U_f h + b_f + 1)
/// new    = tanh(W_n x + U_n h + b_n)
/// output = sigmoid(W_o x + U_o h + b_o)
/// cell   = forget cell + input new
/// h      = output tanh(cell)
/// ```
///
/// The 1 in the forget gate makes a prior around 0 one around remembering (Jozefowicz, Zaremba and
/// Sutskever 2015, *An Empirical Exploration of Recurrent Network Architectures*, section 2.2).
///
/// Inputs and outputs are those of [`Gru`]. Parameters are `weight [features, 4 units]`,
/// `state_weight [units, 4 units]` and `bias [4 units]`, in the order input, forget, new, output.
///
/// ```
/// use bayes_nn::nn::{Input, Layer, Lstm};
/// let input = [Input::values([28, 5])];
/// assert_eq!(Lstm::new(20).output_shape(&input)?.to_string(), "[20]");
/// assert_eq!(Lstm::new(20).all_states().output_shape(&input)?.to_string(), "[28, 20]");
/// let error = Lstm::new(20).output_shape(&[Input::values([5])]).unwrap_err();
/// assert!(error.to_string().ends_with("is given [5, rows]; it takes [time, features, rows]"));
/// # Ok::<(), bayes_nn::nn::LayerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lstm {
    pub(super) units: usize,
    pub(super) all_states: bool,
}

impl Lstm {
    /// With so many numbers in its state; the output is the last state.
    pub fn new(units: usize) -> Lstm {
        let all_states = false;
        Lstm { units, all_states }
    }

    /// The output is the state after every step, `[time, units, rows]`.
    #[must_use]
    pub fn all_states(self) -> Lstm {
        let all_states = true;
        Lstm { all_states, ..self }
    }
}

impl Layer for Lstm {
    fn forward<'g>(&self, p: &Parameters<'_, 'g>, inputs: &[Var<'g>]) -> Output<'g> {
        let gates = Gates::new(p, inputs, self.units, 4)?;
        gates.run(
            self.all_states,
            |of_input, of_state, cell: Option<Var<'g>>| {
                let sum = plus(of_input, of_state);
                let [input, forget, new, output] = [0, 1, 2, 3].map(|gate| gates.part(sum, gate));
                let kept = cell.map(|cell| (forget + 1.0).sigmoid() * cell);
                let cell = plus(input.sigmoid() * new.tanh(), kept);
                (output.sigmoid() * cell.tanh(), cell)
            },
        )
    }

    fn describe(&self, place: &Place<'_>) -> Result<Value, FileError> {
        Ok(self.described(place))
    }
}

/// The sums that enter the gates of a layer, of its input and of its state.
struct Gates<'g> {
    x: Var<'g>,
    units: usize,
    weight: Var<'g>,
    state_weight: Var<'g>,
    bias: Var<'g>,
}

impl<'g> Gates<'g> {
    fn new(
        p: &Parameters<'_, 'g>,
        inputs: &[Var<'g>],
        units: usize,
        gates: usize,
    ) -> Result<Gates<'g>, LayerError> {
        let [x] = p.inputs(inputs)?;
        let features = match x.shape()[..] {
            [time, features, _] if time > 0 => features,
            _ => return Err(p.wrong_input(x, "[time, features, rows]")),
        };
        let sums = gates * units;
        Ok(Gates {
            x,
            units,
            weight: p.get("weight", [features, sums], features)?.t(),
            state_weight: p.get("state_weight", [units, sums], units)?.t(),
            bias: p.get("bias", sums, 1)?.reshape([sums, 1]),
        })
    }

    /// The part of sums `[gates units, rows]` that enters one gate.
    fn part(&self, sums: Var<'g>, gate: usize) -> Var<'g> {
        let rows = sums.shape().columns();
        sums.view(gate * self.units * rows, [self.units, rows])
    }

    /// Goes through the sequence. `step` makes of the sums of the input, of those of the state and
    /// of a memory the next state and memory; before the first step both are zeros.
    fn run(
        &self,
        all_states: bool,
        step: impl Fn(Var<'g>, Option<Var<'g>>, Option<Var<'g>>) -> (Var<'g>, Var<'g>),
    ) -> Output<'g> {
        let mut states: Vec<Var<'g>> = Vec::new();
        let mut memory = None;
        for time in 0..self.x.shape()[0] {
            let of_input = self.weight.matmul(self.x.row(time)) + self.bias;
            let before = states.last();
            let of_state = before.map(|state| self.state_weight.matmul(*state));
            let (state, next) = step(of_input, of_state, memory);
            memory = Some(next);
            states.push(state);
        }
        Ok(match all_states {
            true => stack(&states, 0),
            false => states[states.len() - 1],
        })
    }
}

/// The sum of a number and one that may be 0.
fn plus<'g>(a: Var<'g>, b: Option<Var<'g>>) -> Var<'g> {
    b.map_or(a, |b| a + b)
}

#[cfg(test)]
mod tests {
    use bayes_nn_autodiff::Shape;

    use super::*;
    use crate::nn::testing::{Run, run};

    const TIME: usize = 4;
    const FEATURES: usize = 3;
    const UNITS: usize = 5;
    const ROWS: usize = 2;

    fn shape() -> Shape {
        Shape::from([TIME, FEATURES, ROWS])
    }

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// Sum `unit` of gate `gate` at a step of a row: that of the input with the bias, and that of
    /// the state.
    fn sums(
        run: &Run,
        gates: usize,
        at: (usize, usize),
        of: (usize, usize),
        h: &[f64],
    ) -> [f64; 2] {
        let ((time, row), (gate, unit)) = (at, of);
        let parameter = |name: &str| &run.parameters[name];
        let place = gate * UNITS + unit;
        let x = |f: usize| run.inputs[0][(time * FEATURES + f) * ROWS + row];
        let weight = |f: usize| parameter("weight")[f * gates * UNITS + place];
        let of_state = |u: usize| parameter("state_weight")[u * gates * UNITS + place];
        let of_input: f64 = (0..FEATURES).map(|f| weight(f) * x(f)).sum();
        let of_state = (0..UNITS).map(|u| of_state(u) * h[u]).sum();
        [of_input + parameter("bias")[place], of_state]
    }

    /// Runs a layer over each row, and compares all states and the last one.
    fn assert_states(
        all: &dyn Layer,
        last: &dyn Layer,
        step: impl Fn(&Run, (usize, usize), &[f64], &mut [f64]) -> Vec<f64>,
    ) {
        let run_all = run(all, &[shape()]);
        let run_last = run(last, &[shape()]);
        assert_eq!(run_all.shape, Shape::from([TIME, UNITS, ROWS]));
        assert_eq!(run_last.shape, Shape::from([UNITS, ROWS]));
        for row in 0..ROWS {
            let (mut h, mut cell) = (vec![0.0; UNITS], vec![0.0; UNITS]);
            for time in 0..TIME {
                h = step(&run_all, (time, row), &h, &mut cell);
                for (unit, h) in h.iter().enumerate() {
                    let got = run_all.output[(time * UNITS + unit) * ROWS + row];
                    assert!(
                        (got - h).abs() < 1e-14,
                        "{time} {unit} {row}: {got} for {h}"
                    );
                }
            }
            for (unit, h) in h.iter().enumerate() {
                assert!((run_last.output[unit * ROWS + row] - h).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn a_gru_is_its_formula_step_by_step() {
        let gru = Gru::new(UNITS);
        assert_states(&gru.all_states(), &gru, |run, at, h, _| {
            let state = |unit: usize| {
                let sum = |gate| sums(run, 3, at, (gate, unit), h);
                let [reset, update] = [0, 1].map(|gate| sigmoid(sum(gate).iter().sum()));
                let [of_input, of_state] = sum(2);
                let of_state = of_state + run.parameters["state_bias"][unit];
                let candidate = (of_input + reset * of_state).tanh();
                update * h[unit] + (1.0 - update) * candidate
            };
            (0..UNITS).map(state).collect()
        });
    }

    #[test]
    fn an_lstm_is_its_formula_step_by_step() {
        let lstm = Lstm::new(UNITS);
        assert_states(&lstm.all_states(), &lstm, |run, at, h, cell| {
            let mut state = |unit: usize| {
                let sum = |gate| sums(run, 4, at, (gate, unit), h).iter().sum::<f64>();
                cell[unit] = sigmoid(sum(1) + 1.0) * cell[unit] + sigmoid(sum(0)) * sum(2).tanh();
                sigmoid(sum(3)) * cell[unit].tanh()
            };
            (0..UNITS).map(&mut state).collect()
        });
    }

    #[test]
    fn a_sequence_of_one_step_starts_from_zeros() {
        let one = run(&Lstm::new(2), &[Shape::from([1, 3, 1])]);
        let (w, b) = (&one.parameters["weight"], &one.parameters["bias"]);
        for unit in 0..2 {
            let sum = |gate: usize| {
                let place = 2 * gate + unit;
                let products = (0..3).map(|f| w[8 * f + place] * one.inputs[0][f]);
                products.sum::<f64>() + b[place]
            };
            let cell = sigmoid(sum(0)) * sum(2).tanh();
            let expected = sigmoid(sum(3)) * cell.tanh();
            assert!((one.output[unit] - expected).abs() < 1e-14);
        }
    }
}
