//! Tables as people have them: a few lines from a file to scores with the names of its classes, and
//! constants that come from the training rows alone.

use std::fmt::Write as _;

use bayes_nn::data::{Missing, Recipe, Split};
use bayes_nn::prelude::*;
use bayes_nn::scores::ClassificationScore;

fn file(name: &str) -> String {
    format!("{}/tests/data/{name}.csv", env!("CARGO_MANIFEST_DIR"))
}

/// Eight lines of a newcomer; what they print, and the score.
fn classified(file: &str, target: &str) -> Result<(String, ClassificationScore), Error> {
    let data = Table::read(file)?.target(target)?;
    let (train, test) = data.split_by(Split::Stratified, 0.7, 0)?;
    let bnn = Bnn::for_data(&train);
    let fit = bnn.fit(&train, &Advi::mean_field().steps(2_000).seed(1))?;
    let prediction = fit.predict(&test, 500)?;
    let confusion = prediction.confusion(&test)?.expect("classes");
    let score = prediction.score(&test)?;
    let printed = format!("{train}\n{fit}\n{prediction}\n{confusion}\n{score}");
    Ok((printed, *score.classification().expect("classes")))
}

#[test]
fn iris_wine_and_tumours_are_classified_in_eight_lines_with_the_names_of_their_classes() {
    let sets: [(&str, &str, &[&str], f64, f64); 3] = [
        (
            "iris",
            "species",
            &["setosa", "versicolor", "virginica"],
            0.93,
            0.2,
        ),
        (
            "wine",
            "cultivar",
            &["class_0", "class_1", "class_2"],
            0.94,
            0.2,
        ),
        (
            "breast_cancer",
            "diagnosis",
            &["benign", "malignant"],
            0.91,
            0.2,
        ),
    ];
    for (name, target, classes, accuracy, log_loss) in sets {
        let (printed, score) = classified(&file(name), target).unwrap();
        println!("{printed}");
        for class in classes {
            assert!(printed.matches(class).count() >= 4, "{class}: {printed}");
        }
        assert!(score.accuracy >= accuracy, "{name}: {score}");
        assert!(score.log_loss <= log_loss, "{name}: {score}");
    }
}

/// Numbers that look random, the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % n
    }
}

/// A table as an office writes it: semicolons, decimal commas, Windows-1252, gaps.
fn adult() -> Vec<u8> {
    let mut numbers = Numbers(7);
    let mut text = String::from("Alter;Stunden;Beruf;Straße;seit;Einkommen\r\n");
    for _ in 0..600 {
        let (age, hours) = (20 + numbers.below(40), 150 + numbers.below(300));
        let job = numbers.below(3);
        let name = ["Bäcker", "Müller", "Köchin"][job as usize];
        let rich = 3 * age + hours + 60 * job + numbers.below(60) > 480;
        let hours = match numbers.below(10) {
            0 => "?".to_owned(),
            _ => format!("{},{}", hours / 10, hours % 10),
        };
        let day = 1 + numbers.below(28);
        let income = if rich {
            "über 50.000 €"
        } else {
            "bis 50.000 €"
        };
        let street = ["Weg; links", "Allee"][numbers.below(2) as usize];
        let _ = write!(
            text,
            "{age};{hours};{name};\"{street}\";2024-02-{day:02};{income}\r\n"
        );
    }
    let byte = |letter: char| match letter {
        '€' => 0x80,
        letter => u32::from(letter) as u8,
    };
    text.chars().map(byte).collect()
}

#[test]
fn a_table_of_an_office_is_read_fitted_and_scored_in_ten_lines() -> Result<(), Error> {
    let table = Table::read_from(&adult()[..])?;
    let (train, test) = table
        .except(["seit"])?
        .target("Einkommen")?
        .split(0.75, 1)?;
    let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field().steps(2_000).seed(1))?;
    let prediction = fit.predict(&test, 300)?;
    let score = *prediction.score(&test)?.classification().expect("classes");
    assert!(score.accuracy > 0.85, "{score}");
    assert_eq!(prediction.classes(), ["bis 50.000 €", "über 50.000 €"]);
    let shown = table.to_string();
    assert!(
        shown.contains("(windows-1252, delimiter `;`, decimal comma)"),
        "{shown}"
    );
    let encoding = fit.encoding().expect("it is of a table").to_string();
    assert!(
        encoding.contains("Beruf      0 or 1 for each of 3 categories: Bäcker, Köchin, Müller")
    );
    assert!(encoding.contains(", flagged"), "{encoding}");
    Ok(())
}

