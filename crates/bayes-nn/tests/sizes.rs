//! Sizes, shapes and settings that cannot be are refused by a sentence that says where and why, and
//! what can be costs what it should.

mod csv_bytes;

use bayes_nn::data::Recipe;
use bayes_nn::distributions::{Dirichlet, LkjCholesky, Ordered};
use bayes_nn::model::{Batch, DrawTable, Trace, from_fn};
use bayes_nn::prelude::*;
use bayes_nn::{Sgld, Site, concat, scores, stack};

fn quick() -> Advi {
    Advi::mean_field().steps(10).elbo_draws(2)
}

fn column(name: &str, numbers: usize) -> Data {
    let numbers: Vec<f64> = (0..numbers).map(|i| 0.1 * i as f64).collect();
    Data::new().column(name, &numbers).unwrap()
}

fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error.to_string(),
    }
}

/// Why a model of the column `y` of four rows cannot be fitted.
fn refused(model: for<'g> fn(&Trace<'g>, &Batch<'g>)) -> String {
    message(model::fit(&from_fn(model), column("y", 4), &quick()))
}

#[test]
fn a_shape_error_in_an_observation_is_told_as_one() {
    let text = refused(|trace, data| {
        let slopes = trace.sample("slopes", Normal::new(0.0, 1.0).expand([3]));
        let x = stack(&[data.column("y"), data.column("y")], 0);
        trace.observe("y", Normal::new(slopes.matmul(x), 1.0), data.column("y"));
    });
    assert!(text.starts_with("matmul at "), "{text}");
    assert!(text.contains("tests/sizes.rs:"), "{text}");
    assert!(text.contains("[3] x [2, 4]"), "{text}");
    let text = refused(|trace, data| {
        let b = trace.sample("b", Normal::new(0.0, 1.0).expand([2]));
        let seen = data.column("y") + 0.0 * b.sum();
        trace.observe(
            "y",
            Normal::new(b + data.column("y").view(0, [3]), 1.0),
            seen,
        );
    });
    assert!(text.starts_with("add at "), "{text}");
    assert!(text.contains("[2] and [3] do not broadcast"), "{text}");
    let text = refused(|trace, data| {
        let scale = trace.sample("scale", HalfNormal::new(1.0).expand([3]));
        let mean = trace.sample("mean", Normal::new(0.0, scale.row(3)));
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    assert!(text.starts_with("row at "), "{text}");
    assert!(
        text.contains("in `mean`") || text.contains("row 3"),
        "{text}"
    );
}

#[test]
fn scalar_sites_are_put_side_by_side_and_keep_the_shapes_they_are_given() {
    let model = from_fn(|trace: &Trace<'_>, data: &Batch<'_>| {
        let a = trace.sample("a", Normal::new(0.0, 1.0));
        let b = trace.sample("b", Normal::new(0.0, 1.0));
        let sides = concat(&[a.reshape(1), b.reshape(1)], 0);
        let rows = stack(&[a, b], 0).reshape([2, 1]).broadcast_to([2, 4]);
        let first = rows.row(0).matmul(rows.row(1)) + a.broadcast_to([2]).row(1);
        let mean = rows.t().matmul(sides) + 0.1 * first;
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let data = column("y", 4);
    model::fit(&model, &data, &quick()).unwrap();
    model::prior_predictive(&model, &data, 3, 0).unwrap();
    model::fit(&model, &data, &Nuts::new().chains(1).draws(5).warmup(5)).unwrap();
}

#[test]
fn a_variable_of_more_elements_than_memory_has_is_named() {
    for (text, parts) in [
        (
            refused(|trace, _| {
                trace.sample("w", Normal::new(0.0, 1.0).expand([1 << 33, 1 << 31]));
            }),
            ["`w`", "[8589934592, 2147483648]"],
        ),
        (
            refused(|trace, _| {
                trace.sample("w", Normal::new(0.0, 1.0).expand(1 << 40));
            }),
            ["`w`", "up to 2^30"],
        ),
        (
            refused(|trace, _| {
                trace.sample("w", LkjCholesky::new(1 << 40, 1.0));
            }),
            ["`w`", "up to 2^30"],
        ),
        (
            refused(|trace, _| {
                trace.sample("w", Ordered::new(Normal::new(0.0, 1.0), usize::MAX));
            }),
            ["`w`", "up to 2^30"],
        ),
        (
            refused(|trace, data| {
                let w = trace.sample("w", Normal::new(0.0, 1.0));
                let mean = w.broadcast_to([1 << 50, 4]).sum_axis(0);
                trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
            }),
            ["memory", "[1125899906842624, 4]"],
        ),
    ] {
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn settings_beyond_what_can_be_are_refused_with_their_bounds() {
    fn mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    }
    let (model, data) = (from_fn(mean), column("y", 4));
    let window = |window| Optimizer::AdagradWindow {
        window,
        epsilon: 0.1,
    };
    let fits = [
        (
            quick().elbo_draws(usize::MAX),
            "`elbo_draws` is",
            "at most 1000000",
        ),
        (
            quick().restarts(1_000_000_000_000),
            "`restarts` is",
            "at most 100000",
        ),
        (
            quick().samples(1_000_000_000),
            "`samples` is",
            "at most 1048576",
        ),
        (
            quick().samples(usize::MAX),
            "`samples` is",
            "at most 1048576",
        ),
        (
            quick().optimizer(window(1_000_000_000_000)),
            "`optimizer` is",
            "between 1 and 10000",
        ),
        (
            quick().optimizer(window(usize::MAX)),
            "`optimizer` is",
            "between 1 and 10000",
        ),
    ];
    for (advi, setting, allowed) in fits {
        let text = message(model::fit(&model, &data, &advi));
        assert!(
            text.starts_with(setting) && text.contains(allowed),
            "{text}"
        );
    }
    let nuts = Nuts::new().draws(5).warmup(5);
    let runs = [
        (
            nuts.clone().chains(usize::MAX),
            "`chains` is",
            "at most 100000",
        ),
        (
            nuts.clone().first_chain(usize::MAX),
            "`first_chain` is",
            "64 bits",
        ),
        (nuts.clone().draws(u64::MAX), "`draws` is", "64 bits"),
        (
            nuts.clone().max_depth(u32::MAX),
            "`max_depth` is",
            "between 1 and 20",
        ),
    ];
    for (nuts, setting, allowed) in runs {
        let text = message(model::fit(&model, &data, &nuts));
        assert!(
            text.starts_with(setting) && text.contains(allowed),
            "{text}"
        );
    }
    let sgld = [
        (
            Sgld::new().chains(usize::MAX),
            "`chains` is",
            "at most 100000",
        ),
        (
            Sgld::new().draws(u64::MAX).thinning(2),
            "`draws` is",
            "64 bits",
        ),
    ];
    for (sgld, setting, allowed) in sgld {
        let text = message(model::fit(&model, &data, &sgld));
        assert!(
            text.starts_with(setting) && text.contains(allowed),
            "{text}"
        );
    }
    let fit = model::fit(&model, &data, &quick()).unwrap();
    let many = [
        message(fit.draws(usize::MAX, 0)),
        message(fit.take(usize::MAX, 0)),
        message(fit.predictive(&data, usize::MAX, 0)),
        message(fit.predict(&data, usize::MAX)),
        message(model::prior_predictive(&model, &data, usize::MAX, 0)),
    ];
    for text in many {
        assert!(
            text.contains("draws") && text.contains("at most 100,000,000"),
            "{text}"
        );
    }
    let lengths = DrawTable::new(vec![Site::new("mean", [], 0)], vec![0.5], [usize::MAX, 2]);
    assert!(lengths.unwrap_err().to_string().contains("chains of"));
    for text in [
        datasets::moons(usize::MAX, 0.1, 0).unwrap_err().to_string(),
        datasets::grid(0.0, 1.0, 1 << 33).unwrap_err().to_string(),
        datasets::grid_axis(0.0, 1.0, usize::MAX)
            .unwrap_err()
            .to_string(),
    ] {
        assert!(
            text.contains("at most 100000000 are made at once"),
            "{text}"
        );
    }
}

#[test]
fn numbers_of_draws_and_rows_that_wrap_around_are_refused() {
    let model = from_fn(|trace: &Trace<'_>, data: &Batch<'_>| {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0).expand([2]));
        trace.observe("y", Normal::new(mean.sum(), 1.0), data.column("y"));
    });
    let data = column("y", 4);
    let fit = model::fit(&model, &data, &quick()).unwrap();
    let text = message(fit.psis(usize::MAX, 0));
    assert!(
        text.contains("`draws` is") && text.contains("fit into memory"),
        "{text}"
    );
    let draws = fit.draws(3, 0).unwrap();
    assert_eq!(draws.variable("mean").unwrap().draw(1 << 63), None);
    let predicted = fit.predict_draws(&data, Predict::draws(2)).unwrap();
    assert_eq!(predicted.draw(1 << 62), None);
    let text = distributions::sample(&Normal::new(0.0, 1.0), usize::MAX, 0);
    assert!(text.unwrap_err().to_string().contains("fit into memory"));
    let wide = distributions::sample(&Ordered::new(Normal::new(0.0, 1.0), 1 << 60), 1, 0);
    assert!(wide.unwrap_err().to_string().contains("fit into memory"));
    assert!(scores::predicted_classes(&[0.5, 0.5], usize::MAX).is_err());
}

#[test]
fn any_number_of_a_first_chain_and_of_threads_works_at_once() {
    fn mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    }
    let (model, data) = (from_fn(mean), column("y", 4));
    let nuts = Nuts::new().draws(5).warmup(5).chains(2).threads(usize::MAX);
    let draws = |first| {
        let run = model::fit(&model, &data, &nuts.clone().first_chain(first)).unwrap();
        run.all_draws()
            .unwrap()
            .variable("mean")
            .unwrap()
            .values()
            .to_vec()
    };
    let starts = [0, 1023, 1024, 100_000_000, usize::MAX - 2];
    let all: Vec<Vec<f64>> = starts.map(draws).to_vec();
    for (i, a) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|b| b[0] != a[0]), "chain {i}");
    }
    // A chain has the bits that it has among others, whichever seed it shares with them.
    assert_eq!(draws(1024)[..5], draws(1023)[5..]);
}

