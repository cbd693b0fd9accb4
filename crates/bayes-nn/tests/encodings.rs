//! How rows of tables are encoded: by constants of the training rows alone, once, and new rows as those of
//! the fit.

use bayes_nn::Score;
use bayes_nn::data::{Recipe, Split};
use bayes_nn::prelude::*;

/// Rows whose number is also their target.
fn counted(rows: usize) -> String {
    let line = |row: usize| {
        let word = ["a", "b", "c"][row % 3];
        format!("{row},{word},g{},{}\n", row / 4, 10 * row)
    };
    let lines: String = (0..rows).map(line).collect();
    format!("x,word,group,y\n{lines}")
}

fn numbered(rows: usize) -> Dataset {
    let table = Table::read_from(counted(rows).as_bytes()).unwrap();
    table.except(["group"]).unwrap().target("y").unwrap()
}

/// The values of a column before they were standardised.
fn original(data: &Dataset) -> Vec<f64> {
    let constants = data.standardization().unwrap();
    let x = constants.invert(data.x()).unwrap();
    let rows = x.chunks(data.features()).map(|row| row[0].round());
    rows.collect()
}

#[test]
fn constants_are_those_of_the_training_rows_and_hold_for_the_test_rows() {
    let data = numbered(40);
    for split in [
        Split::Random,
        Split::Stratified,
        Split::Grouped("group"),
        Split::Ordered("x"),
    ] {
        let (train, test) = data.split_by(split, 0.5, 3).unwrap();
        let rows = original(&train);
        let mean = rows.iter().sum::<f64>() / rows.len() as f64;
        assert_eq!(train.encoding(), test.encoding(), "{split:?}");
        let [x, y] = [train.standardization(), train.target_standardization()].map(Option::unwrap);
        assert!((x.means()[0] - mean).abs() < 1e-9, "{split:?}");
        assert!((y.means()[0] - 10.0 * mean).abs() < 1e-9, "{split:?}");
        assert!(
            train.column(0).iter().sum::<f64>().abs() < 1e-9,
            "{split:?}"
        );
        let mut all = [rows, original(&test)].concat();
        all.sort_by(f64::total_cmp);
        assert_eq!(all, (0..40).map(f64::from).collect::<Vec<_>>(), "{split:?}");
        for (train, test) in data.folds(4, split, 1).unwrap() {
            let rows = original(&train);
            let mean = rows.iter().sum::<f64>() / rows.len() as f64;
            assert!((train.standardization().unwrap().means()[0] - mean).abs() < 1e-9);
            assert!(original(&test).iter().all(|row| !rows.contains(row)));
        }
    }
}

