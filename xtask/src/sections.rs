//! Pages of which commands write a section each.

/// The page with another body of the section of this title, which is put at the end where it has none. All else stays
/// as it is.
pub fn replaced(page: &str, title: &str, body: &str) -> String {
    let heading = format!("\n## {title}\n");
    let body = body.trim();
    match page.split_once(&heading) {
        Some((before, after)) => {
            let rest = after.find("\n## ").map_or("", |at| &after[at..]);
            format!("{before}{heading}\n{body}\n{rest}")
        }
        None => format!("{}\n{heading}\n{body}\n", page.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_section_is_replaced_and_the_others_are_kept() {
        let first = replaced("# Title\n", "Ranks", "ranks");
        let both = replaced(&first, "Means", "means\n\n### Below\n\nand more\n");
        assert_eq!(
            both,
            "# Title\n\n## Ranks\n\nranks\n\n## Means\n\nmeans\n\n### Below\n\nand more\n"
        );
        assert_eq!(replaced(&both, "Ranks", "ranks"), both);
        let again = replaced(&both, "Ranks", "others");
        assert_eq!(again, both.replace("ranks", "others"));
        let last = replaced(&both, "Means", "none");
        assert!(last.ends_with("## Means\n\nnone\n") && !last.contains("Below"));
    }
}
