"""Trains for real, for four minutes, where torch is: .venv-train/bin/python -m tests.training_run

The tests' own environment has no torch, so `make test` does not run this. It stops a training with SIGKILL, lets it go
on, exports what came of it, makes a variant in 8 bits, and checks that a class which a set does not label costs nothing
there. Then it trains by the clock, and averages.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import onnx
import torch
from onnx import TensorProto, helper
from onnxruntime import InferenceSession
from ultralytics import YOLO

from officer.training.partial_labels import _MaskedCrossEntropy, is_ended
from officer.training.provenance import file_sha256, training_of
from officer.training.train import without_downloads
from services.detection.adapters.model_file import read_card, read_model_file
from services.detection.adapters.onnx_file import onnx_metadata
from services.detection.domain.detection import Label
from tests.labelled_sets import HAT, PERSON, write_set
from tests.prepared_sets import prepared_folder

EPOCHS = 4
SHIPPED = Path(__file__).parents[1] / "models" / "ppe.onnx"
OFFICER = (sys.executable, "-m", "officer", "model")


def main() -> None:
    check_that_what_is_not_asked_costs_nothing()
    with tempfile.TemporaryDirectory() as folder:
        train_interrupted_then_on(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        train_by_the_clock(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        train_by_the_clock_interrupted(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        average(Path(folder))


def check_that_what_is_not_asked_costs_nothing() -> None:
    scores = torch.zeros(2, 5, 3, requires_grad=True)
    loss = _MaskedCrossEntropy()
    loss.asked = torch.tensor([[[1.0, 1.0, 0.0]], [[0.0, 1.0, 1.0]]])
    loss(scores, torch.ones(2, 5, 3)).sum().backward()
    assert scores.grad is not None
    assert scores.grad[0, :, 2].abs().sum() == 0
    assert scores.grad[1, :, 0].abs().sum() == 0
    assert (scores.grad[0, :, :2] != 0).all()


def train_interrupted_then_on(folder: Path) -> None:
    pictures = {f"train/{number}": [PERSON, HAT] for number in range(16)} | {"val/a": [PERSON, HAT]}
    people = {f"train/{number}": [PERSON] for number in range(16)}
    data = prepared_folder(
        folder, write_set(folder / "both", pictures), write_set(folder / "people", people, ["person"], 2)
    )
    without_downloads()
    start = folder / "start.pt"
    YOLO("yolov8n.yaml").save(start)
    run = folder / "runs" / "a"
    sizes = ("--longest", "64", "--epochs", str(EPOCHS), "--batch", "8")
    command = [*OFFICER, "train", "--data", data, "--weights", start, "--out", run, *sizes]
    kill_after_a_round(command, run)
    subprocess.run(command, check=True)
    record = json.loads((run / "training.json").read_text())
    assert record["epochs_seen"] == EPOCHS
    assert record["ended"]
    with (run / "results.csv").open() as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == [1, 2, 3, 4]
    subprocess.run(command, check=True)  # it has ended: nothing is done
    refused = subprocess.run([*command, "--rate", "0.01"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused
    assert "began with another rate" in refused.stderr, refused.stderr
    check_that_a_kill_leaves_whole_weights(run / "weights" / "last.pt")
    killed_before_it_said_so = {**record, "ended": False}
    (run / "training.json").write_text(json.dumps(killed_before_it_said_so))
    subprocess.run(command, check=True)
    assert json.loads((run / "training.json").read_text())["weights_sha256"] == record["weights_sha256"]
    checked = [*OFFICER, "validate", run / "weights" / "last.pt", "--data", data, "--out", folder / "checked"]
    assert (
        subprocess.run([*checked, "--longest", "64"], check=False).returncode == 1
    )  # four rounds teach nothing
    path = folder / "checked" / "last.onnx"
    exported_at = path.stat().st_mtime_ns
    subprocess.run([*checked, "--longest", "64"], check=False)
    assert path.stat().st_mtime_ns == exported_at
    subprocess.run([*checked, "--longest", "96"], check=False)
    assert read_card(onnx_metadata(read_model_file(path, ".onnx")), path).longest == 96
    subprocess.run([*checked, "--longest", "64"], check=False)
    assert read_card(onnx_metadata(read_model_file(path, ".onnx")), path).longest == 64
    metadata = onnx_metadata(read_model_file(path, ".onnx"))
    assert json.loads(metadata["officer_training"])["epochs_seen"] == EPOCHS
    assert Label.NO_HARDHAT in read_card(metadata, path).labels.values()
    quantise(path, data, folder / "int8.onnx")
    train_from_the_product(path, data, folder / "runs" / "on")
    train_from_the_product(SHIPPED, data, folder / "runs" / "shipped")
    of_one_size = YOLO(run / "weights" / "last.pt").export(format="onnx", imgsz=64)
    train_from_the_product(Path(of_one_size), data, folder / "runs" / "fixed")


def train_from_the_product(model: Path, data: Path, run: Path) -> None:
    """Where it begins answers as *model* does, and can be trained: its layers show mean 0 and variance 1.

    A network that is refused does not stand in the way of the right one.
    """
    sizes = ("--longest", "100", "--epochs", "1", "--batch", "8")
    other = run.parent / "other.onnx"
    at = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "none", at[:1], at[1:])
    none = helper.make_model(graph)
    helper.set_model_props(none, onnx_metadata(read_model_file(model, ".onnx")))
    onnx.save(none, other)
    refused = subprocess.run(
        [*OFFICER, "train", "--data", data, "--weights", other, "--out", run, *sizes],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2, refused
    assert "is no network to begin a training from" in refused.stderr, refused.stderr
    subprocess.run([*OFFICER, "train", "--data", data, "--weights", model, "--out", run, *sizes], check=True)
    began = YOLO(run / "start.pt").model.float().eval()
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    session = InferenceSession(model)
    (theirs,) = session.run(None, {session.get_inputs()[0].name: picture.numpy()})
    with torch.no_grad():
        assert abs(began(picture)[0].numpy() - theirs).max() < 0.5, "pixels"
    norms = [layer for layer in began.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert len({float(norm.running_var.mean()) for norm in norms}) == len(norms), "no statistics"
    record = json.loads((run / "training.json").read_text())
    assert record["started_from_sha256"] == file_sha256(model)
    assert record["start"] == training_of(onnx_metadata(read_model_file(model, ".onnx")))


def check_that_a_kill_leaves_whole_weights(last: Path) -> None:
    def killed(_: object, file: str | Path) -> None:
        Path(file).write_bytes(b"")
        raise KeyboardInterrupt

    before = last.read_bytes()
    with patch("torch.save", killed), suppress(KeyboardInterrupt):
        is_ended(last, spent_s=0)
        raise AssertionError("nothing was saved")
    assert last.read_bytes() == before


def quantise(origin: Path, data: Path, variant: Path) -> None:
    """The variant is a model, and is measured against the one that it was made from."""
    subprocess.run([*OFFICER, "quantise", origin, "--data", data, "--out", variant], check=True)
    out = variant.parent / "checked-variant"
    measured = [*OFFICER, "validate", variant, "--against", origin, "--data", data, "--out", out]
    assert subprocess.run([*measured, "--longest", "64"], check=False).returncode == 1
    report = json.loads((out / "validation.json").read_text())
    assert report["variant_of"] == file_sha256(origin)


def kill_after_a_round(command: list[object], run: Path) -> None:
    process = subprocess.Popen(list(map(str, command)), start_new_session=True)
    while not (run / "weights" / "last.pt").exists():
        assert process.poll() is None, "it ended before its first round did"
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not json.loads((run / "training.json").read_text()).get("ended"), (
        "it had ended: give it more rounds"
    )


def clocked(folder: Path, times: int, hours: float) -> tuple[list[object], Path]:
    """The command that trains for *hours* on eight pictures, each *times* in a round; and its run's folder."""
    pictures = {f"train/{number}": [PERSON] for number in range(8)} | {"val/a": [PERSON]}
    data = prepared_folder(folder, write_set(folder / "people", pictures))
    listed = data / "train.txt"
    listed.write_text(listed.read_text() * times)
    start, run = folder / "start.pt", folder / "runs" / "a"
    YOLO("yolov8n.yaml").save(start)
    clock = ("--longest", "64", "--hours", str(hours), "--rate", "0.002")
    return [*OFFICER, "train", "--data", data, "--weights", start, "--out", run, *clock], run


