"""Model files that are wrong in every way that faults.md names, on both runtimes: one clear sentence each."""

import builtins
import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from services.detection.adapters.detector_loader import load_detector, require_labels
from services.detection.application.ports import Detector
from services.detection.domain.detection import Label
from shared.errors import ConfigurationError, PermanentError
from shared.vocabulary import Finding
from tests.fakes.detector import numbered_picture
from tests.onnx_models import HALF, METADATA, NAMES, metadata, raw_answer, thresholds, yolo_model

ONE_PERSON = raw_answer([(32, 32, 20, 40, 0.9, 0.1)])
PICTURE = numbered_picture(0, 64, 64)


@pytest.fixture(params=["openvino", "onnxruntime"])
def load(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Detector]:
    """Write bytes into a model file and load it."""

    def load(body: bytes, **options: object) -> Detector:
        path = tmp_path / "model.onnx"
        path.write_bytes(body)
        return load_detector(path, request.param, threads=1, **options)  # type: ignore[arg-type]

    return load


def refused(load: Callable[..., Detector], body: bytes, **options: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(body, **options)
    text = str(caught.value)
    assert "model.onnx" in text
    assert "\n" not in text
    return text


def test_a_good_tiny_model_works(load: Callable[..., Detector]) -> None:
    detector = load(yolo_model(ONE_PERSON, metadata(officer_thresholds=thresholds(person=0.4))))
    (found,) = detector.detect([PICTURE], 0.25)
    assert [(d.label, round(d.confidence, 2)) for d in found] == [(Label.PERSON, 0.9)]
    assert detector.info.name == "model"
    assert detector.info.input_px == (64, 64)
    assert detector.info.labels == {Label.PERSON, Label.HARDHAT}
    assert detector.info.thresholds == {Label.PERSON: 0.4}


def test_what_was_measured_of_its_looks_is_read_from_the_metadata(load: Callable[..., Detector]) -> None:
    told = metadata(officer_reliability='{"no_hardhat": {"seen-missing": 0.97}}')
    info = load(yolo_model(ONE_PERSON, told)).info
    assert info.reliability == {Finding.NO_HARDHAT: {"seen-missing": 0.97}}


def test_an_end_to_end_model_is_read_as_one(load: Callable[..., Detector]) -> None:
    answer = np.array([[[10, 12, 30, 52, 0.8, 1], [0, 0, 0, 0, 0, 0]]])
    detector = load(yolo_model(answer, metadata(end2end="True")))
    (found,) = detector.detect([PICTURE], 0.25)
    assert [d.label for d in found] == [Label.HARDHAT]
    assert found[0].box.x2 == pytest.approx(30)


def test_a_model_of_fixed_size_is_fed_that_size(load: Callable[..., Detector]) -> None:
    detector = load(yolo_model(ONE_PERSON, input_sides=(1, 3, 64, 96)))
    assert detector.info.input_px == (96, 64)
    (found,) = detector.detect([numbered_picture(0, 192, 128)], 0.25)
    assert found[0].box.height == pytest.approx(80)


def test_a_fixed_size_cannot_be_set(load: Callable[..., Detector]) -> None:
    text = refused(load, yolo_model(ONE_PERSON, input_sides=(1, 3, 64, 96)), longest=640)
    assert "fixed input of 96 x 64 pixels, so it cannot be set to 640" in text


def test_a_free_size_can_be_set(load: Callable[..., Detector]) -> None:
    assert load(yolo_model(ONE_PERSON), longest=320).info.input_px == (320, 320)


def test_the_pinned_hash_must_be_the_files(load: Callable[..., Detector]) -> None:
    body = yolo_model(ONE_PERSON)
    right = hashlib.sha256(body).hexdigest()
    assert load(body, sha256=right.upper()).info.sha256 == right
    text = refused(load, body, sha256="0" * 64)
    assert f"has SHA-256 {right}, but {'0' * 64} is required" in text
    assert "restore the file, or pin the new hash" in text


@pytest.mark.parametrize("body", [b"no model at all\n" * 40, b"\0" * 500, b"\x89PNG\r\n\x1a\n" + bytes(300)])
def test_a_file_that_is_no_onnx_is_refused(load: Callable[..., Detector], body: bytes) -> None:
    assert f"({len(body)} bytes) is not an ONNX model, or only a part of one" in refused(load, body)


def test_an_empty_file_is_refused(load: Callable[..., Detector]) -> None:
    assert "is empty; fetch it again" in refused(load, b"")


def test_a_cut_file_is_refused(load: Callable[..., Detector]) -> None:
    body = yolo_model(ONE_PERSON)
    for length in (10, len(body) // 2, len(body) - 100):
        refused(load, body[:length])


def test_weights_in_another_file_are_refused_even_where_that_file_lies_in_the_working_folder(
    load: Callable[..., Detector], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights.bin").write_bytes(ONE_PERSON.tobytes())
    monkeypatch.chdir(tmp_path)
    text = refused(load, yolo_model(ONE_PERSON, outside=True))
    assert "keeps weights in another file (tensor 'answer'), which no hash covers" in text
    assert "export it again into one file" in text


@pytest.mark.parametrize(
    ("sides", "shown"),
    [((1, 1, "h", "w"), "[1, 1, any, any]"), ((4, 3, 64, 64), "[4, 3, 64, 64]"), ((1, 3, 64), "[1, 3, 64]")],
)
def test_an_input_of_another_shape_is_refused(
    load: Callable[..., Detector], sides: tuple[int | str, ...], shown: str
) -> None:
    text = refused(load, yolo_model(ONE_PERSON, input_sides=sides))
    assert f"takes an input of shape {shown}; expected [1, 3, any, any]" in text


@pytest.mark.parametrize(
    ("answer", "changes", "expected"),
    [
        (np.zeros((1, 7, 5)), {}, "an output of shape [1, 7, 5]; expected [1, 6, any] for 2 classes"),
        (np.zeros((1, 6)), {}, "an output of shape [1, 6]; expected [1, 6, any] for 2 classes"),
        (np.zeros((1, 6, 5)), {"end2end": "True"}, "expected [1, any, 6] for an end-to-end network"),
    ],
)
def test_an_output_of_another_shape_is_refused(
    load: Callable[..., Detector], answer: np.ndarray, changes: dict[str, str], expected: str
) -> None:
    assert expected in refused(load, yolo_model(answer, metadata(**changes)))


def test_onnx_runtime_refuses_a_model_with_16_bit_inputs(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(yolo_model(ONE_PERSON, input_type=HALF))
    assert load_detector(path, "openvino").detect([PICTURE], 0.25)[0]
    with pytest.raises(ConfigurationError, match=r"takes its input as tensor\(float16\); ONNX Runtime needs"):
        load_detector(path, "onnxruntime")


def without(key: str) -> Mapping[str, str]:
    return {name: value for name, value in METADATA.items() if name != key}


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (without("names"), "has no 'names' in its metadata, so its classes are unknown; export it again"),
        (
            metadata(names="{0: 'person'"),
            "has \"{0: 'person'\" as 'names' in its metadata; expected a Python literal",
        ),
        (metadata(names="__import__('os')"), "as 'names' in its metadata; expected a Python literal"),
        (metadata(names="{0: 'person', 7: 'helmet'}"), "expected {0: 'person', 1: 'hardhat', ...}"),
        (metadata(names="{}"), "has only classes that are unknown here"),
        (
            metadata(names="{0: 'cat', 1: 'dog'}"),
            "only classes that are unknown here: cat, dog; known are boots, cone",
        ),
        (metadata(task="segment"), "is for the task 'segment'; only 'detect' works here"),
        (metadata(stride="7"), "has '7' as 'stride' in its metadata; expected one of (8, 16, 32, 64)"),
        (metadata(imgsz="[0, 640]"), "has '[0, 640]' as 'imgsz' in its metadata; expected [height, width]"),
        (metadata(imgsz="[100000, 640]"), "each 32 to 4096"),
        (
            metadata(officer_thresholds="{"),
            "as 'officer_thresholds' in its metadata; expected {\"person\": 0.25, ...}",
        ),
        (metadata(officer_thresholds='{"cat": 0.5}'), 'expected {"person": 0.25, ...}'),
        (metadata(officer_thresholds='{"person": 1.5}'), "expected numbers between 0 and 1"),
        (metadata(names="{[]: 1}"), "as 'names' in its metadata; expected a Python literal"),
        (metadata(stride="{[]: 1}"), "as 'stride' in its metadata; expected a Python literal"),
        (metadata(officer_thresholds="[" * 100_000), 'expected {"person": 0.25, ...}'),
        (metadata(officer_thresholds=f'{{"person": 1{"0" * 400}}}'), 'expected {"person": 0.25, ...}'),
        (
            metadata(officer_reliability=f'{{"no_vest": {{"not-seen": 1{"0" * 400}}}}}'),
            "as 'officer_reliability' in its metadata",
        ),
        (
            metadata(officer_version="1\x1b[31m"),
            "as 'officer_version' in its metadata; expected up to 200 printable",
        ),
        (metadata(officer_name="x" * 201), "as 'officer_name' in its metadata; expected up to 200 printable"),
        (metadata(officer_reliability='{"no_cat": {}}'), "as 'officer_reliability' in its metadata"),
        (metadata(officer_reliability='{"no_vest": {"not-seen": 2}}'), "expected numbers from 0 to 1"),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(
    load: Callable[..., Detector], described: Mapping[str, str], expected: str
) -> None:
    assert expected in refused(load, yolo_model(ONE_PERSON, described))


def test_names_may_be_a_list_and_in_any_dialect(load: Callable[..., Detector]) -> None:
    described = metadata(names="['NO-Hardhat', 'Safety Vest']")
    assert load(yolo_model(ONE_PERSON, described)).info.labels == {Label.NO_HARDHAT, Label.VEST}


def test_nan_from_the_network_is_a_permanent_error(load: Callable[..., Detector]) -> None:
    answer = ONE_PERSON.copy()
    answer[0, 4, 0] = np.nan
    detector = load(yolo_model(answer))
    with pytest.raises(PermanentError, match="the model gave NaN or infinity; use another model file"):
        detector.detect([PICTURE], 0.25)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_detector(tmp_path / "gone.onnx")
    assert str(caught.value) == (
        f"model {tmp_path}/gone.onnx cannot be read: No such file or directory; check the path in the model setting"
    )


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_detector(tmp_path / "folder.onnx")


@pytest.mark.parametrize("backend", ["auto", "openvino", "onnxruntime"])
def test_a_pickle_is_refused_unless_asked_for(tmp_path: Path, backend: str) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"anything")
    with pytest.raises(ConfigurationError) as caught:
        load_detector(path, backend)
    assert "is a .pt file, a pickle that runs code when it is loaded; only .onnx is allowed here" in str(
        caught.value
    )
    assert "or choose the backend 'ultralytics' if you trust the file" in str(caught.value)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"model.txt must end in .onnx"):
        load_detector(tmp_path / "model.txt")
    with pytest.raises(ConfigurationError, match=r"model.onnx must end in .pt"):
        load_detector(tmp_path / "model.onnx", "ultralytics")


def test_a_gpu_that_cannot_be_used_is_refused_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(yolo_model(ONE_PERSON))
    with pytest.raises(
        ConfigurationError, match=r"BACKEND=cuda: .* built without CUDA; do: build the image with"
    ):
        load_detector(path, "cuda")


def test_an_unknown_backend_is_refused_with_those_allowed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_detector(tmp_path / "model.onnx", "tensorrt")
    assert str(caught.value) == (
        "backend 'tensorrt' is unknown; allowed are auto, openvino, onnxruntime, cuda, ultralytics"
    )


def test_a_pt_file_without_ultralytics_names_the_extra(
    tmp_path: Path, uninstalled: Callable[[str], None]
) -> None:
    uninstalled("torch")
    path = tmp_path / "model.pt"
    path.write_bytes(b"anything")
    with pytest.raises(ConfigurationError) as caught:
        load_detector(path, "ultralytics")
    assert "needs ultralytics and torch, which are not installed; install the extra 'train'" in str(
        caught.value
    )


def test_auto_takes_onnx_runtime_where_openvino_is_not_installed(
    tmp_path: Path, uninstalled: Callable[[str], None]
) -> None:
    uninstalled("openvino")
    path = tmp_path / "model.onnx"
    path.write_bytes(yolo_model(ONE_PERSON))
    assert load_detector(path).info.backend == "onnxruntime"
    with pytest.raises(ConfigurationError, match="the backend openvino is not installed"):
        load_detector(path, "openvino")


def test_auto_prefers_openvino(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(yolo_model(ONE_PERSON))
    assert load_detector(path).info.backend == "openvino"


@pytest.fixture
def uninstalled(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package look as if it were not installed."""

    def hide(package: str) -> None:
        for name in [
            name for name in sys.modules if name.split(".")[0] == package or name.endswith("_detector")
        ]:
            monkeypatch.delitem(sys.modules, name)
        real = builtins.__import__

        def without_it(name: str, *rest: object, **more: object) -> object:
            if name.split(".", maxsplit=1)[0] == package:
                raise ImportError(f"No module named {package!r}")
            return real(name, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(builtins, "__import__", without_it)

    return hide


def test_compiled_models_are_kept_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(yolo_model(ONE_PERSON))
    for _ in range(2):
        detector = load_detector(path, "openvino", cache=tmp_path / "a" / "cache")
        assert detector.detect([PICTURE], 0.25)[0]
    assert list((tmp_path / "a" / "cache").iterdir())


def test_a_folder_for_compiled_models_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(yolo_model(ONE_PERSON))
    with pytest.raises(ConfigurationError, match=r"model.onnx/cache for compiled models cannot be written"):
        load_detector(path, "openvino", cache=path / "cache")


def test_rules_that_need_what_the_model_lacks_stop_the_start(tmp_path: Path) -> None:
    path = tmp_path / "site.onnx"
    path.write_bytes(yolo_model(ONE_PERSON, metadata(names=NAMES)))
    info = load_detector(path).info
    require_labels(info, [Label.PERSON, Label.HARDHAT])
    with pytest.raises(ConfigurationError) as caught:
        require_labels(info, [Label.PERSON, Label.NO_HARDHAT, Label.VEST])
    assert str(caught.value) == (
        "the rules need no_hardhat (nearest: hardhat), vest, which model site cannot report; "
        "it reports hardhat, person. Change the rules, or name another or a second model"
    )
