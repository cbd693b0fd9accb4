//! Tables as people have them: a few lines from a file to scores with the names of its classes.

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
