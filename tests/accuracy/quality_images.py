"""Blur and folds put on real tiles, with the masks of where they are: for fitting the limits of the quality map
(tools/fit/fit_quality.py) and, on other patients, for measuring it (quality_accuracy.py). numpy and Pillow only."""
import io
import pathlib

import numpy
from PIL import Image

MPP = 0.5
# Standard deviations of the Gaussian, and widths of folds, in pixels.
BLUR_SIGMAS_PX = (2, 3, 4, 6)
FOLD_WIDTHS_PX = (50, 80, 120)
JPEG_QUALITY = 85
# Where both layers have less, smoothed, there is no tissue to lie double.
LAYER_DENSITY_MIN = 0.12


def tile_names(folder):
    return sorted(path.name for path in (pathlib.Path(folder) / "images").glob("*.png"))


def patient(name):
    return name[:12]


def split(names):
    """Those for fitting and those for measuring: every second patient, in the order of their names."""
    patients = sorted({patient(name) for name in names})
    fitted = set(patients[::2])
    return ([name for name in names if patient(name) in fitted],
            [name for name in names if patient(name) not in fitted])


def load(folder, name):
    return numpy.asarray(Image.open(pathlib.Path(folder) / "images" / name).convert("RGB"))


def gaussian(image, sigma):
    """Separable, the edge continued."""
    radius = int(4 * sigma + 0.5)
    taps = numpy.exp(-0.5 * (numpy.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        pad = [(radius, radius) if i == axis else (0, 0) for i in range(image.ndim)]
        padded = numpy.pad(image.astype(float), pad, mode="edge")
        size = image.shape[axis]
        image = sum(tap * padded.take(range(i, i + size), axis) for i, tap in enumerate(taps))
    return image


def scanned(pixels, generator):
    """Noise of a camera, whole levels, and what JPEG makes of them: in the blurred part too, as on a scanner."""
    noisy = numpy.clip(numpy.round(pixels + generator.normal(0, 1, pixels.shape)), 0, 255).astype(numpy.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return numpy.asarray(Image.open(buffer).convert("RGB"))


def blob(generator, height, width):
    """A round patch with a wavy border, 110 to 190 px in radius."""
    y, x = numpy.mgrid[:height, :width]
    middle_y, middle_x = generator.uniform(0.25, 0.75, 2) * (height, width)
    radius = generator.uniform(110, 190)
    angle = numpy.arctan2(y - middle_y, x - middle_x)
    waves = sum(generator.uniform(-0.15, 0.15) / k * numpy.cos(k * angle + generator.uniform(0, 6.3))
                for k in (1, 2, 3, 4))
    return numpy.hypot(y - middle_y, x - middle_x) < radius * (1 + waves)


def blurred(image, sigma_px, generator):
    """The image with a blurred patch, and its mask."""
    mask = blob(generator, *image.shape[:2])
    share = gaussian(mask.astype(float), 4)[..., None]
    return scanned(image * (1 - share) + gaussian(image, sigma_px) * share, generator), mask


def band(generator, height, width, band_px):
    """Distances to the edge of a winding band, negative inside."""
    y, x = numpy.mgrid[:height, :width]
    angle = generator.uniform(0, numpy.pi)
    across = (x - width / 2) * numpy.cos(angle) + (y - height / 2) * numpy.sin(angle)
    along = (y - height / 2) * numpy.cos(angle) - (x - width / 2) * numpy.sin(angle)
    middle = generator.uniform(-60, 60) + generator.uniform(10, 30) * numpy.sin(
        along / generator.uniform(50, 120) + generator.uniform(0, 6.3))
    wide = band_px * (1 + 0.25 * numpy.sin(along / 90 + generator.uniform(0, 6.3)))
    return numpy.abs(across - middle) - wide / 2


def folded(image, band_px, generator):
    """The image with a band in which another part of it lies on top, its density added; and the mask of where both
    layers are tissue."""
    distance = band(generator, *image.shape[:2], band_px)
    white = numpy.maximum(232, numpy.percentile(image.reshape(-1, 3), 99, axis=0))
    lower = -numpy.log10(numpy.maximum(image, 1) / white)
    shift = generator.integers(60, 200, 2)
    upper = numpy.maximum(0, numpy.roll(lower[::-1], tuple(shift), (0, 1)))
    share = numpy.clip(0.5 - distance / 8, 0, 1)[..., None]
    mask = distance < 0
    for layer in (lower, upper):
        mask &= gaussian(layer[..., 1], 8) > LAYER_DENSITY_MIN
    return scanned(white * 10 ** -(lower + share * upper), generator), mask


def map_shares(mask, side_px):
    """The share of the mask in each pixel of a map; what does not fill one at the right and below is left out."""
    height, width = (size // side_px * side_px for size in mask.shape)
    parts = mask[:height, :width].reshape(height // side_px, side_px, width // side_px, side_px)
    return parts.mean((1, 3))
