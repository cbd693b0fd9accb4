//! Folders of images: the same data as in arrays, and files that are named where they do not fit.

use std::fs;
use std::path::{Path, PathBuf};

use bayes_nn::data::{Channels, ImageFolder};
use bayes_nn::nn::Rescale;
use bayes_nn::prelude::*;
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

/// A folder that is removed with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("bayes-nn-images-{name}-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        let _ = fs::remove_dir_all(&folder.0);
        fs::create_dir_all(&folder.0).unwrap();
        folder
    }

    fn path(&self, file: &str) -> PathBuf {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn grey(&self, file: &str, [width, height]: [u32; 2], pixel: impl Fn(u32, u32) -> u8) {
        let image = GrayImage::from_fn(width, height, |x, y| Luma([pixel(x, y)]));
        image.save(self.path(file)).unwrap();
    }

    fn message(&self) -> String {
        let message = ImageFolder::read(&self.0).unwrap_err().to_string();
        message
            .replace(&format!("{}/", self.0.display()), "")
            .replace(&*self.0.to_string_lossy(), "top")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Images of a stroke that is upright, level or aslant.
fn pixel(class: u32, number: u32, x: u32, y: u32) -> u8 {
    let on = match class {
        0 => x == number % 6,
        1 => y == number % 6,
        _ => (x + y) % 6 == number % 6,
    };
    (if on { 200 } else { 10 }) + ((7 * number + 3 * x + y) % 40) as u8
}

#[test]
fn a_folder_of_png_files_is_fitted_with_the_bits_of_the_same_images_in_an_idx_file() {
    let folder = Folder::new("bits");
    // "10" comes after "2", as numbers do.
    let classes = ["0", "2", "10"];
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    for (class, name) in (0..).zip(classes) {
        for number in 0..30 {
            let pixel = |x, y| pixel(class, number, x, y);
            folder.grey(&format!("{name}/{number:03}.png"), [6, 5], pixel);
            bytes.extend((0..5).flat_map(|y| (0..6).map(move |x| pixel(x, y))));
            labels.push(class as u8);
        }
    }
    let idx = |shape: &[u32], bytes: &[u8]| {
        let lengths = shape.iter().flat_map(|length| length.to_be_bytes());
        let header = [0, 0, 8, shape.len() as u8].into_iter().chain(lengths);
        header.chain(bytes.iter().copied()).collect::<Vec<u8>>()
    };
    let files = Folder::new("idx");
    fs::write(files.path("images"), idx(&[90, 5, 6], &bytes)).unwrap();
    fs::write(files.path("labels"), idx(&[90], &labels)).unwrap();
    let arrays = Dataset::from_idx(files.path("images"), files.path("labels")).unwrap();
    let images = ImageFolder::read(&folder.0).unwrap();
    assert_eq!(images.shape(), [90, 1, 5, 6]);
    assert_eq!(
        (images.classes(), images.values().bytes()),
        (&classes.map(str::to_owned)[..], 2700)
    );
    assert!(images.files()[30].ends_with("2/000.png"));
    let images = images.dataset().unwrap();
    assert_eq!((images.x(), images.y()), (arrays.x(), arrays.y()));
    assert_eq!(images.classes(), Some(&classes.map(str::to_owned)[..]));

    let network = Sequential::new()
        .layer(Rescale::pixels())
        .layer(Dense::new(8));
    let network = network.layer(Relu).layer(Dense::new(3));
    let bnn = Bnn::new(network, Categorical);
    let advi = Advi::mean_field().steps(400).batch(30).seed(3);
    let fits = [&images, &arrays].map(|data| bnn.fit(data, &advi).unwrap());
    let [of_images, of_arrays] = fits.each_ref().map(|fit| fit.approximation().unwrap());
    assert_eq!(of_images.mean(), of_arrays.mean());
    assert_eq!(of_images.sd(), of_arrays.sd());
    let predicted = fits[0].predict(&images, 50).unwrap();
    assert!(predicted.predicted_classes().contains(&"10".to_owned()));
}

#[test]
fn colours_are_channels_before_pixels_and_become_grey_when_asked() {
    let folder = Folder::new("colours");
    let image = RgbImage::from_fn(2, 1, |x, _| Rgb([10 * x as u8, 100, 200 + x as u8]));
    image.save(folder.path("a/1.png")).unwrap();
    let rgb = ImageFolder::read(&folder.0).unwrap();
    assert_eq!(
        (rgb.shape(), rgb.values().to_f64()),
        (
            &[1, 3, 1, 2][..],
            vec![0.0, 10.0, 100.0, 100.0, 200.0, 201.0]
        )
    );
    // A grey image beside it does not fit, unless both are brought to the same channels.
    folder.grey("b/1.png", [2, 1], |_, _| 77);
    assert_eq!(
        folder.message(),
        "b/1.png is 1 x 2 pixels of 1 channel, and a/1.png is 1 x 2 pixels of 3 channels; all images \
         must be alike; `Channels::Grey` or `Channels::Rgb` gives them the same channels"
    );
    let rgb = ImageFolder::read_as(&folder.0, Channels::Rgb).unwrap();
    assert_eq!(rgb.values().to_f64()[6..], [77.0; 6]);
    let grey = ImageFolder::read_as(&folder.0, Channels::Grey).unwrap();
    assert_eq!(
        (grey.shape(), grey.values().to_f64()[2..].to_vec()),
        (&[2, 1, 1, 2][..], vec![77.0; 2])
    );
}

#[test]
fn jpeg_files_are_read_whatever_their_name_says() {
    let folder = Folder::new("jpeg");
    let grey = DynamicImage::ImageLuma8(GrayImage::from_pixel(8, 8, Luma([120])));
    grey.save(folder.path("a/1.jpg")).unwrap();
    fs::rename(folder.path("a/1.jpg"), folder.path("a/1.PNG")).unwrap();
    let images = ImageFolder::read(&folder.0).unwrap();
    assert_eq!(images.shape(), [1, 1, 8, 8]);
    assert!(
        images
            .values()
            .to_f64()
            .iter()
            .all(|pixel| (pixel - 120.0).abs() <= 1.0)
    );
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = Folder::new("wrong");
    assert!(
        folder
            .message()
            .starts_with("top has no folder of a class; images lie in folders")
    );
    folder.grey("stray.png", [2, 2], |_, _| 1);
    assert_eq!(
        folder.message(),
        "stray.png lies in no folder of a class; move it into one"
    );
    fs::remove_file(folder.path("stray.png")).unwrap();
    fs::write(folder.path("README.txt"), "of the whole").unwrap();
    fs::write(folder.path(".hidden.png"), "").unwrap();
    fs::create_dir(folder.path("empty")).unwrap();
    assert!(folder.message().starts_with("empty has no images"));
    fs::remove_dir(folder.path("empty")).unwrap();
    folder.grey("cat/1.png", [3, 2], |_, _| 1);
    assert_eq!(ImageFolder::read(&folder.0).unwrap().rows(), 1);
    folder.grey("cat/2.png", [2, 3], |_, _| 1);
    assert_eq!(
        folder.message(),
        "cat/2.png is 3 x 2 pixels of 1 channel, and cat/1.png is 2 x 3 pixels of 1 channel; all images \
         must be alike, so bring them to one size first"
    );
    let whole = fs::read(folder.path("cat/1.png")).unwrap();
    fs::write(folder.path("cat/2.png"), &whole[..whole.len() / 2]).unwrap();
    assert!(
        folder
            .message()
            .starts_with("cat/2.png cannot be read as a PNG or JPEG file: ")
    );
    fs::write(folder.path("cat/2.png"), "no image").unwrap();
    assert!(
        folder
            .message()
            .starts_with("cat/2.png cannot be read as a PNG or JPEG file: ")
    );
    fs::remove_file(folder.path("cat/2.png")).unwrap();
    fs::write(folder.path("cat/notes.txt"), "").unwrap();
    assert!(
        folder
            .message()
            .starts_with("cat/notes.txt is no PNG or JPEG file, by its name")
    );
    fs::remove_file(folder.path("cat/notes.txt")).unwrap();
    fs::create_dir(folder.path("cat/small")).unwrap();
    assert!(
        folder
            .message()
            .starts_with("cat/small is a folder in that of a class")
    );
    fs::remove_dir(folder.path("cat/small")).unwrap();
    let deep = DynamicImage::new_luma16(3, 2);
    deep.save(folder.path("cat/2.png")).unwrap();
    assert!(
        folder
            .message()
            .starts_with("cat/2.png has the pixels L16, of more than 8 bits")
    );
    assert_eq!(
        ImageFolder::read_as(&folder.0, Channels::Grey)
            .unwrap()
            .rows(),
        2
    );
    let gone = ImageFolder::read(Path::new("/no/such/folder"))
        .unwrap_err()
        .to_string();
    assert!(gone.starts_with("cannot read /no/such/folder: "), "{gone}");
}
