//! The data as a model sees it: nodes of a graph, batch last, full or a minibatch.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bayes_nn_autodiff::{Bindings, Graph, Interpreter, Shape, Var};
use bayes_nn_inference::Rows;
use bayes_nn_kernels::{Binding, Column, Step};

use super::data::{Data, Gone, Values};
use super::missing::Incomplete;
use super::window::Window;
use crate::error::Error;

/// The noise stream of minibatch indices.
const ROWS: u32 = 1;

/// The rows that a model is run on, all of them or a minibatch.
///
/// Everything comes batch last: a matrix that was handed in as `[n, features]` is seen as
/// `[features, rows]`, so that a layer is `weight.t().matmul(x)` and its rows lie side by side.
pub struct Batch<'g> {
    pub(crate) shared: Rc<Shared<'g>>,
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("rows", &self.shared.rows)
            .finish_non_exhaustive()
    }
}

/// What a batch and the traces over it have in common.
pub(crate) struct Shared<'g> {
    pub(crate) graph: &'g Graph,
    pub(super) data: Data,
    /// The row numbers of a minibatch, of rows in memory.
    pub(crate) index: Option<Var<'g>>,
    /// Whether this is a minibatch whose rows are fed.
    pub(super) is_fed: bool,
    pub(super) rows: usize,
    pub(super) inputs: RefCell<Vec<Input<'g>>>,
    /// Of a tile: the step that gets its rows, and what it reads of them.
    tile: Option<Rc<Step<'g>>>,
    pub(crate) windows: RefCell<Vec<Window<'g>>>,
    /// Where a column that is not there may stand for itself, as what is to be predicted: the data
    /// that had it.
    fitted: Option<Data>,
    pub(crate) absent: RefCell<Vec<(String, Var<'g>)>>,
    /// The values that are known without a program.
    pub(super) interpreter: RefCell<Interpreter<'g>>,
    error: RefCell<Option<Error>>,
    /// Whether this is a run of a fit, in which rows may be changed at random.
    pub(super) in_fit: Cell<bool>,
    /// How they are.
    pub(super) augmented: RefCell<Vec<String>>,
}

pub(super) struct Input<'g> {
    pub(super) name: String,
    /// The input itself, and what the model sees of it.
    pub(super) input: Var<'g>,
    pub(super) seen: Var<'g>,
    pub(super) values: Column,
    /// The numbers a row, where `values` are those of `[n, columns]` and the input is `[columns, n]`; else 1.
    pub(super) columns: usize,
    /// The rows that the column misses. The input then holds the others, and what the model sees
    /// is a place holder that [`Trace::observe`](super::Trace::observe) replaces.
    missing: Option<Arc<[usize]>>,
}

