//! The integrator, and the tree against one written down by its definition.

use super::super::metric::Whitening;
use super::super::random::Stream;
use super::*;

/// Three correlated normals with a quartic term, so that forces are not linear.
struct Curved;

impl LogDensity for Curved {
    fn dim(&self) -> usize {
        3
    }

    fn log_prob_grad(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, EvalError> {
        let (a, b, c) = (x[0], x[1] - 0.8 * x[0], 3.0 * x[2]);
        gradient[0] = -a + 0.8 * b - 0.4 * a * a * a;
        gradient[1] = -b;
        gradient[2] = -3.0 * c;
        Ok(-0.5 * (a * a + b * b + c * c) - 0.1 * a * a * a * a)
    }
}

const NEVER: &dyn Fn() -> bool = &|| false;

fn whitening() -> Whitening {
    let mut whitening = Whitening::identity(3);
    whitening.set_inverse_mass([0.7, 1.5, 0.1].into_iter());
    whitening
}

fn state_at(position: [f64; 3]) -> State {
    let mut gradient = vec![0.0; 3];
    let log_prob = Curved.log_prob_grad(&position, &mut gradient).unwrap();
    State {
        position: position.to_vec(),
        gradient,
        log_prob,
    }
}

/// The largest energy error of `steps` steps from a fixed start, and how far from the start
/// their reversal ends.
fn there_and_back(step_size: f64, steps: usize) -> (f64, f64) {
    let mut whitening = whitening();
    whitening.set_directions(vec![1.5, 0.7], vec![0.6, 0.8, 0.0, 0.8, -0.6, 0.0]);
    let mut dynamics = Dynamics {
        density: &mut Curved,
        whitening: &whitening,
        step_size,
        interrupted: NEVER,
    };
    let state = state_at([0.5, -1.0, 0.2]);
    let mut arena = Arena::new(3);
    let start = arena.begin(&state, &whitening, &mut Stream::new(5, 0));
    let (y, momentum) = (
        arena.nodes[start].y.clone(),
        arena.nodes[start].momentum.clone(),
    );
    let mut node = start;
    let mut worst: f64 = 0.0;
    let mut walk = |arena: &mut Arena, node: &mut usize, direction: f64| {
        for _ in 0..steps {
            let Ok(part) = arena.leapfrog(*node, direction, &mut dynamics) else {
                panic!("a small step diverged");
            };
            worst = worst.max(part.log_weight.abs());
            arena.free_nodes.push(*node);
            arena.free_samples.push(part.sample);
            *node = part.last;
        }
    };
    walk(&mut arena, &mut node, 1.0);
    walk(&mut arena, &mut node, -1.0);
    let end = &arena.nodes[node];
    assert_eq!(end.index, 0);
    let far = y
        .iter()
        .chain(&momentum)
        .zip(end.y.iter().chain(&end.momentum));
    let far = far.fold(0.0, |far: f64, (a, b)| far.max((a - b).abs()));
    (worst, far)
}

#[test]
fn leapfrog_steps_can_be_reversed() {
    for (step_size, steps) in [(0.1, 1), (0.3, 100), (0.05, 1000)] {
        let (_, far) = there_and_back(step_size, steps);
        assert!(far < 1e-12, "{step_size}: {far}");
    }
}

#[test]
fn the_energy_error_of_a_fixed_time_is_of_second_order() {
    let errors: Vec<f64> = [50, 100, 200, 400]
        .map(|steps| there_and_back(5.0 / f64::from(steps), steps as usize).0)
        .to_vec();
    for pair in errors.windows(2) {
        let ratio = pair[0] / pair[1];
        assert!((3.7..4.3).contains(&ratio), "{errors:?}");
    }
}

/// A point of a trajectory that is kept whole.
#[derive(Clone)]
struct Point {
    y: Vec<f64>,
    momentum: Vec<f64>,
    state: State,
    log_weight: f64,
}

/// NUTS by its definition: whole trajectories in memory, every test on slices of them.
struct ByDefinition<'a> {
    whitening: &'a Whitening,
    step_size: f64,
    origin: State,
    energy: f64,
    steps: u32,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Points are in the order of time.
fn ends_approach(points: &[Point]) -> bool {
    let (a, b) = (&points[0], &points[points.len() - 1]);
    let distance: Vec<f64> = b.y.iter().zip(&a.y).map(|(b, a)| b - a).collect();
    dot(&distance, &a.momentum) <= 0.0 || dot(&distance, &b.momentum) <= 0.0
}

fn turned(points: &[Point]) -> bool {
    let half = points.len() / 2;
    ends_approach(points)
        || (points.len() > 2
            && (ends_approach(&points[..=half]) || ends_approach(&points[half - 1..])))
}

fn total(points: &[Point]) -> f64 {
    points.iter().map(|p| p.log_weight.exp()).sum::<f64>().ln()
}

impl ByDefinition<'_> {
    fn step(&mut self, from: &Point, direction: f64) -> Point {
        let step = direction * self.step_size;
        let scale = self.whitening.scale();
        let kick = |momentum: &[f64], gradient: &[f64]| -> Vec<f64> {
            let all = momentum.iter().zip(gradient).zip(scale);
            all.map(|((p, g), s)| p + 0.5 * step * s * g).collect()
        };
        let momentum = kick(&from.momentum, &from.state.gradient);
        let y: Vec<f64> = from
            .y
            .iter()
            .zip(&momentum)
            .map(|(y, p)| y + step * p)
            .collect();
        let place = |i: usize| self.origin.position[i] + scale[i] * y[i];
        let state = state_at([place(0), place(1), place(2)]);
        let momentum = kick(&momentum, &state.gradient);
        let energy = 0.5 * dot(&momentum, &momentum) - state.log_prob;
        self.steps += 1;
        Point {
            y,
            momentum,
            state,
            log_weight: self.energy - energy,
        }
    }

