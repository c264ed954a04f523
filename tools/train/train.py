#!/usr/bin/python3
"""Trains the nucleus network and writes its model files.

usage: train.py --data DIR [--only NAME] [--models DIR] [--work DIR] [--seed N] [--threads N]

nuclei.swnn learns all tiles; folds/fold-N.swnn all but those of the patients of fold N (folds.csv), and
folds/validation.swnn all but the list of ten that the set itself keeps for validation. Checkpoints are kept in the
work folder after each epoch: the same command goes on where it was stopped.
"""
import argparse
import copy
import math
import os
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional

import cells
import data
import emulate
import folds
import swnn
from layers import CLASSES, FOREGROUND, HEAT, LOGIT_UNIT, nucleus_layers
from network import Network, QuantisedNetwork

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20261125
MODELS = ["nuclei", *(f"fold-{number}" for number in range(1, folds.COUNT + 1)), "validation"]


class Recipe:
    """How long and how fast is learned."""

    def __init__(self, **changes):
        self.epochs = 80  # in floating point …
        self.finish_epochs = 2  # … and then with the roundings of integers
        self.crops_per_tile = 2  # of each tile in an epoch
        self.batch_size = 4
        self.rate = 3e-3
        self.finish_rate = 1e-4
        self.weight_decay = 0.02
        self.average = 0.995  # of the running mean of the weights, which is what is kept
        self.label_smoothing = 0.1
        self.class_weight = 1.0
        self.foreground_weight = 0.5
        self.widths = (16, 32, 64, 96)
        self.deep_blocks = 3
        self.__dict__.update(changes)


def loss_of(logits, batch, kind_weights, recipe):
    """The three losses, each a mean over a dot or a place."""
    dots = (batch.classes >= 0).sum().clamp(min=1) / 5  # about five places have the class of a dot
    heat = logits[:, HEAT]
    # Quality focal loss (Li et al. 2020): a soft target, and little weight where it is met already.
    wrong = (torch.sigmoid(heat) - batch.heat).abs() ** 2
    entropy = functional.binary_cross_entropy_with_logits(heat, batch.heat, reduction="none")
    heat_loss = (batch.known * wrong * entropy).sum() / dots
    kinds = functional.cross_entropy(logits[:, CLASSES], batch.classes, weight=kind_weights,
                                     ignore_index=data.NO_CLASS, label_smoothing=recipe.label_smoothing)
    foreground = functional.binary_cross_entropy_with_logits(logits[:, FOREGROUND], batch.foreground,
                                                             weight=batch.known)
    return torch.stack([heat_loss, recipe.class_weight * kinds, recipe.foreground_weight * foreground])


def weights_of_kinds(tiles):
    """The rarer a class, the more a dot of it counts."""
    kinds = np.concatenate([tile.dots[:, 2] for tile in tiles]).astype(int)
    weights = np.bincount(kinds, minlength=data.CLASS_COUNT + 1)[1:] ** -0.5
    return torch.from_numpy(weights / weights.mean()).float()


