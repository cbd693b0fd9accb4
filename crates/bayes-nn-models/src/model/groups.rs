//! Groups with names: columns of words that select, and the dimensions whose places they name.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bayes_nn_inference::Dimension;

use super::Data;
use super::data::{Gone, Values};
use crate::data::{ColumnKind, DataError, Table, TableColumn, available};
use crate::error::{Error, GroupError, listed};

/// Names that are listed in a message at the most.
const NAMES: usize = 5;

impl Data {
    /// The columns of a table, by their names: numbers, dates (days) and booleans (0 and 1) as columns,
    /// those that miss values as [incomplete ones](Data::column_with_missing), and words as
    /// [groups](Data::groups). [`Table::only`] and [`Table::except`] say which columns, [`Table::with_kind`]
    /// that numbers are names of groups.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let radon = Table::read_from("county,floor,radon\nB,0,1.5\nA,1,0.5\nB,1,0.9\n".as_bytes())?;
    /// let data = Data::from_table(&radon)?;
    /// assert_eq!(data.dimension("county").unwrap().names(), ["A", "B"]);
    /// let model = model::from_fn(|trace, data| {
    ///     let level = trace.sample("level", Normal::new(0.0, 1.0).over("county"));
    ///     let mean = level.gather(data.index("county"), 0) - 0.5 * data.column("floor");
    ///     trace.observe("radon", Normal::new(mean, 0.5), data.column("radon"));
    /// });
    /// let fit = model::fit(&model, &data, &Advi::mean_field())?;
    /// println!("{}", fit.summary()?);
    /// assert_eq!(fit.summary()?.rows[1].name, "level[B]");
    /// let levels = fit.draws(2_000, 0)?.variable("level")?.of(["B"])?;
    /// // Normal, of precision 1 + 2 / 0.5^2.
    /// assert!((levels.iter().sum::<f64>() / 2_000.0 - (1.5 + 1.4) / 0.25 / 9.0).abs() < 0.05);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Two columns of one name; a word that is missing, by its line; a column without values.
    pub fn from_table(table: &Table) -> Result<Data, Error> {
        let mut columns = table.features().iter();
        columns.try_fold(Data::new(), |data, place| {
            data.with(table, table.at(*place))
        })
    }

    /// The columns of a table that data of a fit have, each as it is there.
    pub(super) fn like(fitted: &Data, table: &Table) -> Result<Data, Error> {
        let is_known = |place: &&usize| fitted.get(&table.at(**place).name).is_some();
        let mut columns = table.features().iter().filter(is_known);
        columns.try_fold(Data::new(), |data, place| {
            let column = table.at(*place);
            match (fitted.get(&column.name), column.kind) {
                (Some(known), ColumnKind::Category) if known.is_index() => data.with(table, column),
                (Some(known), _) if known.is_index() => {
                    data.with(table, &table.as_kind(column, ColumnKind::Category)?)
                }
                (_, ColumnKind::Category) => {
                    data.with(table, &table.as_kind(column, ColumnKind::Number)?)
                }
                _ => data.with(table, column),
            }
        })
    }

    fn with(self, table: &Table, column: &TableColumn) -> Result<Data, Error> {
        if column.kind != ColumnKind::Category {
            return match column.missing() {
                0 => self.column(&column.name, &column.values),
                _ => self.column_with_missing(&column.name, &column.values),
            };
        }
        let missing = column.values.iter().position(|value| value.is_nan());
        if let Some(row) = missing {
            return Err(DataError::MissingField {
                place: table.place(row),
                column: column.name.clone(),
                remedy: "`Table::drop_missing` leaves rows without a group out".to_owned(),
            }
            .into());
        }
        let words = column.values.iter();
        let words: Vec<&str> = words
            .map(|place| column.categories[*place as usize].as_str())
            .collect();
        // The order of categories is that of their words, of numbers that of their size.
        let mut is_there = vec![false; column.categories.len()];
        let places = column.values.iter();
        places.for_each(|place| is_there[*place as usize] = true);
        let names = column.categories.iter().zip(is_there);
        let names = names.filter_map(|(name, is_there)| is_there.then_some(name.as_str()));
        self.with_dimension(&column.name, names)?
            .groups_of(&column.name, &column.name, &words)
    }

