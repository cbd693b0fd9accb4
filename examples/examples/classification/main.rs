//! A classification from a table in a file: from its columns to a saved fit that predicts new rows.
//!
//! `cargo run --release --example classification`

use bayes_nn::prelude::*;
use bayes_nn::report::Report;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/bayes-nn/tests/data");
const NEW: &str = "petal width,petal length,sepal width,sepal length\n\
                   0.2,1.4,3.5,5.1\n2.3,5.9,3.0,6.8\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let table = Table::read(format!("{DATA}/iris.csv"))?;
    println!("{table}");
    let (train, test) = table.target("species")?.split(0.7, 0)?;

    let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field().seed(1))?;
    let score = fit.predict(&test, 500)?.score(&test)?;
    println!("{fit}\n{score}");
    let score = score.classification().expect("the target is a class");
    assert!(score.accuracy > 0.92);

    std::fs::create_dir_all("target/classification")?;
    let page = Report::new("Three species of iris").fit(&fit)?;
    let page = page.predictions(&fit, &test, Predict::draws(500))?;
    page.write("target/classification/report.html")?;

    // Another program needs the file alone; columns may come in any order.
    fit.save("target/classification/iris.bnn")?;
    let fit = Bnn::load("target/classification/iris.bnn")?;
    let prediction = fit.predict(&Table::read_from(NEW.as_bytes())?, 500)?;
    println!("{prediction}");
    assert_eq!(prediction.predicted_classes(), ["setosa", "virginica"]);
    println!("see target/classification/report.html");
    Ok(())
}