#[test]
fn a_fit_stops_when_it_has_converged_however_far_apart_looks_are() {
    fn mean<'g>(trace: &Trace<'g>, data: &Batch<'g>) {
        let mean = trace.sample("mean", Normal::new(0.0, 1.0));
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    }
    let (model, data) = (from_fn(mean), column("y", 4));
    let steps = |every| {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(0));
        let counted = seen.clone();
        let advi = Advi::mean_field()
            .steps(1_000_000)
            .elbo_draws(2)
            .every(every);
        let advi = advi.stop_when_converged().callback(move |snapshot| {
            *counted.lock().unwrap() += snapshot.elbos.len() as u64;
            std::ops::ControlFlow::Continue(())
        });
        let fit = model::fit(&model, &data, &advi).unwrap();
        let steps = fit.advi().unwrap().steps();
        assert_eq!(*seen.lock().unwrap(), steps);
        steps
    };
    // The window of the test has 5,000 steps.
    assert!(steps(1_000_000) < steps(256) + 5_000);
}

#[test]
fn large_vectors_and_matrices_on_a_support_take_as_long_as_they_have_elements() {
    let large = from_fn(|trace: &Trace<'_>, data: &Batch<'_>| {
        let factor = trace.sample("factor", LkjCholesky::new(100, 1.0));
        let even = trace.graph().constant(&[1.0; 10_000], [10_000]);
        let shares = trace.sample("shares", Dirichlet::new(even));
        let mean = factor.view(100, []) + shares.view(0, []);
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let begin = std::time::Instant::now();
    model::fit(&large, column("y", 4), &quick()).unwrap();
    // Dense tables took half a minute and gigabytes.
    assert!(begin.elapsed().as_secs() < 20);
}

#[test]
fn columns_are_found_by_their_names_however_many_there_are() {
    let names: Vec<String> = (0..30_000).map(|i| format!("column{i:05}")).collect();
    let values: Vec<String> = (0..30_000).map(|i| i.to_string()).collect();
    let text = format!("{}\n{}\n", names.join(","), values.join(","));
    let table = Table::read_from(text.as_bytes()).unwrap();
    let table = table.only(names[1..].iter().rev()).unwrap();
    let data = table.target(&names[0]).unwrap();
    let data = data.with_recipe(&Recipe::new().unscaled()).unwrap();
    assert_eq!(
        (data.x()[0], data.x()[29_998], data.y()[0]),
        (29_999.0, 1.0, 0.0)
    );
}

#[test]
fn any_bytes_are_a_data_set_or_refused() {
    let texts: [&[u8]; 4] = [
        b"x1,x2,y\n0.5,1.5,0\n2.5,3.5,1\n",
        b"x1;y;test\r\n1e308;-0;1\r\n\"2\";inf;0\r\n",
        b"\xef\xbb\xbfa,\"b \"\"c\"\"\",a\n1,2,3\n\n4,5\n",
        b"1,2\n3,4\n\xe4,5\n,\n",
    ];
    let bytes: &[u8] = b",;\"\n\r\t \x00\xff01.-einfNaN#";
    let mut state = 1u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        (state >> 33) as usize % n
    };
    let mut read = 0;
    for _ in 0..5_000 {
        let mut text = texts[below(texts.len())].to_vec();
        for _ in 0..below(6) {
            let place = below(text.len());
            match below(3) {
                0 => text[place] = bytes[below(bytes.len())],
                1 => text.insert(place, bytes[below(bytes.len())]),
                _ => text.truncate(place + 1),
            }
        }
        read += csv_bytes::check(&text);
    }
    assert!(read > 200, "{read}");
}
