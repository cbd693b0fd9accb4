//! Routines: the loop of one instruction over a tile, compiled for an instruction set.
//!
//! A kernel's code is a list of them, chosen once. Each is a function of its own: in one large
//! function the compiler would load the constants of all loops before it enters any.

use bayes_nn_autodiff::noise::NoiseKey;
use bayes_nn_autodiff::{Binary, NoiseKind, Unary};

use super::functions::{self as f, Function1, Function2, Function3, FunctionWithSlope};
use crate::cpu::isa::{Level, Runnable, compiled};
use crate::cpu::math::{self, Real, noise};
use crate::cpu::memory::{Frame, Part};
use crate::plan::Function;

/// Where an operand is found while a tile is computed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The elements of a tile, by the number of their place in the table of places.
    Place(usize),
    /// One number for the whole row, by its number in the table of scalars.
    Scalar(usize),
}

/// The loop of one instruction over a tile.
pub(super) type Routine<T> = unsafe fn(&Code<T>, &Tile<'_, T>);

/// One instruction.
pub(super) struct Code<T> {
    pub routine: Routine<T>,
    /// The place that its result goes to.
    pub to: usize,
    /// Places of tiles, or numbers of scalars, as the routine takes them; of a function
    /// with its slope the second is where the slope goes.
    pub operands: [usize; 3],
    /// The stream of noise; the order of a polygamma function.
    pub number: u32,
}

impl<T: Real> Code<T> {
    /// A function of operands from these sources, compiled for an instruction set.
    pub fn new(function: Function, sources: &[Source], to: usize, isa: Runnable) -> Code<T> {
        let mut operands = [0; 3];
        for (operand, source) in operands.iter_mut().zip(sources) {
            let (Source::Place(number) | Source::Scalar(number)) = *source;
            *operand = number;
        }
        Code {
            routine: of(function, sources, isa),
            to,
            operands,
            number: function.number(),
        }
    }
}

/// A tile that is being computed.
pub(super) struct Tile<'a, T> {
    pub places: &'a [*mut T],
    pub scalars: &'a [T],
    /// How many elements the tile has, up to whole vectors.
    pub length: usize,
    /// Where the tile begins.
    pub part: &'a Part,
    pub frame: &'a Frame<'a, T>,
}

impl<'a, T: Real> Tile<'a, T> {
    /// # Safety
    /// The place holds as many readable elements as the tile is long.
    #[inline(always)]
    unsafe fn run(&self, place: usize) -> &'a [T] {
        // SAFETY: as promised.
        unsafe { std::slice::from_raw_parts(self.places[place], self.length) }
    }

    fn key(&self, stream: u32) -> NoiseKey {
        NoiseKey {
            seed: self.frame.seed,
            step: self.frame.step,
            stream: stream.wrapping_add(self.frame.draw),
        }
    }

    /// # Safety
    /// The place holds as many elements as the tile is long, and nothing else touches them.
    #[inline(always)]
    unsafe fn target(&self, place: usize) -> &'a mut [T] {
        // SAFETY: as promised.
        unsafe { std::slice::from_raw_parts_mut(self.places[place], self.length) }
    }
}

/// How a routine takes an operand.
trait Take: 'static {
    type Held<'a, T: Real>: Copy;

    /// # Safety
    /// If the operand is a place, it can be read ([`Tile::run`]).
    unsafe fn hold<'a, T: Real>(tile: &Tile<'a, T>, operand: usize) -> Self::Held<'a, T>;

    /// # Safety
    /// `i` is below the length of the tile.
    unsafe fn get<T: Real>(held: Self::Held<'_, T>, i: usize) -> T;
}

/// The elements of a tile.
struct Elements;

/// One number for all elements.
struct Number;

impl Take for Elements {
    type Held<'a, T: Real> = &'a [T];

    #[inline(always)]
    unsafe fn hold<'a, T: Real>(tile: &Tile<'a, T>, operand: usize) -> &'a [T] {
        // SAFETY: as promised.
        unsafe { tile.run(operand) }
    }

    #[inline(always)]
    unsafe fn get<T: Real>(held: &[T], i: usize) -> T {
        // SAFETY: as promised.
        unsafe { *held.get_unchecked(i) }
    }
}

impl Take for Number {
    type Held<'a, T: Real> = T;

    #[inline(always)]
    unsafe fn hold<T: Real>(tile: &Tile<'_, T>, operand: usize) -> T {
        tile.scalars[operand]
    }

    #[inline(always)]
    unsafe fn get<T: Real>(held: T, _: usize) -> T {
        held
    }
}

// Results and operands are arguments of these loops, by which the compiler knows that they lie
// apart. Lengths are whole numbers of unrolled vectors (or one), so that tail loops are not
// entered.

