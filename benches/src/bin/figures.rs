//! Draws the plots of `cargo xtask figures`: reads what was measured as JSON, writes SVG files.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use bayes_nn::plots::{Lines, Series};
use serde_json::Value;

fn main() -> ExitCode {
    let drawn = match std::env::args_os().nth(1) {
        Some(folder) => draw(Path::new(&folder)),
        None => Err("the folder to write into is missing".into()),
    };
    match drawn {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("figures: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw(folder: &Path) -> Result<(), Box<dyn Error>> {
    let figures: Value = serde_json::from_reader(std::io::stdin())?;
    for figure in list(&figures)? {
        let mut lines = Lines::new()
            .title(text(figure, "title")?)
            .x_label(text(figure, "x_label")?)
            .y_label("milliseconds of a step")
            .log_x()
            .log_y();
        for curve in list(&figure["curves"])? {
            let (x, y) = (numbers(&curve["x"])?, numbers(&curve["y"])?);
            lines = lines.series(Series::new(text(curve, "name")?, &x, &y));
        }
        let path = folder.join(format!("{}.svg", text(figure, "file")?));
        fs::write(&path, lines.to_svg()?)?;
        println!("{}", path.display());
    }
    Ok(())
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("no list: {value}"))
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    let text = value.get(name).and_then(Value::as_str);
    text.ok_or_else(|| format!("no text `{name}`"))
}

fn numbers(value: &Value) -> Result<Vec<f64>, String> {
    let number = |value: &Value| value.as_f64().ok_or_else(|| format!("no number: {value}"));
    list(value)?.iter().map(number).collect()
}
