"""Goal: what tools/train writes is what its integers mean, and the folds keep patients apart.

Method: a network small enough to compute pixel by pixel in plain Python, by the sentences of src/analysis/network
and not by the code of emulate.py.
"""
import dataclasses
import struct
import sys
import zlib

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "train"))
import cells
import emulate
import folds
import layers
import swnn


def small_network(seed):
    """Every kind of layer and every stride and kernel that is in use, with all ranges of shifts."""
    plan = layers.Plan()
    half = plan.add(layers.CONV, (0,), 8, kernel=4, stride=2)
    quarter = plan.residual(plan.separable(half, 16, stride=2), kernel=5)
    half = plan.separable(plan.merge(quarter, half), 8)
    plan.add(layers.POINTWISE, (half,), 8, relu=False)
    random = np.random.default_rng(seed)
    result = []
    for layer in plan.layers:
        if not layer.weighted:
            result.append(swnn.IntegerLayer(layer))
            continue
        fan = 1 if layer.op == layers.DEPTHWISE else layer.in_channels
        shape = (layer.out_channels, fan, layer.kernel, layer.kernel)
        factors = random.uniform(0.5, 2, layer.out_channels) / (12 * fan * layer.kernel ** 2)
        multiplier, shift = swnn.fixed_point(factors)
        result.append(swnn.IntegerLayer(
            layer, random.integers(-127, 128, shape).astype(np.int8),
            random.integers(-4000, 4000, layer.out_channels).astype(np.int32), multiplier, shift))
    return result


