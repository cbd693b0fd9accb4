//! One page of HTML that tells the story of a run and needs nothing but itself to be opened.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bayes_nn_models::Comparison;

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
        let numeric = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.as_ref().get(column));
            let mut cells = cells
                .map(|cell| cell.as_ref().trim())
                .filter(|cell| !cell.is_empty())
                .peekable();
            cells.peek().is_some() && cells.all(is_number)
        };
        let long = |column: usize| {
            let mut cells = rows.iter().filter_map(|row| row.as_ref().get(column));
            cells.any(|cell| cell.as_ref().chars().count() > LONG)
        };
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

const STYLE: &str = "\
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #222; font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 780px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 20px; }
h2 { font-size: 21px; line-height: 1.3; margin: 44px 0 12px; padding-top: 12px; border-top: 1px solid #ddd; }
p { margin: 0 0 14px; }
nav { margin: 20px 0 0; padding: 12px 20px; background: #f6f7f9; border-radius: 6px; }
nav ol { margin: 0; padding-left: 24px; columns: 2 260px; }
a { color: #0072b2; text-decoration: none; }
a:hover { text-decoration: underline; }
pre { margin: 0 0 16px; padding: 12px 14px; background: #f6f7f9; border-radius: 6px; overflow-x: auto; font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { font-family: inherit; }
.table { overflow-x: auto; margin: 0 0 16px; }
table { border-collapse: collapse; font-size: 15px; }
th, td { padding: 5px 16px 5px 0; text-align: left; border-bottom: 1px solid #e4e4e4; }
th { border-bottom-color: #888; }
td { white-space: nowrap; }
td.long { white-space: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 20px 0 24px; }
figure > svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figure text { font-family: inherit; }
figcaption { margin-top: 6px; font-size: 14px; color: #555; }
@media print {
  main { max-width: none; padding: 0; }
  figure, table, pre { break-inside: avoid; }
  h2 { break-after: avoid; }
  pre { white-space: pre-wrap; }
}
";

/// Text for element content and quoted attributes. Control characters that HTML forbids become the replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

fn is_number(cell: &str) -> bool {
    let plain = cell.replace('\u{2212}', "-").replace([',', '%'], "");
    plain.trim().parse::<f64>().is_ok()
}

/// Without the XML declaration and document type of a file that stands alone.
fn element_of(svg: &str) -> &str {
    svg.find("<svg")
        .map_or(svg, |start| &svg[start..])
        .trim_end()
}

/// Puts the prefix before every id of an SVG, and before every reference to one.
fn prefix_ids(svg: &str, prefix: &str) -> String {
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    let openings = [
        " id=\"",
        " id='",
        "href=\"#",
        "href='#",
        "url(#",
        "url('#",
        "url(\"#",
        "url(&quot;#",
    ];
    while let Some((at, opening)) = openings
        .iter()
        .filter_map(|opening| rest.find(opening).map(|at| (at, opening)))
        .min()
    {
        let end = at + opening.len();
        out.push_str(&rest[..end]);
        out.push_str(prefix);
        rest = &rest[end..];
    }
    out + rest
}

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
