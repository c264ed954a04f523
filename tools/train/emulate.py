"""The network in integers, step by step as src/analysis computes it: the same numbers to the last bit."""
import numpy as np

from layers import ADD, DEPTHWISE, STRIDE_MAX, UP


def rescale(sums, item):
    """Rounds half up; an arithmetic shift, so that negative numbers go down too."""
    multiplier = item.multiplier.astype(np.int64)
    shift = item.shift.astype(np.int64)
    result = (sums * multiplier + (np.int64(1) << (30 + shift))) >> (31 + shift)
    return np.clip(result, 0, 255) if item.layer.relu else result


def windows(plane, layer):
    """The pixels under each weight, one array for each place of the kernel; zeros around the plane."""
    height, width = (-(-side // layer.stride) for side in plane.shape[:2])
    padding = layer.kernel  # as much as any window needs
    padded = np.pad(plane, ((padding, padding), (padding, padding), (0, 0)))
    for row in range(layer.kernel):
        for column in range(layer.kernel):
            top, left = padding + row - layer.padding, padding + column - layer.padding
            yield row, column, padded[top:top + layer.stride * height:layer.stride,
                                      left:left + layer.stride * width:layer.stride]


def weighted(plane, item):
    sums = item.bias.astype(np.int64)
    for row, column, pixels in windows(plane, item.layer):
        weights = item.weights[:, :, row, column]
        if item.layer.op == DEPTHWISE:
            sums = sums + pixels * weights[:, 0].astype(np.int64)
        else:
            # Exact: products and sums of up to 500 channels stay below 2^24.
            sums = sums + (pixels.astype(np.float32) @ weights.T.astype(np.float32)).astype(np.int64)
    return rescale(sums, item)


def run(layers, rgb):
    """Logits, channels first, of rgb (height x width x 3, 0..255) in units of 1 / LOGIT_UNIT, 16 bits. The sides are
    filled up to multiples of STRIDE_MAX with white."""
    height, width = rgb.shape[:2]
    filling = ((0, -height % STRIDE_MAX), (0, -width % STRIDE_MAX), (0, 0))
    outputs = [np.pad(255 - rgb.astype(np.int64), filling)]
    for item in layers:
        source = outputs[item.layer.inputs[0]]
        if item.layer.op == UP:
            outputs.append(source.repeat(2, axis=0).repeat(2, axis=1))
        elif item.layer.op == ADD:
            other = outputs[item.layer.inputs[1]]
            outputs.append(np.minimum(source[:other.shape[0], :other.shape[1]] + other, 255))
        else:
            outputs.append(weighted(source, item))
    return np.clip(outputs[-1], -2 ** 15, 2 ** 15 - 1).transpose(2, 0, 1)
