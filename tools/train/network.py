"""The nucleus network in torch: as it learns, and with the roundings of the integers that it is to become."""
import torch
from torch.nn import functional

from layers import ADD, DEPTHWISE, HEAT, OUTPUT_CHANNELS, STRIDE_MAX, UP, USED_CHANNELS

SCALE_QUANTILE = 0.9999  # of an activation: what lies above is cut off


def run_layers(layers, image, apply, limit=lambda index, total: total):
    """Outputs of all layers, the image first: apply(index, layer, input) computes a weighted one, limit(index, sum)
    bounds a sum."""
    outputs = [whole(image)]
    for index, layer in enumerate(layers):
        source = outputs[layer.inputs[0]]
        if layer.weighted:
            outputs.append(apply(index, layer, source))
        elif layer.op == UP:
            outputs.append(functional.interpolate(source, scale_factor=2, mode="nearest"))
        else:
            outputs.append(limit(index, source + outputs[layer.inputs[1]]))
    return outputs


def whole(image):
    """Zeros to the right and below, up to a whole number of the coarsest pixels."""
    height, width = image.shape[-2:]
    return functional.pad(image, (0, -width % STRIDE_MAX, 0, -height % STRIDE_MAX))


def convolve(layer, source, weight, bias):
    groups = layer.in_channels if layer.op == DEPTHWISE else 1
    return functional.conv2d(source, weight, bias, layer.stride, layer.padding, 1, groups)


class Network(torch.nn.Module):
    """Learns in floating point, with batch normalisation."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers
        self.weights = torch.nn.ParameterList()
        self.norms = torch.nn.ModuleList()
        for layer in layers:
            fan = layer.in_channels // (layer.in_channels if layer.op == DEPTHWISE else 1)
            shape = (layer.out_channels, fan, layer.kernel, layer.kernel) if layer.weighted else (0,)
            weight = torch.empty(shape)
            if layer.weighted:
                torch.nn.init.kaiming_normal_(weight)
            self.weights.append(torch.nn.Parameter(weight))
            self.norms.append(torch.nn.BatchNorm2d(layer.out_channels) if layer.weighted and layer.relu
                              else torch.nn.Identity())
        self.bias = torch.nn.Parameter(torch.zeros(OUTPUT_CHANNELS))
        with torch.no_grad():
            self.weights[-1].mul_(0.1)
            self.bias[HEAT] = -3.0  # nearly all places are no centre

    def forward(self, image):
        """image: 255 - RGB as 0..255, float. Returns the used logits, of an image filled up by whole()."""
        def apply(index, layer, source):
            if not layer.relu:
                return convolve(layer, source, self.weights[index], self.bias)
            return torch.relu_(self.norms[index](convolve(layer, source, self.weights[index], None)))

        return run_layers(self.layers, image / 255, apply)[-1][:, :USED_CHANNELS]

    def folded(self, index):
        """Weight and bias of a layer with its normalisation in them."""
        layer, weight = self.layers[index], self.weights[index].detach().clone()
        if not layer.relu:
            bias = self.bias.detach().clone()
            weight[USED_CHANNELS:] = 0
            bias[USED_CHANNELS:] = 0
            return weight, bias
        norm = self.norms[index]
        gain = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
        return weight * gain.view(-1, 1, 1, 1), norm.bias.detach() - norm.running_mean * gain


class StraightRound(torch.autograd.Function):
    """Rounds half up; the gradient passes as if it had not."""

    @staticmethod
    def forward(context, value):
        return torch.floor(value + 0.5)

    @staticmethod
    def backward(context, gradient):
        return gradient


def scale_groups(layers):
    """For each tensor (the image first) the first tensor that must have the same scale: sums need no rescaling."""
    group = list(range(len(layers) + 1))
    for index, layer in enumerate(layers, 1):
        if not layer.weighted:
            same = {group[index]} | {group[source] for source in layer.inputs}
            first = min(same)
            group = [first if g in same else g for g in group]
    return group


class QuantisedNetwork(torch.nn.Module):
    """The folded network with weights of 8 bits and activations of 0..255 as the integer network has them."""

    def __init__(self, network):
        super().__init__()
        self.layers = network.layers
        self.weights, self.biases = torch.nn.ParameterList(), torch.nn.ParameterList()
        for index, layer in enumerate(self.layers):
            weight, bias = network.folded(index) if layer.weighted else (torch.empty(0), torch.empty(0))
            weight = weight.contiguous(memory_format=torch.channels_last) if layer.weighted else weight
            self.weights.append(torch.nn.Parameter(weight))
            self.biases.append(torch.nn.Parameter(bias))
        self.groups = scale_groups(self.layers)
        self.register_buffer("scales", torch.ones(len(self.layers) + 1))

    def set_scales(self, images):
        """One scale for each group of tensors, from what they hold on some images."""
        tops = torch.zeros(len(self.layers) + 1)

        def apply(index, layer, source):
            result = convolve(layer, source, self.weights[index], self.biases[index])
            return torch.relu(result) if layer.relu else result

        with torch.no_grad():
            for image in images:
                for index, tensor in enumerate(run_layers(self.layers, image[None] / 255, apply)):
                    rank = max(1, round(tensor.numel() * SCALE_QUANTILE))
                    tops[index] = max(tops[index], tensor.flatten().kthvalue(rank).values)
            for index, group in enumerate(self.groups):
                same = [tops[other] for other in range(len(self.groups)) if self.groups[other] == group]
                self.scales[index] = max(same).clamp(min=1e-6) / 255
            self.scales[0] = 1 / 255

    def weight_scale(self, index):
        """One for each output channel."""
        return self.weights[index].detach().abs().amax((1, 2, 3)).clamp(min=1e-12) / 127

    def forward(self, image):
        def apply(index, layer, source):
            scale = self.weight_scale(index).view(-1, 1, 1, 1)
            weight = StraightRound.apply(self.weights[index] / scale) * scale
            result = convolve(layer, source, weight, self.biases[index])
            if not layer.relu:
                return result
            step = self.scales[index + 1]
            return StraightRound.apply(result / step).clamp(0, 255) * step

        def limit(index, total):
            return total.clamp(max=255 * float(self.scales[index + 1]))

        return run_layers(self.layers, image / 255, apply, limit)[-1][:, :USED_CHANNELS]
