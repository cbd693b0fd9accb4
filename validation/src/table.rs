//! Tables that can be read as text and as Markdown.

/// A Markdown table whose columns line up: the first to the left, the others to the right.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count(), 3]).max()
    };
    let widths: Vec<usize> = (0..N).filter_map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(i, (cell, &width))| match i {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(i, &width)| match i {
        0 => "-".repeat(width),
        _ => format!("{}:", "-".repeat(width - 1)),
    });
    let mut text = line(&header.map(str::to_owned));
    text += &line(&rule.collect::<Vec<_>>());
    rows.iter().for_each(|row| text += &line(row));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = ["a name".to_owned(), "1".to_owned()];
        let expected = "\
| of     | size |
| ------ | ---: |
| a name |    1 |
";
        assert_eq!(table(["of", "size"], &[row]), expected);
    }
}
