//! Chains of stochastic gradient Langevin dynamics.

use bayes_nn_files::{Entry, FileError, Node, Place, Value};

use super::site::{dim, get_sites, put_sites};
use super::{SGLD, again, of_kind, told};
use crate::{DrawTable, SgldChain, SgldFit};

impl Entry for SgldFit {
    fn write(&self, place: &Place<'_>) -> Value {
        let SgldFit {
            settings,
            sites,
            chains,
            step_sizes,
            concerns,
        } = self;
        put_sites(of_kind(SGLD, place), sites)
            .put("settings", settings)
            .put("chains", chains)
            .tensor("step_sizes", step_sizes, &[step_sizes.len()])
            .put("concerns", concerns)
            .value()
    }

    fn read(node: &Node<'_>) -> Result<SgldFit, FileError> {
        let (sites, chains) = (get_sites(node)?, node.get::<Vec<SgldChain>>("chains")?);
        let dim = dim(&sites);
        let mut others = chains.iter();
        if let Some(chain) = others.find(|chain| chain.dim != dim) {
            let problem = format!("has a chain of draws of length {}, not {dim}", chain.dim);
            return Err(node.refuse(problem));
        }
        let rows: Vec<f64> = chains
            .iter()
            .flat_map(|chain| &chain.draws)
            .copied()
            .collect();
        let lengths: Vec<usize> = chains.iter().map(SgldChain::len).collect();
        let table = DrawTable::new(sites.clone(), rows, lengths);
        table.map_err(|error| node.refused(error))?;
        Ok(SgldFit {
            settings: node.get("settings")?,
            sites,
            chains,
            step_sizes: node.vector("step_sizes")?,
            concerns: node.get("concerns")?,
        })
    }
}

impl Entry for SgldChain {
    fn write(&self, place: &Place<'_>) -> Value {
        let SgldChain {
            seed,
            dim,
            draws,
            error,
        } = self;
        let object = place.object().put("seed", seed);
        let object = object.put("error", &told(error.as_deref()));
        object.tensor("draws", draws, &[self.len(), *dim]).value()
    }

    fn read(node: &Node<'_>) -> Result<SgldChain, FileError> {
        let &[draws, dim] = node.shape("draws").unwrap_or(&[0, 0]) else {
            return Err(node.refuse("has draws that are no rows"));
        };
        Ok(SgldChain {
            seed: node.get("seed")?,
            dim,
            draws: node.tensor("draws", &[draws, dim])?,
            error: again(node.get("error")?),
        })
    }
}
