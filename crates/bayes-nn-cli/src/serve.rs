//! Prediction as a service: lines of JSON in, a line of JSON out for each.

use std::io::{BufRead, Write};

use bayes_nn::prelude::*;
use serde_json::{Map, Value, json};

use crate::error::Failure;

/// Answers every line at once: a row, by the names of its columns, with its prediction, and a line that
/// is none with what is wrong with it.
pub fn answer(
    fit: &Posterior<Bnn>,
    how: Predict,
    lines: impl BufRead,
    out: &mut impl Write,
) -> Result<(), Failure> {
    for (number, line) in lines.split(b'\n').enumerate() {
        let line = line.map_err(Failure::Lines)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answered = row(&line).and_then(|table| {
            let prediction = fit.predict_with(&table, how);
            Ok(said(&prediction.map_err(|error| error.to_string())?))
        });
        let answer = answered.unwrap_or_else(|error| json!({ "line": number + 1, "error": error }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// The table of one row that a line has.
fn row(line: &[u8]) -> Result<Table, String> {
    let value: Value =
        serde_json::from_slice(line).map_err(|error| format!("the line is no JSON: {error}"))?;
    let Value::Object(fields) = value else {
        return Err(
            "the line is no object of columns, as {\"age\": 41, \"sex\": \"f\"}".to_owned(),
        );
    };
    if fields.is_empty() {
        return Err("the object has no columns".to_owned());
    }
    let names = fields.keys().map(|name| quoted(name));
    let cells: Result<Vec<String>, String> = fields.iter().map(cell).collect();
    let text = format!(
        "{}\n{}\n",
        names.collect::<Vec<_>>().join(","),
        cells?.join(",")
    );
    let table = Table::reader().delimiter(b',').with_header();
    table
        .read_from(text.as_bytes())
        .map_err(|error| error.to_string())
}

fn cell((name, value): (&String, &Value)) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(quoted(text)),
        Value::Array(_) | Value::Object(_) => Err(format!(
            "`{name}` is a list or an object; a value is a number, a text, true, false or null"
        )),
    }
}

/// A cell of CSV.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What is predicted of the row.
fn said(prediction: &Prediction) -> Value {
    let mut answer = Map::new();
    match prediction.interval() {
        Some((lower, upper)) => {
            answer.insert("mean".to_owned(), json!(prediction.mean()[0]));
            answer.insert("lower".to_owned(), json!(lower[0]));
            answer.insert("upper".to_owned(), json!(upper[0]));
        }
        None => {
            let probabilities = match prediction.mean() {
                // Of two classes the mean is the probability of the second.
                [p] => vec![1.0 - p, *p],
                all => all.to_vec(),
            };
            let classes = prediction.classes().into_iter();
            let each = classes
                .zip(probabilities)
                .map(|(class, p)| (class, json!(p)));
            let class = prediction.predicted_classes().into_iter().next();
            answer.insert("class".to_owned(), json!(class));
            answer.insert("probabilities".to_owned(), Value::Object(each.collect()));
        }
    }
    answer.insert("aleatoric".to_owned(), json!(prediction.aleatoric()[0]));
    answer.insert("epistemic".to_owned(), json!(prediction.epistemic()[0]));
    if !prediction.warnings().is_empty() {
        answer.insert("warnings".to_owned(), json!(prediction.warnings()));
    }
    Value::Object(answer)
}