#[test]
fn strata_groups_and_moments_are_kept() {
    let table = Table::read_from(counted(40).as_bytes()).unwrap();
    let classes = table.except(["group"]).unwrap().target("word").unwrap();
    let (train, _) = classes.split_by(Split::Stratified, 0.5, 0).unwrap();
    let of_class = |class: f64| train.y().iter().filter(|y| **y == class).count();
    assert!((0..3).all(|class| (6..=7).contains(&of_class(f64::from(class)))));
    let group = |data: &Dataset| -> Vec<f64> {
        original(data)
            .iter()
            .map(|row| (row / 4.0).floor())
            .collect()
    };
    let data = numbered(40);
    let (train, test) = data.split_by(Split::Grouped("group"), 0.6, 5).unwrap();
    let trained = group(&train);
    assert!(train.rows() == 24 && group(&test).iter().all(|g| !trained.contains(g)));
    let (train, test) = data.split_by(Split::Ordered("x"), 0.8, 0).unwrap();
    assert_eq!(original(&train), (0..32).map(f64::from).collect::<Vec<_>>());
    assert_eq!(original(&test)[0], 32.0);
    let ordered = data.folds(5, Split::Ordered("x"), 0).unwrap();
    let sizes: Vec<_> = ordered.iter().map(|(a, b)| (a.rows(), b.rows())).collect();
    assert_eq!(sizes, [(8, 8), (16, 8), (24, 8), (32, 8)]);

    let text = "x,y,is_test\n1,2,0\n3,4,1\n5,6,maybe\n";
    let marked = |text: &str| {
        let data = Table::read_from(text.as_bytes())?.target("y")?;
        data.split_marked("is_test")
    };
    assert_eq!(
        marked(text).unwrap_err().to_string(),
        "line 4, column `is_test`: `maybe` is not a mark of a row: 1 or true of test, 0 or false \
         of training rows"
    );
    let (train, test) = marked(&text.replace("maybe", "1")).unwrap();
    assert_eq!(
        (train.rows(), test.rows(), test.feature_names()),
        (1, 2, &["x".to_owned()][..])
    );
    let one_side = marked("x,y,is_test\n1,2,0\n").unwrap_err().to_string();
    assert!(
        one_side.starts_with("the test set would be empty"),
        "{one_side}"
    );
    let message = |split, data: &Dataset| data.split_by(split, 0.5, 0).unwrap_err().to_string();
    assert_eq!(
        message(Split::Ordered("word"), &data),
        "line 2, column `word`: `a` is not a date as 2024-01-31 or 2024-01-31T12:30:00"
    );
    assert!(message(Split::Grouped("groups"), &data).contains("the nearest is `group`"));
    let numbers = Dataset::new(&[1.0, 2.0], 1, &[0.0, 1.0]).unwrap();
    assert!(message(Split::Grouped("x1"), &numbers).starts_with("the data set is of numbers"));
    assert_eq!(
        data.folds(11, Split::Grouped("group"), 0)
            .unwrap_err()
            .to_string(),
        "11 folds of 10 groups; there are from 2 to as many as these"
    );
}

#[test]
fn rows_are_never_scaled_twice_or_by_other_constants() -> Result<(), Error> {
    let data = numbered(30);
    assert_eq!(data.standardized(), data);
    assert_eq!(data.standardize_target(), data);
    let (train, test) = data.split(0.5, 0)?;
    let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field().steps(50))?;
    let right = fit.predict(&test, 20)?;
    // The same rows in an encoding of their own, and as a table, are encoded as the fit was.
    let rows: Vec<usize> = original(&test).iter().map(|row| *row as usize).collect();
    let other = data.select(&rows)?.with_recipe(&Recipe::new())?;
    assert_ne!(other.x(), test.x());
    assert_eq!(fit.predict(&other, 20)?.mean(), right.mean());
    let [found, expected] = [fit.score(&other, Predict::draws(20))?, right.score(&test)?];
    let numbers = |score: &Score| {
        let score = score.regression().unwrap();
        [score.rmse, score.log_likelihood, score.coverage]
    };
    // Each encoding of the target gives its numbers back but for rounding.
    for (found, expected) in numbers(&found).into_iter().zip(numbers(&expected)) {
        assert!((found / expected - 1.0).abs() < 1e-14, "{found} {expected}");
    }
    let table = Table::read_from(counted(30).as_bytes())?;
    let of_table = fit.predict(&table, 20)?;
    assert_eq!(
        rows.iter()
            .map(|row| of_table.mean()[*row])
            .collect::<Vec<_>>(),
        right.mean()
    );
    // Rows of numbers do not say whether they are standardised.
    let error = fit
        .predict(&[[5.0, 1.0, 0.0, 0.0]], 20)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("hand in a `Table` with the columns of the fit"),
        "{error}"
    );
    let as_they_are = train.with_recipe(&Recipe::new().unscaled())?;
    assert!(
        Bnn::for_data(&as_they_are)
            .fit(&as_they_are, &Advi::mean_field().steps(5))?
            .predict(&[[5.0; 4]], 5)
            .is_err()
    );
    // Predictions and scores are in the unit of the file.
    assert!(right.mean().iter().all(|y| (-300.0..600.0).contains(y)));
    assert!(right.score(&test)?.regression().unwrap().rmse > 1.0);
    let bnn = Bnn::for_data(&train);
    let advi = Advi::mean_field().steps(200).batch(5);
    let scores = [&test, &other].map(|valid| {
        let fit = bnn.fit_validated(&train, valid, &advi).unwrap();
        fit.advi().unwrap().curve().scores().last().unwrap().score
    });
    assert_eq!(scores[0], scores[1]);
    Ok(())
}

