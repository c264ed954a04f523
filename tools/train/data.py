"""The annotated tiles, what is learned from them, and how they are varied.

brca_m2c (Abousamra et al. 2021): a line of a label file is ROW COLUMN CLASS, class 1 lymphocyte, 2 tumour or
epithelial, 3 stromal; 0.5 microns a pixel. The patient is the first 12 characters of a file's name. No outlines are
annotated: those that the foreground learns are grown here from the dots and the haematoxylin.
"""
import dataclasses
import io
import pathlib

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

CROP_PX = 320
CLASS_COUNT = 3
REACH_PX = 14  # of a nucleus around its dot
HEAT_SIGMA = 1.25  # in pixels of the output, of 2 pixels of the image
CLASS_RADIUS = 1.5  # likewise: where the class of a dot is learned
NO_CLASS = -1
# How strongly crops are varied: standard deviations.
STAIN_SPREAD = (0.16, 0.2, 0.2)  # of the logarithm of the amount of each stain
HUE_SPREAD = 0.03  # of the stains' densities in each channel
LIGHT_SPREAD = 0.015  # of the density of empty glass
SCALE_LOG_MAX = 0.25
# Ruifrok and Johnston 2001: optical densities of haematoxylin, eosin and what is left, in R, G, B.
STAINS = np.array([[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]])
STAINS /= np.linalg.norm(STAINS, axis=1, keepdims=True)


@dataclasses.dataclass
class Tile:
    name: str
    rgb: np.ndarray  # height x width x 3, uint8
    dots: np.ndarray  # one a row: x, y, class from 1
    planes: torch.Tensor  # optical density of R, G, B, 0 or 1 for a nucleus, and 1: zeros around are glass


def read_tiles(data):
    folder = pathlib.Path(data) / "nuclei" / "brca_m2c"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there: name the folder that holds it (TEST_DATA)")
    names = (folder / "brca_ds_train.txt").read_text().split() + (folder / "brca_ds_val.txt").read_text().split()
    return [read_tile(folder, name.removesuffix(".png")) for name in sorted(names)]


def validation_names(data):
    text = (pathlib.Path(data) / "nuclei" / "brca_m2c" / "brca_ds_val.txt").read_text()
    return {name.removesuffix(".png") for name in text.split()}


def read_tile(folder, name):
    rgb = np.asarray(Image.open(folder / "images" / f"{name}.png").convert("RGB"))
    rows = np.loadtxt(folder / "labels" / f"{name}_gt_class_coords.txt", ndmin=2)
    return make_tile(name, rgb, rows[:, [1, 0, 2]].astype(np.float32))


def make_tile(name, rgb, dots):
    density = -np.log10(np.maximum(rgb, 1) / 255.0)
    foreground = grow_nuclei((density @ np.linalg.inv(STAINS))[..., 0], dots)
    planes = np.concatenate([density, foreground[..., None], np.ones_like(density[..., :1])], axis=2)
    return Tile(name, rgb, dots, torch.from_numpy(planes).float().permute(2, 0, 1).contiguous())


def box_blur(plane, radius):
    """Mean of (2 radius + 1) squared pixels, the border repeated."""
    size = 2 * radius + 1
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(plane, padding, mode="edge"), axis=axis)
        low = [slice(None)] * 2
        high = [slice(None)] * 2
        low[axis], high[axis] = slice(None, -size), slice(size, None)
        plane = (sums[tuple(high)] - sums[tuple(low)]) / size
    return plane


def otsu(values):
    """The threshold that parts the values into the two most distinct groups."""
    values = np.sort(values)
    below = np.arange(1, len(values))
    sums = np.cumsum(values)
    low = sums[:-1] / below
    high = (sums[-1] - sums[:-1]) / (len(values) - below)
    return values[np.argmax(below * (len(values) - below) * (high - low) ** 2)]


