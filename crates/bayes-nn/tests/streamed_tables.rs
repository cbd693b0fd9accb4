//! Files of delimited fields that are larger than memory: the same numbers as from a table that is read
//! whole, and errors that name file and line.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::PathBuf;

use bayes_nn::data::{Recipe, TableFile, TableRows};
use bayes_nn::prelude::*;

/// A folder of files that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = format!("bayes-nn-table-files-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ROWS: usize = 1_500;

/// A table as people have it: Latin-1, semicolons, decimal commas, quotes, missing values, dates, and an
/// accent that comes late.
fn german() -> Vec<u8> {
    let mut text = "größe;stadt;notiz;tag;preis\r\n".to_owned();
    for i in 0..ROWS {
        let size = ((i * 37 % 101) as f64 / 10.0).to_string().replace('.', ",");
        let size = if i % 50 == 7 { "NA" } else { &size };
        let city = ["Köln", "Bonn", "", "Ulm"][i * i % 4];
        let note = if i % 3 == 0 {
            "\"a;\r\nb\"\"c\""
        } else {
            "kurz"
        };
        let price = ((i * 17 % 97) as f64 / 7.0).to_string().replace('.', ",");
        text += &format!("{size};{city};{note};2024-01-{:02};{price}\r\n", 1 + i % 28);
    }
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

/// The same numbers from a table that is read whole.
fn whole(bytes: &[u8], target: &str) -> Dataset {
    Table::read_from(bytes).unwrap().target(target).unwrap()
}

/// All numbers of rows, read a few at a time.
fn numbers(rows: &TableRows, at_once: usize) -> [Vec<f64>; 2] {
    use bayes_nn::data::Source;
    let mut all = [Vec::new(), Vec::new()];
    for first in (0..rows.rows()).step_by(at_once) {
        let block = rows
            .read(first..(first + at_once).min(rows.rows()))
            .unwrap();
        for (all, column) in all.iter_mut().zip(block) {
            all.extend(column.to_f64());
        }
    }
    all
}

#[test]
fn rows_of_a_file_are_the_numbers_of_the_table() {
    let folder = Folder::new("numbers");
    let iris = "a,b,kind\n1,0.1,x\n2,0.2,y\n3,0.30000000000000004,x\n4,5,z\n";
    let long: String = (0..2_000)
        .map(|i| format!("{},{}\n", i % 9, i % 2))
        .collect();
    for (bytes, target) in [
        (german(), "preis"),
        (iris.into(), "kind"),
        (format!("\u{feff}{iris}").into(), "b"),
        (format!("x,y\n\n{long}").into(), "y"),
        (format!("x,y\n{}", long.trim_end()).into(), "x"),
    ] {
        let file = Table::reader()
            .open(folder.file("file.csv", &bytes))
            .unwrap();
        let (rows, table) = (file.target(target).unwrap(), whole(&bytes, target));
        assert_eq!(file.rows(), table.rows());
        assert_eq!(rows.encoding(), table.encoding().unwrap());
        for at_once in [1 + table.rows() / 7, 256, 10_000] {
            let [x, y] = numbers(&rows, at_once);
            assert!(x == table.x() && y == table.y(), "{target} by {at_once}");
        }
    }
}

#[test]
fn a_file_is_fitted_and_predicted_as_the_table_is() {
    let folder = Folder::new("fit");
    let bytes = german();
    let path = folder.file("train.csv", &bytes);
    let file = Table::reader()
        .open(&path)
        .unwrap()
        .except(["notiz"])
        .unwrap();
    let table = Table::read(&path).unwrap().except(["notiz"]).unwrap();
    let (rows, data) = (
        file.target("preis").unwrap(),
        table.target("preis").unwrap(),
    );
    let net = Bnn::new(Mlp::new([data.features(), 4, 1]), Gaussian::new());
    let advi = Advi::mean_field().steps(200).batch(64);
    let fits = [Data::from(&rows), Data::from(&data)];
    let [a, b] = fits.map(|data| net.fit(data.shuffle_blocks(200), &advi).unwrap());
    assert_eq!(a.approximation(), b.approximation());
    // New rows need no target, and are encoded as those of the fit.
    let how = Predict::draws(20);
    let written = folder.0.join("predicted.csv");
    a.predict_to(a.encode(&file).unwrap(), how, &written)
        .unwrap();
    let lines = fs::read_to_string(written).unwrap();
    let predicted = b.predict_with(&table, how).unwrap();
    let means = lines
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap());
    let means: Vec<f64> = means.map(|mean| mean.parse().unwrap()).collect();
    assert_eq!(means, predicted.mean());
    let [a, b] = [a.score(&rows, how), b.score(&data, how)].map(|score| score.unwrap().to_string());
    assert_eq!(a, b);
}

