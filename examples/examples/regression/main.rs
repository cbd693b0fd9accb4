//! A regression with bands: what a network knows where there are data, and does not know elsewhere.
//!
//! `cargo run --release --example regression`

use bayes_nn::nn::HeteroscedasticGaussian;
use bayes_nn::plots::Regression;
use bayes_nn::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A wave whose noise grows to the right, seen from 0 to 4 and from 6 to 8.
    let at = |i: usize| i as f64 / 50.0 + if i < 200 { 0.0 } else { 2.0 };
    let x: Vec<f64> = (0..300).map(at).collect();
    let noise = distributions::sample(&Normal::new(0.0, 0.05), 300, 0)?;
    let value = |(x, noise): (&f64, &f64)| x.sin() + (1.0 + x) * noise;
    let y: Vec<f64> = x.iter().zip(&noise).map(value).collect();
    let (train, test) = Dataset::new(&x, 1, &y)?.split(0.8, 0)?;
    let train = train.standardized().standardize_target();
    let scale = train.standardization().expect("it is standardised");

    let net = Mlp::new([1, 50, 2]).activation(Tanh);
    let bnn = Bnn::new(net, HeteroscedasticGaussian::new());
    let fit = bnn.fit(&train, &Advi::mean_field().seed(1))?;
    let test = test.standardized_by(scale)?;
    let score = fit.predict(&test, 500)?.score(&test)?;
    println!("{fit}\n{score}");
    let score = score.regression().expect("the target is a number");
    assert!(score.rmse < 0.4 && score.coverage > 0.85);

    let grid: Vec<f64> = (-20..=120).map(|i| f64::from(i) / 12.0).collect();
    let rows = Dataset::new(&grid, 1, vec![0.0; grid.len()])?.standardized_by(scale)?;
    let bands = Regression::new(&x, &y).prediction(&grid, &fit.predict(&rows, 500)?);
    std::fs::create_dir_all("target/regression")?;
    std::fs::write("target/regression/bands.svg", bands.to_svg()?)?;
    fit.report("target/regression/report.html")?;
    println!("see target/regression/bands.svg and report.html");
    Ok(())
}
