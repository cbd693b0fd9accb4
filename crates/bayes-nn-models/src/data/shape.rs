//! What files of arrays say of their shape.

/// Methods of a type with the field `shape`, whose axes have this order.
macro_rules! shape_methods {
    ($axes:literal) => {
        #[doc = concat!("The lengths of the axes: ", $axes, ".")]
        pub fn shape(&self) -> &[usize] {
            &self.shape
        }

        /// The number of rows.
        pub fn rows(&self) -> usize {
            self.shape[0]
        }

        /// The numbers in a row.
        pub fn features(&self) -> usize {
            self.shape[1..].iter().product()
        }
    };
}
