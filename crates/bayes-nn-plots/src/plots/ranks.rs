//! Ranks of the draws of each chain among those of all.

use super::canvas::{Text, svg};
use super::frame::{Frame, frame_settings};
use super::panel::{Axis, Panel};
use super::style::{FONT_LABEL, FONT_TICK, MUTED, category, shortened};
use super::{PlotError, Result, check};
use plotters::style::Color;

const ROW: f64 = 112.0;
const GAP: f64 = 14.0;
/// Bins of a histogram at the most, and draws of a chain that a bin holds at the least.
const BINS: usize = 20;
const IN_BIN: usize = 5;

/// For every scalar a row of histograms, one a chain: the ranks of the chain's draws among the draws of all chains.
///
/// Chains that agree have level histograms, at the dashed line. One that is too high at one end lies elsewhere than the
/// others, one that is high in the middle is narrower (Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021,
/// "Rank-normalization, folding, and localization: an improved R-hat"). The height follows from the number of scalars.
///
/// ```
/// use bayes_nn::plots::Ranks;
///
/// let chain = |shift: f64| -> Vec<f64> { (0..200).map(|i| (f64::from(i) * 0.7 + shift).sin()).collect() };
/// let svg = Ranks::new().chains("mean", &[chain(0.0), chain(1.0)]).to_svg()?;
/// assert!(svg.contains("chain 1"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ranks {
    scalars: Vec<(String, Vec<Vec<f64>>)>,
    frame: Frame,
}

impl Default for Ranks {
    fn default() -> Self {
        Self::new()
    }
}

impl Ranks {
    /// No scalars yet.
    pub fn new() -> Self {
        Self {
            scalars: vec![],
            frame: Frame::new(720, 0),
        }
    }

    /// Adds a scalar with the draws of each chain; all scalars have the same number of chains.
    #[must_use]
    pub fn chains<C: AsRef<[f64]>>(mut self, name: impl Into<String>, chains: &[C]) -> Self {
        let chains = chains.iter().map(|c| c.as_ref().to_vec()).collect();
        self.scalars.push((name.into(), chains));
        self
    }

    frame_settings!(title);
    frame_settings!(width);

    /// Draws the picture.
    ///
    /// # Errors
    /// No scalars or draws, scalars of different numbers of chains, values that are not finite, a width too small for the
    /// chains, more scalars than a picture can hold.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("scalars", self.scalars.len())?;
        let chains = self.scalars[0].1.len();
        for (name, of_scalar) in &self.scalars {
            check::not_empty(&format!("chains of `{name}`"), of_scalar.len())?;
            check::length(&format!("chains of `{name}`"), of_scalar.len(), chains)?;
            for (number, draws) in of_scalar.iter().enumerate() {
                let what = format!("chain {number} of `{name}`");
                check::not_empty(&what, draws.len())?;
                check::finite(&what, draws)?;
            }
        }
        let mut frame = self.frame.clone();
        frame.fit_height(8.0 + ROW * self.scalars.len() as f64);
        frame.check_size(40 + 60 * chains as u32, 100)?;
        svg(frame.size(), |canvas| {
            let (from, to) = frame.draw(canvas, &[])?;
            let width = (to.0 - from.0 - GAP * (chains - 1) as f64) / chains as f64;
            let row = (to.1 - from.1) / self.scalars.len() as f64;
            for (place, (name, of_scalar)) in self.scalars.iter().enumerate() {
                let top = from.1 + place as f64 * row;
                let heading = shortened(name, FONT_LABEL, to.0 - from.0);
                canvas.text(&heading, (from.0, top + 8.0), Text::new(FONT_LABEL).bold())?;
                let shares = histograms(of_scalar);
                let highest = shares.iter().flatten().copied().fold(2.0, f64::max);
                for (chain, shares) in shares.iter().enumerate() {
                    let left = from.0 + chain as f64 * (width + GAP);
                    let label = Text::new(FONT_TICK).color(MUTED);
                    canvas.text(&format!("chain {chain}"), (left, top + 25.0), label)?;
                    let panel = Panel {
                        left,
                        top: top + 34.0,
                        right: left + width,
                        bottom: top + row - 14.0,
                        x: Axis::new("x axis", (0.0, shares.len() as f64), "")?.without_ticks(),
                        y: Axis::new("y axis", (0.0, highest), "")?.without_ticks(),
                    };
                    for (bin, &share) in shares.iter().enumerate() {
                        let (left, top) = panel.at((bin as f64 + 0.06, share));
                        let (right, bottom) = panel.at((bin as f64 + 0.94, 0.0));
                        let color = category(chain).mix(0.8);
                        canvas.rectangle((left, top), (right, bottom), color)?;
                    }
                    panel.draw_reference(canvas, (0.0, 1.0), (shares.len() as f64, 1.0))?;
                    panel.draw_axes(canvas)?;
                }
            }
            Ok(())
        })
    }
}

/// For each chain how many of its draws are in each bin of ranks, as a multiple of what is expected.
fn histograms(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut sorted = chains.concat();
    sorted.sort_by(f64::total_cmp);
    let shortest = chains.iter().map(Vec::len).min().unwrap_or(0);
    let bins = (shortest / IN_BIN).clamp(1, BINS);
    let histogram = |draws: &Vec<f64>| {
        let mut counts = vec![0_usize; bins];
        for &draw in draws {
            // The middle of the ranks of equal draws.
            let below = sorted.partition_point(|&other| other < draw);
            let to = sorted.partition_point(|&other| other <= draw);
            let rank = 0.5 * (below + to) as f64;
            let bin = (rank / sorted.len() as f64 * bins as f64) as usize;
            counts[bin.min(bins - 1)] += 1;
        }
        let expected = draws.len() as f64 / bins as f64;
        counts
            .iter()
            .map(|&count| count as f64 / expected)
            .collect()
    };
    chains.iter().map(histogram).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_that_agree_have_level_ranks_and_others_have_not() {
        let chain = |shift: f64| -> Vec<f64> { (0..100).map(|i| f64::from(i) + shift).collect() };
        let level = histograms(&[chain(0.0), chain(0.5)]);
        assert!(
            level
                .iter()
                .flatten()
                .all(|share| (share - 1.0).abs() < 0.21),
            "{level:?}"
        );
        let apart = histograms(&[chain(0.0), chain(1_000.0)]);
        assert_eq!(apart[0][..10], [2.0; 10]);
        assert_eq!(apart[0][10..], [0.0; 10]);
        assert_eq!(apart[1][10..], [2.0; 10]);
    }

    #[test]
    fn equal_draws_share_the_middle_rank() {
        let ranks = histograms(&[vec![1.0; 10], vec![1.0; 10]]);
        assert_eq!(ranks, [[0.0, 2.0], [0.0, 2.0]]);
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |ranks: Ranks| ranks.to_svg().unwrap_err().to_string();
        assert!(message(Ranks::new()).starts_with("scalars: nothing to draw"));
        let none: [Vec<f64>; 0] = [];
        assert!(
            message(Ranks::new().chains("a", &none)).starts_with("chains of `a`: nothing to draw")
        );
        let two = Ranks::new().chains("a", &[[1.0], [2.0]]);
        assert_eq!(
            message(two.clone().chains("b", &[[1.0]])),
            "chains of `b` has 1 values; 2 are needed"
        );
        assert!(
            message(two.chains("b", &[[1.0], [f64::INFINITY]]))
                .starts_with("chain 1 of `b`, index 0: inf")
        );
    }
}
