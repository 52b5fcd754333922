"""Reports in a folder, for one PC without a cloud."""

import hashlib

from services.agent.application.ports import StoredPdf
from shared.local.folder_store import FolderStore
from shared.objects import MAX_REPORT_BYTES

PDF = "application/pdf"


class FolderReportStore:
    def __init__(self, store: FolderStore) -> None:
        self._store = store

    def put(self, key: str, pdf: bytes) -> StoredPdf:
        was_there = self._store.exists(key)
        self._store.put(key, pdf, PDF)
        held = self._store.get(key, MAX_REPORT_BYTES)
        return StoredPdf(hashlib.sha256(held).hexdigest(), len(held), was_there)

    def fetch(self, key: str) -> bytes:
        return self._store.get(key, MAX_REPORT_BYTES)
