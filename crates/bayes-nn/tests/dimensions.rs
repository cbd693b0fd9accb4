//! Named dimensions: groups keep their names from the data to draws, summaries and predictions.

use bayes_nn::distributions::{Beta, Dirichlet, HalfNormal, LkjCholesky, MultivariateNormal};
use bayes_nn::model::Model;
use bayes_nn::prelude::*;
use bayes_nn::{GroupError, SiteError};

/// Houses in counties: the level of AITKIN is low, that of HENNEPIN high.
const HOUSES: &str = "county,floor,radon\n\
    HENNEPIN,0,2.1\nAITKIN,0,0.1\nRAMSEY,1,0.4\nHENNEPIN,0,1.9\nRAMSEY,0,1.1\nAITKIN,1,-0.6\n\
    HENNEPIN,1,1.4\nAITKIN,0,-0.1\nRAMSEY,0,0.9\nHENNEPIN,0,2.2\n";

fn houses() -> Data {
    Data::from_table(&Table::read_from(HOUSES.as_bytes()).unwrap()).unwrap()
}

fn levels() -> impl Model + Clone {
    model::from_fn(|trace, data| {
        let mean = trace.sample("mean", Normal::new(0.0, 2.0));
        let spread = trace.sample("spread", HalfNormal::new(2.0));
        let level = trace.sample("level", Normal::new(mean, spread).over("county"));
        let slope = trace.sample("slope", Normal::new(0.0, 1.0));
        let mean = level.gather(data.index("county"), 0) + slope * data.column("floor");
        trace.observe("radon", Normal::new(mean, 0.2), data.column("radon"));
    })
}

fn nuts() -> Nuts {
    Nuts::new().chains(2).warmup(300).draws(300).seed(1)
}

