"""Measure what looking closer at small people gains, and what it costs (development only).

    python -m tools.measure_attention models/ppe.onnx examples/demo examples/clips/*/

Judges clips with exact truth as `officer model validate --clip` does, at several input sizes (--input-px), so that the
same people come out smaller and smaller, each with and without the camera's `look_closer`. Prints violations found,
false and raised twice, the median delay, and the processor time of the whole detection as a ratio to that without.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path
from statistics import median

import yaml

from officer.training.events import EventTally, judge_clip

SIZES_PX = (160, 224, 256, 320, 480, 640)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as the module's head shows."""
    options = _options(arguments)
    print("| Input | Small people closer | Found | False | Twice | Delay, median | Time |")
    print("|---|---|---|---|---|---|---|")
    for input_px in options.input_px:
        without_s = 0.0
        for closer in (False, True):
            told, taken_s = _judge(options.model, options.clips, input_px, closer)
            without_s = without_s or taken_s
            delay = f"{median(told.delays_s):.1f} s" if told.delays_s else ""
            print(
                f"| {input_px} px | {'yes' if closer else 'no'} | {told.found} of {told.expected} | {told.false} |"
                f" {told.duplicates} | {delay} | {taken_s / without_s:.1f} |",
                flush=True,
            )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--input-px", type=int, nargs="+", default=SIZES_PX)
    return parser.parse_args(arguments)


def _judge(model: Path, clips: Sequence[Path], input_px: int, closer: bool) -> tuple[EventTally, float]:
    """What was found over all *clips*, and the processor time in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        changed = [_changed(clip, Path(folder, str(n)), input_px, closer) for n, clip in enumerate(clips)]
        began = time.process_time()
        told = [judge_clip(clip, model) for clip in changed]
        return reduce(add, told), time.process_time() - began


def _changed(clip: Path, folder: Path, input_px: int, closer: bool) -> Path:
    """A copy of *clip* whose camera asks for *input_px* and *closer*."""
    shutil.copytree(clip, folder)
    site = yaml.safe_load((folder / "site.yaml").read_text("utf-8"))
    for camera in site["cameras"]:
        camera |= {"input_px": input_px, "look_closer": closer}
    (folder / "site.yaml").write_text(yaml.safe_dump(site), "utf-8")
    return folder


if __name__ == "__main__":
    main()