    /// New points in the order of time, with the number of the draw; `None` if they turn.
    fn grow(
        &mut self,
        tip: &Point,
        direction: f64,
        depth: u32,
        stream: &mut Stream,
    ) -> Option<(Vec<Point>, Point)> {
        if depth == 0 {
            let point = self.step(tip, direction);
            return Some((vec![point.clone()], point));
        }
        let (near, near_draw) = self.grow(tip, direction, depth - 1, stream)?;
        let tip = if direction > 0.0 {
            near.last()
        } else {
            near.first()
        };
        let tip = tip.expect("a part has points").clone();
        let (far, far_draw) = self.grow(&tip, direction, depth - 1, stream)?;
        let weight_of_far = (total(&far) - total(&[near.clone(), far.clone()].concat())).exp();
        let points = match direction > 0.0 {
            true => [near, far].concat(),
            false => [far, near].concat(),
        };
        if turned(&points) {
            return None;
        }
        let draw = match stream.uniform() < weight_of_far {
            true => far_draw,
            false => near_draw,
        };
        Some((points, draw))
    }

    fn transition(&mut self, stream: &mut Stream, max_depth: u32) -> (State, u32) {
        let mut momentum = vec![0.0; 3];
        stream.normals(&mut momentum);
        self.energy = 0.5 * dot(&momentum, &momentum) - self.origin.log_prob;
        let start = Point {
            y: vec![0.0; 3],
            momentum,
            state: self.origin.clone(),
            log_weight: 0.0,
        };
        let mut points = vec![start.clone()];
        let mut draw = start;
        for depth in 0..max_depth {
            let direction = stream.sign();
            let tip = if direction > 0.0 {
                points.last()
            } else {
                points.first()
            };
            let tip = tip.expect("a trajectory has points").clone();
            let Some((new, new_draw)) = self.grow(&tip, direction, depth, stream) else {
                return (draw.state, depth);
            };
            let ratio = (total(&new) - total(&points)).exp();
            if ratio >= 1.0 || stream.uniform() < ratio {
                draw = new_draw;
            }
            points = match direction > 0.0 {
                true => [points, new].concat(),
                false => [new, points].concat(),
            };
            if turned(&points) {
                return (draw.state, depth + 1);
            }
        }
        (draw.state, max_depth)
    }
}

#[test]
fn the_tree_is_the_one_of_the_definition() {
    let whitening = whitening();
    let mut depths = [0; 8];
    for seed in 0..400 {
        let step_size = [0.02, 0.1, 0.3, 0.6][seed as usize % 4];
        let start = state_at([0.1 * (seed % 7) as f64, -0.3, 0.05]);
        let mut by_definition = ByDefinition {
            whitening: &whitening,
            step_size,
            origin: start.clone(),
            energy: 0.0,
            steps: 0,
        };
        let (expected, depth) = by_definition.transition(&mut Stream::new(seed, 0), 7);

        let mut state = start;
        let mut dynamics = Dynamics {
            density: &mut Curved,
            whitening: &whitening,
            step_size,
            interrupted: NEVER,
        };
        let report = Arena::new(3)
            .transition(&mut state, &mut dynamics, &mut Stream::new(seed, 0), 7)
            .unwrap()
            .unwrap();
        assert_eq!(report.statistics.depth, depth, "seed {seed}");
        assert_eq!(report.statistics.leapfrog_steps, by_definition.steps);
        for (a, b) in state.position.iter().zip(&expected.position) {
            assert!((a - b).abs() < 1e-10, "seed {seed}: {a} for {b}");
        }
        depths[depth as usize] += 1;
    }
    // The comparison saw small and large trees, and such that the limit ended.
    assert!(depths[2..].iter().all(|count| *count > 5), "{depths:?}");
}

#[test]
fn an_arena_stops_growing_once_the_depth_is_reached() {
    let whitening = whitening();
    let mut arena = Arena::new(3);
    let mut state = state_at([0.0, 0.0, 0.0]);
    let mut stream = Stream::new(2, 0);
    let mut dynamics = Dynamics {
        density: &mut Curved,
        whitening: &whitening,
        step_size: 1e-4,
        interrupted: NEVER,
    };
    for _ in 0..3 {
        arena
            .transition(&mut state, &mut dynamics, &mut stream, 9)
            .unwrap();
        // Two nodes and a draw for each level, and those of the trajectory itself.
        assert!(arena.nodes.len() <= 2 * 9 + 3 && arena.samples.len() <= 9 + 2);
    }
}

#[test]
fn an_interrupted_transition_leaves_the_state() {
    let whitening = whitening();
    let asked = std::cell::Cell::new(0);
    let before = state_at([0.3, 0.2, 0.1]);
    let mut state = before.clone();
    let mut dynamics = Dynamics {
        density: &mut Curved,
        whitening: &whitening,
        step_size: 1e-4,
        interrupted: &|| asked.replace(asked.get() + 1) >= 10,
    };
    let mut arena = Arena::new(3);
    let report = arena.transition(&mut state, &mut dynamics, &mut Stream::new(2, 0), 10);
    assert!(report.unwrap().is_none());
    // Ten steps were taken, and the eleventh was not.
    assert_eq!((arena.leapfrog_steps, asked.get()), (10, 11));
    assert_eq!(state, before);
}
