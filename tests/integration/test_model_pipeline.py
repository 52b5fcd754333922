"""From labelled sets to the model that a service runs, through the command line; only the training is left out."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from officer.commands import app
from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_migrations import migrate
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.domain.work_claim import Claim
from services.detection.adapters.detector_loader import load_detector
from services.detection.bootstrap import with_model_in_use
from services.detection.domain.detection import Label
from services.detection.settings import DetectionSettings
from shared.contracts.violation import encode
from shared.errors import ConfigurationError
from shared.local.folder_store import FolderStore
from shared.vocabulary import Severity
from tests import agent_builders as make
from tests import builders
from tests.labelled_sets import HAT, PERSON, write_model, write_set
from tests.onnx_models import metadata, raw_answer, yolo_model

FLOORS = "floors: [{set: all, label: person, least: 0.5}, {set: all, label: hardhat, least: 0.5}]\n"


def officer(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["model", *map(str, arguments)], env={"COLUMNS": "160"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prepared folder: four people with hats in val, one of whom the model cannot find."""
    lines = [PERSON, HAT]
    val = {f"val/{number}": lines for number in range(3)} | {"val/far": ["0 0.1 0.1 0.05 0.1"]}
    one = write_set(tmp_path / "one", {"train/a": lines, **val})
    officer("collect", one, "--out", tmp_path / "sets")
    officer("prepare", tmp_path / "sets" / "one", "--out", tmp_path / "data")
    (tmp_path / "floors.yaml").write_text(FLOORS)
    (tmp_path / "about.md").write_text("Pictures that a test has drawn.")
    (tmp_path / "limits.md").write_text("It answers the same to everything.")
    return tmp_path / "data"


def validated(model: Path, data: Path, *more: object, code: int = 0) -> Path:
    out = data.parent / f"validated-{model.stem}"
    floors = data.parent / "floors.yaml"
    officer(
        "validate", model, "--data", data, "--out", out, "--floors", floors, "--against", *more, code=code
    )
    return out


def packaged(model: Path, checked: Path, version: str) -> None:
    texts = ("--about", checked.parent / "about.md", "--limits", checked.parent / "limits.md")
    registry = checked.parent / "registry"
    named = ("--registry", registry, "--name", "tiny", "--version", version)
    officer("package", model, "--validated", checked, *named, *texts)


def test_a_model_that_holds_goes_all_the_way_into_the_service(tmp_path: Path, data: Path) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    checked = validated(model, data, model)
    report = json.loads((checked / "validation.json").read_text())
    person = next(row for row in report["accuracy"] if (row["set"], row["label"]) == ("all", "person"))
    assert person["labelled"] == 4
    assert person["recall"]["value"] == 0.75
    assert person["recall"]["low"] < 0.75 < person["recall"]["high"]
    for version in ("1.0.0", "1.1.0"):
        packaged(model, checked, version)
    registry = tmp_path / "registry"
    officer("use", "tiny", "1.0.0", "--registry", registry)
    assert "is in use" in officer("use", "tiny", "1.1.0", "--registry", registry)
    settings = DetectionSettings(
        site_file=tmp_path / "site.yaml", data_dir=tmp_path / "run", model_registry=str(registry)
    )
    info = served(settings)
    assert (info.name, info.version) == ("tiny", "1.1.0")
    assert set(info.thresholds) == {Label.PERSON, Label.HARDHAT}
    assert "1.0.0 is in use again" in officer("rollback", "--registry", registry)
    assert served(settings).version == "1.0.0"
    listed = officer("list", "--registry", registry)
    assert listed.count("in use") == 1
    for named in ([registry / "tiny" / "1.0.0" / "model.onnx"], ["tiny", "1.0.0", "--registry", registry]):
        shown = officer("info", *named)
        assert report["data"]["content_sha256"] in shown
        assert info_hash(registry) in shown
    card = (registry / "tiny" / "1.0.0" / "card.md").read_text()
    for words in (
        "| one | person | 4 | 0.75 (",
        "Pictures that a test has drawn.",
        "It answers the same to everything.",
        info_hash(registry),
    ):
        assert words in card


