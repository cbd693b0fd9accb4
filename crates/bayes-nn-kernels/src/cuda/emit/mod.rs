//! From a plan to CUDA C++: one device function a pass, and what runs them: one kernel around
//! each, with the order in which kernels and library calls make a step; or, of a tiny plan, the
//! loop of one block around all.
//!
//! Places, lengths and strides are numbers in the text, so the compiler sees them all. A pass
//! takes its share of the work from a `Frame`, not from the grid. Sums are cut into pieces
//! that depend on the plan alone, and joined in a fixed order: the grid changes no bit.

pub(super) mod block;
mod functions;
mod group;
mod moves;
mod product;
mod text;
mod windows;

use crate::element::Precision;
use crate::error::DeviceError;
use crate::plan::{Pass, Plan, ValueId};
pub use block::{BlockLoop, Place, Tiny};
pub use product::Product;
use text::Printer;

/// Threads of a block, at the most.
const THREADS: u32 = 256;

/// Blocks of an element-wise kernel, at the most: enough for every multiprocessor of a large
/// GPU several times over. Threads then take several elements.
const BLOCKS: usize = 4096;

/// What the printed text stands on.
const HEADER: &str = include_str!("../header.cuh");

/// A plan as CUDA C++, and how to run it.
#[derive(Clone, Debug)]
pub struct Source {
    /// The translation unit.
    pub text: String,
    /// What a step does, in this order.
    pub launches: Vec<Launch>,
    /// Row starts that no formula gives; they follow the plan's indices in memory.
    pub tables: Vec<u32>,
    /// Numbers in double precision that reductions need between two kernels.
    pub partials: usize,
}

/// One piece of work for a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Launch {
    /// A kernel of the text.
    Kernel(Kernel),
    /// A product that a library does.
    Product(Product),
    /// A mean over the ranks of a group.
    AllReduceMean(AllReduceMean),
}

/// A mean over ranks, of numbers that follow one another in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllReduceMean {
    /// The pass that it does.
    pub pass: usize,
    /// Where in the arena what is averaged starts.
    pub source: usize,
    /// Where the mean goes.
    pub out: usize,
    /// How many numbers there are, those between the elements included.
    pub numbers: usize,
}

impl AllReduceMean {
    fn new(plan: &Plan, pass: usize, source: ValueId, out: ValueId) -> AllReduceMean {
        let value = |id: ValueId| &plan.values[id.index()];
        AllReduceMean {
            pass,
            source: value(source).offset,
            out: value(out).offset,
            numbers: value(out).layout.span(),
        }
    }
}

/// How a kernel is started.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// Its name in the text.
    pub name: String,
    /// The pass that it does, or part of it; the number of passes for what ends a step.
    pub pass: usize,
    /// Blocks of the grid.
    pub blocks: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Whether the threads of a block wait for one another, and share a number each.
    pub barriers: bool,
}

impl Kernel {
    /// Bytes of shared memory of a block.
    pub fn shared_bytes(&self) -> u32 {
        match self.barriers {
            true => self.threads * size_of::<f64>() as u32,
            false => 0,
        }
    }
}

/// How the work of a pass is dealt.
enum Work {
    /// Any thread may take any of so many units.
    Units(usize),
    /// So many pieces, each for a whole block of so many threads.
    Blocks(usize, u32),
}

impl Work {
    /// How many threads a block has for it, a power of two.
    fn threads(&self) -> u32 {
        match self {
            Work::Units(units) => group::block_for(*units),
            Work::Blocks(_, threads) => *threads,
        }
    }
}

impl Launch {
    /// The pass that it belongs to; the number of passes for what ends a step.
    pub fn pass(&self) -> usize {
        match self {
            Launch::Kernel(kernel) => kernel.pass,
            Launch::Product(product) => product.pass,
            Launch::AllReduceMean(mean) => mean.pass,
        }
    }
}