/// Passengers of whom many ages are not known.
fn passengers() -> String {
    let mut numbers = Numbers(3);
    let mut text = String::from("name,class,sex,age,deck,survived\n");
    for passenger in 0..400 {
        let (class, age) = (1 + numbers.below(3), 1 + numbers.below(70));
        let sex = ["male", "female"][numbers.below(2) as usize];
        let luck = numbers.below(40) + 40 * u64::from(sex == "female") + 15 * (3 - class);
        let (age, deck) = match numbers.below(4) {
            0 => (String::new(), ""),
            _ => (age.to_string(), ["A", "B"][numbers.below(2) as usize]),
        };
        let survived = u8::from(luck > 48);
        let _ = writeln!(
            text,
            "\"No. {passenger}, Mx\",{class},{sex},{age},{deck},{survived}"
        );
    }
    text
}

#[test]
fn missing_values_are_flagged_or_imputed() -> Result<(), Error> {
    let table = Table::read_from(passengers().as_bytes())?.except(["name"])?;
    let data = table.target("survived")?;
    let flagged = ["class", "sex=female", "sex=male", "age", "age is missing"];
    assert_eq!(data.feature_names()[..5], flagged);
    assert_eq!(
        data.feature_names()[5..],
        ["deck=A", "deck=B", "deck is missing"]
    );
    let imputed = data.with_recipe(&Recipe::new().missing(Missing::Impute))?;
    assert_eq!(imputed.feature_names()[3..], ["age", "deck=A", "deck=B"]);
    let both = Recipe::new().missing_in("age", Missing::Impute);
    assert_eq!(data.with_recipe(&both)?.features(), 7);
    let refused = data
        .with_recipe(&Recipe::new().missing(Missing::Refuse))
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("column `age`: the value is missing"),
        "{refused}"
    );
    for data in [data, imputed] {
        let row = (0..400)
            .find(|row| table.numbers("age").unwrap()[*row].is_nan())
            .unwrap();
        assert!(data.row(row)[3].abs() < 1e-12, "the mean of the others");
        let (train, test) = data.split(0.75, 0)?;
        let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field().steps(2_000).seed(1))?;
        let score = fit.score(&test, Predict::draws(200))?;
        assert!(score.classification().unwrap().log_loss < 0.5, "{score}");
    }
    Ok(())
}

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
    assert_eq!(fit.score(&other, Predict::draws(20))?, right.score(&test)?);
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
fn classes_of_another_file_are_told_by_their_names() -> Result<(), Error> {
    let train = Table::read(file("iris"))?.target("species")?;
    let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field().steps(2_000).seed(1))?;
    let text = std::fs::read_to_string(file("iris")).unwrap();
    let (header, lines) = text.split_once("\r\n").unwrap();
    let part = |wanted: &str, name: &str| {
        let lines = lines.lines().filter(|line| line.contains(wanted));
        let lines: Vec<String> = lines.map(|line| line.replace(wanted, name)).collect();
        Table::read_from(format!("{header}\n{}", lines.join("\n")).as_bytes())?.target("species")
    };
    // Alone in its file the class has the number 0, in the fit 2.
    let virginica = part("virginica", "virginica")?;
    assert_eq!(virginica.y()[0], 0.0);
    let score = fit.score(&virginica.with_recipe(&Recipe::new())?, Predict::draws(100))?;
    assert!(score.classification().unwrap().accuracy > 0.9, "{score}");
    let error = fit
        .score(&part("virginica", "virginca")?, Predict::draws(10))
        .unwrap_err();
    assert!(
        error.to_string().contains("the nearest is `virginica`"),
        "{error}"
    );
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
fn folds_give_a_table_of_scores_with_standard_errors() -> Result<(), Error> {
    let data = Table::read(file("wine"))?.target("cultivar")?;
    let scores = data.cross_validate(3, Split::Stratified, 0, |train, test| {
        let fit = Bnn::for_data(train).fit(train, &Advi::mean_field().steps(1_000).seed(1))?;
        fit.score(test, Predict::draws(100))
    })?;
    let (accuracy, error) = scores.estimate(|s| s.classification().unwrap().accuracy);
    assert!(accuracy > 0.9 && error < 0.05, "{scores}");
    let text = scores.to_string();
    assert_eq!(text.lines().count(), 6, "{text}");
    assert!(
        text.starts_with("fold           rows       accuracy       log loss"),
        "{text}"
    );
    assert!(
        text.lines().last().unwrap().starts_with("standard error "),
        "{text}"
    );
    let failed = data.cross_validate(3, Split::Random, 0, |_, _| {
        Err(bayes_nn::DataError::Empty.into())
    });
    assert!(failed.is_err());
    Ok(())
}