def info_hash(registry: Path) -> str:
    entry: dict[str, str] = json.loads((registry / "tiny" / "1.0.0" / "entry.json").read_text())
    return entry["sha256"]


def served(settings: DetectionSettings):  # type: ignore[no-untyped-def]
    chosen = with_model_in_use(settings)
    return load_detector(chosen.model_file, "onnxruntime", sha256=chosen.model_sha256).info


def test_a_pinned_hash_still_refuses_what_the_registry_has_in_use(tmp_path: Path, data: Path) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    packaged(model, validated(model, data, model), "1.0.0")
    officer("use", "tiny", "1.0.0", "--registry", tmp_path / "registry")
    settings = DetectionSettings(
        site_file=tmp_path / "site.yaml",
        data_dir=tmp_path / "run",
        model_registry=str(tmp_path / "registry"),
        model_sha256="0" * 64,
    )
    with pytest.raises(ConfigurationError, match=f"has SHA-256 .* but {'0' * 64} is required"):
        served(settings)


def test_a_worse_model_is_refused_and_cannot_be_packaged(tmp_path: Path, data: Path) -> None:
    good, blind = write_model(tmp_path / "good.onnx"), write_model(tmp_path / "blind.onnx", hat=0.001)
    checked = validated(blind, data, good, code=1)
    report = json.loads((checked / "validation.json").read_text())
    assert any("ap50 of hardhat is below its floor" in why for why in report["refused"])
    assert any("hardhat is significantly worse than good's" in why for why in report["refused"])
    with pytest.raises(ConfigurationError, match="the model was refused"):
        packaged(blind, checked, "1.0.0")


def test_a_model_that_calls_worn_hats_bare_whatever_its_confidence_is_told_of(tmp_path: Path) -> None:
    head = "0.5 0.2 0.25 0.15"
    one = write_set(tmp_path / "one", {"val/a": [f"0 {head}"], "val/b": [f"1 {head}"]}, ["helmet", "head"])
    officer("prepare", one, "--out", tmp_path / "data")
    (tmp_path / "floors.yaml").write_text("{}")
    model = tmp_path / "model.onnx"
    answer = raw_answer([(32, 12.8, 16, 9.6, 0, 0.9)])
    model.write_bytes(yolo_model(answer, metadata(names="['hardhat', 'no_hardhat']")))
    checked = validated(model, tmp_path / "data", model)
    report = json.loads((checked / "validation.json").read_text())
    (told,) = report["missed_goals"]
    assert told.startswith("no_hardhat: 1.000 of hardhat are called that at the highest confidence")
    (caution,) = report["cautions"]
    assert caution.startswith("Nothing tells what it was trained on")


def test_a_report_that_is_none_or_lacks_a_plot_is_told(tmp_path: Path, data: Path) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    checked = validated(model, data, model)
    report = json.loads((checked / "validation.json").read_text())
    (checked / "validation.json").write_text(json.dumps({**report, "plots": ["pr-all.png"]}))
    with pytest.raises(
        ConfigurationError, match=r"a plot of the report, cannot be read: .*; do: officer model"
    ):
        packaged(model, checked, "1.0.0")
    for text in ("[]", '{"plots": []}', "{"):
        (checked / "validation.json").write_text(text)
        with pytest.raises(ConfigurationError, match=r"validation.json cannot be read .*; do: officer model"):
            packaged(model, checked, "1.0.0")


def test_only_the_file_that_was_validated_is_packaged(tmp_path: Path, data: Path) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    checked = validated(model, data, model)
    with pytest.raises(ConfigurationError, match="is not the file that was validated"):
        packaged(write_model(tmp_path / "other.onnx", person=0.95), checked, "1.0.0")


def test_a_missing_file_cannot_be_packaged(tmp_path: Path, data: Path) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    checked = validated(model, data, model)
    with pytest.raises(ConfigurationError, match=r"missing.onnx cannot be read: No such file"):
        packaged(tmp_path / "missing.onnx", checked, "1.0.0")


def test_a_model_that_was_measured_on_what_it_learned_from_cannot_be_packaged(
    tmp_path: Path, data: Path
) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    checked = validated(model, data, model, "--split", "train")
    with pytest.raises(ConfigurationError, match="was measured on the split 'train'; allowed: val; do: "):
        packaged(model, checked, "1.0.0")