def grow_nuclei(haematoxylin, dots):
    """The pixels of nuclei: around each dot what is dark and hangs together with it, and is nearer to no other dot."""
    plane = box_blur(haematoxylin, 1)
    height, width = plane.shape
    owner = np.full(plane.shape, -1)
    nearest = np.full(plane.shape, np.inf)
    windows = []
    for index, (x, y, _) in enumerate(dots):
        rows = slice(max(0, int(y) - REACH_PX), min(height, int(y) + REACH_PX + 1))
        columns = slice(max(0, int(x) - REACH_PX), min(width, int(x) + REACH_PX + 1))
        windows.append((rows, columns))
        distance = np.hypot(np.arange(rows.start, rows.stop)[:, None] - y,
                            np.arange(columns.start, columns.stop)[None, :] - x)
        closer = (distance < nearest[rows, columns]) & (distance <= REACH_PX)
        nearest[rows, columns][closer] = distance[closer]
        owner[rows, columns][closer] = index
    foreground = np.zeros(plane.shape, np.uint8)
    for index, window in enumerate(windows):
        own = owner[window] == index
        if own.sum() < 2:
            continue
        dark = own & (plane[window] > otsu(plane[window][own]))
        seed = own & (nearest[window] <= 2.5)
        foreground[window] |= connected(dark | seed, seed).astype(np.uint8)
    return (box_blur(foreground.astype(np.float32), 1) > 0.5).astype(np.uint8)


def connected(mask, seed):
    """The part of the mask that can be reached from the seed."""
    reached = seed
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= mask
        if (grown == reached).all():
            return reached
        reached = grown


@dataclasses.dataclass
class Batch:
    images: torch.Tensor  # 255 - RGB, float
    heat: torch.Tensor  # 0..1 at half the resolution
    classes: torch.Tensor  # 0..2 or NO_CLASS
    foreground: torch.Tensor  # 0..1
    known: torch.Tensor  # 1 inside the tile, 0 beyond


class Sampler:
    """Crops of the tiles, turned, scaled, stained and blurred at random. The same seed gives the same crops."""

    def __init__(self, tiles, seed):
        self.tiles = tiles
        self.random = np.random.default_rng(seed)

    def epoch(self, crops_per_tile, batch_size):
        order = self.random.permutation(np.repeat(np.arange(len(self.tiles)), crops_per_tile))
        for start in range(0, len(order) - batch_size + 1, batch_size):
            yield self.batch([self.tiles[index] for index in order[start:start + batch_size]])

    def batch(self, tiles):
        crops = [self.crop(tile) for tile in tiles]
        density = torch.stack([crop[0] for crop in crops])
        foreground = torch.stack([crop[1] for crop in crops])
        known = torch.stack([crop[2] for crop in crops])
        rgb = torch.stack([self.degrade(image) for image in self.stain(density)])
        targets = [draw_targets(crop[3], CROP_PX // 2) for crop in crops]
        images = (255 - rgb).contiguous(memory_format=torch.channels_last)
        return Batch(images, torch.stack([target[0] for target in targets]),
                     torch.stack([target[1] for target in targets]),
                     functional.avg_pool2d(foreground, 2)[:, 0], -functional.max_pool2d(-known, 2)[:, 0])

    def middle(self, tile):
        """Half of the crops are around a dot of a class drawn evenly, so that rare classes are seen."""
        if self.random.random() < 0.5:
            present = np.unique(tile.dots[:, 2])
            chosen = tile.dots[tile.dots[:, 2] == self.random.choice(present)]
            point = self.random.choice(chosen)[:2] + self.random.uniform(-60, 60, 2)
        else:
            point = self.random.uniform(0, 1, 2) * tile.rgb.shape[1::-1]
        # The crop reaches little beyond the tile.
        size = np.array(tile.rgb.shape[1::-1], float)
        reach = CROP_PX / 2 - 16
        return np.clip(point, np.minimum(reach, size / 2), np.maximum(size - reach, size / 2))

    def crop(self, tile):
        angle = self.random.uniform(0, 2 * np.pi) if self.random.random() < 0.5 else self.random.integers(4) * np.pi / 2
        scale = np.exp(self.random.uniform(-SCALE_LOG_MAX, SCALE_LOG_MAX))
        stretch = np.exp(self.random.normal(0, 0.05))
        mirror = self.random.choice([-1.0, 1.0])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        # From the crop to the tile, both around their middles.
        forward = turn @ np.diag([mirror * stretch, 1 / stretch]) / scale
        middle = self.middle(tile)
        height, width = tile.rgb.shape[:2]
        # grid_sample: -1 and 1 are the outer edges of the first and last pixels.
        scale_to_unit = np.diag([2 / width, 2 / height])
        matrix = scale_to_unit @ forward * CROP_PX / 2
        offset = scale_to_unit @ (middle + 0.5) - 1
        theta = torch.from_numpy(np.concatenate([matrix, offset[:, None]], axis=1)).float()[None]
        grid = functional.affine_grid(theta, (1, 5, CROP_PX, CROP_PX), align_corners=False)
        cut = functional.grid_sample(tile.planes[None], grid, align_corners=False)[0]
        points = (tile.dots[:, :2] - middle) @ np.linalg.inv(forward).T + (CROP_PX - 1) / 2
        dots = np.concatenate([points, tile.dots[:, 2:]], axis=1)
        return cut[:3], cut[3:4], cut[4:], dots[((points > -4) & (points < CROP_PX + 3)).all(1)]

    def stain(self, density):
        """RGB with other amounts and hues of the stains, and another light, for each crop."""
        mixes = []
        for _ in density:
            gains = np.diag(np.exp(self.random.normal(0, STAIN_SPREAD)))
            hues = STAINS + self.random.normal(0, HUE_SPREAD, (3, 3))
            mixes.append(hues.T @ gains @ np.linalg.inv(STAINS).T * -np.log(10))
        light = self.random.normal(0, LIGHT_SPREAD, (len(mixes), 3, 1)) * np.log(10)
        exponents = torch.baddbmm(torch.from_numpy(light).float(), torch.from_numpy(np.stack(mixes)).float(),
                                  density.flatten(2))
        return (255 * torch.exp(exponents)).clamp_(0, 255).view_as(density)

    def degrade(self, rgb):
        """Blur, sharpening, noise and JPEG as scanners have them."""
        choice = self.random.random()
        if choice < 0.35:
            sigma = self.random.uniform(0.3, 1.3)
            smooth = gaussian_blur(rgb, sigma)
            rgb = smooth if choice < 0.25 else (2 * rgb - smooth).clamp(0, 255)
        if self.random.random() < 0.2:
            noise = self.random.normal(0, self.random.uniform(1, 6), tuple(rgb.shape))
            rgb = (rgb + torch.from_numpy(noise).float()).clamp(0, 255)
        pixels = rgb.round().byte().permute(1, 2, 0).contiguous().numpy()
        if self.random.random() < 0.4:
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=int(self.random.integers(40, 95)))
            pixels = np.array(Image.open(file))
        return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)


