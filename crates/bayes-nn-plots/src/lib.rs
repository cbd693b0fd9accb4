//! What is drawn: [`plots`] as SVG, a [`report`] as one page of HTML, and a progress [`Bar`].
#![forbid(unsafe_code)]

pub mod plots;
pub mod report;

mod progress;

pub use progress::Bar;
