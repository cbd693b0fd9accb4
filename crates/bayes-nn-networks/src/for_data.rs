//! Networks for data of which nothing else is said.

use bayes_nn_models::Dataset;
use bayes_nn_models::data::{Embedded, Encoding};

use crate::Bnn;
use crate::nn::prior::{Each, horseshoe};
use crate::nn::{Bernoulli, Categorical, Concat, Dense, Embedding, Gaussian, Mlp, Network, Sum};

/// Units of the hidden layer of [`Bnn::for_data`], unless rows are few.
const WIDEST: usize = 20;
/// So many columns are many: not all of them are expected to matter.
const MANY: usize = 10;

impl Bnn {
    /// A network of one hidden layer, and a linear path beside it, for a data set: with a [`Bernoulli`] head
    /// for two classes, a [`Categorical`] one for more, and a [`Gaussian`] one for a target that is a number.
    ///
    /// The layer has 20 units, and fewer where its units would have more parameters than there are rows: as
    /// many as there is one for, but no fewer than outputs; without a row for each parameter of two units the
    /// network is linear. Of a wider network on few rows the mean-field posterior is the prior, since what
    /// each unit costs in evidence is more than it explains. What is linear in the columns costs the linear path
    /// less, and a hidden layer has to say only what is left. For the same reason the weights of 10 columns or more
    /// have the prior [`horseshoe`] on each input: most of many columns may say nothing of the target, where all of few
    /// were mostly chosen because they do. Other parameters have the prior of networks of which nothing is said.
    ///
    /// Whether a target is classes follows from [`Dataset::classes`]. Words that the recipe
    /// [embeds](bayes_nn_models::data::Recipe::embed) have their vectors, beside what else there is of a row.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let text = "size,kind\n1,ham\n2,ham\n2.5,ham\n8,spam\n9,spam\n8.5,spam\n";
    /// let train = Table::read_from(text.as_bytes())?.target("kind")?;
    /// let fit = Bnn::for_data(&train).fit(&train, &Advi::mean_field())?;
    /// println!("{}", fit.score(&train, Predict::draws(100))?);
    /// let weight = |bnn: Bnn, data| Ok::<_, bayes_nn::Error>(bnn.parameters(data)?[0].shape.to_string());
    /// assert_eq!(weight(Bnn::for_data(&train), &train)?, "[1, 2]");
    /// let moons = datasets::moons(1_000, 0.2, 0)?;
    /// assert_eq!(weight(Bnn::for_data(&moons), &moons)?, "[2, 20]");
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn for_data(data: &Dataset) -> Bnn {
        let outputs = data.classes().map_or(1, |classes| match classes.len() {
            0..=2 => 1,
            classes => classes,
        });
        let embedded = data.encoding().map(Encoding::embeddings);
        let vectors = embedded.iter().flatten().map(|own| own.numbers);
        let inputs = data.features() + vectors.sum::<usize>();
        match data.rows() / (inputs + 1 + outputs) {
            0 | 1 => Bnn::with_hidden(data, &[]),
            units => Bnn::with_hidden(data, &[units.clamp(outputs.min(WIDEST), WIDEST)]),
        }
    }

    /// As [`Bnn::for_data`], with the same priors and hidden layers of so many units beside the linear path;
    /// without any it is linear.
    ///
    /// ```
    /// use bayes_nn::prelude::*;
    /// let data = datasets::moons(100, 0.2, 0)?.with_classes(["above", "below"])?;
    /// let parameters = Bnn::with_hidden(&data, &[8, 4]).parameters(&data)?;
    /// let shapes: Vec<String> = parameters.iter().map(|p| p.shape.to_string()).collect();
    /// assert_eq!(shapes, ["[2, 8]", "[8]", "[8, 4]", "[4]", "[4, 1]", "[1]", "[2, 1]"]);
    /// # Ok::<(), bayes_nn::Error>(())
    /// ```
    pub fn with_hidden(data: &Dataset, hidden: &[usize]) -> Bnn {
        let network = |outputs| layered(data, hidden, outputs);
        match data.classes().map(<[String]>::len) {
            None => Bnn::new(network(1), Gaussian::new()),
            Some(0..=2) => Bnn::new(network(1), Bernoulli),
            Some(classes) => Bnn::new(network(classes), Categorical),
        }
    }
}

/// Dense layers of these widths, and a linear path beside them, on the features of a data set and the vectors
/// of its words.
fn layered(data: &Dataset, hidden: &[usize], outputs: usize) -> Network {
    let embedded = data
        .encoding()
        .map(Encoding::embeddings)
        .unwrap_or_default();
    let mut network = Network::new().input("x", [data.features()]);
    for Embedded { index, .. } in &embedded {
        network = network.index_input(index);
    }
    let mut parts = vec!["x".to_owned()];
    let mut width = data.features();
    for own in embedded {
        width += own.numbers;
        let vectors = format!("{} vectors", own.index);
        let layer = Embedding::new(own.levels, own.numbers);
        network = network.add(&vectors, layer, [&own.index]);
        parts.push(vectors);
    }
    let row = match parts.len() {
        1 => "x",
        _ => {
            network = network.add("row", Concat, parts);
            "row"
        }
    };
    let linear = Dense::new(outputs);
    if hidden.is_empty() {
        return sparse(network.add("linear", linear, [row]), width, &["linear"]);
    }
    let mlp = Mlp::new([&[width], hidden, &[outputs]].concat());
    let network = network
        .add("mlp", mlp, [row])
        .add("linear", linear.without_bias(), [row])
        .add("sum", Sum, ["mlp", "linear"]);
    sparse(network, width, &["mlp.layer0", "linear"])
}

/// A network whose layers on the columns have few weights that are not near 0, where columns are many.
fn sparse(network: Network, columns: usize, layers: &[&str]) -> Network {
    match columns {
        ..MANY => network,
        _ => layers.iter().fold(network, |network, layer| {
            let prior = horseshoe().each(Each::Input);
            network.prior_for(&format!("{layer}.weight"), prior)
        }),
    }
}
