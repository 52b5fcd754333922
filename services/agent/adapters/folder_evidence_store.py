"""Evidence and stored messages in a folder, for one PC without a cloud."""

from collections.abc import Iterator
from typing import cast

from services.agent.application.ports import Sidecar
from services.agent.domain.work_claim import Phase
from shared.local.folder_store import FolderStore
from shared.object_keys import EVENTS_PREFIX


class FolderEvidenceStore:
    def __init__(self, store: FolderStore) -> None:
        self._store = store

    def fetch(self, key: str) -> bytes:
        return self._store.get(key)

    def sidecars(self) -> Iterator[Sidecar]:
        for key in self._store.list(EVENTS_PREFIX):
            if sidecar := sidecar_of(key):
                yield sidecar


def sidecar_of(key: str) -> Sidecar | None:
    """The message that an object key tells of, see `shared.object_keys.event_key`; None for any other object."""
    *_, violation_id, name = key.split("/")
    phase, _, rest = name.partition("-")
    if phase not in ("opened", "closed") or not rest.endswith(".json"):
        return None
    return Sidecar(key, violation_id, cast("Phase", phase))