@pytest.mark.parametrize(
    "arguments", [("tiny", "1.0.0"), ("--registry", "out"), ("tiny", "--registry", "out")]
)
def test_a_version_of_a_registry_is_named_in_full(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="do: officer model info NAME VERSION --registry"):
        officer("info", *arguments)


def test_versions_are_listed_though_what_is_in_use_cannot_be_read(tmp_path: Path, data: Path) -> None:
    model, registry = write_model(tmp_path / "candidate.onnx"), tmp_path / "registry"
    packaged(model, validated(model, data, model), "1.0.0")
    (registry / "current.json").write_text("{")
    told = officer("list", "--registry", registry)
    assert "1.0.0" in told
    assert "current.json is not understood" in told
    officer("use", "tiny", "1.0.0", "--registry", registry)
    assert "is not understood" not in officer("list", "--registry", registry)
    with pytest.raises(ConfigurationError, match=r"has no tiny 9.0.0; do: officer model list"):
        officer("info", "tiny", "9.0.0", "--registry", registry)


@pytest.mark.parametrize("asked", ["person", "person=nan", "person=7", "person=0", "cat=0.5"])
def test_what_is_no_threshold_is_refused_at_once(tmp_path: Path, data: Path, asked: str) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    with pytest.raises(ConfigurationError, match=r"is no threshold; allowed: LABEL=NUMBER between 0 and 1"):
        validated(model, data, model, "--threshold", asked)


def test_an_interrupted_validation_goes_on_where_it_was(tmp_path: Path, data: Path) -> None:
    model = write_model(tmp_path / "candidate.onnx")
    checked = validated(model, data, model)
    (looks,) = checked.glob("looks-*.jsonl")
    lines = looks.read_text().splitlines(keepends=True)
    looks.write_text(lines[0] + lines[1][:20])
    before = json.loads((checked / "validation.json").read_text())
    validated(model, data, model)
    assert looks.read_text().splitlines()[0] == lines[0].strip()
    assert len(looks.read_text().splitlines()) == 4
    assert json.loads((checked / "validation.json").read_text())["accuracy"] == before["accuracy"]


@pytest.mark.parametrize("blurred", [False, True])
def test_reviewed_violations_become_pictures_to_label_unless_faces_are_blurred(
    tmp_path: Path, blurred: bool
) -> None:
    run, whole_id = tmp_path / "run", make.violation_id(1)
    evidence = builders.evidence(whole_id, make.PICTURE_SHA, faces_blurred=blurred)
    FolderStore(run).put(evidence.key, make.PICTURE, "image/jpeg")
    filed_report(run, evidence=evidence)
    reviewed = CliRunner().invoke(app, ["reports", "review", whole_id, "--dismissed", "--data", str(run)])
    assert reviewed.output == f"{whole_id}: dismissed\n"
    told = officer("collect", "--reviewed", run, "--out", tmp_path / "sets")
    assert "1 reviewed violations; pictures: 1 " + ("faces blurred" if blurred else "to label") in told
    folder = tmp_path / "sets" / "to-label"
    pictures = [path.read_bytes() for path in (folder / "pictures").iterdir()]
    assert pictures == ([] if blurred else [make.PICTURE])
    assert f"{whole_id},dismissed,no_hardhat no_vest" in (folder / "reviewed.csv").read_text()
    assert not (folder / "data.yaml").exists()  # nothing here is a label: it cannot be trained on as it lies
    if not blurred:
        assert (folder / "proposals" / f"{whole_id}.txt").read_text().splitlines() == [
            "0 0.500000 0.550000 0.200000 0.700000",
            "2 0.500000 0.260000 0.080000 0.120000",
        ]


def filed_report(run: Path, **about: object) -> None:
    database = Database(f"sqlite:///{run / 'officer.db'}")
    migrate(database)
    repository, message = SqlReportRepository(database), make.opened_message(1, **about)
    claim = repository.claim(message, encode(message), 30)
    assert isinstance(claim, Claim)
    repository.commit_report(claim, make.filed(1, Severity.HIGH, **about), [], mails_presumed_sent=False)
    database.close()
