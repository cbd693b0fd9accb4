//! The commands, run as an analyst runs them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("bayes-nn-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bayes-nn"));
        command
            .args(arguments.split_whitespace())
            .current_dir(&self.0);
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output of a command that must succeed.
    fn says(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let [out, errors] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        assert!(output.status.success(), "{arguments}: {out}{errors}");
        out
    }

    /// Standard error of a command that must fail with 1.
    fn refuses(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        assert!(output.stdout.is_empty(), "{arguments}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn iris() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bayes-nn/tests/data/iris.csv");
    fs::read_to_string(path).unwrap()
}

/// Two hundred houses, whose price is a line in their size with some noise.
fn houses() -> String {
    let row = |i: usize| {
        let size = 40 + i * 37 % 120;
        let kind = ["flat", "house"][i % 2];
        format!(
            "{i},{size},{kind},{}\n",
            2000 * size + 900 * (i % 7) + 9000 * (i % 2)
        )
    };
    format!(
        "id,size,kind,price\n{}",
        (0..200).map(row).collect::<String>()
    )
}

const FIT: &str = "fit iris.csv --target species --hidden 8 --steps 3000";

#[test]
fn a_classification_from_fit_to_report() {
    let folder = Folder::new("iris");
    folder.write("iris.csv", &iris());
    let said = folder.says(&format!(
        "{FIT} --test-share 0.2 --report fit.html --out iris.bnn"
    ));
    for part in [
        "species       the target, one of 3 classes",
        "ELBO",
        "accuracy",
        "saved iris.bnn",
    ] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    assert!(folder.read("fit.html").contains("perfect calibration"));

    let predicted = folder.says("predict iris.bnn iris.csv");
    let mut lines = predicted.lines();
    let header = "class,p(setosa),p(versicolor),p(virginica),aleatoric,epistemic";
    assert_eq!(lines.next(), Some(header));
    assert!(lines.next().unwrap().starts_with("setosa,0.9"));
    assert_eq!(predicted.lines().count(), 151);
    folder.says("predict iris.bnn iris.csv --out predicted.csv");
    assert_eq!(folder.read("predicted.csv"), predicted);

    let scored = folder.says("score iris.bnn iris.csv --json");
    let scored: serde_json::Value = serde_json::from_str(&scored).unwrap();
    assert!(scored["accuracy"].as_f64().unwrap() > 0.9, "{scored}");
    let shown = folder.says("show iris.bnn");
    assert!(
        shown.starts_with("species by Categorical, 79 variables\n"),
        "{shown}"
    );
    let shown: serde_json::Value =
        serde_json::from_str(&folder.says("show iris.bnn --json")).unwrap();
    assert_eq!(shown["classes"][1], "versicolor");
    assert_eq!(
        folder.says("report iris.bnn --data iris.csv --out page.html"),
        "wrote page.html\n"
    );
    assert!(folder.read("page.html").contains("Predictions"));
}

#[test]
fn a_regression_is_predicted_in_the_units_of_its_target() {
    let folder = Folder::new("houses");
    folder.write("houses.csv", &houses());
    let fit =
        "fit houses.csv --target price --except id --hidden 5 --method map --steps 4000 --json";
    let said: serde_json::Value = serde_json::from_str(&folder.says(fit)).unwrap();
    // One of two words is the other one's absence.
    assert_eq!(
        (&said["rows"], &said["classes"]),
        (&200.into(), &serde_json::Value::Null)
    );
    // New rows have no price.
    folder.write("new.csv", "kind,size\nflat,100\nhouse,60\n");
    let predicted = folder.says("predict model.bnn new.csv");
    let mut lines = predicted.lines();
    assert_eq!(lines.next(), Some("mean,lower,upper,aleatoric,epistemic"));
    for (line, expected) in lines.zip([202_700.0, 131_700.0]) {
        let numbers: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        assert!((numbers[0] - expected).abs() < 6_000.0, "{line}");
        assert!(numbers[1] < expected && expected < numbers[2], "{line}");
    }
}