impl<'g> Batch<'g> {
    pub(crate) fn new(
        graph: &'g Graph,
        data: &Data,
        rows: Rows,
        fitted: Option<&Data>,
    ) -> Batch<'g> {
        let total = data.rows().unwrap_or(0);
        let batch = match rows {
            Rows::Minibatch(batch) => Some(batch),
            _ => None,
        };
        let is_fed = batch.is_some() && data.is_streamed();
        let index = batch.filter(|_| !is_fed);
        let index = index.map(|batch| graph.batch(total, batch, ROWS));
        let rows = batch.unwrap_or(total);
        Batch::over(graph, data, rows, index, is_fed, None, fitted)
    }

    /// A tile of so many rows, which are fed to the step one tile after another.
    pub(crate) fn tile(step: &Rc<Step<'g>>, data: &Data, rows: usize, fitted: &Data) -> Batch<'g> {
        Batch::over(
            step.graph(),
            data,
            rows,
            None,
            false,
            Some(step.clone()),
            Some(fitted),
        )
    }

    fn over(
        graph: &'g Graph,
        data: &Data,
        rows: usize,
        index: Option<Var<'g>>,
        is_fed: bool,
        tile: Option<Rc<Step<'g>>>,
        fitted: Option<&Data>,
    ) -> Batch<'g> {
        let batch = Batch {
            shared: Rc::new(Shared {
                graph,
                data: data.clone(),
                index,
                is_fed,
                rows,
                inputs: RefCell::default(),
                tile,
                windows: RefCell::default(),
                fitted: fitted.cloned(),
                absent: RefCell::default(),
                interpreter: RefCell::new(Interpreter::new(graph, Bindings::new())),
                error: RefCell::default(),
                in_fit: Cell::new(false),
                augmented: RefCell::default(),
            }),
        };
        if !is_fed && !data.is_in_memory() {
            batch.shared.fail(data.not_in_memory());
        }
        batch
    }

    /// The same rows in a run of a fit.
    pub(super) fn in_fit(self) -> Batch<'g> {
        self.shared.in_fit.set(true);
        self
    }

    /// The number of rows in this batch.
    pub fn rows(&self) -> usize {
        self.shared.rows
    }

    /// The number `N` of rows of all the data.
    pub fn total_rows(&self) -> usize {
        self.shared.data.total()
    }

    /// The graph that the model is written into, for constants.
    pub fn graph(&self) -> &'g Graph {
        self.shared.graph
    }

    /// The column `name`, `[rows]`. A name that the data do not have is an error of the run.
    pub fn column(&self, name: &str) -> Var<'g> {
        self.get(name, "a column")
    }

    /// The matrix `name`, `[features, rows]`.
    pub fn matrix(&self, name: &str) -> Var<'g> {
        self.get(name, "a matrix")
    }

    /// The first error so far of what was declared over these rows, for a model that looks before
    /// it goes on. It is handed over: whoever asks returns it.
    ///
    /// # Errors
    /// What [`Trace::refuse`](super::Trace::refuse) and all others kept; a formula whose operands
    /// do not fit.
    pub fn check(&self) -> Result<(), Error> {
        self.shared.check()
    }

    /// The column or matrix `name`, `[features, rows]`: of a column there is one feature.
    pub fn features(&self, name: &str) -> Var<'g> {
        match self.shared.data.get(name) {
            Some(Values::Vector(_) | Values::Gone(Gone::Vector)) => {
                self.column(name).reshape([1, self.shared.rows])
            }
            Some(Values::Incomplete { .. }) => {
                self.shared.refuse(self.shared.misused(name), "a matrix")
            }
            _ => self.matrix(name),
        }
    }

    /// The index `name`, `[rows]`, for `Var::gather`.
    pub fn index(&self, name: &str) -> Var<'g> {
        self.get(name, "an index")
    }

    fn get(&self, name: &str, wanted: &'static str) -> Var<'g> {
        let shared = &self.shared;
        match shared.data.get(name) {
            Some(Values::Gone(gone)) if shared.data.get(name).map(Values::kind) == Some(wanted) => {
                shared.see_gone(name, *gone)
            }
            Some(column) if column.kind() == wanted => shared.see(name, column),
            Some(column) => {
                let error = Error::ColumnKind {
                    column: name.to_owned(),
                    found: column.kind(),
                    wanted,
                };
                shared.refuse(error, wanted)
            }
            None if let Some(shape) = shared.absent_shape(name, wanted) => {
                let mut absent = shared.absent.borrow_mut();
                if let Some((_, var)) = absent.iter().find(|(known, _)| known == name) {
                    return *var;
                }
                let var = shared.graph.input(name, shape);
                shared.graph.mark_rows(var);
                absent.push((name.to_owned(), var));
                var
            }
            None => shared.refuse(shared.unknown_column(name), wanted),
        }
    }
}

impl<'g> Shared<'g> {
    /// Keeps the first error; a model's formulas go on with stand-ins. That of a formula, which
    /// its stand-in may be blamed for, was made before.
    pub(crate) fn fail(&self, error: Error) {
        let first = self.graph.check().err().map(Error::from);
        let mut kept = self.error.borrow_mut();
        kept.get_or_insert_with(|| first.unwrap_or(error));
    }

