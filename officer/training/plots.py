"""Pictures of a validation: precision over recall, and what is taken for what. Needs matplotlib (extra `train`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt

from officer.training.figures import Matches, curve
from officer.training.looks import Picture
from services.detection.domain.detection import Detection, Label

SAME = 0.5  # IoU


def draw_curves(matches: Mapping[tuple[str, Label], Matches], title: str, out: Path) -> None:
    """One panel for each label, one line for each set."""
    labels = sorted({label for _, label in matches})
    columns = min(3, len(labels))
    rows = -(-len(labels) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(4.6 * columns, 4 * rows), squeeze=False)
    for label, panel in zip(labels, panels.flat, strict=False):
        for (name, _), found in ((key, one) for key, one in matches.items() if key[1] is label):
            recall, precision = curve(found)
            panel.plot(
                recall, precision, label=f"{name} ({len(found.labelled_px)})", lw=2 if name == "all" else 1
            )
        panel.set(title=label, xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8, loc="best")
    for panel in panels.flat[len(labels) :]:
        panel.axis("off")
    figure.suptitle(f"{title}: precision over recall at IoU {SAME}; in brackets how many are labelled")
    _save(figure, out)


def draw_confusion(
    pictures: Sequence[Picture],
    labelled: Mapping[str, frozenset[Label]],
    thresholds: Mapping[Label, float],
    out: Path,
) -> None:
    """Labelled things by rows, what was found there by columns; only labels that the picture's set labels count."""
    labels = [label for label in Label if label in thresholds]
    counts = np.zeros((len(labels) + 1, len(labels) + 1), int)
    for picture in pictures:
        known = labelled[picture.dataset]
        truth = [thing for thing in picture.truth if thing.label in thresholds]
        found = [
            one
            for one in picture.found
            if one.label in known and one.confidence >= thresholds.get(one.label, 1)
        ]
        for thing, seen in _pairs(truth, found):
            row = labels.index(thing.label) if thing else len(labels)
            counts[row, labels.index(seen.label) if seen else len(labels)] += 1
    _draw_table(counts, [str(label) for label in labels], out)


def _pairs(truth: list[Detection], found: list[Detection]) -> list[tuple[Detection | None, Detection | None]]:
    """Who is taken for whom: pairs of the same label first, then by overlap; what is left has no partner."""
    possible = sorted(
        (
            (thing.label is one.label, thing.box.iou(one.box), i, j)
            for i, thing in enumerate(truth)
            for j, one in enumerate(found)
            if thing.box.iou(one.box) >= SAME
        ),
        reverse=True,
    )
    things, ones = set(range(len(truth))), set(range(len(found)))
    pairs: list[tuple[Detection | None, Detection | None]] = []
    for _, _, i, j in possible:
        if i in things and j in ones:
            things.remove(i)
            ones.remove(j)
            pairs.append((truth[i], found[j]))
    return [*pairs, *((truth[i], None) for i in things), *((None, found[j]) for j in ones)]


def _draw_table(counts: npt.NDArray[np.int_], labels: list[str], out: Path) -> None:
    size = 2.5 + 0.9 * len(labels)
    figure, panel = plt.subplots(figsize=(size + 1, size))
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            colour = "white" if shares[row, column] > 0.5 else "black"
            panel.text(column, row, counts[row, column], ha="center", va="center", color=colour)
    panel.set_xticks(range(len(counts)), [*labels, "nothing"], rotation=40, ha="right")
    panel.set_yticks(range(len(counts)), [*labels, "nothing"])
    panel.set(xlabel="found at the thresholds", ylabel="labelled", title="What is taken for what")
    _save(figure, out)


def _save(figure: "plt.Figure", out: Path) -> None:
    figure.tight_layout()
    figure.savefig(out, dpi=110)
    plt.close(figure)