#[test]
fn standard_input_and_output_are_dashes() {
    let folder = Folder::new("dashes");
    let given = |arguments: &str, text: &str| {
        let mut command = folder.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    given(
        "fit - --target species --hidden 3 --method map --steps 500",
        &iris(),
    );
    let predicted = given("predict model.bnn - --out -", &iris());
    assert_eq!(predicted.lines().count(), 151);
    assert_eq!(given("score model.bnn -", &iris()).lines().count(), 4);
}

#[test]
fn mistakes_of_analysts_are_named() {
    let folder = Folder::new("mistakes");
    folder.write("iris.csv", &iris());
    folder.write("houses.csv", &houses());
    let misspelt = folder.refuses("fit iris.csv --target specie");
    assert!(misspelt.contains("the nearest is `species`"), "{misspelt}");
    let absent = folder.refuses("fit nowhere.csv --target y");
    assert!(absent.starts_with("bayes-nn: nowhere.csv: "), "{absent}");
    let absent = folder.refuses("show nowhere.bnn");
    assert!(absent.starts_with("bayes-nn: nowhere.bnn "), "{absent}");
    let names = folder.refuses("fit iris.csv --target species --task regression");
    assert!(names.contains("setosa"), "{names}");

    folder.says("fit iris.csv --target species --hidden 3 --method map --steps 300");
    let short: String = iris()
        .lines()
        .map(|l| format!("{}\n", l.rsplit_once(',').unwrap().0))
        .collect();
    let shorter: String = short
        .lines()
        .map(|l| format!("{}\n", l.rsplit_once(',').unwrap().0))
        .collect();
    folder.write("shorter.csv", &shorter);
    let lacks = folder.refuses("predict model.bnn shorter.csv");
    assert!(lacks.contains("no column `petal width`"), "{lacks}");
    folder.write("short.csv", &short);
    let unknown = folder.refuses("score model.bnn short.csv");
    assert!(unknown.contains("species"), "{unknown}");
    let mut damaged = fs::read(folder.0.join("model.bnn")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(folder.0.join("damaged.bnn"), damaged).unwrap();
    assert!(folder.refuses("show damaged.bnn").contains("damaged.bnn"));

    // What can be done is said in words of the command, not of the library.
    let complete = folder.refuses("resume model.bnn iris.csv");
    let said = "the fit has done all of its 300 steps; `--steps` adds more";
    assert!(
        complete.contains(said) && !complete.contains("::"),
        "{complete}"
    );
    let names = "name,y\n".to_owned()
        + &(0..60)
            .map(|i| format!("row {i},{i}.5\n"))
            .collect::<String>();
    folder.write("names.csv", &names);
    let names = folder.refuses("fit names.csv --target y");
    assert!(
        names.contains("`--except \"name\"` leaves it out"),
        "{names}"
    );
    folder.write("numbers.csv", "1,2\n3,4\n");
    let numbers = folder.refuses("fit numbers.csv --target y");
    assert!(numbers.contains("add a line of names"), "{numbers}");

    // Rows to come with values that the table never missed, and words that it never had.
    let towns = "age,town,y\n".to_owned()
        + &(0..60)
            .map(|i| format!("{},{},{}.5\n", 20 + i, ["A", "B"][i % 2], 3 * i))
            .collect::<String>();
    folder.write("towns.csv", &towns);
    folder.write("late.csv", "age,town,y\n,A,60\n40,A,60.5\n");
    folder.write("new.csv", "age,town,y\n40,A,60.5\n40,C,61\n");
    folder.write("untold.csv", "age,town,y\n40,A,60.5\n41,B,\n");
    let fit = "fit towns.csv --target y --hidden 3 --method map --steps 300";
    folder.says(fit);
    let missing = folder.refuses("predict model.bnn late.csv");
    assert!(
        missing.contains("line 2, column `age`: the value is missing")
            && missing.contains("a fit with `--impute \"age\"`"),
        "{missing}"
    );
    let unknown = folder.refuses("predict model.bnn new.csv");
    assert!(
        unknown.contains("`C` is none of the categories") && unknown.contains("--ignore-unknown"),
        "{unknown}"
    );
    let untold = folder.refuses("score model.bnn untold.csv");
    assert!(untold.contains("remove rows without it"), "{untold}");
    folder.says(&format!("{fit} --impute age --ignore-unknown"));
    let late = folder.says("predict model.bnn late.csv");
    assert_eq!(late.lines().count(), 3, "{late}");
    assert_eq!(folder.says("predict model.bnn new.csv").lines().count(), 3);
    let absent = folder.refuses(&format!("{fit} --impute aeg"));
    assert!(
        absent.contains("`aeg`") && absent.contains("`age`"),
        "{absent}"
    );

    // Numbers that may be classes, and classes that may be numbers.
    let few = "x,y\n".to_owned()
        + &(0..60)
            .map(|i| format!("{i},{}\n", i % 3))
            .collect::<String>();
    folder.write("few.csv", &few);
    let output = folder.run("fit few.csv --target y --hidden 3 --method map --steps 200");
    let note = String::from_utf8(output.stderr).unwrap();
    assert!(
        note.contains("`y` has 3 different whole numbers") && output.status.success(),
        "{note}"
    );
    let classes =
        "fit houses.csv --target price --task classification --hidden 3 --method map --steps 50";
    let note = String::from_utf8(folder.run(classes).stderr).unwrap();
    assert!(note.contains("--task regression"), "{note}");
    assert_eq!(folder.run("fit iris.csv").status.code(), Some(2));
    let share = folder.run("fit iris.csv --target species --test-share 2");
    assert_eq!(share.status.code(), Some(2));
}