    /// Adds a column of words, each the name of the group of a row, and the dimension of the same name:
    /// its places are the words, sorted. A model draws a value for each by
    /// [`over`](bayes_nn_distributions::Distribution::over), and selects those of rows by
    /// [`Batch::index`](super::Batch::index).
    ///
    /// ```
    /// use bayes_nn::model::Data;
    /// let data = Data::new().groups("county", &["B", "A", "B"])?;
    /// assert_eq!(data.dimension("county").unwrap().names(), ["A", "B"]);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Data::column`]; a dimension of this name that has other words.
    pub fn groups<S: AsRef<str>>(self, name: &str, words: &[S]) -> Result<Data, Error> {
        let data = match self.dimension(name) {
            Some(_) => self,
            None => {
                let names: BTreeSet<&str> = words.iter().map(AsRef::as_ref).collect();
                self.with_dimension(name, names)?
            }
        };
        data.groups_of(name, name, words)
    }

    /// Adds a column of words that are places of a dimension that is there, as where two columns
    /// select from one.
    ///
    /// ```
    /// use bayes_nn::model::Data;
    /// let data = Data::new()
    ///     .with_dimension("team", ["Ajax", "Barca", "Celtic"])?
    ///     .groups_of("team", "home", &["Celtic", "Ajax"])?
    ///     .groups_of("team", "away", &["Ajax", "Barca"])?;
    /// assert_eq!(data.rows(), Some(2));
    /// let error = data.groups_of("team", "winner", &["Celtic", "Inter"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "row 1, column `winner`: `Inter` is no place of the dimension `team`, which has `Ajax`, \
    ///      `Barca`, `Celtic`"
    /// );
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Data::column`]; a dimension that is not there; a word that is none of its places, by row.
    pub fn groups_of<S: AsRef<str>>(
        mut self,
        dimension: &str,
        column: &str,
        words: &[S],
    ) -> Result<Data, Error> {
        let Some(known) = self.dimension(dimension) else {
            return Err(GroupError::UnknownDimension {
                what: format!("the column `{column}`"),
                dimension: dimension.to_owned(),
                available: self.dimension_names(),
            }
            .into());
        };
        let names = known.names().iter().zip(0..);
        let places: HashMap<&str, u32> = names.map(|(name, place)| (&**name, place)).collect();
        let place = |(row, word): (usize, &S)| {
            let place = places.get(word.as_ref()).copied();
            place.ok_or_else(|| GroupError::UnknownName {
                row,
                column: column.to_owned(),
                name: word.as_ref().to_owned(),
                dimension: dimension.to_owned(),
                available: available(word.as_ref(), known.names()),
            })
        };
        let places = words.iter().enumerate().map(place);
        let places: Vec<u32> = places.collect::<Result<_, _>>()?;
        self.selects.push((column.to_owned(), dimension.into()));
        self.add(column, words.len(), Values::Index(places.into()))
    }

    /// Adds a dimension with names for its places, in this order, that no column selects from: the terms
    /// of a regression, or groups of which some have no rows.
    ///
    /// ```
    /// use bayes_nn::model::Data;
    /// let data = Data::new().with_dimension("term", ["level", "slope"])?;
    /// assert_eq!(data.dimension("term").unwrap().len(), 2);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    ///
    /// # Errors
    /// No names, or one twice; a dimension of this name that has others.
    pub fn with_dimension<S: Into<String>>(
        mut self,
        name: &str,
        places: impl IntoIterator<Item = S>,
    ) -> Result<Data, Error> {
        let dimension = Dimension::new(name, places).map_err(GroupError::from)?;
        match self.dimension(name) {
            Some(known) if *known == dimension => return Ok(self),
            Some(known) => {
                return Err(GroupError::DimensionTwice {
                    dimension: name.to_owned(),
                    known: known.len(),
                    found: dimension.len(),
                }
                .into());
            }
            None => self.dimensions.push(dimension),
        }
        Ok(self)
    }

