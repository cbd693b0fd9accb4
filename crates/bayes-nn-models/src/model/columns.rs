//! Which columns of the data a run of a model has read.

use bayes_nn_autodiff::Var;

use super::batch::Shared;

impl<'g> Shared<'g> {
    /// The column that this value is, as it is, be it there or not.
    pub(crate) fn column_of(&self, value: Var<'g>) -> Option<String> {
        let (inputs, windows) = (self.inputs.borrow(), self.windows.borrow());
        let absent = self.absent.borrow();
        let inputs = inputs.iter().map(|input| (&input.name, input.input));
        let windows = windows.iter().map(|window| (&window.name, window.value));
        let absent = absent.iter().map(|(name, var)| (name, *var));
        let mut known = inputs.chain(windows).chain(absent);
        let own = known.find(|(_, var)| var.id() == value.id());
        own.map(|(name, _)| name.clone())
    }

    /// The names of the columns that were read, last of those that are not there.
    pub(crate) fn columns_read(&self) -> Vec<String> {
        let inputs = self.inputs.borrow();
        let windows = self.windows.borrow();
        let absent = self.absent.borrow();
        let names = inputs.iter().map(|input| &input.name);
        let names = names.chain(windows.iter().map(|window| &window.name));
        names.chain(absent.iter().map(|a| &a.0)).cloned().collect()
    }

    /// Whether a value needs a column that is not there.
    pub(crate) fn is_absent(&self, value: Var<'g>) -> bool {
        let absent = self.absent.borrow();
        absent
            .iter()
            .any(|(_, var)| self.graph.depends_on(value, *var))
    }
}
