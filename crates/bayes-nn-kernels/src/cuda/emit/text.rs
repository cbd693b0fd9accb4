//! The text that grows, and how numbers and places are written in it.

use bayes_nn_autodiff::Kind;

use super::surely_inside;
use crate::element::Precision;
use crate::plan::{Access, Layout, Pass, Plan, RowStarts, Value, ValueId};

pub(super) struct Printer<'a> {
    pub plan: &'a Plan,
    pub precision: Precision,
    pub text: String,
    pub tables: Vec<u32>,
    /// The memory of the tables, and where in it they begin.
    pub tables_memory: &'static str,
    pub tables_at: usize,
    /// Of each value whether it lies apart from the arena, among what no step writes.
    pub data: Vec<bool>,
    pub partials: usize,
    /// Whether an index that is selected by may lie outside its axis.
    pub guarded: bool,
    /// Whether the pass at hand is repeated for every draw of a step.
    pub repeated: bool,
}

impl<'a> Printer<'a> {
    pub fn new(plan: &'a Plan, precision: Precision) -> Printer<'a> {
        let mut selections = plan.passes.iter().filter_map(Pass::selection);
        let guarded = selections.any(|(index, into, axis)| {
            !surely_inside(plan, index, plan.values[into.index()].shape[axis])
        });
        Printer {
            plan,
            precision,
            text: String::new(),
            tables: Vec::new(),
            tables_memory: "f.indices",
            tables_at: plan.indices,
            data: vec![false; plan.values.len()],
            partials: 0,
            guarded,
            repeated: false,
        }
    }

    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    pub fn value(&self, id: ValueId) -> &'a Value {
        &self.plan.values[id.index()]
    }

    /// The name of the memory that a value lies in.
    pub fn memory(&self, id: ValueId) -> &'static str {
        match (self.value(id).kind, self.data[id.index()]) {
            (Kind::Float, false) => "f.arena",
            (Kind::Index, false) => "f.indices",
            (Kind::Float, true) => "f.data",
            (Kind::Index, true) => "f.data_indices",
        }
    }

    /// The integer type of places: 32 bits unless memory is larger than they count.
    pub fn place_type(&self) -> &'static str {
        let largest = self.plan.floats.max(self.plan.indices);
        let groups = self.plan.passes.iter().filter_map(Pass::group);
        let walked = groups.map(|group| group.rows * (group.columns + 64));
        match walked.fold(largest, usize::max) < 1 << 31 {
            true => "unsigned int",
            false => "unsigned long long",
        }
    }

    /// The element of a value with the row-major number `number`, a name or a sum.
    pub fn element(&self, id: ValueId, number: &str) -> String {
        self.at(id, vec![laid(&self.value(id).layout, number)])
    }

    /// What lies in a value at a place that is the sum of these terms.
    fn at(&self, id: ValueId, mut terms: Vec<String>) -> String {
        terms.insert(0, literal(self.value(id).offset));
        format!("{}[{}]", self.memory(id), joined(&terms))
    }

    /// What an access reads at `row` and `column`, or at `flat` where rows follow one another.
    pub fn read(&mut self, id: ValueId, access: &Access, walk: &Walk) -> String {
        let row = match &access.rows {
            _ if walk.rows <= 1 => literal(access.start(0)),
            RowStarts::Every(stride) if access.advances && walk.is_flat(*stride) => {
                return self.at(id, vec!["i".to_owned()]);
            }
            RowStarts::Every(stride) => scaled("row", *stride),
            RowStarts::Listed(starts) => {
                let table = self.table(starts);
                let memory = self.tables_memory;
                format!("{memory}[{}]", joined(&[literal(table), "row".to_owned()]))
            }
        };
        let column = match access.advances {
            true => "column".to_owned(),
            false => String::new(),
        };
        self.at(id, vec![row, column])
    }

    /// Where a store writes at `row` and `column`.
    pub fn write(&self, id: ValueId, walk: &Walk) -> String {
        let column = "column".to_owned();
        match self.value(id).layout.stride {
            stride if walk.rows > 1 && walk.is_flat(stride) => self.at(id, vec!["i".to_owned()]),
            stride if walk.rows > 1 => self.at(id, vec![scaled("row", stride), column]),
            _ => self.at(id, vec![column]),
        }
    }

    /// Where a table of row starts lies among the indices.
    fn table(&mut self, starts: &[u32]) -> usize {
        let known = self
            .tables
            .windows(starts.len().max(1))
            .position(|window| window == starts);
        self.tables_at
            + known.unwrap_or_else(|| {
                self.tables.extend(starts);
                self.tables.len() - starts.len()
            })
    }

    /// A real number of the program's precision.
    pub fn real(&self, number: f64) -> String {
        match self.precision {
            _ if number.is_nan() => "(real)NAN".to_owned(),
            _ if number.is_infinite() && number > 0.0 => "INF".to_owned(),
            _ if number.is_infinite() => "-INF".to_owned(),
            Precision::F32 => match number as f32 {
                single if single.is_infinite() => format!("(real){number:?}"),
                single => format!("{single:?}f"),
            },
            Precision::F64 => format!("{number:?}"),
        }
    }
}

/// How rows and columns are walked.
pub(super) struct Walk {
    pub rows: usize,
    pub columns: usize,
    /// Whether unit `i` is element `i`, in row-major order.
    pub by_element: bool,
}

impl Walk {
    /// Whether rows that start `stride` apart follow one another without gaps.
    fn is_flat(&self, stride: usize) -> bool {
        self.by_element && stride == self.columns
    }
}

/// A whole number.
pub(super) fn literal(number: usize) -> String {
    match number {
        0 => String::new(),
        n if n <= u32::MAX as usize => format!("{n}u"),
        n => format!("{n}ull"),
    }
}

/// A whole number where one must stand.
pub(super) fn count(number: usize) -> String {
    match number {
        0 => "0u".to_owned(),
        n => literal(n),
    }
}

/// `name * factor`, empty if that is 0 or there is no name.
pub(super) fn scaled(name: &str, factor: usize) -> String {
    match factor {
        0 => String::new(),
        _ if name.is_empty() => String::new(),
        1 => name.to_owned(),
        factor => format!("{name} * {}", literal(factor)),
    }
}

/// A sum of the terms that are not empty.
pub(super) fn joined(terms: &[String]) -> String {
    let terms: Vec<&str> = terms
        .iter()
        .map(String::as_str)
        .filter(|t| !t.is_empty())
        .collect();
    match terms.is_empty() {
        true => "0u".to_owned(),
        false => terms.join(" + "),
    }
}

/// Where the element with the row-major number `number` lies in a layout.
fn laid(layout: &Layout, number: &str) -> String {
    if layout.is_contiguous() {
        return number.to_owned();
    }
    let number = match number.contains(' ') {
        true => format!("({number})"),
        false => number.to_owned(),
    };
    let (columns, stride) = (count(layout.columns), count(layout.stride));
    format!("{number} / {columns} * {stride} + {number} % {columns}")
}
