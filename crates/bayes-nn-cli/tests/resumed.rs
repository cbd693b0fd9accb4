//! Fits that are interrupted, killed or cannot be saved, and rows that are answered one by one.

#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const FIT: &str = "fit iris.csv --target species --hidden 4 --checkpoint 0 --test-share 0.2";

/// A folder of its own for each test, with a table in it, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("bayes-nn-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let iris = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bayes-nn/tests/data/iris.csv");
        fs::copy(iris, folder.join("iris.csv")).unwrap();
        Folder(folder)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bayes-nn"));
        command.args(arguments.split_whitespace());
        command.current_dir(&self.0);
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn says(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Begins a long fit, and comes back when its first checkpoint is there.
    fn begun(&self, out: &str) -> Child {
        let mut command = self.command(&format!("{FIT} --steps 20000 --out {out}"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        while !self.0.join(out).exists() {
            std::thread::yield_now();
        }
        child
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_was_interrupted_or_killed_goes_on_to_the_bits_of_a_whole_fit() {
    let folder = Folder::new("resumed");
    let interrupted = folder.begun("interrupted.bnn");
    let pid = interrupted.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let output = interrupted.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.contains("interrupted at step "), "{errors}");
    assert!(
        errors.contains("`bayes-nn resume interrupted.bnn iris.csv --test-share 0.2`"),
        "{errors}"
    );
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("warning: the fit was interrupted at step "));
    assert!(said.contains("saved interrupted.bnn"), "{said}");

    let mut killed = folder.begun("killed.bnn");
    killed.kill().unwrap();
    killed.wait().unwrap();

    folder.says(&format!("{FIT} --steps 20000 --out whole.bnn"));
    let predicted = folder.says("predict whole.bnn iris.csv");
    for model in ["interrupted.bnn", "killed.bnn"] {
        // What is there predicts, and goes on.
        assert_ne!(folder.says(&format!("predict {model} iris.csv")), predicted);
        let other = folder.run(&format!("resume {model} iris.csv"));
        let errors = String::from_utf8(other.stderr).unwrap();
        assert_eq!(other.status.code(), Some(1));
        assert!(errors.contains("has 120 rows, and the data have 150"));
        folder.says(&format!("resume {model} iris.csv --test-share 0.2"));
        assert_eq!(folder.says(&format!("predict {model} iris.csv")), predicted);
    }

    let done = folder.run("resume killed.bnn iris.csv --test-share 0.2");
    let errors = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(errors.contains("all of its 20000 steps"), "{errors}");
    let more = "resume killed.bnn iris.csv --test-share 0.2 --steps 500 --out more.bnn";
    assert!(folder.says(more).contains("steps      20500"));
}

#[test]
fn what_cannot_be_saved_is_an_error_and_the_last_file_stays() {
    let folder = Folder::new("unsaved");
    folder.says(&format!("{FIT} --steps 300 --out model.bnn"));
    let before = fs::read(folder.0.join("model.bnn")).unwrap();
    // No file may be longer than this many blocks, as where a disk is full.
    let program = env!("CARGO_BIN_EXE_bayes-nn");
    let script =
        format!("trap '' XFSZ; ulimit -f 8; exec {program} {FIT} --steps 300 --out model.bnn");
    let mut full = Command::new("sh");
    let output = full.args(["-c", &script]).current_dir(&folder.0).output();
    let output = output.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("model.bnn cannot be written: "), "{errors}");
    assert_eq!(fs::read(folder.0.join("model.bnn")).unwrap(), before);
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);

    for path in ["nowhere/model.bnn", "/proc/model.bnn"] {
        let output = folder.run(&format!("{FIT} --steps 300 --out {path}"));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        let says = format!("{path} cannot be written: ");
        assert!(errors.contains(&says), "{errors}");
    }
}

#[test]
fn lines_of_json_are_answered_one_by_one() {
    let folder = Folder::new("lines");
    folder.says(&format!("{FIT} --steps 2000 --out model.bnn"));
    let mut command = folder.command("predict model.bnn - --json");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut rows = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    // Each answer is there before the next row is.
    let mut ask = |row: &str| -> Value {
        writeln!(rows, "{row}").unwrap();
        serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap()
    };
    let row = |width: f64| {
        let lengths = r#""sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4"#;
        format!("{{{lengths}, \"petal width\": {width}}}")
    };
    let setosa = ask(&row(0.2));
    assert_eq!(setosa["class"], "setosa");
    assert!(setosa["probabilities"]["setosa"].as_f64().unwrap() > 0.5);
    assert!(setosa["epistemic"].as_f64().unwrap() >= 0.0);
    for (bad, says) in [
        ("nonsense", "no JSON"),
        ("[1, 2]", "no object of columns"),
        ("{}", "no columns"),
        (r#"{"petal width": [1]}"#, "`petal width` is a list"),
        (r#"{"petal width": 0.2}"#, "no column `"),
    ] {
        let answer = ask(bad);
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(says), "{bad}: {error}");
        assert!(answer["line"].as_u64().unwrap() > 1);
    }
    assert_eq!(ask(&row(0.2)), setosa);
    drop(rows);
    assert!(child.wait().unwrap().success());
}
