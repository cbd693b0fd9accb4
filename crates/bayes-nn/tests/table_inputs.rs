//! Files of every kind that people have: they are read as they are meant, or refused in words that
//! name the line and the column.

use std::fmt::Write as _;

use bayes_nn::data::{ColumnKind, TableReader};
use bayes_nn::prelude::*;

/// The columns of a table, or the error.
fn outcome(reader: &TableReader, bytes: &[u8]) -> String {
    match reader.read_from(bytes) {
        Ok(table) => described(&table),
        Err(error) => error.to_string(),
    }
}

fn described(table: &Table) -> String {
    let mut text = String::new();
    for name in table.names() {
        let (Ok(kind), Ok(values), Ok(words)) = (
            table.kind(name),
            table.numbers(name),
            table.categories(name),
        ) else {
            write!(text, "{name} twice; ").unwrap();
            continue;
        };
        write!(text, "{name} {kind}").unwrap();
        for value in values {
            match kind {
                _ if value.is_nan() => text.push_str(" _"),
                ColumnKind::Category => write!(text, " {}", words[*value as usize]).unwrap(),
                _ => write!(text, " {value}").unwrap(),
            }
        }
        text.push_str("; ");
    }
    text.trim_end_matches("; ").to_owned()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn files_are_read_as_they_are_meant_or_refused_by_line_and_column() {
    let cases: [(&[u8], &str); 55] = [
        // Empty and nearly so.
        (
            b"",
            "the CSV is empty; a header line (unless read `without_header`) and at least one row are needed",
        ),
        (
            b"\n\r\n\n",
            "the CSV is empty; a header line (unless read `without_header`) and at least one row are needed",
        ),
        (
            b"\xef\xbb\xbf",
            "the CSV is empty; a header line (unless read `without_header`) and at least one row are needed",
        ),
        (
            b"a,b\n",
            "the CSV has a header and no rows; at least one row is needed",
        ),
        (
            b"1,2\n3,4\n",
            "the first line has only numbers, where the names of columns are expected; say `without_header` if it is data, or `with_header` if these are names",
        ),
        (b"a\n1\n2\n", "a number 1 2"),
        // Ends of lines.
        (b"a,b\n1,2", "a number 1; b number 2"),
        (b"a,b\r\n1,2\r\n", "a number 1; b number 2"),
        (b"a,b\r1,2\r", "a number 1; b number 2"),
        (b"a,b\n\n1,2\n\n\n3,x\n", "a number 1 3; b category 2 x"),
        // Encodings.
        (
            b"\xef\xbb\xbfa,b\n1,\xc3\xa9\n",
            "a number 1; b category \u{e9}",
        ),
        (b"a,b\n1,caf\xe9\n", "a number 1; b category caf\u{e9}"),
        (b"a,b\n1,5\x80\n", "a number 1; b category 5\u{20ac}"),
        (
            b"\xef\xbb\xbfa,b\n1,caf\xe9\n",
            "line 2: the bytes are no text in UTF-8; `Table::reader().encoding(..)` sets another",
        ),
        (
            b"\xff\xfea\x00\n\x001",
            "line 2: the bytes are no text in UTF-16LE; `Table::reader().encoding(..)` sets another",
        ),
        (
            b"a\x00\n\x001\x00\n\x00",
            "line 1: there is a NUL, which no text has; if the file is UTF-16 without a mark, say `Table::reader().encoding(\"utf-16le\")`",
        ),
        (
            b"a,b\n1,x\x00y\n",
            "line 2: there is a NUL, which no text has; if the file is UTF-16 without a mark, say `Table::reader().encoding(\"utf-16le\")`",
        ),
        // Lines of unlike length.
        (b"a,b\n1,2\n3\n", "line 3 has 1 fields; every line needs 2"),
        (
            b"a,b\n1,2\n3,4,5\n",
            "line 3 has 3 fields; every line needs 2",
        ),
        (
            b"a,b\n1,2,\n3,4,\n",
            "line 2 has 3 fields; every line needs 2",
        ),
        (b"a,b,\n1,2,\n", "a number 1; b number 2; 3 number _"),
        (b"a;b,c\n1;2\n", "a number 1; b,c number 2"),
        // Quotes.
        (b"a,b\n\"x, y\",\"2\"\n", "a category x, y; b number 2"),
        (
            b"a,b\n\"say \"\"x\"\"\",2\n",
            "a category say \"x\"; b number 2",
        ),
        (
            b"a,b\n\"two\nlines\",2\n3,x\n",
            "a category two\nlines 3; b category 2 x",
        ),
        (
            b"a,b\n1,\"x\n2,y\n3,z\n",
            "line 2: a field begins with a quote, and no quote ends it",
        ),
        (b"a,b\n5\" pipe,2\n", "a category 5\" pipe; b number 2"),
        // Delimiters and decimal commas.
        (b"a;b\n1;2\n", "a number 1; b number 2"),
        (b"a\tb\n1\t2,x\n", "a number 1; b category 2,x"),
        (b"a|b\n1|2\n", "a number 1; b number 2"),
        (b"a;b\n1,5;2\n-0,5;3\n", "a number 1.5 -0.5; b number 2 3"),
        (
            b"a;b\n1,5;1.234\n2;3\n",
            "a number 1.5 2; b category 1.234 3",
        ),
        (b"a;b\n1,5;x\n1.5;y\n", "a category 1,5 1.5; b category x y"),
        (b"a,b\n\"1,5\",2\n", "a category 1,5; b number 2"),
        (b"a,b\n\"1,234\",2\n", "a category 1,234; b number 2"),
        // Numbers, and words that look like some.
        (b"a\n+1\n.5\n2.\n1e3\n-0\n", "a number 1 0.5 2 1000 -0"),
        (b"a,b\n 1 ,\t2\n", "a number 1; b number 2"),
        (b"plz\n01067\n80331\n", "plz category 01067 80331"),
        (
            b"id\n9007199254740993\n9007199254740992\n",
            "id category 9007199254740993 9007199254740992",
        ),
        (
            b"a,b\n1e999,1\n",
            "line 2, column `a`: `1e999` is not finite; remove the row or fill in a value",
        ),
        (
            b"a,b\n1,2\n3,-inf\n",
            "line 3, column `b`: `-inf` is not finite; remove the row or fill in a value",
        ),
        (b"a\n1\n2\nmany\n", "a category 1 2 many"),
        (b"a\n5%\n7%\n", "a category 5% 7%"),
        (b"a\n10\n9\nx\n", "a category 10 9 x"),
        // Missing values.
        (
            b"a,b\n,x\n1,NA\nnan,?\nNULL,None\n",
            "a number _ 1 _ _; b category x _ _ _",
        ),
        (b"a,b\n,1\n\"\",2\n", "a number _ _; b number 1 2"),
        // Booleans and dates.
        (
            b"a,b\ntrue,TRUE\nFalse,NA\n",
            "a boolean 1 0; b boolean 1 _",
        ),
        (b"a\ntrue\n1\n", "a category true 1"),
        (b"a\nyes\nno\n", "a category yes no"),
        (b"d\n1970-01-02\n1969-12-31\n", "d date 1 -1"),
        (
            b"d\n1970-01-02T12:00\n1970-01-02 06:00:00Z\n",
            "d date 1.5 1.25",
        ),
        (
            b"d\n2023-02-29\n2023-02-28\n",
            "d category 2023-02-29 2023-02-28",
        ),
        (b"d\n31.01.2024\n", "d category 31.01.2024"),
        // Names.
        (b"a,,a\n1,2,3\n", "a twice; 2 number 2; a twice"),
        (
            "größe,名\n1,二\n".as_bytes(),
            "größe number 1; 名 category 二",
        ),
    ];
    for (bytes, expected) in cases {
        let found = outcome(&Table::reader(), bytes);
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_is_found_otherwise_than_meant_is_set() {
    let text = "a;b\n1,5;x\n";
    let (low, big) = (utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes));
    let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
    let reader = Table::reader;
    let cases: [(TableReader, Vec<u8>, &str); 14] = [
        (
            reader(),
            marked(b"\xff\xfe", &low),
            "a number 1.5; b category x",
        ),
        (
            reader(),
            marked(b"\xfe\xff", &big),
            "a number 1.5; b category x",
        ),
        (
            reader().encoding("utf-16le"),
            low,
            "a number 1.5; b category x",
        ),
        (
            reader().encoding("shift_jis"),
            b"a,b\n1,\x93\xfa\n".to_vec(),
            "a number 1; b category \u{65e5}",
        ),
        (
            reader().encoding("latin-9000"),
            vec![],
            "there is no encoding `latin-9000`; \"utf-8\", \"windows-1252\" or \"shift_jis\" are some",
        ),
        (
            reader().with_header(),
            b"1,2\n3,4\n".to_vec(),
            "1 number 3; 2 number 4",
        ),
        (
            reader().without_header(),
            b"1,x\n3,y\n".to_vec(),
            "1 number 1 3; 2 category x y",
        ),
        (
            reader().delimiter(b','),
            b"a;b,c\n1,2\n".to_vec(),
            "a;b number 1; c number 2",
        ),
        (
            reader().decimal_comma(true),
            b"a,b\n\"1,5\",2\n".to_vec(),
            "a number 1.5; b number 2",
        ),
        (
            reader().missing(["-999", "none"]),
            b"a,b\n-999,x\n1,none\n".to_vec(),
            "a number _ 1; b category x _",
        ),
        (
            reader().kind("a", ColumnKind::Category),
            b"a\n10\n9\n".to_vec(),
            "a category 10 9",
        ),
        (
            reader().kind("a", ColumnKind::Number),
            b"a\n007\nx\n".to_vec(),
            "line 3, column `a`: `x` is not a number",
        ),
        (
            reader().kind("a", ColumnKind::Date),
            b"a\n2024-02-30\n".to_vec(),
            "line 2, column `a`: `2024-02-30` is not a date as 2024-01-31 or 2024-01-31T12:30:00",
        ),
        (
            reader().kind("hight", ColumnKind::Number),
            b"height,b\n1,2\n".to_vec(),
            "no column `hight`; the columns are `height`, `b`; the nearest is `height`",
        ),
    ];
    for (reader, bytes, expected) in cases {
        let found = outcome(&reader, &bytes);
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(&bytes));
    }
    let gone = Table::read("/no/such/file.csv").unwrap_err().to_string();
    assert!(
        gone.starts_with("cannot open /no/such/file.csv: "),
        "{gone}"
    );
}

#[test]
fn targets_are_classes_or_numbers_or_refused() {
    let names: Vec<String> = (0..30)
        .map(|i| format!("{i},name{i},{}\n", i % 3))
        .collect();
    let people = format!("x,name,y\n{}", names.concat());
    let mistyped = people.replace("name7,", "4 711,").replace("name", "1");
    let cases: [(&str, &str, &str); 14] = [
        (
            "x,y\n1,b\n2,a\n",
            "y",
            "2 rows, 1 feature (x), target y; features standardized; classes a, b",
        ),
        (
            "x,y\n1,true\n2,true\n",
            "y",
            "2 rows, 1 feature (x), target y; features standardized; classes false, true",
        ),
        (
            "x,y\n1,0\n2,1\n",
            "y",
            "2 rows, 1 feature (x), target y; features standardized; classes 0, 1",
        ),
        (
            "x,y\n1,3\n2,4.5\n",
            "y",
            "2 rows, 1 feature (x), target y; features and target standardized",
        ),
        (
            "x,y\na,3\nb,4\n",
            "y",
            "2 rows, 2 features (x=a, x=b), target y; features and target standardized",
        ),
        (
            "x,y\n1,a\n2,a\n3,rare\n",
            "y",
            "3 rows, 1 feature (x), target y; features standardized; classes a, rare",
        ),
        (
            "x,y\n1,a\n2,\n",
            "y",
            "line 3, column `y`: the value is missing; `Table::drop_missing([\"y\"])` leaves such rows out",
        ),
        (
            "x,species\n1,a\n2,b\n",
            "spezies",
            "no column `spezies`; the columns are `x`, `species`; the nearest is `species`",
        ),
        (
            "x,y\n1,a\n2,b\n",
            "target",
            "no column `target`; the columns are `x`, `y`",
        ),
        (
            "x,y,y\n1,a,b\n",
            "y",
            "column `y` is not unique; each feature, target and test column needs a name of its own",
        ),
        (
            "x,x,y\n1,2,b\n",
            "y",
            "column `x` is not unique; each feature, target and test column needs a name of its own",
        ),
        (
            "y\n1\n2\n",
            "y",
            "no feature columns; at least one column besides the target is needed",
        ),
        (
            &mistyped,
            "y",
            "line 9, column `1`: `4 711` is not a number",
        ),
        (
            &people,
            "y",
            "column `name` has 30 different words in 30 rows, as names of rows have, which say nothing of others; `Table::except([\"name\"])` leaves it out",
        ),
    ];
    for (text, target, expected) in cases {
        let data = Table::read_from(text.as_bytes()).unwrap().target(target);
        let found = data.map_or_else(|error| error.to_string(), |data| data.to_string());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn wide_and_long_files_and_many_classes_are_read() {
    let names: Vec<String> = (0..100_000).map(|i| format!("c{i}")).collect();
    let wide = format!("{}\n{}\n", names.join(","), vec!["0.5"; 100_000].join(","));
    let table = Table::read_from(wide.as_bytes()).unwrap();
    let data = table.target("c99999").unwrap();
    assert_eq!((data.features(), data.rows()), (99_999, 1));
    assert!(table.to_string().ends_with("... and 99950 more"));
    let error = table.target("c100000").unwrap_err().to_string();
    assert!(
        error.contains("`c19` and 99980 more; the nearest is "),
        "{error}"
    );

    let mut long = String::from("x,y\n");
    (0..200_000).for_each(|row| writeln!(long, "{row},class{}", row % 400).unwrap());
    let data = Table::read_from(long.as_bytes())
        .unwrap()
        .target("y")
        .unwrap();
    assert_eq!(data.classes().unwrap().len(), 400);
    assert_eq!((data.rows(), data.y()[399]), (200_000, 333.0));
}