def gaussian_blur(rgb, sigma):
    radius = int(np.ceil(3 * sigma))
    weights = torch.exp(-torch.arange(-radius, radius + 1).float() ** 2 / (2 * sigma ** 2))
    weights = (weights / weights.sum()).expand(3, 1, -1)
    rows = functional.pad(rgb[None], (radius,) * 4, mode="reflect")
    rows = functional.conv2d(rows, weights[:, :, None, :], groups=3)
    return functional.conv2d(rows, weights[:, :, :, None], groups=3)[0]


def draw_targets(dots, side):
    """The heat and the classes of dots whose positions are in pixels of the image."""
    reach = int(np.ceil(3 * HEAT_SIGMA))
    steps = np.arange(-reach, reach + 1)
    # The middle of the output's pixel 0 lies between the image's pixels 0 and 1.
    middles = (dots[:, :2] - 0.5) / 2
    columns = np.round(middles[:, 0]).astype(int)[:, None, None] + steps[None, None, :] + np.zeros_like(steps)[:, None]
    rows = np.round(middles[:, 1]).astype(int)[:, None, None] + steps[None, :, None] + np.zeros_like(steps)
    squares = (columns - middles[:, 0, None, None]) ** 2 + (rows - middles[:, 1, None, None]) ** 2
    kinds = np.broadcast_to(dots[:, 2, None, None].astype(int) - 1, squares.shape)
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    places, squares, kinds = (rows * side + columns)[inside], squares[inside], kinds[inside]
    heat = np.zeros(side * side, np.float32)
    np.maximum.at(heat, places, np.exp(-squares / (2 * HEAT_SIGMA ** 2)).astype(np.float32))
    classes = np.full(side * side, NO_CLASS, np.int64)
    order = np.argsort(-squares, kind="stable")  # of several dots the nearest writes last
    order = order[squares[order] < CLASS_RADIUS ** 2]
    classes[places[order]] = kinds[order]
    return torch.from_numpy(heat.reshape(side, side)), torch.from_numpy(classes.reshape(side, side))
