//! How the coordinates of a density lie in the blocks of a guide's parameters.

use bayes_nn_autodiff::noise::{self, NoiseKey};

use super::family::{Family, inverse_softplus};
use crate::Site;

/// Elements of a factor at the start, relative to the standard deviation of their coordinate.
const FACTOR: f64 = 0.1;

/// The sites of a guide in two parts, those that are normal and those that are points. The blocks
/// of its parameters are `mu [S]`, `rho [S]` (or `sd [S]`) and, for full rank, `lower [S, S]`, or for low
/// rank `factor [S, rank]` of the normal part, and `point [Q]`; a part without sites has none.
#[derive(Debug)]
pub(crate) struct Layout {
    family: Family,
    /// Whether the block of spreads holds standard deviations `sd`, not `rho`, whose softplus they
    /// are.
    by_sd: bool,
    /// The sites of the whole.
    sites: Vec<Site>,
    /// Those of each part, with their places in it.
    pub(crate) normal: Vec<Site>,
    pub(crate) points: Vec<Site>,
}

impl Layout {
    /// That of a family over these sites.
    pub(crate) fn new(family: Family, sites: &[Site]) -> Layout {
        let (mut normal, mut points) = (Vec::new(), Vec::new());
        for site in sites {
            let part = match family.has_point(site) {
                true => &mut points,
                false => &mut normal,
            };
            part.push(Site {
                offset: elements(part),
                ..site.clone()
            });
        }
        Layout {
            family,
            by_sd: false,
            sites: sites.to_vec(),
            normal,
            points,
        }
    }

    /// The same with standard deviations as a block of their own.
    pub(crate) fn with_sds(self) -> Layout {
        Layout {
            by_sd: true,
            ..self
        }
    }

    /// Whether standard deviations are a block of their own.
    pub(crate) fn has_sds(&self) -> bool {
        self.by_sd
    }

    /// The family.
    pub(crate) fn family(&self) -> Family {
        self.family
    }

    /// The sites of the whole.
    pub(crate) fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The names of the blocks.
    pub(crate) fn blocks(&self) -> Vec<&'static str> {
        let normal: &[&str] = match (self.normal.is_empty(), self.family) {
            (true, _) => &[],
            (false, Family::FullRank) => &["mu", "rho", "lower"],
            (false, Family::LowRank { .. }) => &["mu", "rho", "factor"],
            (false, _) if self.by_sd => &["mu", "sd"],
            (false, _) => &["mu", "rho"],
        };
        let point = (!self.points.is_empty()).then_some("point");
        normal.iter().copied().chain(point).collect()
    }

    /// Whether every coordinate is a point.
    pub(crate) fn is_a_point(&self) -> bool {
        self.normal.is_empty()
    }

    /// Whether a site of this name is a point.
    pub(crate) fn has_point(&self, name: &str) -> bool {
        self.points.iter().any(|site| site.name == name)
    }

    /// The length `S` of the normal part.
    pub(crate) fn dim(&self) -> usize {
        elements(&self.normal)
    }

    /// The columns of the factor of a guide of low rank, 0 of others.
    pub(crate) fn rank(&self) -> usize {
        match self.family {
            Family::LowRank { rank } => rank,
            _ => 0,
        }
    }

    /// The length `Q` of the part of points.
    pub(crate) fn dim_of_points(&self) -> usize {
        elements(&self.points)
    }

    /// The blocks of a guide with these means and standard deviations `[P]` and next to no correlation,
    /// but for `lower`, which is zero. A factor of zeros would have no gradient on average.
    pub(crate) fn independent(&self, mean: &[f64], sd: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
        let mut blocks = Vec::new();
        let part = |points: bool, values: &[f64]| -> Vec<f64> {
            let sites = self.sites.iter();
            let own = sites.filter(|site| self.family.has_point(site) == points);
            own.flat_map(|site| &values[site.range()])
                .copied()
                .collect()
        };
        if !self.normal.is_empty() {
            blocks.push(("mu", part(false, mean)));
            let sds = part(false, sd);
            blocks.push(match self.by_sd {
                true => ("sd", sds),
                false => ("rho", sds.into_iter().map(inverse_softplus).collect()),
            });
        }
        if self.rank() > 0 {
            let key = NoiseKey {
                seed: 0,
                step: 0,
                stream: 0,
            };
            let numbers = 0..(self.dim() * self.rank()) as u32;
            let factor = numbers.map(|i| FACTOR * noise::normal(&key, 0, i));
            blocks.push(("factor", factor.collect()));
        }
        if !self.points.is_empty() {
            blocks.push(("point", part(true, mean)));
        }
        blocks
    }

    /// The values `[P]` of which the two parts have these.
    pub(crate) fn join(&self, normal: &[f64], points: &[f64]) -> Vec<f64> {
        let (mut normal, mut points) = (normal.iter(), points.iter());
        let mut values = Vec::with_capacity(normal.len() + points.len());
        for site in &self.sites {
            let part = match self.family.has_point(site) {
                true => &mut points,
                false => &mut normal,
            };
            values.extend(part.by_ref().take(site.shape.elements()));
        }
        values
    }

    /// The site to which an element of a block belongs.
    pub(crate) fn site(&self, block: &str, place: usize) -> Option<&Site> {
        let dim = self.dim();
        let (part, element) = match block {
            "point" => (&self.points, place),
            // The factor [S, S]: row i belongs to element i.
            "lower" => (&self.normal, place % (dim * dim).max(1) / dim.max(1)),
            "factor" => {
                let rank = self.rank().max(1);
                (&self.normal, place % (dim * rank).max(1) / rank)
            }
            _ => (&self.normal, place % dim.max(1)),
        };
        part.iter().find(|site| site.range().contains(&element))
    }
}

fn elements(sites: &[Site]) -> usize {
    sites.last().map_or(0, |site| site.range().end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_parts_make_the_whole_again() {
        let point = |site| Site {
            point: true,
            ..site
        };
        let sites = [
            Site::new("a", [2], 0),
            point(Site::new("b", [3], 2)),
            Site::new("c", [], 5),
        ];
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let layout = Layout::new(Family::MeanField, &sites);
        assert_eq!(layout.blocks(), ["mu", "rho", "point"]);
        let blocks = layout.independent(&values, &[1.0; 6]);
        assert_eq!(blocks[0].1, [1.0, 2.0, 6.0]);
        assert_eq!(blocks[2].1, [3.0, 4.0, 5.0]);
        assert_eq!(layout.join(&blocks[0].1, &blocks[2].1), values);
        assert_eq!(layout.site("rho", 2).unwrap().name, "c");
        // The memory of Adagrad has the elements several times over.
        assert_eq!(layout.site("mu", 3 + 1).unwrap().name, "a");
        assert_eq!(Layout::new(Family::Point, &sites).blocks(), ["point"]);
    }
}