    /// The dimension of this name: the names of its places, and how many there are.
    pub fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.dimensions.iter().find(|own| own.name() == name)
    }

    /// The dimensions, and the index columns with the dimensions that they select from.
    pub(crate) fn groups_and_dimensions(&self) -> (&Vec<Dimension>, &Vec<(String, Arc<str>)>) {
        (&self.dimensions, &self.selects)
    }

    /// These data with the dimensions and index columns of a file, or what does not fit.
    pub(crate) fn described_groups(
        self,
        dimensions: Vec<Dimension>,
        selects: Vec<(String, Arc<str>)>,
    ) -> Result<Data, String> {
        for (number, dimension) in dimensions.iter().enumerate() {
            let name = dimension.name();
            if dimensions[..number]
                .iter()
                .any(|other| other.name() == name)
            {
                return Err(format!("has two dimensions `{name}`"));
            }
        }
        for (column, dimension) in &selects {
            if !dimensions.iter().any(|known| *known.name() == **dimension) {
                return Err(format!("has no dimension `{dimension}`"));
            }
            if !matches!(self.get(column), Some(Values::Gone(Gone::Index))) {
                return Err(format!("has no index column `{column}`"));
            }
        }
        Ok(Data {
            dimensions,
            selects,
            ..self
        })
    }

    /// The names of all dimensions, for messages.
    pub(super) fn dimension_names(&self) -> String {
        listed(self.dimensions.iter().map(Dimension::name))
    }

    /// The dimension that an index column selects from.
    pub(super) fn selected_by(&self, column: &str) -> Option<&str> {
        let mut selects = self.selects.iter();
        let own = selects.find(|(name, _)| name == column)?;
        Some(&own.1)
    }

    /// The same data, in which the names of the fit's dimensions have the places that they have there;
    /// those that the fit does not know come after them.
    pub(super) fn named_as(mut self, fitted: &Data) -> Result<Data, Error> {
        for (name, values) in &self.columns {
            if values.is_index() && fitted.get(name).is_some_and(Values::is_index) {
                let (own, known) = (self.selected_by(name), fitted.selected_by(name));
                if own != known {
                    let shown = |dimension: Option<&str>| match dimension {
                        Some(dimension) => format!("names of `{dimension}`"),
                        None => "numbers without names".to_owned(),
                    };
                    return Err(GroupError::OtherGroups {
                        column: name.clone(),
                        found: shown(own),
                        fitted: shown(known),
                    }
                    .into());
                }
            }
        }
        for known in &fitted.dimensions {
            let Some(own) = self.dimension(known.name()).cloned() else {
                self.dimensions.push(known.clone());
                continue;
            };
            if own == *known {
                continue;
            }
            let mut places: HashMap<&str, usize> = HashMap::new();
            places.extend(
                known
                    .names()
                    .iter()
                    .zip(0..)
                    .map(|(name, at)| (&**name, at)),
            );
            let mut names = known.names().to_vec();
            let moved: Vec<u32> = (own.names().iter())
                .map(|name| {
                    let place = places.get(&**name).copied().unwrap_or_else(|| {
                        names.push(name.clone());
                        names.len() - 1
                    });
                    place as u32
                })
                .collect();
            let selects = self.selects.clone();
            let selecting = |column: &str| {
                let mut selects = selects.iter();
                selects.any(|(name, dimension)| name == column && **dimension == *own.name())
            };
            for (name, values) in &mut self.columns {
                if let Values::Index(column) = values
                    && selecting(name)
                {
                    let places = column.to_f64().into_iter();
                    let places: Vec<u32> = places.map(|place| moved[place as usize]).collect();
                    *column = places.into();
                }
            }
            let dimension = Dimension::new(own.name(), names).map_err(GroupError::from)?;
            self.dimensions.retain(|own| own.name() != known.name());
            self.dimensions.push(dimension);
        }
        Ok(self)
    }

    /// Of data that are [named as](Data::named_as) those of a fit, the names that these do not have.
    pub(crate) fn new_names(&self, fitted: &Data) -> Vec<Dimension> {
        let new = self.dimensions.iter().filter_map(|own| {
            let known = fitted.dimension(own.name())?;
            Dimension::new(own.name(), own.names().get(known.len()..)?.iter().cloned()).ok()
        });
        new.collect()
    }
}

/// What is said of names that the data of a fit do not have.
pub(crate) fn new_names_warning(new: &Dimension) -> String {
    let verb = match new.len() {
        1 => "is one name",
        _ => "are names",
    };
    format!(
        "{} {verb} of `{}` that the data of the fit do not have: what the model has for each of them \
         is drawn from its prior, given the other variables",
        first_names(new.names()),
        new.name()
    )
}

/// The first of some names, and how many more there are.
pub(crate) fn first_names(names: &[String]) -> String {
    let shown = listed(names.iter().take(NAMES));
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