class Stage:
    """One of the two stages: a model, its optimiser, and the running mean of its weights."""

    def __init__(self, model, epochs, rate, recipe):
        self.model, self.epochs, self.recipe = model, epochs, recipe
        self.mean = copy.deepcopy(model)
        decaying = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() <= 1]
        self.optimiser = torch.optim.AdamW([{"params": decaying, "weight_decay": recipe.weight_decay},
                                            {"params": others, "weight_decay": 0.0}], lr=rate)
        self.rate = rate
        self.epoch = 0

    def learn_epoch(self, sampler, kind_weights):
        self.model.train()
        sums, steps = 0, 0
        planned = len(sampler.tiles) * self.recipe.crops_per_tile // self.recipe.batch_size
        for batch in sampler.epoch(self.recipe.crops_per_tile, self.recipe.batch_size):
            done = (self.epoch + steps / planned) / self.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate * learning_pace(done)
            losses = loss_of(self.model(batch.images), batch, kind_weights, self.recipe)
            self.optimiser.zero_grad()
            losses.sum().backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimiser.step()
            steps += 1
            self.follow(self.epoch * planned + steps)
            sums = sums + losses.detach()
        self.epoch += 1
        return sums / steps

    def follow(self, step):
        keep = min(self.recipe.average, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(self.mean.state_dict().values(), self.model.state_dict().values()):
                if mean.is_floating_point():
                    mean.mul_(keep).add_(value, alpha=1 - keep)
                else:
                    mean.copy_(value)

    def state(self):
        return {"model": self.model.state_dict(), "mean": self.mean.state_dict(),
                "optimiser": self.optimiser.state_dict(), "epoch": self.epoch}

    def load(self, state):
        self.model.load_state_dict(state["model"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"]


def learning_pace(done):
    """A short rise, then half a cosine to almost nothing."""
    return max(0.01, min(done / 0.08, 1) * (0.5 + 0.5 * math.cos(math.pi * done)))


class Training:
    """Both stages with their checkpoints. `watch(stage_name, model, epoch)` may look at the mean after an epoch."""

    def __init__(self, tiles, recipe, seed, work=None, watch=None):
        self.tiles, self.recipe, self.seed, self.watch = tiles, recipe, seed, watch
        self.checkpoint = pathlib.Path(work) / "checkpoint.pt" if work else None
        self.kind_weights = weights_of_kinds(tiles)

    def run(self):
        saved = self.load()
        torch.manual_seed(self.seed)
        network = Network(nucleus_layers(self.recipe.widths, self.recipe.deep_blocks))
        network = network.to(memory_format=torch.channels_last)
        network = self.run_stage("float", network, self.recipe.epochs, self.recipe.rate, saved)
        network.eval()
        quantised = QuantisedNetwork(network)
        if "integer" not in saved:
            sampler = data.Sampler(self.tiles, [self.seed, 999])
            quantised.set_scales([image for batch in sampler.epoch(1, 6) for image in batch.images])
        return self.run_stage("integer", quantised, self.recipe.finish_epochs, self.recipe.finish_rate, saved)

    def run_stage(self, name, model, epochs, rate, saved):
        stage = Stage(model, epochs, rate, self.recipe)
        if name in saved:
            stage.load(saved[name])
        while stage.epoch < epochs:
            began = time.monotonic()
            sampler = data.Sampler(self.tiles, [self.seed, epochs, stage.epoch])
            losses = stage.learn_epoch(sampler, self.kind_weights)
            heat, kinds, foreground = losses.tolist()
            print(f"{name} epoch {stage.epoch}/{epochs}: heat {heat:.4f} classes {kinds:.4f} foreground "
                  f"{foreground:.4f} ({time.monotonic() - began:.0f} s)", flush=True)
            saved[name] = stage.state()
            self.save(saved)
            if self.watch:
                self.watch(name, stage.mean, stage.epoch)
        return stage.mean

    def load(self):
        """What the checkpoint holds; without one, nothing but what a later one is compared with."""
        meant = {"recipe": vars(self.recipe), "tiles": [tile.name for tile in self.tiles], "seed": self.seed}
        if not self.checkpoint or not self.checkpoint.exists():
            return meant
        saved = torch.load(self.checkpoint)
        if any(saved[name] != meant[name] for name in meant):
            raise SystemExit(f"{self.checkpoint} is of another recipe, other tiles or another seed: remove it")
        return saved

    def save(self, saved):
        if self.checkpoint:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            part = self.checkpoint.with_suffix(".part")
            torch.save(saved, part)
            os.replace(part, self.checkpoint)


def learned_tiles(name, tiles, data_folder):
    """The tiles that a model learns, by its name."""
    if name == "nuclei":
        return tiles
    if name == "validation":
        left_out = data.validation_names(data_folder)
        return [tile for tile in tiles if tile.name not in left_out]
    return [tile for tile in tiles if f"fold-{folds.fold_of(tile.name)}" != name]


def make_model(name, tiles, options):
    work = options.work / f"{name}-{options.seed}"
    print(f"{name}: {len(tiles)} tiles", flush=True)
    layers = swnn.quantise(Training(tiles, Recipe(), options.seed, work).run())
    # On the tiles that were learned, with the integer network itself.
    all_logits = [emulate.run(layers, tile.rgb) for tile in tiles]
    threshold = cells.best_threshold(tiles, all_logits)
    offsets = cells.best_class_offsets(tiles, all_logits, threshold)
    swnn.add_to_logits(layers, [-threshold, *offsets])
    out = options.models / ("." if name == "nuclei" else "folds") / f"{name}.swnn"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(swnn.encode(layers))
    print(f"{name}: written to {out}, threshold {threshold / LOGIT_UNIT:.3f}, added to the classes "
          f"{' '.join(f'{offset / LOGIT_UNIT:.1f}' for offset in offsets)}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True, type=pathlib.Path)
    arguments.add_argument("--only", choices=MODELS)
    arguments.add_argument("--models", default=ROOT / "applications" / "he-tme" / "models", type=pathlib.Path)
    arguments.add_argument("--work", default=ROOT / "build" / "train", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=SEED)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    tiles = data.read_tiles(options.data)
    for name in [options.only] if options.only else MODELS:
        make_model(name, learned_tiles(name, tiles, options.data), options)


if __name__ == "__main__":
    main()
