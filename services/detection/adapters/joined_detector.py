"""Several models as one: a people model and a PPE model, say, their classes joined."""

import hashlib
from collections.abc import Sequence

from services.detection.application.ports import Detector
from services.detection.domain.detection import Detection, Label, ModelInfo, Reliability
from services.detection.domain.frame import BgrImage
from shared.errors import ConfigurationError
from shared.vocabulary import Finding


class JoinedDetector:
    """A `Detector` over several, asked one after the other; a label is taken from the first that knows it."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        """Join *detectors*, the one to be preferred first.

        Raises:
            ConfigurationError: none is given, or one adds no label to those before it.
        """
        if not detectors:
            raise ConfigurationError("no model is given; name at least one")
        shares = _shares(detectors)
        self._parts = list(zip(detectors, shares, strict=True))
        self._info = _joined_info([detector.info for detector in detectors], shares)

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def parts(self) -> list[ModelInfo]:
        """What is known of each model, the preferred one first."""
        return [detector.info for detector, _ in self._parts]

    def detect(self, images: Sequence[BgrImage], floor: float) -> list[list[Detection]]:
        answers = [(detector.detect(images, floor), share) for detector, share in self._parts]
        return [
            sorted(
                (found for answer, share in answers for found in answer[number] if found.label in share),
                key=lambda found: -found.confidence,
            )
            for number in range(len(images))
        ]


def _shares(detectors: Sequence[Detector]) -> list[frozenset[Label]]:
    """What each of *detectors* is asked for."""
    taken: frozenset[Label] = frozenset()
    shares = []
    for detector in detectors:
        share = detector.info.labels - taken
        if not share:
            raise ConfigurationError(
                f"model {detector.info.name} adds nothing to the models before it; leave it out, or name it first"
            )
        shares.append(share)
        taken |= share
    return shares


def _joined_info(infos: Sequence[ModelInfo], shares: Sequence[frozenset[Label]]) -> ModelInfo:
    """The input is the smaller one: who is large enough for one model only has been judged by that one only."""
    return ModelInfo(
        name="+".join(info.name for info in infos),
        sha256=hashlib.sha256("".join(info.sha256 for info in infos).encode()).hexdigest(),
        backend=infos[0].backend,
        input_px=min((info.input_px for info in infos), key=max),
        labels=frozenset[Label]().union(*(info.labels for info in infos)),
        thresholds={
            label: threshold
            for info, share in zip(infos, shares, strict=True)
            for label, threshold in info.thresholds.items()
            if label in share
        },
        version="+".join(info.version for info in infos),
        reliability=_least_reliable(infos),
    )


def _least_reliable(infos: Sequence[ModelInfo]) -> Reliability:
    """Of what several have measured, the lowest: which of them a look rests on is not known afterwards."""
    joined: dict[Finding, dict[str, float]] = {}
    for info in infos:
        for finding, by_basis in info.reliability.items():
            known = joined.setdefault(finding, {})
            known |= {basis: min(share, known.get(basis, 1.0)) for basis, share in by_basis.items()}
    return joined
