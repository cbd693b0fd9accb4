//! Passes that are no groups: copies, transposes, selections, and reductions across rows.

use super::group::{block_for, name as kind_name};
use super::text::{Printer, count, joined, literal, scaled};
use super::{Work, surely_inside};
use crate::plan::layout::around;
use crate::plan::{Pass, ReduceMiddle, Selection, ValueId};

/// Reductions across rows are a block's when there are fewer results than this.
const FEW: usize = 16_384;

impl Printer<'_> {
    /// Prints a pass that is no group.
    pub(super) fn whole(&mut self, number: usize, pass: &Pass) -> Work {
        self.open(&number.to_string(), number);
        let work = match pass {
            Pass::Fused(_) => unreachable!("groups are printed elsewhere"),
            Pass::MatMul(product) => self.product(product),
            Pass::ProductByGroup(product) => self.product_by_group(number, product),
            Pass::Cholesky { matrix, out } => self.cholesky(*matrix, *out),
            Pass::TriangularSolve(solve) => self.triangular_solve(solve),
            Pass::Convolution(convolution) => self.convolution(convolution),
            Pass::Pool(pool) => self.pool(pool),
            Pass::Unpool(pool) => self.unpool(pool),
            Pass::AllReduceMean { .. } => unreachable!("a library does it"),
            Pass::Copy {
                source,
                offset,
                out,
            } => {
                let from = self.element(*source, &joined(&[literal(*offset), "i".to_owned()]));
                let to = self.element(*out, "i");
                self.each(
                    self.value(*out).shape.elements(),
                    &[],
                    &format!("{to} = {from};"),
                )
            }
            Pass::Transpose { source, out } => {
                let columns = self.value(*source).shape.columns();
                let rows = self.value(*source).shape.rows();
                let from = match (rows, columns) {
                    (0 | 1, _) | (_, 0 | 1) => self.element(*source, "i"),
                    _ => {
                        let place = format!("i % {0} * {1} + i / {0}", count(rows), count(columns));
                        self.element(*source, &place)
                    }
                };
                let to = self.element(*out, "i");
                self.each(rows * columns, &[], &format!("{to} = {from};"))
            }
            Pass::Concat { parts, out, axis } => {
                let [_, length, inner] = around(&self.value(*out).shape, *axis);
                let row = length * inner;
                let mut most = 0;
                for (start, part) in parts {
                    let value = self.value(*part);
                    let run = value.shape[*axis] * inner;
                    let number = match value.shape.elements() == run {
                        true => joined(&[literal(start * inner), "i".to_owned()]),
                        false => format!(
                            "i / {run} * {} + {} + i % {run}",
                            count(row),
                            count(start * inner),
                            run = count(run)
                        ),
                    };
                    let to = self.element(*out, &number);
                    let from = self.element(*part, "i");
                    let elements = value.shape.elements();
                    self.each(elements, &[], &format!("{to} = {from};"));
                    most = most.max(elements);
                }
                Work::Units(most)
            }
            Pass::Gather(Selection {
                source,
                index,
                out,
                axis,
            }) => {
                let [_, length, inner] = around(&self.value(*source).shape, *axis);
                let chosen = self.value(*index).shape.elements();
                let slice = self.slice(number, *index, length, "k");
                let from = format!(
                    "(i / {} * {} + {slice}) * {inner} + i % {inner}",
                    count(inner * chosen),
                    count(length),
                    inner = count(inner)
                );
                let from = self.element(*source, &from);
                let to = self.element(*out, "i");
                let k = format!("const place k = i / {} % {};", count(inner), count(chosen));
                self.each(
                    self.value(*out).shape.elements(),
                    &[k],
                    &format!("{to} = {from};"),
                )
            }
            Pass::Scatter(Selection {
                source,
                index,
                out,
                axis,
            }) => {
                let shape = self.value(*out).shape;
                let [_, length, inner] = around(&shape, *axis);
                let chosen = self.value(*index).shape.elements();
                let slice = self.slice(number, *index, length, "k");
                let (inner, length, chosen) = (count(inner), count(length), count(chosen));
                let from = format!("(block * {chosen} + k) * {inner} + j");
                let from = self.element(*source, &from);
                let to = self.element(*out, "i");
                let before = [
                    format!("const place j = i % {inner}, slot = i / {inner} % {length};"),
                    format!("const place block = i / {inner} / {length};"),
                    "real sum = 0;".to_owned(),
                    format!("for (place k = 0; k < {chosen}; ++k)"),
                    format!("    if ({slice} == slot) sum += {from};"),
                ];
                self.each(shape.elements(), &before, &format!("{to} = sum;"))
            }
            Pass::ReduceMiddle(reduce) => self.reduce_middle(reduce),
            Pass::MeanOverDraws { source, out } => {
                let draws = self.plan.draws;
                let (from, to) = (self.element(*source, "i"), self.element(*out, "i"));
                let sum = format!("const real sum = f.draw ? {to} + {from} : {from};");
                let share = self.real((draws as f64).recip());
                let mean = format!("{to} = f.draw == {}ull ? sum * {share} : sum;", draws - 1);
                self.each(self.value(*out).shape.elements(), &[sum], &mean)
            }
            Pass::Record { source, rows, out } => {
                let count = self.value(*source).shape.elements();
                let row = format!("(place)(f.control->step % {rows}ull) * {count}");
                let to = self.element(*out, &format!("{row} + i"));
                let from = self.element(*source, "i");
                self.each(count, &[], &format!("{to} = {from};"))
            }
            Pass::Batch { rows, stream, out } => {
                let chosen = self.value(*out).shape.elements();
                let to = self.element(*out, "i");
                let part = match self.plan.has_all_reduce() {
                    true => "part_of_step(f.control)",
                    false => "f.control->step",
                };
                let position = format!("{part} * {chosen}ull + i");
                let row = format!("batch_row(f.control, {stream}u, {rows}ull, {position})");
                self.each(chosen, &[], &format!("{to} = {row};"))
            }
        };
        self.line("}");
        work
    }

    /// A loop over the row-major numbers `i` of so many elements.
    pub(super) fn each(&mut self, elements: usize, before: &[String], action: &str) -> Work {
        if elements == 0 {
            return Work::Units(0);
        }
        self.line(format!(
            "    for (place i = f.thread; i < {}; i += f.threads) {{",
            count(elements)
        ));
        for line in before {
            self.line(format!("        {line}"));
        }
        self.line(format!("        {action}\n    }}"));
        Work::Units(elements)
    }

    /// The slice that position `k` of an index selects.
    pub(super) fn slice(&self, pass: usize, index: ValueId, length: usize, k: &str) -> String {
        let chosen = self.element(index, k);
        match surely_inside(self.plan, index, length) {
            true => chosen,
            false => format!("checked(f, {pass}u, {k}, {chosen}, {})", count(length)),
        }
    }

    /// Threads side by side take results side by side; the rows of few results are dealt to
    /// several threads of a block.
    fn reduce_middle(&mut self, reduce: &ReduceMiddle) -> Work {
        let ReduceMiddle {
            source,
            out,
            length,
            ..
        } = *reduce;
        let results = self.value(out).shape.elements();
        let inner = results / reduce.outer.max(1);
        let number = joined(&[
            format!(
                "i / {0} * {1} + i % {0}",
                count(inner),
                count(inner * length)
            ),
            scaled("k", inner),
        ]);
        let kind = kind_name(reduce.kind);
        let from = self.element(source, &number);
        let sum = Sums {
            results,
            terms: length,
            by_block: results < FEW && length >= 32,
            kind,
            before: "",
            start: &format!("(real){kind}::identity()"),
            add: &format!("sum = {kind}::join(sum, {from})"),
            to: &self.element(out, "i"),
        };
        self.sums(&sum)
    }
}

