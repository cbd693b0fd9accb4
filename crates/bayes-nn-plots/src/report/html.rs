//! Pieces of a page: text that is escaped, and figures that fit in.

/// Text for element content and quoted attributes. Control characters that HTML forbids become the replacement character.
pub(super) fn escape(text: &str) -> String {
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

pub(super) fn is_number(cell: &str) -> bool {
    let plain = cell.replace('\u{2212}', "-").replace([',', '%'], "");
    plain.trim().parse::<f64>().is_ok()
}

/// Without the XML declaration and document type of a file that stands alone.
pub(super) fn element_of(svg: &str) -> &str {
    svg.find("<svg")
        .map_or(svg, |start| &svg[start..])
        .trim_end()
}

/// Puts the prefix before every id of an SVG, and before every reference to one.
pub(super) fn prefix_ids(svg: &str, prefix: &str) -> String {
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
