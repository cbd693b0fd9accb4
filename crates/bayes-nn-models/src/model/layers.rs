//! What a model says of its layers.

use bayes_nn_autodiff::Var;

use super::Trace;

impl<'g> Trace<'g> {
    /// Says that `value`, `[..units, rows]`, is what a layer of this name makes of the rows, for
    /// [`Posterior::representations`](super::Posterior::representations). Layers of a network say so
    /// themselves. Of a name that is said again the last value counts.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let model = model::from_fn(|trace, data| {
    ///     let slope = trace.sample("slope", Normal::new(0.0, 1.0));
    ///     let bent = (slope * data.column("x")).tanh();
    ///     trace.layer("bent", bent);
    ///     trace.observe("y", Normal::new(bent, 0.1), data.column("y"));
    /// });
    /// let data = Data::new().column("x", &[-2.0, -1.0, 1.0, 2.0])?.column("y", &[-0.9, -0.7, 0.8, 0.9])?;
    /// let fit = model::fit(&model, &data, &Advi::full_rank().seed(1))?;
    /// let bent = fit.hidden("bent", &data, Predict::draws(50))?;
    /// assert_eq!((bent.rows(), bent.values().len()), (4, 200));
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn layer(&self, name: &str, value: Var<'g>) {
        let name = self.full_name(name);
        let layers = &mut self.record.borrow_mut().layers;
        match layers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => layers.push((name, value)),
        }
    }

    /// Says that `value` are weights of a layer: of the layer `hidden` those whose names begin with
    /// `hidden.`, as layers of a network say it of their parameters.
    pub fn weight(&self, name: &str, value: Var<'g>) {
        let name = self.full_name(name);
        self.record.borrow_mut().weights.push((name, value));
    }
}
