//! Words that have vectors rather than a 0 or 1 each: in the network of a table, in its file, in a stream.

mod temporary;

use bayes_nn::data::{Missing, Recipe};
use bayes_nn::prelude::*;
use temporary::Temporary;

/// Sizes and shops, one of which is missing, and a price that is that of the shop.
fn shops(rows: usize) -> String {
    let names = ["Ulm", "Bonn", "Trier", "St. Gallen", "Köln", "Jena"];
    let line = |i: usize| {
        let shop = i * 5 % 13 % 6;
        let name = if i == 7 { "" } else { names[shop] };
        let size = (i as f64 * 0.37).sin();
        format!("{size},{name},{}\n", 3.0 * shop as f64 + size)
    };
    format!(
        "size,the.shop,price\n{}",
        (0..rows).map(line).collect::<String>()
    )
}

fn table(text: &str) -> Table {
    Table::read_from(text.as_bytes()).unwrap()
}

fn embedded(recipe: &Recipe) -> Dataset {
    let data = table(&shops(400)).target("price").unwrap();
    data.with_recipe(recipe).unwrap()
}

#[test]
fn words_have_vectors_that_are_fitted_and_saved() -> Result<(), Error> {
    let recipe = Recipe::new().embed("the.shop", 2).ignore_unknown();
    let data = embedded(&recipe);
    let (train, test) = data.split(0.8, 0)?;
    assert_eq!(train.feature_names(), ["size"]);
    let encoding = train.encoding().unwrap();
    let printed = encoding.to_string();
    assert!(
        printed.contains("the.shop  one of 6 categories, each a vector of 2: Bonn, Jena, Köln"),
        "{printed}"
    );
    assert!(
        printed.contains("; missing values have a vector"),
        "{printed}"
    );
    let own = &encoding.embeddings()[0];
    assert_eq!(
        (own.index.as_str(), own.levels, own.numbers),
        ("the_shop", 7, 2)
    );
    let bnn = Bnn::for_data(&train);
    let shapes = bnn.parameters(&train)?.into_iter();
    let shapes: Vec<String> = shapes.map(|p| format!("{} {}", p.name, p.shape)).collect();
    assert_eq!(
        shapes[..2],
        ["the_shop vectors.table [2, 7]", "mlp.layer0.weight [3, 20]"]
    );
    let fit = bnn.fit(
        &train,
        &Advi::mean_field().steps(3_000).learning_rate(0.02).seed(1),
    )?;
    let how = Predict::draws(50);
    let score = fit.score(&test, how)?;
    // Without the shop the deviation is five.
    assert!(score.regression().unwrap().rmse < 1.0, "{score}");
    // Columns in another order, a word that no row of the fit has, and one that is missing.
    let new = table("the.shop,size\nUlm,0.1\nRom,0.1\n,0.1\n");
    let predicted = fit.predict_with(&new, how)?;
    assert!(predicted.epistemic()[1] > 4.0 * predicted.epistemic()[0]);
    let file = Temporary::new();
    fit.save(file.path())?;
    let again = Bnn::load(file.path())?;
    assert_eq!(again.encoding(), fit.encoding());
    assert_eq!(again.encoding().unwrap().recipe(), &recipe);
    assert_eq!(again.predict_with(&new, how)?.mean(), predicted.mean());
    assert_eq!(again.score(&test, how)?.to_string(), score.to_string());
    Ok(())
}

#[test]
fn unknown_and_missing_words_are_errors_unless_it_is_said_otherwise() -> Result<(), Error> {
    let data = embedded(&Recipe::new().embed("the.shop", 2).missing(Missing::Impute));
    let fit = Bnn::for_data(&data).fit(&data, &Advi::mean_field().steps(50))?;
    let error = fit
        .predict(&table("the.shop,size\nUlm,1\nRom,1\n"), 5)
        .unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("line 3, column `the.shop`: `Rom` is none of"),
        "{message}"
    );
    // A missing word is the most frequent one.
    let missing = fit.predict(&table("the.shop,size\n,1\n"), 5)?;
    let words = ["Ulm", "Bonn", "Trier", "St. Gallen", "Köln", "Jena"];
    let same = words.iter().filter(|word| {
        let one = fit.predict(&table(&format!("the.shop,size\n{word},1\n")), 5);
        one.unwrap().mean() == missing.mean()
    });
    assert_eq!(same.count(), 1);
    let refused = |recipe: Recipe, expected: &str| {
        let data = table(&shops(50)).target("price").unwrap();
        let message = data.with_recipe(&recipe).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    };
    refused(Recipe::new().embed("shop", 2), "no column `shop`");
    refused(
        Recipe::new().embed("the.shop", 0),
        "a vector has at least one number",
    );
    refused(
        Recipe::new().embed("size", 2),
        "column `size` cannot be embedded: it is of the kind number, and vectors are for words",
    );
    refused(
        Recipe::new().embed("the.shop", 2).missing(Missing::Refuse),
        "line 9, column `the.shop`: the value is missing",
    );
    let both =
        table("x,word,y\n1,a,1\n2,b,2\n").with_kind("x", bayes_nn::data::ColumnKind::Category)?;
    let both = both.target("y")?;
    let message = |recipe: Recipe| both.with_recipe(&recipe).unwrap_err().to_string();
    let all = message(Recipe::new().embed("word", 2).embed("x", 2));
    assert!(
        all.contains("data have another column that is named `x`"),
        "{all}"
    );
    let only = table("word,y\na,1\nb,2\n").target("y")?;
    let only = only
        .with_recipe(&Recipe::new().embed("word", 2))
        .unwrap_err()
        .to_string();
    assert!(
        only.contains("no column would be left for the matrix `x`"),
        "{only}"
    );
    Ok(())
}

#[test]
fn a_stream_has_the_same_vectors() -> Result<(), Error> {
    let path = std::env::temp_dir().join(format!("bayes-nn-embedded-{}.csv", std::process::id()));
    std::fs::write(&path, shops(1_500)).unwrap();
    let recipe = Recipe::new().embed("the.shop", 3);
    let file = Table::reader().open(&path)?;
    let rows = file.target_by("price", &recipe)?;
    let data = Table::read(&path)?.target("price")?.with_recipe(&recipe)?;
    assert_eq!(rows.encoding(), data.encoding().unwrap());
    let bnn = Bnn::for_data(&data);
    let advi = Advi::mean_field().steps(100).batch(50);
    let fits = [Data::from(&rows), Data::from(&data)];
    let [a, b] = fits.map(|data| bnn.fit(data.shuffle_blocks(200), &advi).unwrap());
    assert_eq!(a.approximation(), b.approximation());
    let how = Predict::draws(10);
    let score = a.score(a.encode(&file)?, how)?;
    assert_eq!(score.to_string(), b.score(&data, how)?.to_string());
    std::fs::remove_file(&path).unwrap();
    Ok(())
}
