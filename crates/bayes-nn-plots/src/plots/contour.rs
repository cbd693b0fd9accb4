//! The line on which a function on a grid has one value (marching squares, Lorensen and Cline 1987 in the plane).

type Segment = [(f64, f64); 2];

/// Segments in grid coordinates, column and row as fractions; `values` are `[rows, columns]`, row-major.
///
/// A saddle is resolved by the mean of its four corners.
pub(super) fn contour(values: &[f64], columns: usize, level: f64) -> Vec<Segment> {
    let rows = values.len() / columns;
    let above = |column: usize, row: usize| values[row * columns + column] - level;
    let mut segments = vec![];
    for row in 0..rows.saturating_sub(1) {
        for column in 0..columns - 1 {
            // Counter-clockwise from the corner of the lowest column and row.
            let corners = [
                (column, row),
                (column + 1, row),
                (column + 1, row + 1),
                (column, row + 1),
            ];
            let heights = corners.map(|(column, row)| above(column, row));
            let crossings: Vec<(f64, f64)> = (0..4)
                .filter(|&edge| (heights[edge] > 0.0) != (heights[(edge + 1) % 4] > 0.0))
                .map(|edge| {
                    let next = (edge + 1) % 4;
                    let share = heights[edge] / (heights[edge] - heights[next]);
                    let between = |a: usize, b: usize| a as f64 + share * (b as f64 - a as f64);
                    (
                        between(corners[edge].0, corners[next].0),
                        between(corners[edge].1, corners[next].1),
                    )
                })
                .collect();
            match crossings[..] {
                [a, b] => segments.push([a, b]),
                [a, b, c, d] => {
                    // The centre joins the corners on its own side; the line cuts off the other two.
                    let center_above = heights.iter().sum::<f64>() > 0.0;
                    let cuts_first = (heights[0] > 0.0) != center_above;
                    segments.extend(if cuts_first {
                        [[d, a], [b, c]]
                    } else {
                        [[a, b], [c, d]]
                    });
                }
                _ => {}
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_cut_along_its_level() {
        let values: Vec<f64> = (0..9).map(|i| f64::from(i % 3)).collect();
        let segments = contour(&values, 3, 0.25);
        assert_eq!(segments.len(), 2);
        assert!(
            segments
                .iter()
                .flatten()
                .all(|(column, _)| (column - 0.25).abs() < 1e-12)
        );
    }

    #[test]
    fn a_circle_has_its_circumference() {
        let n = 101;
        let square = |i: usize| (i as f64 / 50.0 - 1.0).powi(2);
        let values: Vec<f64> = (0..n * n).map(|i| square(i % n) + square(i / n)).collect();
        let segments = contour(&values, n, 0.25);
        let length: f64 = segments
            .iter()
            .map(|[a, b]| (a.0 - b.0).hypot(a.1 - b.1))
            .sum();
        let expected = std::f64::consts::TAU * 0.5 * 50.0;
        assert!((length / expected - 1.0).abs() < 1e-3, "{length}");
    }

    #[test]
    fn saddles_join_what_their_middle_joins() {
        let ends = |segment: Segment| segment.map(|(column, row)| (column * 4.0, row * 4.0));
        // Low in the middle: each high corner (0, 0) and (1, 1) is cut off by itself.
        let low: Vec<_> = contour(&[1.0, -3.0, -3.0, 1.0], 2, 0.0)
            .into_iter()
            .map(ends)
            .collect();
        assert_eq!(low, [[(0.0, 1.0), (1.0, 0.0)], [(4.0, 3.0), (3.0, 4.0)]]);
        let high: Vec<_> = contour(&[3.0, -1.0, -1.0, 3.0], 2, 0.0)
            .into_iter()
            .map(ends)
            .collect();
        assert_eq!(high, [[(3.0, 0.0), (4.0, 1.0)], [(1.0, 4.0), (0.0, 3.0)]]);
    }
}
