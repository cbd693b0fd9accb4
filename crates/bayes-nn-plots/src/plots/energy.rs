//! Whether a Hamiltonian sampler reaches all energies of the posterior.

use super::canvas::{Text, svg};
use super::curve::{Curve, UNBOUNDED};
use super::frame::{Frame, Key, frame_settings};
use super::lines::draw_curve;
use super::panel::{Axis, Panel};
use super::style::{FONT_TICK, MUTED, Mark, category, widest};
use super::{PlotError, Result, check};
use bayes_nn_inference::diagnostics::e_bfmi;
use plotters::style::Color;

/// Below it resampling the momentum reaches too few energies (Betancourt 2016).
const SMALL_E_BFMI: f64 = 0.3;
const E_BFMI_SHARE: f64 = 0.3;

/// The energies of chains of NUTS, less their mean, beside the changes of energy from one draw to the next; at the right
/// [E-BFMI](bayes_nn_inference::diagnostics::e_bfmi) of each chain.
///
/// Where changes are much narrower than energies, the chains walk slowly through them and may miss the tails (Betancourt
/// 2016, "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo").
///
/// ```
/// use bayes_nn::plots::Energy;
///
/// let chain = |shift: f64| -> Vec<f64> { (0..200).map(|i| (f64::from(i) * 1.9 + shift).sin()).collect() };
/// let svg = Energy::new(&[chain(0.0), chain(1.0)]).title("Energies").to_svg()?;
/// assert!(svg.contains("E-BFMI"));
/// # Ok::<(), bayes_nn::plots::PlotError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Energy {
    chains: Vec<Vec<f64>>,
    frame: Frame,
}

impl Energy {
    /// The energies of each chain in nats, in the order of its draws:
    /// [`Statistics::energy`](bayes_nn_inference::nuts::Statistics).
    pub fn new<C: AsRef<[f64]>>(chains: &[C]) -> Self {
        let mut frame = Frame::new(720, 320);
        frame.x_label = "energy (nats), less its mean".to_owned();
        Self {
            chains: chains.iter().map(|c| c.as_ref().to_vec()).collect(),
            frame,
        }
    }

    frame_settings!();

    /// Draws the picture.
    ///
    /// # Errors
    /// No chains, a chain of fewer than two draws, energies that are not finite, a size too small.
    pub fn to_svg(&self) -> Result<String, PlotError> {
        check::not_empty("chains", self.chains.len())?;
        for (number, chain) in self.chains.iter().enumerate() {
            let name = format!("energies of chain {number}");
            check::length(&name, chain.len(), chain.len().max(2))?;
            check::finite(&name, chain)?;
        }
        self.frame.check_size(360, 180)?;
        let all = self.chains.concat();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let energies: Vec<f64> = all.iter().map(|energy| energy - mean).collect();
        let changes = self.chains.iter().flat_map(|chain| chain.windows(2));
        let changes: Vec<f64> = changes.map(|pair| pair[1] - pair[0]).collect();
        let curves = [&energies, &changes].map(|values| Curve::of_draws(values, UNBOUNDED));
        let peak = curves.iter().map(|curve| curve.peak).fold(0.0, f64::max);
        let e_bfmis: Vec<Option<f64>> = self.chains.iter().map(|c| e_bfmi(c).ok()).collect();
        let largest = e_bfmis.iter().flatten().copied().fold(1.0, f64::max);
        let names: Vec<String> = (0..self.chains.len())
            .map(|i| format!("chain {i}"))
            .collect();
        let legend = [
            (Key::LineOverPale(category(0)), "energies".to_owned()),
            (
                Key::LineOverPale(category(1)),
                "changes from draw to draw".to_owned(),
            ),
            (Key::Dashes(MUTED), format!("E-BFMI {SMALL_E_BFMI}")),
        ];
        svg(self.frame.size(), |canvas| {
            let (from, to) = self.frame.draw(canvas, &legend)?;
            let split = to.0 - E_BFMI_SHARE * (to.0 - from.0);
            let density = Axis::new("y axis", (0.0, 1.08 * peak), "density")?.without_ticks();
            let energy = Axis::new("x axis", Curve::range(&curves), &self.frame.x_label)?;
            let left = Panel::inside(&self.frame, from, (split - 16.0, to.1), energy, density)?;
            left.draw_grid(canvas)?;
            for (index, curve) in curves.iter().enumerate() {
                curve.fill(canvas, &left, category(index).mix(0.2))?;
            }
            for (index, curve) in curves.iter().enumerate() {
                let color = category(index).to_rgba();
                draw_curve(canvas, &left, &curve.x, &curve.density, color, 2.0)?;
            }
            left.draw_axes(canvas)?;

            let axis = Axis::new("x axis", (0.0, 1.1 * largest), "E-BFMI")?;
            let right = Panel {
                left: split + widest(names.iter()) + 8.0,
                top: from.1,
                right: to.0,
                bottom: left.bottom,
                x: axis,
                y: Axis::new("y axis", (0.0, names.len() as f64), "")?.without_ticks(),
            };
            right.draw_grid(canvas)?;
            let foot = (SMALL_E_BFMI, 0.0);
            right.draw_reference(canvas, foot, (SMALL_E_BFMI, right.y.range.1))?;
            for (number, (name, e_bfmi)) in names.iter().zip(&e_bfmis).enumerate() {
                let y = right.y.range.1 - number as f64 - 0.5;
                let (left, middle) = right.at((0.0, y));
                canvas.text(name, (left - 8.0, middle), Text::new(FONT_TICK).right())?;
                if let Some(e_bfmi) = e_bfmi {
                    let (mark, color) = match *e_bfmi < SMALL_E_BFMI {
                        true => (Mark::Triangle, category(1)),
                        false => (Mark::Circle, category(0)),
                    };
                    canvas.mark(mark, right.at((*e_bfmi, y)), 4.0, color.to_rgba())?;
                }
            }
            right.draw_axes(canvas)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_walks_slowly_through_energies_is_marked() {
        let chain =
            |speed: f64| -> Vec<f64> { (0..200).map(|i| (f64::from(i) * speed).sin()).collect() };
        let triangles = |chains: &[Vec<f64>]| {
            let svg = Energy::new(chains).to_svg().unwrap();
            svg.matches("<polygon").count()
        };
        let [quick, slow] = [1.9, 0.1].map(chain);
        assert_eq!(
            triangles(&[quick.clone(), slow]),
            triangles(&[quick.clone(), quick]) + 1
        );
    }

    #[test]
    fn equal_energies_are_drawn_without_an_e_bfmi() {
        Energy::new(&[[2.0; 5]]).to_svg().unwrap();
    }

    #[test]
    fn each_bad_input_has_its_message() {
        let message = |chains: &[Vec<f64>]| Energy::new(chains).to_svg().unwrap_err().to_string();
        assert!(message(&[]).starts_with("chains: nothing to draw"));
        assert_eq!(
            message(&[vec![0.0, 1.0], vec![1.0]]),
            "energies of chain 1 has 1 values; 2 are needed"
        );
        assert!(message(&[vec![0.0, f64::NAN]]).starts_with("energies of chain 0, index 1: NaN"));
    }
}
