"""To erase a violation on which somebody is at work."""

from services.agent.application.erase import Holding, erase
from tests import agent_builders as make
from tests.fakes.memory_database import MemoryDatabase, MemoryReportRepository
from tests.fakes.memory_store import MemoryStore

OURS = make.violation_id(1)


def test_a_report_put_at_the_last_moment_goes_too() -> None:
    repository, store = MemoryReportRepository(MemoryDatabase()), MemoryStore()
    repository.claim(make.opened_message(1), make.body(1), 30)
    waited: list[float] = []

    def worker_puts_it(seconds: float) -> None:
        waited.append(seconds)
        store.put(f"reports/{OURS}.pdf", b"%PDF", "application/pdf")

    gone = erase({OURS}, "asked for", repository, [Holding(store, "reports/")], [], worker_puts_it)

    assert gone == [f"reports/{OURS}.pdf"]
    assert 25 < waited[0] <= 30
