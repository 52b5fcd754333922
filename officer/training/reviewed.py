"""Pictures of the violations that people have reviewed, to be labelled: what was marked wrong teaches most.

A verdict is about one finding; nobody said that all else in the picture is right. So nothing here is a label: the
model's own boxes lie beside each picture as a proposal, and only what a person has corrected belongs into a set.
"""

import csv
from collections import Counter
from pathlib import Path

from officer.database import agent_settings, report_reader
from officer.training.prepared import make_folder
from services.agent.application.ports import EvidenceStore, ReportFilter, ReportRow
from services.detection.domain.detection import Label, translate
from shared.contracts.violation import EvidenceFacts, PictureBox
from shared.errors import ObjectMissingError

FOLDER = "to-label"
LIST = "reviewed.csv"
COLUMNS = ("violation_id", "verdict", "findings", "camera_id", "captured_at", "model", "picture")


def collect_reviewed(data: Path, out: Path) -> str:
    """Bring the pictures of reviewed violations of the run's folder *data* into *out*/to-label; tells what came of it.

    Pictures with blurred faces are listed but not brought: a head that is half blurred teaches that blur means a head.

    Raises:
        ConfigurationError: there is no database, the stores are set up wrong, or *out* cannot be made.
        TransientError: the database or the store does not answer.
    """
    from services.agent.bootstrap import aws_clients, open_stores  # a second of imports

    settings, reader = agent_settings(data), report_reader(data)
    evidence, _ = open_stores(settings, lambda: aws_clients(settings.aws_region))
    folder = out / FOLDER
    make_folder(folder / "proposals")
    make_folder(folder / "pictures")
    (folder / "proposals" / "classes.txt").write_text("".join(f"{label}\n" for label in Label), "utf-8")
    rows, states = [], Counter[str]()
    for row in reader.list(ReportFilter(limit=None)):
        if row.verdict is None:
            continue
        opened = reader.report(row.violation_id).report.brief.opened
        state = _brought(row, opened.evidence, evidence, folder)
        states[state] += 1
        rows.append([*_cells(row, opened.evidence, opened.model.name), state])
    with (folder / LIST).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    told = ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "none"
    return f"{folder / LIST}: {len(rows)} reviewed violations; pictures: {told}"


def _brought(row: ReportRow, facts: EvidenceFacts, evidence: EvidenceStore, folder: Path) -> str:
    """Store the picture and the proposal; what became of the picture, in words."""
    if facts.faces_blurred:
        return "faces blurred"
    path = folder / "pictures" / f"{row.violation_id}.jpg"
    if not path.exists():
        try:
            path.write_bytes(evidence.fetch(facts.key))
        except ObjectMissingError:
            return "gone from the store"
    (folder / "proposals" / f"{row.violation_id}.txt").write_text(_proposal(facts.boxes), "utf-8")
    return "to label"


def _proposal(boxes: tuple[PictureBox, ...]) -> str:
    """The model's boxes as a YOLO label file, numbered as in classes.txt."""
    numbers = {label: number for number, label in enumerate(Label)}
    lines = []
    for one in boxes:
        for label in translate([one.label]).values():
            box = one.box
            middle = f"{(box.x1 + box.x2) / 2:.6f} {(box.y1 + box.y2) / 2:.6f}"
            lines.append(f"{numbers[label]} {middle} {box.x2 - box.x1:.6f} {box.y2 - box.y1:.6f}\n")
    return "".join(lines)


def _cells(row: ReportRow, facts: EvidenceFacts, model: str) -> list[str]:
    return [
        row.violation_id,
        str(row.verdict),
        " ".join(row.findings),
        row.camera_id,
        facts.captured_at.isoformat(),
        model,
    ]
