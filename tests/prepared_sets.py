"""A folder as `officer model prepare` makes it, from tiny sets."""

from pathlib import Path

from officer.training.prepare import Preparation, prepare


def prepared_folder(tmp_path: Path, *sources: Path) -> Path:
    prepare(Preparation(sources, tmp_path / "prepared"))
    return tmp_path / "prepared"