/// # Safety
/// All operands that are elements are as long as `to`.
#[inline(always)]
unsafe fn map2<L: Level, F: Function2, A: Take, B: Take, T: Real>(
    to: &mut [T],
    a: A::Held<'_, T>,
    b: B::Held<'_, T>,
) {
    for (i, to) in to.iter_mut().enumerate() {
        // SAFETY: as promised.
        let (a, b) = unsafe { (A::get(a, i), B::get(b, i)) };
        *to = F::at::<L, T>(a, b);
    }
}

/// # Safety
/// All operands that are elements are as long as `to`.
#[inline(always)]
unsafe fn map3<L: Level, F: Function3, B: Take, C: Take, T: Real>(
    to: &mut [T],
    a: &[T],
    b: B::Held<'_, T>,
    c: C::Held<'_, T>,
) {
    for (i, (to, a)) in to.iter_mut().zip(a).enumerate() {
        // SAFETY: as promised.
        let (b, c) = unsafe { (B::get(b, i), C::get(c, i)) };
        *to = F::at::<L, T>(*a, b, c);
    }
}

// Who calls a routine promises that every place of its code can be used as [`Tile::run`] and
// [`Tile::target`] ask.

#[inline(always)]
unsafe fn loop1<L: Level, F: Function1, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) {
    let [x, ..] = code.operands;
    // SAFETY: as promised.
    unsafe { F::map::<L, T>(tile.target(code.to), tile.run(x)) }
}

#[inline(always)]
unsafe fn loop_slope<L: Level, F: FunctionWithSlope, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) {
    let [x, slope, _] = code.operands;
    // SAFETY: as promised.
    unsafe {
        F::map::<L, T>(tile.target(code.to), tile.target(slope), tile.run(x));
    }
}

#[inline(always)]
unsafe fn loop2<L: Level, F: Function2, A: Take, B: Take, T: Real>(
    code: &Code<T>,
    tile: &Tile<'_, T>,
) {
    let [a, b, _] = code.operands;
    // SAFETY: as promised.
    unsafe { map2::<L, F, A, B, T>(tile.target(code.to), A::hold(tile, a), B::hold(tile, b)) }
}

#[inline(always)]
unsafe fn loop3<L: Level, F: Function3, B: Take, C: Take, T: Real>(
    code: &Code<T>,
    tile: &Tile<'_, T>,
) {
    let [a, b, c] = code.operands;
    // SAFETY: as promised.
    unsafe {
        let (b, c) = (B::hold(tile, b), C::hold(tile, c));
        map3::<L, F, B, C, T>(tile.target(code.to), tile.run(a), b, c);
    }
}

#[inline(always)]
unsafe fn loop_polygamma<L: Level, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) {
    let [x, ..] = code.operands;
    // SAFETY: as promised.
    let (to, x) = unsafe { (tile.target(code.to), tile.run(x)) };
    for (to, x) in to.iter_mut().zip(x) {
        *to = math::polygamma::<L, T>(code.number, *x);
    }
}

#[inline(always)]
unsafe fn loop_normal<L: Level, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) {
    // SAFETY: as promised.
    let to = unsafe { tile.target(code.to) };
    noise::fill_normals::<L, T>(
        &tile.key(code.number),
        tile.part.row as u32,
        tile.part.column,
        to,
    );
}

#[inline(always)]
unsafe fn loop_uniform<L: Level, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) {
    // SAFETY: as promised.
    let to = unsafe { tile.target(code.to) };
    noise::fill_uniforms::<L, T>(
        &tile.key(code.number),
        tile.part.row as u32,
        tile.part.column,
        to,
    );
}

