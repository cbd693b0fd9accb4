//! Tables of draws.

use bayes_nn_files::{Entry, FileError, Node, Place, Value};

use super::site::{dim, get_sites, put_sites};
use crate::DrawTable;

impl Entry for DrawTable {
    fn write(&self, place: &Place<'_>) -> Value {
        let shape = [self.draws(), dim(self.sites())];
        put_sites(place.object(), self.sites())
            .put("lengths", &self.lengths().to_vec())
            .tensor("rows", self.rows(), &shape)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<DrawTable, FileError> {
        let sites = get_sites(node)?;
        let lengths: Vec<usize> = node.get("lengths")?;
        let draws = lengths
            .iter()
            .try_fold(0_usize, |sum, length| sum.checked_add(*length));
        let rows = node.tensor("rows", &[draws.unwrap_or(usize::MAX), dim(&sites)])?;
        DrawTable::new(sites, rows, lengths).map_err(|error| node.refused(error))
    }
}
