//! The report in the making, and the folder that everything is written to.

use std::fs;
use std::path::{Path, PathBuf};

use bayes_nn::model::{Model, Posterior};
use bayes_nn::report::{Report, ReportError, WriteReport};

/// A report that grows section by section; its pictures are files, too.
pub struct Page<'a> {
    report: Report,
    folder: &'a Path,
}

impl<'a> Page<'a> {
    pub fn new(title: &str, folder: &'a Path) -> Result<Page<'a>, String> {
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
        let report = Report::new(title);
        Ok(Page { report, folder })
    }

    fn add(&mut self, change: impl FnOnce(Report) -> Report) {
        let report = std::mem::replace(&mut self.report, Report::new(""));
        self.report = change(report);
    }

    pub fn section(&mut self, heading: &str) {
        self.add(|report| report.section(heading));
    }

    pub fn text(&mut self, text: &str) {
        self.add(|report| report.text(text));
    }

    pub fn code(&mut self, code: &str) {
        self.add(|report| report.code(code));
    }

    pub fn table<const N: usize>(&mut self, headers: &[&str; N], rows: &[[String; N]]) {
        self.add(|report| report.table(headers, rows));
    }

    /// Adds what a fit says of itself, and what it found.
    pub fn fit<M: Model>(&mut self, fit: &Posterior<M>) -> Result<(), ReportError> {
        let report = std::mem::replace(&mut self.report, Report::new(""));
        self.report = report.fit(fit)?;
        Ok(())
    }

    /// Writes a page on another fit, beside this one.
    pub fn beside<M: Model>(&self, name: &str, fit: &Posterior<M>) -> Result<(), ReportError> {
        fit.report(self.folder.join(name))
    }

    /// Adds a picture, and writes it to `name.svg`.
    pub fn figure(&mut self, name: &str, svg: &str, caption: &str) -> Result<(), String> {
        self.write(&format!("{name}.svg"), svg)?;
        self.add(|report| report.figure(svg, caption));
        Ok(())
    }

    /// Writes a file beside the report.
    pub fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Writes the report and says where.
    pub fn finish(&self) -> Result<PathBuf, ReportError> {
        let path = self.folder.join("report.html");
        self.report.write(&path)?;
        Ok(path)
    }
}