/// Results that are sums, or maxima, over an index `k`.
pub(super) struct Sums<'a> {
    pub results: usize,
    pub terms: usize,
    /// Whether the terms of a result are dealt to the threads of a block.
    pub by_block: bool,
    pub kind: &'static str,
    /// What is declared of result `i`.
    pub before: &'a str,
    /// What `sum` is before the first term, and how one is added.
    pub start: &'a str,
    pub add: &'a str,
    /// Where the result goes.
    pub to: &'a str,
}

impl Printer<'_> {
    /// The loop over all results.
    pub(super) fn sums(&mut self, sums: &Sums<'_>) -> Work {
        let (results, terms) = (sums.results, sums.terms);
        if results == 0 {
            return Work::Units(0);
        }
        let (index, stride, first, step) = match sums.by_block {
            true => ("f.block", "f.blocks", "threadIdx.x", "blockDim.x"),
            false => ("f.thread", "f.threads", "0", "1"),
        };
        self.line(format!(
            "    for (place i = {index}; i < {}; i += {stride}) {{\n{}        \
             real sum = {};\n        \
             for (place k = {first}; k < {}; k += {step}) {};",
            count(results),
            sums.before,
            sums.start,
            count(terms),
            sums.add
        ));
        let (kind, to) = (sums.kind, sums.to);
        if !sums.by_block {
            self.line(format!("        {to} = sum;\n    }}"));
            return Work::Units(results);
        }
        self.line(format!(
            "        const double total = block_reduce<{kind}>(sum);\n        \
             if (threadIdx.x == 0) {to} = total;\n    }}"
        ));
        Work::Blocks(results, block_for(terms))
    }
}
