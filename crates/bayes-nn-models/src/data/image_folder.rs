//! Reading folders of PNG and JPEG files, a folder for each class (feature `images`).

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bayes_nn_kernels::Column;
use image::{ColorType, DynamicImage, ImageReader};

use super::table::sort_words;
use super::{DataError, Dataset};

/// Images in a folder that has a folder for each class, as `digits/7/0001.png`.
///
/// Bytes stay bytes. Rows go class after class, the files of each in the order of their names; names
/// that are all numbers are sorted by their size. A row is `[channels, height, width]`, as layers of
/// images read it: `Rescale::pixels()` brings bytes to numbers from 0 to 1 as they are used. Hidden
/// files are left out, and so are files beside the folders of classes that are no images.
///
/// ```
/// use bayes_nn_models::data::ImageFolder;
/// # let folder = std::env::temp_dir().join(format!("bayes-nn-doc-folder-{}", std::process::id()));
/// # for (class, grey) in [("cat", 9), ("dog", 200)] {
/// #     std::fs::create_dir_all(folder.join(class))?;
/// #     image::GrayImage::from_pixel(3, 2, image::Luma([grey])).save(folder.join(class).join("1.png"))?;
/// # }
/// let images = ImageFolder::read(&folder)?;
/// assert_eq!(images.shape(), [2, 1, 2, 3]);
/// assert_eq!((images.classes(), images.labels()), (&["cat".into(), "dog".into()][..], &[0, 1][..]));
/// let data = images.dataset()?;
/// assert_eq!((data.features(), data.row(1)[0]), (6, 200.0));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImageFolder {
    shape: [usize; 4],
    values: Arc<[u8]>,
    labels: Vec<u32>,
    classes: Arc<[String]>,
    files: Vec<PathBuf>,
}

/// The channels of a pixel that images are read with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channels {
    /// Those of the files, which must all have the same: 1 of grey images, 3 of coloured ones, and one
    /// more where they have transparency.
    #[default]
    AsTheyAre,
    /// One: colours become grey, transparency is left out.
    Grey,
    /// Three: red, green and blue, of which grey has all alike; transparency is left out.
    Rgb,
}

/// A folder of images that cannot be read: what was wrong, which file, and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageFolderError {
    /// A file or folder that the operating system does not give.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder without folders of classes.
    #[error(
        "{} has no folder of a class; images lie in folders that are named by their classes, as `digits/7/0001.png`",
        path.display()
    )]
    NoClass {
        /// The folder.
        path: PathBuf,
    },
    /// A class without images.
    #[error("{} has no images; a folder of a class needs at least one PNG or JPEG file", path.display())]
    EmptyClass {
        /// The folder of the class.
        path: PathBuf,
    },
    /// A file that is no image, or one in no class.
    #[error("{} {problem}", path.display())]
    Misplaced {
        /// The path.
        path: PathBuf,
        /// What it is, and what would be right.
        problem: &'static str,
    },
    /// A file that is damaged, or no PNG or JPEG file.
    #[error("{} cannot be read as a PNG or JPEG file: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file with more than eight bits for each number.
    #[error(
        "{} has the pixels {found}, of more than 8 bits a channel, which would be lost; `Channels::Grey` or `Channels::Rgb` rounds them to bytes",
        path.display()
    )]
    Depth {
        /// The file.
        path: PathBuf,
        /// Its kind of pixels.
        found: String,
    },
    /// An image of another size or with other channels than those before.
    #[error(
        "{} is {found}, and {} is {expected}; all images must be alike{remedy}",
        path.display(), first.display()
    )]
    Unlike {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// The first file.
        first: PathBuf,
        /// What that is.
        expected: String,
        /// What would make them so.
        remedy: &'static str,
    },
    /// More bytes than memory addresses.
    #[error("the images of {} take more bytes than can be addressed", path.display())]
    Size {
        /// The folder.
        path: PathBuf,
    },
}

/// Height, width and channels of an image.
#[derive(Clone, Copy, PartialEq)]
struct Form {
    height: usize,
    width: usize,
    channels: usize,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = match self.channels {
            1 => "1 channel".to_owned(),
            more => format!("{more} channels"),
        };
        write!(f, "{} x {} pixels of {channels}", self.height, self.width)
    }
}

impl ImageFolder {
    /// Reads a folder, with the channels that its files have.
    ///
    /// # Errors
    /// No folder of a class; a class without images; a file that cannot be read, is damaged, is no
    /// PNG or JPEG file, has more than 8 bits a channel, or another size or other channels than the
    /// first one.
    pub fn read(path: impl AsRef<Path>) -> Result<ImageFolder, DataError> {
        ImageFolder::read_as(path, Channels::AsTheyAre)
    }

    /// As [`ImageFolder::read`], with these channels.
    ///
    /// # Errors
    /// As [`ImageFolder::read`].
    pub fn read_as(path: impl AsRef<Path>, channels: Channels) -> Result<ImageFolder, DataError> {
        Ok(read(path.as_ref(), channels)?)
    }

    shape_methods!("rows, channels, height, width");

    /// All bytes, row-major.
    pub fn values(&self) -> Column {
        self.values.clone().into()
    }