fn refused(model: impl Model + Clone, data: &Data) -> String {
    let fit = model::fit(&model, data, &Advi::mean_field().steps(10));
    fit.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn names_of_groups_label_draws_summary_and_print() {
    let fit = model::fit(&levels(), houses(), &nuts()).unwrap();
    let summary = fit.summary().unwrap();
    let names: Vec<&str> = summary.rows.iter().map(|row| row.name.as_str()).collect();
    let levels = ["level[AITKIN]", "level[HENNEPIN]", "level[RAMSEY]"];
    assert_eq!(
        names,
        [&["mean", "spread"][..], &levels, &["slope"]].concat()
    );
    assert!(fit.to_string().contains("level[HENNEPIN]"), "{fit}");
    let draws = fit.all_draws().unwrap();
    let level = draws.variable("level").unwrap();
    let mean = |name| level.of([name]).unwrap().iter().sum::<f64>() / 600.0;
    assert!((mean("HENNEPIN") - 2.0).abs() < 0.2 && mean("AITKIN").abs() < 0.2);
    assert_eq!(
        level.of(["HENEPIN"]).unwrap_err().to_string(),
        "`level` has no place `HENEPIN` along `county`, which has `AITKIN`, `HENNEPIN`, `RAMSEY`; the \
         nearest is `HENNEPIN`"
    );
    assert_eq!(fit.sites()[2].axes[0].as_ref().unwrap().len(), 3);
}

#[test]
fn a_variable_over_a_dimension_has_the_draws_of_one_without_names() {
    let codes = [1, 0, 2, 1, 2, 0, 1, 0, 2, 1];
    let plain = model::from_fn(|trace, data| {
        let level = trace.sample("level", Normal::new(0.0, 2.0).expand([3]));
        let mean = level.gather(data.index("county"), 0);
        trace.observe("radon", Normal::new(mean, 0.2), data.column("radon"));
    });
    let named = model::from_fn(|trace, data| {
        let level = trace.sample("level", Normal::new(0.0, 2.0).over("county"));
        let mean = level.gather(data.index("county"), 0);
        trace.observe("radon", Normal::new(mean, 0.2), data.column("radon"));
    });
    let table = Table::read_from(HOUSES.as_bytes()).unwrap();
    let data = Data::new().index("county", &codes).unwrap();
    let data = data
        .column("radon", table.numbers("radon").unwrap())
        .unwrap();
    let draws = |draws: bayes_nn::Draws| draws.variable("level").unwrap().values().to_vec();
    let plain = model::fit(&plain, data, &nuts())
        .unwrap()
        .all_draws()
        .unwrap();
    let named = model::fit(&named, houses(), &nuts())
        .unwrap()
        .all_draws()
        .unwrap();
    assert_eq!(draws(plain), draws(named));
}

#[test]
fn new_data_that_list_names_in_another_order_never_mix_groups_up() {
    let fit = model::fit(&levels(), houses(), &nuts()).unwrap();
    let one = |county: &str| {
        Data::new()
            .column("floor", &[0.0])?
            .groups("county", &[county])
    };
    let alone = |county| fit.predict(one(county).unwrap(), 200).unwrap().mean()[0];
    assert!(alone("HENNEPIN") > alone("RAMSEY") && alone("RAMSEY") > alone("AITKIN"));
    let words = ["RAMSEY", "HENNEPIN", "AITKIN"];
    for order in [
        words,
        ["AITKIN", "RAMSEY", "HENNEPIN"],
        ["HENNEPIN", "AITKIN", "RAMSEY"],
    ] {
        let data = Data::new().column("floor", &[0.0; 3]).unwrap();
        let data = data.with_dimension("county", order).unwrap();
        let data = data.groups("county", &words).unwrap();
        let prediction = fit.predict(&data, 200).unwrap();
        assert_eq!(prediction.mean(), words.map(alone));
        assert_eq!(prediction.warnings(), [""; 0]);
        let likelihood = data.column("radon", &[1.0, 2.0, 0.0]).unwrap();
        let likelihood = fit.log_likelihood(likelihood).unwrap();
        assert!(
            likelihood
                .variable("radon")
                .unwrap()
                .mean()
                .iter()
                .all(|l| *l > -1.0)
        );
    }
    let scored = Data::new().groups("county", &["RAMSEY", "AITKIN"]).unwrap();
    let scored = scored.column("floor", &[0.0; 2]).unwrap();
    let scored = scored.column("radon", &[1.0, 0.0]).unwrap();
    let score = fit.score(&scored, Predict::draws(200)).unwrap();
    assert!(score.regression().unwrap().rmse < 0.2, "{score}");
    let rows = Table::read_from("floor,county\n0,RAMSEY\n0,AITKIN\n".as_bytes()).unwrap();
    assert_eq!(
        fit.predict(&rows, 200).unwrap().mean(),
        ["RAMSEY", "AITKIN"].map(alone)
    );
}

#[test]
fn a_new_group_is_drawn_from_its_prior_and_said_so() {
    let guide = model::fit(&levels(), houses(), &Advi::full_rank().seed(1)).unwrap();
    let chains = model::fit(&levels(), houses(), &nuts()).unwrap();
    for fit in [guide, chains] {
        let known = Table::read_from("county,floor\nHENNEPIN,0\n".as_bytes()).unwrap();
        let known = fit.predict_draws(&known, Predict::draws(500)).unwrap();
        let rows = "county,floor\nANOKA,0\nHENNEPIN,0\nANOKA,0\n";
        let rows = Table::read_from(rows.as_bytes()).unwrap();
        let prediction = fit.predict(&rows, 500).unwrap();
        let warning = "`ANOKA` is one name of `county` that the data of the fit do not have: what the \
                       model has for each of them is drawn from its prior, given the other variables";
        assert_eq!(prediction.warnings(), [warning]);
        assert!(
            prediction
                .to_string()
                .starts_with(&format!("warning: {warning}\n"))
        );
        let draws = fit.predict_draws(&rows, Predict::draws(500)).unwrap();
        // The known group keeps its draws, and both rows of the new one share theirs.
        let (mut apart, mut level) = (0.0_f64, Vec::new());
        for draw in 0..500 {
            let (new, old) = (draws.draw(draw).unwrap(), known.draw(draw).unwrap());
            assert!((new[1] - old[0]).abs() < 2.0);
            apart = apart.max((new[0] - new[2]).abs());
            level.push(new[0]);
        }
        assert!(apart < 0.2 * 8.0, "{apart}");
        // Its level is N(mean, spread), with both as the fit has them.
        let shared = fit.draws(500, 0).unwrap();
        let second = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>() / 500.0;
        let spread = second(shared.variable("spread").unwrap().values());
        let means = shared.variable("mean").unwrap();
        let mean = level.iter().sum::<f64>() / 500.0;
        let variance = second(&level) - mean * mean;
        let expected = spread + means.sd()[0].powi(2) + 0.04;
        // Five standard errors of a mean, and a fourth of a heavy-tailed variance.
        assert!((mean - means.mean()[0]).abs() < 5.0 * (expected / 500.0).sqrt());
        assert!(
            variance > 0.5 * expected && variance < 2.0 * expected,
            "{variance} {expected}"
        );
        let drawn = fit.predictive(
            Data::new()
                .groups("county", &["ANOKA"])
                .unwrap()
                .column("floor", &[0.0])
                .unwrap(),
            50,
            3,
        );
        assert_eq!(drawn.unwrap().warnings().len(), 1);
    }
}

#[test]
fn a_known_group_beside_a_new_one_keeps_its_bits() {
    let fit = model::fit(&levels(), houses(), &nuts()).unwrap();
    let at = |counties: &[&str]| {
        let data = Data::new().groups("county", counties).unwrap();
        let data = data.column("floor", vec![0.0; counties.len()]).unwrap();
        fit.predict(data, 300).unwrap()
    };
    let (known, both) = (at(&["RAMSEY"]), at(&["AAA", "RAMSEY", "ZZZ"]));
    assert_eq!(known.mean()[0], both.mean()[1]);
    assert_eq!(both.warnings().len(), 1);
    assert!(both.warnings()[0].starts_with("`AAA`, `ZZZ` are names of `county`"));
    // Of one seed the draws are the same, and what is drawn for a name depends on no other row.
    assert_eq!(at(&["AAA", "ZZZ"]).mean()[0], both.mean()[0]);
}

#[test]
fn new_groups_of_priors_on_other_supports_and_of_vectors_are_drawn() {
    let text = "player,kind,y\nann,a,1\nbob,b,0\nann,b,1\nbob,a,0\n";
    let data = Data::from_table(&Table::read_from(text.as_bytes()).unwrap()).unwrap();
    let data = data.with_dimension("term", ["level", "slope"]).unwrap();
    let batting = model::from_fn(|trace, data| {
        let share = trace.sample("share", Beta::new(2.0, 5.0).over(["kind", "player"]));
        let mix = trace.sample(
            "mix",
            Dirichlet::new(data.graph().constant(&[2.0; 2], [2]))
                .along("term")
                .over("player"),
        );
        let zero = data.graph().constant(&[0.0; 2], [2]);
        let factor = data.graph().constant(&[1.0, 0.0, 0.9, 0.4], [2, 2]);
        let effects = MultivariateNormal::new(zero, factor)
            .along("term")
            .over("player");
        let effects = trace.sample("effects", effects);
        let player = data.index("player");
        let share = share.sum_axis(0).gather(player, 0) / 2.0;
        let own = mix.row(0).gather(player, 0) * share;
        let own = own + 0.0 * effects.row(1).gather(player, 0);
        trace.observe("y", distributions::Bernoulli::probs(own), data.column("y"));
    });
    let fit = model::fit(&batting, &data, &nuts()).unwrap();
    let summary = fit.summary().unwrap();
    let names: Vec<&str> = summary.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(
        names[..4],
        [
            "share[a, ann]",
            "share[a, bob]",
            "share[b, ann]",
            "share[b, bob]"
        ]
    );
    assert!(names.contains(&"mix[slope, bob]") && names.contains(&"effects[level, ann]"));
    let new = Data::new().groups("player", &["eve", "ann"]).unwrap();
    let prediction = fit.predict(new, 400).unwrap();
    // E share = 2/7, E mix = 1/2, independently: 1/7, of which no draw is far.
    assert!(
        (prediction.mean()[0] - 1.0 / 7.0).abs() < 0.02,
        "{:?}",
        prediction.mean()
    );
    assert!(prediction.mean()[1] > prediction.mean()[0]);
    // A new term would be part of a vector whose numbers depend on each other.
    let new = Data::new()
        .with_dimension("term", ["level", "slope", "bend"])
        .unwrap();
    let new = new.groups("player", &["ann"]).unwrap();
    let error = fit.predict(new, 10).unwrap_err();
    assert!(
        error.to_string().contains("`mix`") || error.to_string().contains("Dirichlet"),
        "{error}"
    );
}

#[test]
fn a_new_name_along_one_draw_of_many_numbers_is_refused() {
    let data = Data::new().groups("kind", &["a", "b", "c"]).unwrap();
    let data = data.column("y", &[0.1, 0.2, 0.3]).unwrap();
    let model = model::from_fn(|trace, data| {
        let kinds = data.dimension("kind").unwrap().len();
        let shares = data.graph().constant(&vec![1.0; kinds], [kinds]);
        let shares = trace.sample("shares", Dirichlet::new(shares).along("kind"));
        let mean = shares.gather(data.index("kind"), 0);
        trace.observe("y", Normal::new(mean, 1.0), data.column("y"));
    });
    let fit = model::fit(&model, &data, &nuts()).unwrap();
    assert_eq!(fit.summary().unwrap().rows[2].name, "shares[c]");
    let new = Data::new().groups("kind", &["d", "a"]).unwrap();
    assert_eq!(
        fit.predict(new, 10).unwrap_err().to_string(),
        "the data have a new name along the axes of one draw of Dirichlet for `shares`: its numbers \
         depend on each other, so there is none that could be drawn from the prior by itself"
    );
    let lkj = model::from_fn(|trace, data| {
        let kinds = data.dimension("kind").unwrap().len();
        trace.sample("factor", LkjCholesky::new(kinds, 1.0));
        trace.observe("y", Normal::new(0.0, 1.0), data.column("y"));
    });
    let fit = model::fit(&lkj, &data, &nuts()).unwrap();
    let new = Data::new().groups("kind", &["d", "a"]).unwrap();
    assert!(fit.predict(new, 10).is_err());
}

#[test]
fn dimensions_that_do_not_fit_are_errors_by_name() {
    let data = houses();
    let over = |dimension: &'static str| {
        model::from_fn(move |trace, data| {
            trace.sample("b", Normal::new(0.0, 1.0).over(dimension));
            trace.observe("radon", Normal::new(0.0, 1.0), data.column("radon"));
        })
    };
    assert_eq!(
        refused(over("town"), &data),
        "`b` is over the dimension `town`, which the data do not have; they have `county` \
         (`Data::groups` and `Data::with_dimension` add one)"
    );
    let twice = model::from_fn(|trace, _| {
        trace.sample("b", Normal::new(0.0, 1.0).over(["county", "county"]));
    });
    assert!(refused(twice, &data).starts_with("two axes of `b` are `county`"));
    let long = model::from_fn(|trace, data| {
        let means = data.graph().constant(&[0.0; 4], [4]);
        trace.sample("b", Normal::new(means, 1.0).over("county"));
    });
    assert_eq!(
        refused(long, &data),
        "`b` is over `county` of 3 names, and has the shape [4]; axes must be as long as their \
         dimensions, and parameters of a distribution may lack the first of them"
    );
    let short = model::from_fn(|trace, data| {
        let b = trace.sample("b", Normal::new(0.0, 1.0).expand([2]));
        trace.deterministic_over("c", "county", 2.0 * b);
        trace.observe("radon", Normal::new(0.0, 1.0), data.column("radon"));
    });
    assert!(
        refused(short, &data).contains("`c` is over `county` of 3 names, and has the shape [2]")
    );
    let range = model::from_fn(|trace, data| {
        let b = trace.sample("b", Normal::new(0.0, 1.0).expand([2]));
        let mean = b.gather(data.index("county"), 0);
        trace.observe("radon", Normal::new(mean, 1.0), data.column("radon"));
    });
    assert!(refused(range, &data).contains("`county` is 2 in row 2, and selects from 2"));
    let other = data
        .clone()
        .with_dimension("term", ["a", "b", "c"])
        .unwrap();
    let mixed = model::from_fn(|trace, data| {
        let b = trace.sample("b", Normal::new(0.0, 1.0).over("term"));
        let mean = b.gather(data.index("county"), 0);
        trace.observe("radon", Normal::new(mean, 1.0), data.column("radon"));
    });
    assert_eq!(
        refused(mixed, &other),
        "`b` is over `term`, and is selected from by `county`, whose names are of `county`"
    );
    let error = data
        .clone()
        .with_dimension("county", ["A", "B"])
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Group(GroupError::DimensionTwice {
            known: 3,
            found: 2,
            ..
        })
    ));
    let twice = Data::new()
        .with_dimension("term", ["a", "b", "a"])
        .unwrap_err();
    assert!(
        twice
            .to_string()
            .contains("the dimension `term` has the name `a` twice")
    );
    let missing = Table::read_from("county,y\nA,1\n,2\n".as_bytes()).unwrap();
    let missing = Data::from_table(&missing).unwrap_err().to_string();
    assert!(
        missing.starts_with("line 3, column `county`: the value is missing"),
        "{missing}"
    );
}