impl Source {
    /// Prints a plan.
    ///
    /// # Errors
    /// When a pass has no kernel.
    pub fn new(plan: &Plan, precision: Precision) -> Result<Source, DeviceError> {
        let mut printer = Printer::new(plan, precision);
        let mut launches: Vec<Vec<Launch>> = Vec::with_capacity(plan.passes.len());
        for (number, pass) in plan.passes.iter().enumerate() {
            let printed = match pass {
                Pass::AllReduceMean { source, out } => {
                    let mean = AllReduceMean::new(plan, number, *source, *out);
                    vec![Launch::AllReduceMean(mean)]
                }
                Pass::MatMul(product)
                    if let Some(product) = Product::for_library(product, number, plan) =>
                {
                    vec![Launch::Product(product)]
                }
                pass => {
                    let parts = printer.pass(number, pass).into_iter().enumerate();
                    parts
                        .map(|(part, work)| printer.kernel(number, part, work))
                        .collect()
                }
            };
            launches.push(printed);
        }
        let after = launches.split_off(plan.evaluations.end);
        let mut repeated = launches.split_off(plan.evaluations.start);
        if plan.draws > 1 {
            let draws = plan.draws;
            let body = format!("if (f.thread == 0) next_draw(f.control, {draws}ull);");
            printer.line(format!("\nKERNEL(next_draw, {body})"));
            repeated.push(vec![single("kernel_next_draw", plan.passes.len())]);
        }
        let repeated = repeated.concat();
        let mut launches = launches.concat();
        launches.extend((0..plan.draws).flat_map(|_| repeated.iter().cloned()));
        launches.extend(after.concat());
        printer.line("\nKERNEL(advance, if (f.thread == 0) advance(f.control);)");
        launches.push(single("kernel_advance", plan.passes.len()));
        Ok(Source {
            text: printer.unit(),
            launches,
            tables: printer.tables,
            partials: printer.partials,
        })
    }

    /// The text without the header that all programs share.
    pub fn passes(&self) -> &str {
        passes(&self.text)
    }
}

/// What stands between the header and the passes.
const MARK: &str = "// ---- The passes of this program.\n";

/// A kernel of one thread.
fn single(name: &str, pass: usize) -> Launch {
    Launch::Kernel(Kernel {
        name: name.to_owned(),
        pass,
        blocks: 1,
        threads: 1,
        barriers: false,
    })
}

/// A text without the header that all programs share.
fn passes(text: &str) -> &str {
    text.split_once(MARK).map_or("", |(_, passes)| passes)
}

/// The number of part `part` of a pass, as names have it.
fn numbered(pass: usize, part: usize) -> String {
    match part {
        0 => format!("{pass}"),
        _ => format!("{pass}_{part}"),
    }
}

impl Printer<'_> {
    /// The translation unit: the header, then what was printed.
    fn unit(&self) -> String {
        format!(
            "#define SINGLE {}\ntypedef {} place;\n{HEADER}\n{MARK}{}",
            u8::from(self.precision == Precision::F32),
            self.place_type(),
            self.text
        )
    }

    /// Prints the device functions of a pass, one for each part of its work.
    fn pass(&mut self, number: usize, pass: &Pass) -> Vec<Work> {
        self.line(format!("\n// {}", self.plan.cost(pass).name));
        match pass {
            Pass::Fused(group) => self.group(number, group),
            pass => vec![self.whole(number, pass)],
        }
    }

    /// Wraps part `part` of a pass into a kernel.
    fn kernel(&mut self, pass: usize, part: usize, work: Work) -> Launch {
        let name = numbered(pass, part);
        self.line(format!("KERNEL({name}, pass_{name}(f);)"));
        let threads = work.threads();
        let (blocks, barriers) = match work {
            Work::Units(units) => (units.div_ceil(threads as usize).min(BLOCKS), false),
            Work::Blocks(blocks, _) => (blocks.min(1 << 20), true),
        };
        Launch::Kernel(Kernel {
            name: format!("kernel_{name}"),
            pass,
            blocks: blocks.max(1) as u32,
            threads,
            barriers,
        })
    }

    /// What every pass begins with. A program whose indices may lie outside their axes stops at
    /// the first that does.
    fn open(&mut self, name: &str, pass: usize) {
        self.repeated = self.plan.evaluations.contains(&pass);
        self.line(format!("PASS({name}) {{"));
        if self.guarded {
            self.line(format!("    if (halted(f.control, {pass})) return;"));
        }
    }
}

/// Whether every number that an index can hold is below `length`, whatever is written.
fn surely_inside(plan: &Plan, index: ValueId, length: usize) -> bool {
    plan.passes.iter().any(
        |pass| matches!(pass, Pass::Batch { rows, out, .. } if *out == index && *rows <= length),
    ) || plan.constants.iter().any(|(value, numbers)| {
        *value == index && numbers.iter().all(|number| *number < length as f64)
    })
}