def plain_layer(item, tensors, channels, row, column, channel):
    """One output by the definition: tensors are dictionaries of (row, column, channel), zero elsewhere."""
    layer = item.layer
    source = tensors[layer.inputs[0]]
    if layer.op == layers.UP:
        return source[row // 2, column // 2, channel]
    if layer.op == layers.ADD:
        return min(255, source[row, column, channel] + tensors[layer.inputs[1]][row, column, channel])
    total = int(item.bias[channel])
    for down in range(layer.kernel):
        for right in range(layer.kernel):
            place = (row * layer.stride + down - (layer.kernel - 1) // 2,
                     column * layer.stride + right - (layer.kernel - 1) // 2)
            read = [channel] if layer.op == layers.DEPTHWISE else range(channels[layer.inputs[0]])
            for index, read_channel in enumerate(read):
                total += source.get((*place, read_channel), 0) * int(item.weights[channel, index, down, right])
    shift = int(item.shift[channel])
    value = (total * int(item.multiplier[channel]) + (1 << (30 + shift))) >> (31 + shift)
    return min(255, max(0, value)) if layer.relu else min(32767, max(-32768, value))


def plain_run(network, rgb):
    height, width = (-(-side // 16) * 16 for side in rgb.shape[:2])
    tensors = [{(row, column, channel): 255 - int(rgb[row, column, channel])
                for row in range(rgb.shape[0]) for column in range(rgb.shape[1]) for channel in range(3)}]
    sizes, channels = [(height, width)], [3]
    for item in network:
        rows, columns = sizes[item.layer.inputs[0]]
        up = 2 if item.layer.op == layers.UP else 1
        sizes.append((rows * up // item.layer.stride, columns * up // item.layer.stride))
        channels.append(item.layer.out_channels)
        tensors.append({(row, column, channel): plain_layer(item, tensors, channels, row, column, channel)
                        for row in range(sizes[-1][0]) for column in range(sizes[-1][1])
                        for channel in range(channels[-1])})
    result = np.zeros((channels[-1], *sizes[-1]), int)
    for (row, column, channel), value in tensors[-1].items():
        result[channel, row, column] = value
    return result


@pytest.mark.parametrize("shape", [(16, 16, 3), (19, 33, 3)])
def test_emulation_is_the_definition(shape):
    network = small_network(5)
    rgb = np.random.default_rng(6).integers(0, 256, shape).astype(np.uint8)
    expected = plain_run(network, rgb)
    assert len(np.unique(expected)) > 100  # else the ranges of the layers would be badly chosen
    assert (emulate.run(network, rgb) == expected).all()


def test_model_file_is_read_as_it_was_written():
    network = small_network(1)
    content = swnn.encode(network)
    again = swnn.decode(content)
    assert [item.layer for item in again] == [item.layer for item in network]
    for before, after in zip(network, again):
        for name in ("weights", "bias", "multiplier", "shift"):
            assert np.array_equal(getattr(before, name), getattr(after, name)), name
    assert swnn.encode(again) == content


def test_model_file_has_the_bytes_that_its_description_says():
    layer = layers.Layer(layers.POINTWISE, (0,), 3, 2)
    item = swnn.IntegerLayer(layer, np.arange(6, dtype=np.int8).reshape(2, 3, 1, 1), np.array([7, -1], np.int32),
                             np.array([1 << 30, 5], np.int32), np.array([0, 31], np.int8))
    body = (b"SWNN" + bytes([1, 0, 0, 0, 1, 0, 0, 0, 3, 1, 1, 1, 0, 0, 0, 0, 3, 0, 2, 0, 1, 0, 1, 2, 3, 4, 5])
            + struct.pack("<iiiibb", 7, -1, 1 << 30, 5, 0, 31))
    assert swnn.encode([item]) == body + struct.pack("<I", zlib.crc32(body))


def with_checksum(body):
    return body + struct.pack("<I", zlib.crc32(body))


@pytest.mark.parametrize("change, problem", [
    (lambda content: content[:20], "checksum"),
    (lambda content: content[:6], "too early"),
    (lambda content: content[:50] + b"\xff" + content[51:], "checksum"),
    (lambda content: b"SWNX" + content[4:], "not a model"),
    (lambda content: with_checksum(content[:-4] + b"\0"), "goes on"),
    (lambda content: with_checksum(content[:-9]), "too early"),
    (lambda content: with_checksum(content[:16] + b"\x09" + content[17:-4]), "not computed yet"),
])
def test_broken_model_file_is_refused(change, problem):
    with pytest.raises(ValueError, match=problem):
        swnn.decode(change(swnn.encode(small_network(1))))


@pytest.mark.parametrize("factor", [0.999, 0.5, 0.3, 1e-3, 3e-9])
def test_rescaling_is_the_factor(factor):
    multiplier, shift = swnn.fixed_point(np.array([factor]))
    assert 0 <= shift[0] <= 31
    assert float(multiplier[0]) / 2.0 ** (31 + int(shift[0])) == pytest.approx(factor, rel=1e-8)


def test_thresholds_move_into_the_model():
    network = small_network(2)
    rgb = np.random.default_rng(3).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    before = emulate.run(network, rgb)
    swnn.add_to_logits(network, [-300, 100, 0, 50])
    after = emulate.run(network, rgb)
    expected = before + np.array([-300, 100, 0, 50, 0, 0, 0, 0])[:, None, None]
    assert np.abs(expected - after).max() <= 1
    assert (expected[4:] == after[4:]).all()


@dataclasses.dataclass
class LabelledTile:
    rgb: np.ndarray
    dots: np.ndarray


def test_thresholds_are_those_that_fit_best():
    # Ten cells of heat 0.47 are right, two of -0.12 and one of -1.2 are not; one dot of class 3 looks a little like
    # class 1.
    logits = np.full((8, 40, 40), -2000, np.int64)
    logits[1:4] = 0
    dots = []
    for index in range(13):
        row, column = 4 + 8 * (index // 4), 4 + 8 * (index % 4)
        heat = 120 if index < 10 else -30 if index < 12 else -300
        logits[layers.HEAT, row - 1:row + 2, column - 1:column + 2] = heat
        if index < 10:
            kind = index % 3 + 1
            logits[kind, row, column] = 200
            dots.append((2 * column, 2 * row, kind))
    logits[1, 4, 4 + 8 * 2] = 240  # of class 3, so that only an offset below -40 tells it
    tile = LabelledTile(np.zeros((80, 80, 3)), np.array(dots, float))
    threshold = cells.best_threshold([tile], [logits])
    assert -30 <= threshold < 120
    first, second, third = cells.best_class_offsets([tile], [logits], threshold)
    assert second == 0 and third - first > 40 and -200 < first <= 0


def heat_of(spots, shape):
    """Around each spot a block of 3 x 3 places of its heat, lower ones everywhere else."""
    heat = np.full(shape, -2000, np.int64)
    for row, column, height in spots:
        block = heat[row - 1:row + 2, column - 1:column + 2]
        np.maximum(block, height, out=block)
    return heat


def centres(spots, shape=(28, 28)):
    logits = np.zeros((8, 14, 14), np.int64)
    logits[layers.HEAT] = heat_of(spots, (14, 14))
    return cells.find_cells(logits, 0, shape)[:, :2].tolist()


def test_cells_are_the_highest_places_around():
    assert centres([(4, 6, 50)]) == [[12.5, 8.5]]
    assert centres([(4, 6, 0)]) == []
    assert centres([(4, 6, 50), (4, 10, 50)]) == [[12.5, 8.5], [20.5, 8.5]]


def test_of_equal_places_the_first_is_the_cell():
    # Four columns of the same heat: the sums around columns 6 and 7 are equal.
    assert centres([(4, 6, 50), (4, 7, 50)]) == [[12.5, 8.5]]
    assert centres([(4, 6, 50), (5, 6, 50)]) == [[12.5, 8.5]]


def test_single_places_do_not_decide():
    logits = np.zeros((8, 14, 14), np.int64)
    logits[layers.HEAT] = -100
    logits[layers.HEAT, 3:6, 5:8] = 60
    logits[layers.HEAT, 4, 6] = -20  # a dent in the middle of a nucleus
    logits[layers.HEAT, 10, 10] = 700  # and a place that stands out of nothing, but 8 times 100 less
    assert cells.find_cells(logits, 0, (28, 28))[:, :2].tolist() == [[12.5, 8.5]]


def test_cells_beyond_the_image_are_none():
    assert centres([(4, 6, 50), (11, 11, 50)], (20, 20)) == [[12.5, 8.5]]


def test_class_of_a_cell_is_the_highest_logit_in_its_middle():
    logits = np.zeros((8, 14, 14), np.int64)
    logits[layers.HEAT] = heat_of([(3, 3, 50), (3, 10, 50), (10, 3, 50)], (14, 14))
    logits[2, 3, 3] = logits[1, 3, 10] = logits[3, 10, 3] = 20
    logits[3, 3, 4] = 90
    assert cells.find_cells(logits, 0, (28, 28))[:, 2].tolist() == [2, 1, 3]


def test_score_counts_each_dot_once():
    dots = np.array([[10.0, 10, 1], [40, 40, 2], [80, 80, 3]])
    found = np.array([[11.0, 10, 1], [12, 10, 1], [40, 45, 3], [80, 87, 3]])
    score = cells.Score()
    score.add(dots, found)
    assert score.counts.tolist() == [[2, 4, 3], [1, 2, 1], [0, 0, 1], [0, 2, 1]]
    assert score.detection == pytest.approx(4 / 7)
    assert score.classes == pytest.approx((2 / 3 + 0 + 0) / 3)


def test_folds_keep_patients_apart_and_are_those_of_the_seed():
    table = folds.table()
    assert len(table) == 90
    patients = {}
    for tile, fold in table.items():
        patients.setdefault(tile[:12], set()).add(fold)
    assert len(patients) == 83
    assert all(len(found) == 1 for found in patients.values())
    assert folds.deal(table) == sorted(table.items())


def test_network_is_as_small_as_its_card_says():
    work, weights = layers.layer_costs(layers.nucleus_layers())
    assert 700 <= work <= 1200
    assert 40_000 <= weights <= 90_000