    /// The class of each row, from 0.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The names of the classes, sorted.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The file of each row.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The images with their classes, whose names stay with predictions.
    ///
    /// # Errors
    /// None of images that were read.
    pub fn dataset(&self) -> Result<Dataset, DataError> {
        let data = Dataset::new(self.values(), self.features(), self.labels.clone())?;
        Ok(Dataset {
            classes: Some(self.classes.clone()),
            ..data
        })
    }
}

fn read(path: &Path, channels: Channels) -> Result<ImageFolder, ImageFolderError> {
    let entries = entries(path)?;
    let stray = entries
        .values()
        .find(|(path, is_folder)| !is_folder && has_image_name(path));
    if let Some((path, _)) = stray {
        return Err(ImageFolderError::Misplaced {
            path: path.clone(),
            problem: "lies in no folder of a class; move it into one",
        });
    }
    let folders = entries.iter().filter(|(_, (_, is_folder))| *is_folder);
    let mut classes: Vec<String> = folders.map(|(name, _)| name.clone()).collect();
    sort_words(&mut classes, String::as_str);
    if classes.is_empty() {
        return Err(ImageFolderError::NoClass {
            path: path.to_owned(),
        });
    }
    let mut files = Vec::new();
    let mut labels = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let (folder, _) = &entries[class];
        let own = images_of(folder)?;
        labels.extend(std::iter::repeat_n(label as u32, own.len()));
        files.extend(own);
    }
    let mut values: Vec<u8> = Vec::new();
    let mut form = None;
    for file in &files {
        let (own, bytes) = decoded(file, channels)?;
        let first = *form.get_or_insert(own);
        if own != first {
            return Err(ImageFolderError::Unlike {
                path: file.clone(),
                found: own.to_string(),
                first: files[0].clone(),
                expected: first.to_string(),
                remedy: match (own.height, own.width) == (first.height, first.width) {
                    true => "; `Channels::Grey` or `Channels::Rgb` gives them the same channels",
                    false => ", so bring them to one size first",
                },
            });
        }
        if values.is_empty() {
            let size = files.len().checked_mul(bytes.len());
            let asked = size.map(|size| values.try_reserve_exact(size));
            asked
                .and_then(Result::ok)
                .ok_or_else(|| ImageFolderError::Size {
                    path: path.to_owned(),
                })?;
        }
        // Pixels are stored one after the other, and channels are the first axis of a row.
        for channel in 0..own.channels {
            values.extend(bytes.iter().skip(channel).step_by(own.channels));
        }
    }
    let form = form.ok_or_else(|| ImageFolderError::NoClass {
        path: path.to_owned(),
    })?;
    Ok(ImageFolder {
        shape: [files.len(), form.channels, form.height, form.width],
        values: values.into(),
        labels,
        classes: classes.into(),
        files,
    })
}

/// What is in a folder, by its names, but for hidden files; and whether it is a folder.
fn entries(folder: &Path) -> Result<BTreeMap<String, (PathBuf, bool)>, ImageFolderError> {
    let wrong = |source| ImageFolderError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let is_folder = path.is_dir();
        entries.insert(name.into_owned(), (path, is_folder));
    }
    Ok(entries)
}

/// The images in the folder of a class, by their names.
fn images_of(folder: &Path) -> Result<Vec<PathBuf>, ImageFolderError> {
    let entries = entries(folder)?;
    if entries.is_empty() {
        return Err(ImageFolderError::EmptyClass {
            path: folder.to_owned(),
        });
    }
    let wrong = entries
        .values()
        .find(|(path, is_folder)| *is_folder || !has_image_name(path));
    if let Some((path, is_folder)) = wrong {
        return Err(ImageFolderError::Misplaced {
            path: path.clone(),
            problem: match is_folder {
                true => "is a folder in that of a class; images lie in the folder of their class",
                false => {
                    "is no PNG or JPEG file, by its name; other images are to be converted, and other \
                     files moved out of the folder of a class"
                }
            },
        });
    }
    Ok(entries.into_values().map(|(path, _)| path).collect())
}

fn has_image_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is = |known: &&str| extension.is_some_and(|own| own.eq_ignore_ascii_case(known));
    ["png", "jpg", "jpeg"].iter().any(is)
}

/// The pixels of a file, one after the other, as bytes.
fn decoded(path: &Path, channels: Channels) -> Result<(Form, Vec<u8>), ImageFolderError> {
    let reading = |source| ImageFolderError::Read {
        path: path.to_owned(),
        source,
    };
    // The first bytes tell the format, whatever the name says.
    let reader = ImageReader::open(path).map_err(reading)?;
    let reader = reader.with_guessed_format().map_err(reading)?;
    let image = reader.decode().map_err(|error| ImageFolderError::Damaged {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    let image = match channels {
        Channels::AsTheyAre => image,
        Channels::Grey => DynamicImage::ImageLuma8(image.into_luma8()),
        Channels::Rgb => DynamicImage::ImageRgb8(image.into_rgb8()),
    };
    let found = image.color();
    let is_bytes = matches!(
        found,
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8
    );
    if !is_bytes {
        return Err(ImageFolderError::Depth {
            path: path.to_owned(),
            found: format!("{found:?}"),
        });
    }
    let form = Form {
        height: image.height() as usize,
        width: image.width() as usize,
        channels: found.channel_count().into(),
    };
    Ok((form, image.into_bytes()))
}