compiled! {
    fn of_one<F: Function1, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) = loop1;
    fn of_slope<F: FunctionWithSlope, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) = loop_slope;
    fn of_two<F: Function2, A: Take, B: Take, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) = loop2;
    fn of_three<F: Function3, B: Take, C: Take, T: Real>(code: &Code<T>, tile: &Tile<'_, T>) = loop3;
    fn of_polygamma<T: Real>(code: &Code<T>, tile: &Tile<'_, T>) = loop_polygamma;
    fn of_normal<T: Real>(code: &Code<T>, tile: &Tile<'_, T>) = loop_normal;
    fn of_uniform<T: Real>(code: &Code<T>, tile: &Tile<'_, T>) = loop_uniform;
}

/// The routine of a function of operands from these sources. The first operand is the elements of a
/// tile; of a function of two numbers it may also be a scalar.
fn of<T: Real>(function: Function, operands: &[Source], isa: Runnable) -> Routine<T> {
    match (function, operands) {
        (Function::Unary(f), _) => unary(f, isa),
        (Function::WithSlope(Unary::Softplus), _) => of_slope::<f::SoftplusWithSlope, T>(isa),
        (Function::WithSlope(Unary::LogSigmoid), _) => of_slope::<f::LogSigmoidWithSlope, T>(isa),
        (Function::Binary(f), &[a, b]) => binary(f, (a, b), isa),
        (Function::MulSlope, &[a, b]) => two::<f::MulSlope, T>((a, b), isa),
        (Function::MulSlopeMul, &[_, b, c]) => three::<f::MulSlopeMul, T>((b, c), isa),
        (Function::MulAdd, &[_, b, c]) => three::<f::MulAdd, T>((b, c), isa),
        (Function::SubMul, &[_, b, c]) => three::<f::SubMul, T>((b, c), isa),
        (Function::Select, &[_, a, b]) => three::<f::Select, T>((a, b), isa),
        (Function::Noise(NoiseKind::Normal, _), _) => of_normal::<T>(isa),
        (Function::Noise(NoiseKind::Uniform, _), _) => of_uniform::<T>(isa),
        (
            Function::Source
            | Function::Contracted
            | Function::Slope
            | Function::WithSlope(_)
            | Function::Binary(_)
            | Function::MulSlope
            | Function::MulSlopeMul
            | Function::MulAdd
            | Function::SubMul
            | Function::Select,
            _,
        ) => unreachable!(
            "{function:?} computes nothing of {} operands",
            operands.len()
        ),
    }
}

fn unary<T: Real>(function: Unary, isa: Runnable) -> Routine<T> {
    match function {
        Unary::Neg => of_one::<f::Neg, T>(isa),
        Unary::Abs => of_one::<f::Abs, T>(isa),
        Unary::Sign => of_one::<f::Sign, T>(isa),
        Unary::Floor => of_one::<f::Floor, T>(isa),
        Unary::Reciprocal => of_one::<f::Reciprocal, T>(isa),
        Unary::Sqrt => of_one::<f::Sqrt, T>(isa),
        Unary::Exp => of_one::<f::Exp, T>(isa),
        Unary::Ln => of_one::<f::Ln, T>(isa),
        Unary::Log1p => of_one::<f::Log1p, T>(isa),
        Unary::Expm1 => of_one::<f::Expm1, T>(isa),
        Unary::Log1pmx => of_one::<f::Log1pmx, T>(isa),
        Unary::Sin => of_one::<f::Sin, T>(isa),
        Unary::Cos => of_one::<f::Cos, T>(isa),
        Unary::Tanh => of_one::<f::Tanh, T>(isa),
        Unary::Sigmoid => of_one::<f::Sigmoid, T>(isa),
        Unary::Softplus => of_one::<f::Softplus, T>(isa),
        Unary::LogSigmoid => of_one::<f::LogSigmoid, T>(isa),
        Unary::Relu => of_one::<f::Relu, T>(isa),
        Unary::StopGradient => of_one::<f::Identity, T>(isa),
        Unary::Lgamma => of_one::<f::Lgamma, T>(isa),
        Unary::Polygamma(_) => of_polygamma::<T>(isa),
        Unary::Erf => of_one::<f::Erf, T>(isa),
        Unary::Erfc => of_one::<f::Erfc, T>(isa),
        Unary::LogErfc => of_one::<f::LogErfc, T>(isa),
    }
}

fn binary<T: Real>(function: Binary, operands: (Source, Source), isa: Runnable) -> Routine<T> {
    match function {
        Binary::Add => two::<f::Add, T>(operands, isa),
        Binary::Sub => two::<f::Sub, T>(operands, isa),
        Binary::Mul => two::<f::Mul, T>(operands, isa),
        Binary::Div => two::<f::Div, T>(operands, isa),
        Binary::Max => two::<f::Max, T>(operands, isa),
        Binary::Min => two::<f::Min, T>(operands, isa),
        Binary::Less => two::<f::Less, T>(operands, isa),
        Binary::LessEqual => two::<f::LessEqual, T>(operands, isa),
        Binary::Equal => two::<f::Equal, T>(operands, isa),
        Binary::Pow => two::<f::Pow, T>(operands, isa),
        Binary::Atan2 => two::<f::Atan2, T>(operands, isa),
    }
}

fn two<F: Function2, T: Real>(operands: (Source, Source), isa: Runnable) -> Routine<T> {
    match operands {
        (Source::Place(_), Source::Place(_)) => of_two::<F, Elements, Elements, T>(isa),
        (Source::Place(_), Source::Scalar(_)) => of_two::<F, Elements, Number, T>(isa),
        (Source::Scalar(_), _) => of_two::<F, Number, Elements, T>(isa),
    }
}

fn three<F: Function3, T: Real>(others: (Source, Source), isa: Runnable) -> Routine<T> {
    match others {
        (Source::Place(_), Source::Place(_)) => of_three::<F, Elements, Elements, T>(isa),
        (Source::Place(_), Source::Scalar(_)) => of_three::<F, Elements, Number, T>(isa),
        (Source::Scalar(_), Source::Place(_)) => of_three::<F, Number, Elements, T>(isa),
        (Source::Scalar(_), Source::Scalar(_)) => of_three::<F, Number, Number, T>(isa),
    }
}