    /// The first error of the model or of its graph.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(error) = self.error.borrow_mut().take() {
            return Err(error);
        }
        self.graph.check()?;
        let inputs = self.inputs.borrow();
        for input in inputs.iter().filter(|input| input.missing.is_some()) {
            let place_holder = input.seen.id();
            let nodes = self.graph.nodes();
            let mut arguments = nodes.iter().flat_map(|node| &node.arguments);
            if arguments.any(|argument| Some(*argument) == place_holder) {
                return Err(self.misused(&input.name));
            }
        }
        Ok(())
    }

    /// The column that this value is the place holder of.
    pub(crate) fn incomplete(&self, value: Var<'g>) -> Option<Incomplete<'g>> {
        let inputs = self.inputs.borrow();
        let input = inputs.iter().find(|i| i.seen.id() == value.id())?;
        Some(Incomplete {
            column: input.name.clone(),
            observed: input.input,
            missing: input.missing.clone()?,
        })
    }

    /// What a place holder for missing values is not made for.
    pub(crate) fn misused(&self, column: &str) -> Error {
        Error::MissingValues {
            column: column.to_owned(),
            problem: "and is used in a formula; observe the column once, under its distribution, \
                      and use what `Trace::observe` returns"
                .to_owned(),
        }
    }

    pub(crate) fn unknown_column(&self, name: &str) -> Error {
        if let Some(Values::Gone(_)) = self.data.get(name) {
            return Data::gone(name);
        }
        Error::UnknownColumn {
            column: name.to_owned(),
            available: self.data.names(),
        }
    }

    /// Keeps an error, and gives what has the shape of what was wanted to go on with.
    pub(super) fn refuse(&self, error: Error, wanted: &str) -> Var<'g> {
        self.fail(error);
        match wanted {
            "an index" => self.graph.index_constant(&vec![0; self.rows]),
            "a matrix" => self.zeros(Shape::from([1, self.rows])),
            _ => self.zeros(Shape::from(self.rows)),
        }
    }

    /// A column without values, which stands for itself where nothing asks for them.
    fn see_gone(&self, name: &str, gone: Gone) -> Var<'g> {
        let rows = self.rows;
        if self.fitted.is_none() || gone == Gone::Incomplete {
            return self.refuse(Data::gone(name), Values::Gone(gone).kind());
        }
        let mut absent = self.absent.borrow_mut();
        if let Some((_, var)) = absent.iter().find(|(known, _)| known == name) {
            return *var;
        }
        let var = match gone {
            Gone::Vector | Gone::Incomplete => self.graph.input(name, [rows]),
            Gone::Matrix { columns } => self.graph.input(name, [columns, rows]),
            Gone::Index => self.graph.index_input(name, [rows]),
        };
        self.graph.mark_rows(var);
        absent.push((name.to_owned(), var));
        var
    }

    /// The shape of what is not there and may stand for itself.
    fn absent_shape(&self, name: &str, wanted: &str) -> Option<Shape> {
        let fitted = self.fitted.as_ref()?;
        match (wanted, fitted.get(name)) {
            ("a column", _) => Some(Shape::from(self.rows)),
            ("a matrix", Some(Values::Matrix(matrix))) => {
                Some(Shape::from([matrix.columns, self.rows]))
            }
            ("a matrix", Some(Values::Gone(Gone::Matrix { columns }))) => {
                Some(Shape::from([*columns, self.rows]))
            }
            _ => None,
        }
    }

    /// Zeros, to go on with after an error.
    pub(crate) fn zeros(&self, shape: Shape) -> Var<'g> {
        self.graph.constant(&[0.0], []).broadcast_to(shape)
    }

    /// Whether a value is computed from the rows of a minibatch.
    pub(crate) fn is_of_minibatch(&self, value: Var<'g>) -> bool {
        (self.index.is_some() || self.is_fed) && value.comes_from_rows()
    }

    /// `N / B` for what comes from the rows of a minibatch, 1 for anything else.
    pub(crate) fn factor(&self, value: Var<'g>) -> f64 {
        match self.is_of_minibatch(value) {
            true => self.data.rows().unwrap_or(0) as f64 / self.rows as f64,
            false => 1.0,
        }
    }

    fn see(&self, name: &str, column: &Values) -> Var<'g> {
        if self.tile.is_some() || self.is_fed {
            return self.see_window(self.tile.as_deref(), name, column);
        }
        let mut inputs = self.inputs.borrow_mut();
        if let Some(known) = inputs.iter().find(|known| known.name == name) {
            return known.seen;
        }
        let total = self.data.rows().unwrap_or(0);
        let (mut rows_missing, mut columns) = (None, 1);
        let (input, seen, values) = match (column, self.index) {
            (Values::Incomplete { .. }, Some(_)) => {
                let error = Error::MissingValues {
                    column: name.to_owned(),
                    problem: "which are variables of the fit, one a row, while a minibatch has \
                              other rows at every step; fit it on all rows (without `batch`, on \
                              one device), or leave these rows out"
                        .to_owned(),
                };
                return self.refuse(error, "a column");
            }
            (Values::Incomplete { observed, missing }, None) => {
                let input = self.graph.input(name, [observed.len()]);
                let place_holder = self.graph.input(&format!("{name}, completed"), [total]);
                rows_missing = Some(missing.clone());
                (input, place_holder, observed.clone())
            }
            (Values::Vector(values), index) => {
                let input = self.graph.input(name, [total]);
                let seen = index.map_or(input, |index| input.gather(index, 0));
                (input, seen, values.clone())
            }
            (Values::Index(values), index) => {
                let input = self.graph.index_input(name, [total]);
                let seen = index.map_or(input, |index| input.gather(index, 0));
                (input, seen, values.clone())
            }
            // Rows of a resident matrix are gathered whole, then laid batch last.
            (Values::Matrix(matrix), Some(index)) => {
                let input = self.graph.input(name, [total, matrix.columns]);
                (input, input.gather(index, 0).t(), matrix.values.clone())
            }
            (Values::Matrix(matrix), None) => {
                let input = self.graph.input(name, [matrix.columns, total]);
                columns = matrix.columns;
                (input, input, matrix.values.clone())
            }
            (Values::Gone(gone), _) => {
                return self.refuse(Data::gone(name), Values::Gone(*gone).kind());
            }
        };
        // Of a minibatch, what was gathered by its row numbers is marked already, and the column
        // itself holds the rows of others as well.
        if self.index.is_none() {
            self.graph.mark_rows(seen);
            self.graph.mark_rows(input);
        }
        inputs.push(Input {
            name: name.to_owned(),
            input,
            seen,
            values,
            columns,
            missing: rows_missing,
        });
        seen
    }

    /// The data that were read.
    pub(crate) fn data(&self) -> Vec<Binding> {
        let inputs = self.inputs.borrow();
        let bound = inputs.iter().filter_map(|input| {
            let id = input.input.input_id()?;
            Some(Binding::of_rows(id, &input.values, input.columns))
        });
        bound.collect()
    }

    /// Checks that values need no column that is not there.
    pub(crate) fn check_known(&self, values: &[Var<'g>]) -> Result<(), Error> {
        for (name, absent) in self.absent.borrow().iter() {
            let mut values = values.iter();
            if values.any(|value| self.graph.depends_on(*value, *absent)) {
                return Err(self.unknown_column(name));
            }
        }
        Ok(())
    }
}

/// Row-major `[n, columns]` as row-major `[columns, n]`.
pub(crate) fn transposed(values: &[f64], columns: usize) -> Vec<f64> {
    let column = |j: usize| values.iter().skip(j).step_by(columns).copied();
    (0..columns).flat_map(column).collect()
}
