"""The model file: the layers of a network with weights of 8 bits, as src/analysis reads it.

Little endian. "SWNN", u32 version, u32 count of layers; for each layer u8 operation, kernel, stride, count of inputs,
u16 inputs[2], u16 channels in and out, u8 relu; for a weighted layer then i8 weights, i32 bias, i32 multiplier and i8
shift for each output channel. The CRC-32 of all before it ends the file. See the comments of src/analysis for what a
layer computes; emulate.py computes the same.
"""
import dataclasses
import struct
import zlib

import numpy as np

from layers import CONV, DEPTHWISE, LOGIT_UNIT, Layer

MAGIC, VERSION = b"SWNN", 1
FILE_HEADER = struct.Struct("<4sII")
LAYER_HEADER = struct.Struct("<4B4HB")
BYTES_MAX = 4 << 20


@dataclasses.dataclass
class IntegerLayer:
    """A layer and its numbers; weights are (out, in, kernel, kernel) as torch has them, None where there are none."""

    layer: Layer
    weights: np.ndarray = None
    bias: np.ndarray = None
    multiplier: np.ndarray = None
    shift: np.ndarray = None


def fixed_point(factors):
    """multiplier / 2^31 / 2^shift for factors above 0 and below 1."""
    if (factors <= 0).any() or (factors >= 1).any():
        raise ValueError("a factor of rescaling is not between 0 and 1")
    shift = np.minimum(np.floor(-np.log2(factors)).astype(int), 31)
    multiplier = np.floor(factors * 2.0 ** (31 + shift) + 0.5).astype(np.int64)
    return np.minimum(multiplier, 2 ** 31 - 1).astype(np.int32), shift.astype(np.int8)


def quantise(network):
    """The integers of a QuantisedNetwork."""
    scales = network.scales.double().numpy()
    result = []
    for index, layer in enumerate(network.layers):
        if not layer.weighted:
            result.append(IntegerLayer(layer))
            continue
        weight = network.weights[index].detach()
        scale = network.weight_scale(index)
        weights = np.floor((weight / scale.view(-1, 1, 1, 1)).numpy() + 0.5).astype(np.int8)
        unit = scales[layer.inputs[0]] * scale.double().numpy()  # of the sum of products
        bias = np.floor(network.biases[index].detach().double().numpy() / unit + 0.5)
        if (np.abs(bias) >= 2 ** 30).any():
            # Only a channel whose weights are all nothing; its result is the bias alone.
            bias = np.where(weights.any((1, 2, 3)), bias, 0)
        step = scales[index + 1] if layer.relu else 1 / LOGIT_UNIT
        multiplier, shift = fixed_point(np.clip(unit / step, 2.0 ** -32, None))
        result.append(IntegerLayer(layer, weights, bias.astype(np.int32), multiplier, shift))
    return result


def add_to_logits(layers, offsets):
    """Adds to the first channels of the output, in units of 1 / LOGIT_UNIT: so a model holds its own thresholds."""
    last = layers[-1]
    for channel, offset in enumerate(offsets):
        factor = float(last.multiplier[channel]) / 2.0 ** (31 + int(last.shift[channel]))
        last.bias[channel] += round(offset / factor)


def file_order(layer, weights):
    """conv: out, row, column, in; depthwise: row, column, channel; pointwise: out, in."""
    if layer.op == DEPTHWISE:
        return weights[:, 0].transpose(1, 2, 0)
    return weights.transpose(0, 2, 3, 1) if layer.op == CONV else weights[:, :, 0, 0]


def torch_order(layer, flat):
    kernel = layer.kernel
    if layer.op == DEPTHWISE:
        return flat.reshape(kernel, kernel, -1).transpose(2, 0, 1)[:, None]
    return flat.reshape(layer.out_channels, kernel, kernel, layer.in_channels).transpose(0, 3, 1, 2)


def encode(layers):
    parts = [FILE_HEADER.pack(MAGIC, VERSION, len(layers))]
    for item in layers:
        layer = item.layer
        inputs = (*layer.inputs, 0)[:2]
        parts.append(LAYER_HEADER.pack(layer.op, layer.kernel, layer.stride, len(layer.inputs), *inputs,
                                       layer.in_channels, layer.out_channels, layer.relu))
        if layer.weighted:
            parts += [file_order(layer, item.weights).astype("<i1").tobytes(), item.bias.astype("<i4").tobytes(),
                      item.multiplier.astype("<i4").tobytes(), item.shift.astype("<i1").tobytes()]
    body = b"".join(parts)
    return body + struct.pack("<I", zlib.crc32(body))


class Reader:
    """Takes pieces from bytes; ValueError where they end too early."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, count):
        piece = self.content[self.at:self.at + count]
        if len(piece) < count:
            raise ValueError("the model file ends too early")
        self.at += count
        return piece

    def unpack(self, form):
        return form.unpack(self.take(form.size))

    def array(self, kind, count):
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)


def decode(content):
    """ValueError says what is wrong with a file that is not one of ours."""
    if len(content) > BYTES_MAX:
        raise ValueError("the model file is too large")
    reader = Reader(content[:-4])
    magic, version, count = reader.unpack(FILE_HEADER)
    if magic != MAGIC or version != VERSION:
        raise ValueError("not a model file of this version")
    if content[-4:] != struct.pack("<I", zlib.crc32(content[:-4])):
        raise ValueError("the checksum of the model file is wrong")
    layers = [decode_layer(reader, index) for index in range(count)]
    if reader.at != len(reader.content):
        raise ValueError("the model file goes on after its last layer")
    return layers


def decode_layer(reader, index):
    op, kernel, stride, input_count, first, second, in_channels, out_channels, relu = reader.unpack(LAYER_HEADER)
    inputs = (first, second)[:input_count]
    if not inputs or max(inputs) > index:
        raise ValueError(f"layer {index + 1} reads what is not computed yet")
    layer = Layer(op, inputs, in_channels, out_channels, kernel, stride, bool(relu))
    if not layer.weighted:
        return IntegerLayer(layer)
    fan = kernel * kernel * (1 if op == DEPTHWISE else in_channels)
    weights = torch_order(layer, reader.array("<i1", fan * out_channels))
    bias, multiplier = (reader.array("<i4", out_channels) for _ in range(2))
    return IntegerLayer(layer, weights, bias, multiplier, reader.array("<i1", out_channels))
