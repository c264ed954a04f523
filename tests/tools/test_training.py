"""Goal: what is learned is what stands at the dots, the integers are those of the float network, and a training that
was stopped goes on as if it had not been.

Needs torch (tools/setup train).
"""
import sys

import numpy as np
import pytest
from conftest import ROOT

torch = pytest.importorskip("torch")
sys.path.insert(0, str(ROOT / "tools" / "train"))
import data
import emulate
import layers
import network
import swnn
import train

SIDE = 96


@pytest.fixture(autouse=True)
def small_crops(monkeypatch):
    monkeypatch.setattr(data, "CROP_PX", 64)


@pytest.fixture(scope="module")
def tile():
    """Dark discs on pink, of radius 4, 5 and 6 for the three classes."""
    random = np.random.default_rng(4)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    rgb = np.full((SIDE, SIDE, 3), (230, 180, 210), np.uint8)
    dots = []
    for index, place in enumerate(random.permutation(16)):
        x, y, kind = 12 + 24 * (place % 4), 12 + 24 * (place // 4), index % 3 + 1
        rgb[np.hypot(columns - x, rows - y) <= 3.5 + kind] = (70, 50, 130)
        dots.append((x, y, kind))
    return data.make_tile("TCGA-00-0000-tile", rgb, np.array(dots, np.float32))


def trained(tile, epochs, finish_epochs, work=None):
    recipe = train.Recipe(epochs=epochs, finish_epochs=finish_epochs, crops_per_tile=8, batch_size=4,
                          widths=(8, 8, 16, 16), deep_blocks=1)
    torch.set_num_threads(1)
    return train.Training([tile], recipe, 3, work).run()


def test_nuclei_grow_over_the_dark_around_their_dots(tile):
    foreground = tile.planes[3].numpy()
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    truth = np.zeros((SIDE, SIDE), bool)
    for x, y, kind in tile.dots:
        truth |= np.hypot(columns - x, rows - y) <= 3.5 + kind
    assert (truth & (foreground > 0)).sum() / (truth | (foreground > 0)).sum() > 0.9


def test_targets_stand_where_the_turned_and_scaled_image_has_its_nuclei(tile):
    batch = data.Sampler([tile], 1).batch([tile] * 8)
    dark = torch.nn.functional.avg_pool2d(batch.images, 2).mean(1)  # 255 - RGB: high at nuclei
    for image, heat, classes, foreground in zip(dark, batch.heat, batch.classes, batch.foreground):
        centres = heat > 0.9
        assert centres.any()
        assert image[centres].mean() > image[foreground == 0].mean() + 40
        assert (foreground[centres] > 0.9).float().mean() > 0.9
        assert (classes[centres] >= 0).all()
        assert ((classes >= 0) <= (heat > 0.2)).all()


def test_class_of_a_dot_is_that_of_its_target():
    heat, classes = data.draw_targets(np.array([[20.5, 10.5, 3], [40.5, 30.5, 1]]), 32)
    assert (heat[5, 10], classes[5, 10]) == (1, 2)
    assert (heat[15, 20], classes[15, 20]) == (1, 0)
    assert (heat == 1).sum() == 2
    assert heat[5, 11] == pytest.approx(np.exp(-1 / (2 * data.HEAT_SIGMA ** 2)))
    assert classes[5, 12] == data.NO_CLASS


def test_same_seed_gives_same_crops(tile):
    first, again, other = (data.Sampler([tile], seed).batch([tile]).images for seed in (5, 5, 6))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.fixture(scope="module")
def learned():
    """A network whose normalisation has seen images; its logits are as far apart as those of a trained one."""
    torch.manual_seed(1)
    result = network.Network(layers.nucleus_layers((8, 8, 16, 16), 1))
    with torch.no_grad():
        result.weights[-1].mul_(20)
        for seed in range(40):
            torch.manual_seed(seed)
            result(smooth_images(2))
    return result.eval()


def smooth_images(count):
    return torch.nn.functional.interpolate(torch.rand(count, 3, 16, 16) * 255, size=64, mode="bilinear")


def test_rounded_network_is_close_to_the_one_that_was_learned(learned):
    images = smooth_images(4)
    quantised = network.QuantisedNetwork(learned)
    quantised.set_scales(list(images))
    with torch.no_grad():
        expected, found = learned(images), quantised(images)
    assert expected.std() > 0.5
    assert (expected - found).abs().mean() < 0.1 * expected.std()


def test_integers_are_close_to_the_rounded_network(learned):
    images = smooth_images(4).round()
    quantised = network.QuantisedNetwork(learned)
    quantised.set_scales(list(images))
    with torch.no_grad():
        expected = quantised(images[:1])[0].numpy()
    rgb = (255 - images[0]).permute(1, 2, 0).numpy().astype(np.uint8)
    integers = emulate.run(swnn.quantise(quantised), rgb)
    difference = np.abs(integers[:layers.USED_CHANNELS] / layers.LOGIT_UNIT - expected)
    assert difference.mean() < 0.02 * expected.std()
    assert np.quantile(difference, 0.99) < 0.2 * expected.std()
    assert not integers[layers.USED_CHANNELS:].any()


def test_stopped_training_goes_on_as_if_it_had_not_been_stopped(tile, tmp_path, monkeypatch):
    whole = trained(tile, 2, 1)
    save = train.Training.save

    def save_and_stop(training, saved):
        save(training, saved)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train.Training, "save", save_and_stop)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                trained(tile, 2, 1, tmp_path)
    resumed = trained(tile, 2, 1, tmp_path)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_checkpoint_of_another_recipe_is_refused(tile, tmp_path):
    trained(tile, 1, 0, tmp_path)
    with pytest.raises(SystemExit, match="another recipe"):
        trained(tile, 2, 0, tmp_path)