#[test]
fn numbers_without_names_are_not_taken_for_groups() {
    let fit = model::fit(&levels(), houses(), &nuts()).unwrap();
    let bare = Data::new()
        .index("county", &[0])
        .unwrap()
        .column("floor", &[0.0])
        .unwrap();
    assert_eq!(
        fit.predict(bare, 10).unwrap_err().to_string(),
        "the index `county` has numbers without names, and in the data of the fit names of `county`: \
         groups would be taken for others; make the column in the same way (`Data::groups`)"
    );
}

#[test]
fn a_fit_to_the_same_names_in_another_order_is_refused_where_it_would_be_taken_for_this() {
    let fit = model::fit(&levels(), houses(), &Advi::mean_field().seed(1)).unwrap();
    let table = Table::read_from(HOUSES.as_bytes()).unwrap();
    let turned = Data::new()
        .with_dimension("county", ["RAMSEY", "HENNEPIN", "AITKIN"])
        .unwrap();
    let words: Vec<&str> = HOUSES
        .lines()
        .skip(1)
        .map(|l| l.split(',').next().unwrap())
        .collect();
    let turned = turned.groups("county", &words).unwrap();
    let turned = turned
        .column("floor", table.numbers("floor").unwrap())
        .unwrap();
    let turned = turned
        .column("radon", table.numbers("radon").unwrap())
        .unwrap();
    let guide = fit.approximation().unwrap().clone();
    let error = Posterior::new(levels(), &turned, guide.clone());
    let error = error.map(|_| ()).unwrap_err();
    assert!(
        matches!(error, Error::Site(SiteError::Axes { .. })),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "`level` is over `county` of 3 names, place 0 is `RAMSEY`, and the values of the fit are over \
         `county` of 3 names, place 0 is `AITKIN`: places would be taken for others; give the data the \
         same names in the same order"
    );
    let warm = Advi::mean_field().warm_start(&guide, 0.1);
    assert!(model::fit(&levels(), &turned, &warm).is_err());
    assert!(Posterior::new(levels(), houses(), guide).is_ok());
}

#[test]
fn held_out_rows_have_no_new_names() {
    let network = levels();
    let valid = Data::new().groups("county", &["ANOKA"]).unwrap();
    let valid = valid
        .column("floor", &[0.0])
        .unwrap()
        .column("radon", &[1.0])
        .unwrap();
    let advi = Advi::mean_field().optimizer(Optimizer::adam()).steps(100);
    let error = model::fit_validated(&network, houses(), valid, &advi);
    let error = error.map(|_| ()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`ANOKA` of `county` are not among the names"),
        "{error}"
    );
}

#[test]
fn names_of_groups_stay_with_rows_that_are_read_in_blocks() {
    let advi = Advi::mean_field()
        .batch(5)
        .steps(3_000)
        .learning_rate(0.02)
        .seed(1);
    let fit = model::fit(&levels(), houses().shuffle_blocks(2), &advi).unwrap();
    let level = fit.draws(500, 0).unwrap();
    let level = level.variable("level").unwrap();
    let mean = |name: &str| level.of([name]).unwrap().iter().sum::<f64>() / 500.0;
    assert!(mean("HENNEPIN") > mean("RAMSEY") && mean("RAMSEY") > mean("AITKIN"));
}