def train_by_the_clock(folder: Path) -> None:
    """The time is over within the first round, and the learning rate must be down all the same."""
    command, run = clocked(folder, times=2000, hours=0.01)
    subprocess.run(command, check=True)
    with (run / "results.csv").open() as file:
        [round_] = csv.DictReader(file)
    assert float(round_["lr/pg0"]) < 0.05 * 0.002


def train_by_the_clock_interrupted(folder: Path) -> None:
    """The clock goes on where it stood; it does not begin anew."""
    command, run = clocked(folder, times=30, hours=0.015)
    kill_after_a_round(command, run)
    before = json.loads((run / "training.json").read_text())
    began = time.monotonic()
    subprocess.run(command, check=True)
    after = json.loads((run / "training.json").read_text())
    assert after["epochs_seen"] > before["epochs_seen"] > 0
    assert before["seconds"] < after["seconds"] < 54 + before["seconds"], (
        before["seconds"],
        after["seconds"],
    )
    assert after["seconds"] - before["seconds"] <= time.monotonic() - began
    with (run / "results.csv").open() as file:
        rates = [float(row["lr/pg0"]) for row in csv.DictReader(file)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.05 * 0.002


def average(folder: Path) -> None:
    one, two, other = folder / "one.pt", folder / "two.pt", folder / "other.pt"
    for path in (one, two):
        YOLO("yolov8n.yaml").save(path)
    YOLO("yolov8s.yaml").save(other)

    def made(name: str, *shares: str) -> Path:
        subprocess.run([*OFFICER, "average", *shares, "--out", folder / name], check=True)
        return folder / name / "weights" / "last.pt"

    mean = made("mean", f"{one}=0.75", f"{two}=0.25")
    values = [YOLO(path).model.float().state_dict() for path in (one, two, mean)]
    for name, value in values[2].items():
        if value.is_floating_point():
            assert torch.allclose(value, 0.75 * values[0][name] + 0.25 * values[1][name], atol=1e-3), name
    again = made("again", f"{mean}=0.5", f"{two}=0.5")
    origins = json.loads((again.parents[1] / "training.json").read_text())["averaged"]
    assert [(origin["weights"], origin["share"]) for origin in origins] == [
        ("one.pt", 0.375),
        ("two.pt", 0.125),
        ("two.pt", 0.5),
    ]
    refused = subprocess.run(
        [*OFFICER, "average", f"{one}=0.5", f"{other}=0.5", "--out", folder / "none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2, refused
    assert "cannot be averaged" in refused.stderr, refused.stderr
    assert not (folder / "none").exists()


if __name__ == "__main__":
    main()