/// The message of what goes wrong with a file.
fn refused(folder: &Folder, text: impl AsRef<[u8]>, target: &str) -> String {
    let path = folder.file("refused.csv", text);
    let file: Result<TableFile, _> = Table::reader().open(path);
    match file.and_then(|file| file.target(target)) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    let folder = Folder::new("wrong");
    let rows: String = (0..900).map(|i| format!("{i},{}\n", i % 2)).collect();
    for (text, expected) in [
        (
            format!("x,y\n{rows}1,2,3\n"),
            "line 902 has 3 fields; every line needs 2",
        ),
        // As a writer leaves it that was killed.
        (
            format!("x,y\n{rows}17"),
            "line 902 has 1 fields; every line needs 2",
        ),
        (
            format!("x,y\n{rows}\"17,0\n"),
            "line 902: a field begins with a quote",
        ),
        (
            format!("x,y\n{rows}5,\n"),
            "line 902, column `y`: the value is missing",
        ),
        (format!("x,y\n{rows}\0,0\n"), "line 902: there is a NUL"),
        (rows.clone(), "the first line has only numbers"),
        ("x,y\n".to_owned(), "no rows"),
        (String::new(), "the CSV is empty"),
    ] {
        let message = refused(&folder, &text, "y");
        assert!(message.contains(expected), "{message}");
    }
    let message = refused(&folder, [0xff, 0xfe, b'x', 0], "x");
    assert!(message.contains("the file is in UTF-16"), "{message}");
    assert!(refused(&folder, "x,y\n1,2\n", "z").contains("no column `z`"));
}

#[test]
fn a_word_that_the_fit_does_not_know_is_named_by_file_and_line() {
    let folder = Folder::new("word");
    let rows = |word: &str| {
        let rows = (0..2_000).map(|i| format!("{},{}\n", ["a", "b"][i % 2], i % 3));
        format!("kind,y\n{}{word},0\n", rows.collect::<String>())
    };
    let open = |name, word| Table::reader().open(folder.file(name, rows(word))).unwrap();
    let train = open("train.csv", "a").target("y").unwrap();
    let net = Bnn::new(Mlp::new([2, 2, 1]), Gaussian::new());
    let fit = net
        .fit(&train, &Advi::mean_field().steps(50).batch(32))
        .unwrap();
    let new = fit.encode(&open("new.csv", "c")).unwrap();
    let how = Predict::draws(2);
    let error = fit
        .predict_to(&new, how, folder.0.join("out.csv"))
        .unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("new.csv: line 2002, column `kind`: `c` is none of"),
        "{message}"
    );
    // Rows that were encoded by constants of their own are not taken for those of the fit.
    let other = open("other.csv", "c").target("y").unwrap();
    let error = fit.score(&other, how).unwrap_err().to_string();
    assert!(error.contains("`Posterior::encode`"), "{error}");
    let by_recipe = open("again.csv", "a")
        .target_by("y", &Recipe::new().unscaled())
        .unwrap();
    assert_eq!(by_recipe.encoding().recipe(), &Recipe::new().unscaled());
}

