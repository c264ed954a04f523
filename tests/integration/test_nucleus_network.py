"""The network that is built into he-tme, evaluated here with numpy from its file by the definition in
src/analysis/network/network.h, gives the same logits as each set of kernels."""
import pathlib
import struct
import subprocess
import zlib

import numpy
import pytest

import harness

MODEL = pathlib.Path(__file__).resolve().parents[2] / "applications/he-tme/models/nuclei.swnn"
PROGRAM = harness.BUILD / "tests/tools/run_network"
CONV, DEPTHWISE, POINTWISE, UP, ADD = range(1, 6)
NOT_SUPPORTED = 77


def layers_of(content):
    assert content[:4] == b"SWNN" and zlib.crc32(content[:-4]) == struct.unpack("<I", content[-4:])[0]
    version, count = struct.unpack_from("<II", content, 4)
    assert version == 1
    at = 12

    def take(kind, number):
        nonlocal at
        values = numpy.frombuffer(content, kind, number, at).astype(numpy.int64)
        at += values.size * numpy.dtype(kind).itemsize
        return values

    for _ in range(count):
        kind, kernel, stride, inputs, first, second, channels_in, out, rectified = struct.unpack_from(
            "<4B4HB", content, at)
        at += 13
        numbers = None
        if kind not in (UP, ADD):
            fan = kernel * kernel * (1 if kind == DEPTHWISE else channels_in)
            numbers = take("<i1", fan * out), take("<i4", out), take("<i4", out), take("<i1", out)
        yield kind, kernel, stride, (first, second)[:inputs], out, rectified, numbers
    assert at == len(content) - 4


def windows(image, kernel, stride):
    """(rows, columns, kernel, kernel, channels) with zeros beyond the border."""
    before = (kernel - 1) // 2
    padded = numpy.pad(image, ((before, kernel), (before, kernel), (0, 0)))
    rows, columns = (-(-side // stride) for side in image.shape[:2])
    view = numpy.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (0, 1))
    return view[::stride, ::stride][:rows, :columns].transpose(0, 1, 3, 4, 2)


def layer_output(layer, tensors):
    kind, kernel, stride, inputs, out, rectified, numbers = layer
    first = tensors[inputs[0]]
    if kind == UP:
        return first.repeat(2, 0).repeat(2, 1)
    if kind == ADD:
        return numpy.minimum(first + tensors[inputs[1]], 255)
    weights, bias, multiplier, shift = numbers
    if kind == DEPTHWISE:
        sums = numpy.einsum("yxklc,klc->yxc", windows(first, kernel, stride), weights.reshape(kernel, kernel, out))
    elif kind == CONV:
        sums = numpy.einsum("yxklc,oklc->yxo", windows(first, kernel, stride), weights.reshape(out, kernel, kernel, -1))
    else:
        sums = numpy.concatenate([tensors[i] for i in inputs], 2) @ weights.reshape(out, -1).T
    scaled = ((sums + bias) * multiplier + (1 << (30 + shift))) >> (31 + shift)
    return scaled.clip(0, 255) if rectified else scaled.clip(-32768, 32767)


def logits_of(content, rgb):
    tensors = [255 - rgb.astype(numpy.int64)]
    for layer in layers_of(content):
        tensors.append(layer_output(layer, tensors))
    return tensors[-1].astype(numpy.int16)


def tissue_like(height, width):
    """Pink with purple discs and noise, so that the logits spread over their range."""
    draw = numpy.random.default_rng(11)
    rgb = numpy.full((height, width, 3), (225, 160, 200)) + draw.integers(-20, 20, (height, width, 3))
    rows, columns = numpy.mgrid[:height, :width]
    for y, x, radius in draw.integers((0, 0, 4), (height, width, 10), (25, 3)):
        rgb[(rows - y) ** 2 + (columns - x) ** 2 <= radius ** 2] -= (110, 90, 60)
    return rgb.clip(0, 255).astype(numpy.uint8)


@pytest.mark.parametrize("kernels", ["scalar", "avx2", "avx512"])
def test_the_built_in_network_gives_what_numpy_gives(kernels):
    content = MODEL.read_bytes()
    rgb = tissue_like(112, 144)
    done = subprocess.run([PROGRAM, MODEL, kernels, "144", "112"], input=rgb.tobytes(), capture_output=True,
                          check=False)
    if done.returncode == NOT_SUPPORTED:
        pytest.skip(f"this processor has no {kernels}")
    assert done.returncode == 0, done.stderr
    expected = logits_of(content, rgb)
    assert expected[:, :, 0].max() > 0 > expected[:, :, 0].min()
    found = numpy.frombuffer(done.stdout, "<i2").reshape(expected.shape)
    numpy.testing.assert_array_equal(found, expected)
