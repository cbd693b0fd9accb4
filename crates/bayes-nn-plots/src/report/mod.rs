//! One page of HTML that tells the story of a run and needs nothing but itself to be opened.

mod chains;
mod checks;
mod fit;
mod html;
mod layers;
mod predictions;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bayes_nn_models::Comparison;

use crate::plots::PlotError;

pub use fit::WriteReport;
use html::{element_of, escape, is_number, prefix_ids};

/// The report could not be written.
///
/// ```
/// use bayes_nn::report::{Report, ReportError};
///
/// let error = Report::new("Moons").write("/no/such/folder/report.html").unwrap_err();
/// assert!(matches!(error, ReportError::Write { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The operating system refused.
    #[error("cannot write the report to {}: {source}; the folder must exist and be writable", path.display())]
    Write {
        /// The path as given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What the fit says cannot be had.
    #[error(transparent)]
    Fit(#[from] bayes_nn_models::Error),
    /// A picture cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

/// A page with a title, a table of contents, and sections of text, code, tables and figures, in the order they are added.
///
/// What is added before the first section stands above the table of contents. All text is escaped; only figures are taken
/// as they are, as SVG.
///
/// ```
/// use bayes_nn::report::Report;
///
/// let html = Report::new("Two moons")
///     .section("Data")
///     .text("500 points to learn from, 500 to test on.")
///     .table(&["set", "rows"], &[["train", "500"], ["test", "500"]])
///     .section("Fit")
///     .code("ELBO -112.9 nats")
///     .figure("<svg></svg>", "The ELBO over the steps.")
///     .to_html();
/// assert!(html.contains("<h2 id=\"section-2\">2. Fit</h2>"));
/// ```
#[derive(Debug, Clone)]
pub struct Report {
    title: String,
    introduction: String,
    sections: Vec<Section>,
    figures: usize,
}

#[derive(Debug, Clone)]
struct Section {
    heading: String,
    html: String,
}

impl Report {
    /// An empty page with a title.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            introduction: String::new(),
            sections: vec![],
            figures: 0,
        }
    }

    /// Begins a section; what is added next belongs to it.
    #[must_use]
    pub fn section(mut self, heading: impl Into<String>) -> Self {
        self.sections.push(Section {
            heading: heading.into(),
            html: String::new(),
        });
        self
    }

    /// Adds prose; an empty line begins a new paragraph.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let paragraphs = text
            .split("\n\n")
            .map(str::trim)
            .filter(|paragraph| !paragraph.is_empty());
        let html: String = paragraphs
            .map(|paragraph| format!("<p>{}</p>\n", escape(paragraph)))
            .collect();
        self.push(&html)
    }

    /// Adds text whose spaces and line ends matter, such as code or the printed form of a fit.
    #[must_use]
    pub fn code(self, code: &str) -> Self {
        let html = format!("<pre><code>{}</code></pre>\n", escape(code.trim_end()));
        self.push(&html)
    }

    /// Adds a table. Cells that read as numbers stand at the right; only columns with long ones
    /// are broken into lines.
    /// Missing cells stay empty, spare ones are kept.
    #[must_use]
    pub fn table<H: AsRef<str>, R: AsRef<[C]>, C: AsRef<str>>(
        self,
        headers: &[H],
        rows: &[R],
    ) -> Self {
        let columns = rows
            .iter()
            .map(|row| row.as_ref().len())
            .fold(headers.len(), usize::max);
        let header = |column: usize| headers.get(column).map_or("", |header| header.as_ref());
        let cells = |column: usize| {
            let cells = rows.iter().filter_map(move |row| row.as_ref().get(column));
            cells.map(|cell| cell.as_ref())
        };
        let numeric = |column: usize| {
            let cells = cells(column).map(str::trim);
            let mut cells = cells.filter(|cell| !cell.is_empty()).peekable();
            cells.peek().is_some() && cells.all(is_number)
        };
        let long = |column: usize| cells(column).any(|cell| cell.chars().count() > LONG);
        let classes: Vec<&str> = (0..columns)
            .map(|column| match () {
                () if numeric(column) => " class=\"number\"",
                () if long(column) => " class=\"long\"",
                () => "",
            })
            .collect();
        let mut html = "<div class=\"table\"><table>\n<thead><tr>".to_owned();
        for (column, class) in classes.iter().enumerate() {
            let _ = write!(html, "<th{class}>{}</th>", escape(header(column)));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            html.push_str("<tr>");
            for (column, class) in classes.iter().enumerate() {
                let cell = row.as_ref().get(column).map_or("", |cell| cell.as_ref());
                let _ = write!(html, "<td{class}>{}</td>", escape(cell));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table></div>\n");
        self.push(&html)
    }

    /// Adds a comparison of two posteriors: the verdict, what both predict, and their variables.
    #[must_use]
    pub fn comparison(self, comparison: &Comparison) -> Self {
        let mut report = self.text(&comparison.verdict().join("\n\n"));
        for prediction in &comparison.predictions {
            report = report
                .text(&prediction.heading())
                .table(&comparison.prediction_headers(), &prediction.cells());
        }
        let (shown, left_out) = comparison.shown();
        let rows: Vec<Vec<String>> = shown.into_iter().map(|site| site.cells()).collect();
        let note = comparison.note();
        let note = match left_out {
            0 => note.to_owned(),
            more => format!("{note}; {more} more that differ less are left out"),
        };
        report.text(&note).table(&comparison.site_headers(), &rows)
    }

    /// Adds a figure, an `<svg>` element as the plots give it, with a caption and a number.
    ///
    /// The SVG becomes part of the page as it is: take it only from sources you would run a script of. Its ids get a prefix,
    /// so that those of two figures do not clash.
    #[must_use]
    pub fn figure(mut self, svg: &str, caption: &str) -> Self {
        self.figures += 1;
        let number = self.figures;
        let html = format!(
            "<figure id=\"figure-{number}\" aria-label=\"{0}\">\n{1}\n<figcaption><b>Figure {number}.</b> {0}</figcaption>\n</figure>\n",
            escape(caption),
            prefix_ids(element_of(svg), &format!("figure-{number}-")),
        );
        self.push(&html)
    }

    fn push(mut self, html: &str) -> Self {
        match self.sections.last_mut() {
            Some(section) => section.html.push_str(html),
            None => self.introduction.push_str(html),
        }
        self
    }

    /// The page as text.
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        let mut contents = String::new();
        let mut body = String::new();
        for (place, section) in self.sections.iter().enumerate() {
            let (number, heading) = (place + 1, escape(&section.heading));
            let _ = writeln!(
                contents,
                "<li><a href=\"#section-{number}\">{heading}</a></li>"
            );
            let _ = write!(
                body,
                "<section>\n<h2 id=\"section-{number}\">{number}. {heading}</h2>\n{}</section>\n",
                section.html
            );
        }
        if !contents.is_empty() {
            contents = format!("<nav aria-label=\"Contents\">\n<ol>\n{contents}</ol>\n</nav>\n");
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}{contents}{body}</main>\n\
             </body>\n</html>\n",
            self.introduction
        )
    }

    /// Writes the page to a file, replacing what is there.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the operating system refuses.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        let path = path.as_ref();
        std::fs::write(path, self.to_html()).map_err(|source| ReportError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

/// Characters of a cell of a table that may be broken into lines.
const LONG: usize = 40;

const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_text_is_escaped() {
        let evil = "<script>\"&'\u{0}";
        let html = Report::new(evil)
            .section(evil)
            .text(evil)
            .code(evil)
            .table(&[evil], &[[evil]])
            .figure("<svg></svg>", evil)
            .to_html();
        assert!(!html.contains("<script>") && !html.contains('\u{0}'));
        assert_eq!(
            html.matches("&lt;script&gt;&quot;&amp;&#39;\u{fffd}")
                .count(),
            10
        );
    }

    #[test]
    fn sections_and_the_table_of_contents_keep_their_order() {
        let html = Report::new("t")
            .text("before")
            .section("a")
            .text("one\n\ntwo")
            .section("b")
            .to_html();
        let places: Vec<usize> = [
            "<h1>t",
            "<p>before",
            "<nav",
            "#section-1\">a",
            "#section-2\">b",
            "1. a</h2>",
            "<p>one</p>\n<p>two</p>",
            "2. b</h2>",
        ]
        .iter()
        .map(|part| {
            html.find(part)
                .unwrap_or_else(|| panic!("{part} is missing"))
        })
        .collect();
        assert!(places.is_sorted());
    }

    #[test]
    fn ids_of_two_figures_do_not_clash() {
        let svg = "<?xml version=\"1.0\"?>\n<svg><clipPath id=\"c\"/><g clip-path=\"url(#c)\"/><use href=\"#c\"/></svg>\n";
        let html = Report::new("t").figure(svg, "").figure(svg, "").to_html();
        for figure in [1, 2] {
            let part = format!(
                "<clipPath id=\"figure-{figure}-c\"/><g clip-path=\"url(#figure-{figure}-c)\"/><use href=\"#figure-{figure}-c\"/>"
            );
            assert_eq!(html.matches(&part).count(), 1);
        }
        assert!(!html.contains("<?xml"));
    }

    #[test]
    fn columns_of_numbers_stand_at_the_right() {
        let html = Report::new("t")
            .table(
                &["score", "value"],
                &[["accuracy", "95.8 %"], ["ELBO", "\u{2212}112.9"]],
            )
            .to_html();
        assert!(html.contains("<th>score</th><th class=\"number\">value</th>"));
        assert!(html.contains("<td>accuracy</td><td class=\"number\">95.8 %</td>"));
    }

    #[test]
    fn only_columns_of_long_cells_may_be_broken() {
        let text = "a sentence that is longer than any number or name";
        let html = Report::new("t")
            .table(&["name", "meaning"], &[["layer0.weight[0, 3]", text]])
            .to_html();
        let row = format!("<td>layer0.weight[0, 3]</td><td class=\"long\">{text}</td>");
        assert!(html.contains(&row));
    }

    #[test]
    fn rows_of_uneven_length_stay_a_table() {
        let html = Report::new("t")
            .table(&["a"], &[vec!["1", "2"], vec![]])
            .to_html();
        assert_eq!(html.matches("<td").count(), 4);
        assert_eq!(
            html.matches("<th").count(),
            3,
            "two headers and the head itself"
        );
    }

    #[test]
    fn the_page_loads_nothing_from_outside() {
        let html = Report::new("t")
            .section("a")
            .figure("<svg></svg>", "f")
            .to_html();
        for part in ["http:", "https:", "<link", "@import", "<script", "src="] {
            assert!(!html.contains(part), "{part}");
        }
    }

    #[test]
    fn a_report_is_written_whole_and_a_refusal_names_the_path() {
        let folder = std::env::temp_dir().join(format!("bayes-nn-report-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("report.html");
        let report = Report::new("t").section("a").text("b");
        report.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), report.to_html());
        let message = report.write(&folder).unwrap_err().to_string();
        assert!(message.starts_with(&format!("cannot write the report to {}", folder.display())));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
