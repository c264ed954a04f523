"""The nucleus network as a list of layers: what is trained (network.py), written to a model file (swnn.py) and
computed in integers (emulate.py and src/analysis).

The input is 255 - RGB, so that the zeros around an image are empty glass. The output has half its resolution and
OUTPUT_CHANNELS logits: the heat of centres, the classes, the foreground, and channels that are always zero.
"""
import dataclasses

CONV, DEPTHWISE, POINTWISE, UP, ADD = 1, 2, 3, 4, 5
HEAT, CLASSES, FOREGROUND = 0, slice(1, 4), 4
USED_CHANNELS, OUTPUT_CHANNELS = 5, 8
LOGIT_UNIT = 256  # a logit of 1 in the integers that the quantised network puts out
STRIDE_MAX = 16


@dataclasses.dataclass(frozen=True)
class Layer:
    op: int
    inputs: tuple  # 0 is the image, i the output of the i-th layer
    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    relu: bool = True

    @property
    def weighted(self):
        return self.op in (CONV, DEPTHWISE, POINTWISE)

    @property
    def padding(self):
        return (self.kernel - 1) // 2


class Plan:
    """Collects layers; each call returns the index that later layers name as their input."""

    def __init__(self):
        self.layers = []

    def add(self, op, inputs, out_channels=None, **rest):
        source = inputs[0]
        in_channels = self.layers[source - 1].out_channels if source else 3
        self.layers.append(Layer(op, inputs, in_channels, out_channels or in_channels, **rest))
        return len(self.layers)

    def separable(self, source, out_channels, kernel=3, stride=1):
        middle = self.add(DEPTHWISE, (source,), kernel=kernel, stride=stride)
        return self.add(POINTWISE, (middle,), out_channels)

    def residual(self, source, kernel=3):
        channels = self.layers[source - 1].out_channels
        return self.add(ADD, (source, self.separable(source, channels, kernel)))

    def merge(self, coarse, fine):
        narrow = self.add(POINTWISE, (coarse,), self.layers[fine - 1].out_channels)
        return self.add(ADD, (self.add(UP, (narrow,)), fine))


def nucleus_layers(widths=(16, 32, 64, 96), deep_blocks=3):
    """Widths at strides 2, 4, 8 and 16. About 1.1 thousand multiply-adds for a pixel of the image."""
    plan = Plan()
    half = plan.add(CONV, (0,), widths[0], kernel=4, stride=2)
    quarter = plan.residual(plan.separable(half, widths[1], stride=2))
    eighth = plan.residual(plan.residual(plan.separable(quarter, widths[2], stride=2)))
    deep = plan.separable(eighth, widths[3], stride=2)
    for _ in range(deep_blocks):
        deep = plan.residual(deep, kernel=5)
    eighth = plan.separable(plan.merge(deep, eighth), widths[2])
    quarter = plan.separable(plan.merge(eighth, quarter), widths[1])
    half = plan.separable(plan.merge(quarter, half), widths[0])
    plan.add(POINTWISE, (half,), OUTPUT_CHANNELS, relu=False)
    return plan.layers


def layer_costs(layers):
    """Multiply-adds for a pixel of the image, and weights, of all layers together."""
    strides, work, weights = [1], 0.0, 0
    for layer in layers:
        stride = strides[layer.inputs[0]] * layer.stride
        strides.append(stride / 2 if layer.op == UP else stride)
        if layer.weighted:
            fan = layer.kernel ** 2 * (1 if layer.op == DEPTHWISE else layer.in_channels)
            weights += fan * layer.out_channels
            work += fan * layer.out_channels / stride ** 2
    return work, weights