#[test]
fn unknown_words_are_none_of_the_categories_where_the_recipe_says_so() -> Result<(), Error> {
    let data = numbered(12).with_recipe(&Recipe::new().ignore_unknown())?;
    let fit = Bnn::for_data(&data).fit(&data, &Advi::mean_field().steps(20))?;
    let unknown = Table::read_from("x,word\n5.5,d\n".as_bytes())?;
    let mean = fit.predict(&unknown, 10)?.mean()[0];
    let middle = Data::new().matrix("x", &[0.0; 4], 4)?;
    assert_eq!(mean, fit.predict(middle, 10)?.mean()[0]);
    Ok(())
}

#[test]
fn new_rows_are_encoded_as_those_of_the_fit_or_refused_by_line_and_column() {
    let text = "age,sex,born,on,y\n20,f,2000-01-01,true,1.5\n30,m,2000-01-03,false,2\n40,f,2000-01-05,true,4\n";
    let data = Table::read_from(text.as_bytes())
        .unwrap()
        .target("y")
        .unwrap();
    let fit = Bnn::for_data(&data)
        .fit(&data, &Advi::mean_field().steps(5))
        .unwrap();
    let outcome = |text: &str| {
        let table = Table::read_from(text.as_bytes()).unwrap();
        let prediction = fit.predict(&table, 5);
        prediction.map_or_else(|error| error.to_string(), |p| format!("{:?}", p.mean()))
    };
    let own = format!("{:?}", fit.predict(&data, 5).unwrap().mean());
    let without =
        "age,sex,born,on\n20,f,2000-01-01,true\n30,m,2000-01-03,false\n40,f,2000-01-05,true\n";
    let other_order = "on;more;sex;age;born\ntrue;x;f;20,0;2000-01-01\nfalse;x;m;30,0;2000-01-03\ntrue;x;f;40,0;2000-01-05\n";
    let cases: [(&str, &str); 10] = [
        (text, &own),
        (without, &own),
        (other_order, &own),
        (
            "age,sex,on\n20,f,true\n",
            "no column `born`; the columns are `age`, `sex`, `on`",
        ),
        (
            "Age,sex,born,on\n20,f,2000-01-01,true\n",
            "no column `age`; the columns are `Age`, `sex`, `born`, `on`; the nearest is `Age`",
        ),
        (
            "age,sex,born,on\n20,f,2000-01-01,true\n\n20,F,2000-01-01,true\n",
            "line 4, column `sex`: `F` is none of the categories in the table of the fit, which are `f`, `m`; the nearest is `f`",
        ),
        (
            "age,sex,born,on\nold,f,2000-01-01,true\n",
            "line 2, column `age`: `old` is not a number",
        ),
        (
            "age,sex,born,on\n2,f,7,true\n",
            "line 2, column `born`: `7` is not a date as 2024-01-31 or 2024-01-31T12:30:00",
        ),
        (
            "age,sex,born,on\n2,f,2000-01-01,1\n",
            "line 2, column `on`: `1` is not true or false",
        ),
        (
            "age,sex,born,on\n2,f,2000-01-01,true\nNA,f,2000-01-01,true\n",
            "line 3, column `age`: the value is missing; none was in the table of the fit; `Recipe::missing_in(\"age\", Missing::Impute)` says that the mean stands for it",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(outcome(text), expected, "{text}");
    }
    let numbers = Dataset::new(&[0.5, 1.5], 1, &[1.0, 2.0]).unwrap();
    let of_numbers = Bnn::for_data(&numbers).fit(&numbers, &Advi::mean_field().steps(5));
    let table = Table::read_from("x1\n1\n".as_bytes()).unwrap();
    let error = of_numbers
        .unwrap()
        .predict(&table, 5)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the fit is to a data set of numbers"),
        "{error}"
    );
}