#[test]
fn a_file_that_is_cut_off_during_a_fit_ends_it_with_its_last_good_state() {
    let folder = Folder::new("cut");
    let path = folder.file("train.csv", german());
    let file = Table::reader()
        .open(&path)
        .unwrap()
        .only(["größe", "tag"])
        .unwrap();
    let data = file.target("preis").unwrap();
    let advi = Advi::mean_field()
        .batch(100)
        .steps(1_000_000)
        .every(50)
        .callback(move |snapshot| {
            if snapshot.step == 100 {
                let file = File::options().write(true).open(&path).unwrap();
                file.set_len(10_000).unwrap();
            }
            ControlFlow::Continue(())
        });
    let net = Bnn::new(Mlp::new([3, 2, 1]), Gaussian::new());
    let error = net.fit(&data, &advi).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("train.csv, from byte ") && message.contains("was changed"),
        "{message}"
    );
    assert!(error.last_good().is_some());
}

#[test]
fn a_copy_of_a_file_has_its_numbers_and_leaves_nothing_behind() {
    let folder = Folder::new("copy");
    let path = folder.file("train.csv", german());
    let file = Table::reader()
        .open(&path)
        .unwrap()
        .except(["notiz"])
        .unwrap();
    let kept = folder.0.join("kept");
    fs::create_dir(&kept).unwrap();
    let copy = file.copied_in(&kept).unwrap();
    // The file has no name, so that nothing is left whatever ends the program.
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 0);
    for target in ["preis", "stadt"] {
        let file = match target {
            "stadt" => without_missing(&folder),
            _ => file.clone(),
        };
        let copy = file.copied_in(&kept).unwrap();
        let [own, other] = [&file, &copy].map(|file| file.target(target).unwrap());
        assert_eq!(own.encoding(), other.encoding());
        for at_once in [100, 1_000] {
            let [own, other] = [&own, &other].map(|rows| numbers(rows, at_once));
            assert!(own == other, "{target} by {at_once}");
        }
    }
    let message = copy.target("notiz").unwrap_err().to_string();
    assert!(message.contains("no column `notiz`"), "{message}");
    // Rows keep their lines.
    let rows: String = (0..700)
        .map(|i| format!("{i},{}\n", ["a", "b"][i % 2]))
        .collect();
    let train = folder.file("words.csv", format!("y,kind\n{rows}"));
    let new = folder.file("new.csv", format!("y,kind\n{rows}\n1,c\n"));
    let open = |path: &PathBuf| {
        Table::reader()
            .open(path)
            .unwrap()
            .copied_in(&kept)
            .unwrap()
    };
    let net = Bnn::new(Mlp::new([2, 2, 1]), Gaussian::new());
    let train = open(&train).target("y").unwrap();
    let fit = net
        .fit(&train, &Advi::mean_field().steps(20).batch(32))
        .unwrap();
    let error = fit.encode(&open(&new)).unwrap_err().to_string();
    assert!(
        error.contains("new.csv: line 703, column `kind`: `c` is none of"),
        "{error}"
    );
    // It stays what it was when the file that was copied does not.
    fs::write(&path, "gone").unwrap();
    assert!(copy.target("preis").is_ok() && file.target("preis").is_err());
    let message = file.copied_in(&kept).unwrap_err().to_string();
    assert!(message.contains("was changed"), "{message}");
}

/// A file whose words are all there.
fn without_missing(folder: &Folder) -> TableFile {
    let rows = (0..1_300).map(|i| {
        format!(
            "{},{},{}\n",
            i % 300,
            f64::from(i) / 7.0,
            ["x", "y"][i as usize % 2]
        )
    });
    let text = format!("größe,tag,stadt\n{}", rows.collect::<String>());
    Table::reader()
        .open(folder.file("whole.csv", text))
        .unwrap()
}

#[test]
fn a_copy_that_cannot_be_written_is_refused_with_its_size() {
    let folder = Folder::new("unwritten");
    let file = Table::reader()
        .open(folder.file("a.csv", "x,y,z\n1,0.5,0.1\n2,1.5,0.2\n"))
        .unwrap();
    let error = file
        .copied_in(folder.0.join("nowhere"))
        .unwrap_err()
        .to_string();
    // A byte for `x`, four for `y`, eight for `z` and four for the line of each row.
    assert!(
        error.contains("the copy of the table takes 34 bytes"),
        "{error}"
    );
}
