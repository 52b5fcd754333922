"""Messages a minute of one agent: python -m tests.benchmarks.throughput [--messages 40] [--seconds 2]

Fills the embedded queue, starts the agent as a process and times from the first to the last stored report: with the
template writer, and with a model's server that answers each request after --seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.local.folder_store import FolderStore
from shared.local.sqlite_queue import SqliteQueue
from shared.object_keys import event_key
from tests import agent_builders as make
from tests.drafts import as_reply, written
from tests.servers.chat_model import called, chat_model

ROOT = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=2.0, help="what the model's server takes to answer")
    arguments = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}")
    print(f"template writer: {_per_minute(arguments.messages, {}):.0f} messages a minute")
    with chat_model() as server:
        draft = as_reply(written(make.brief(_opened(0))))

        def reply():  # type: ignore[no-untyped-def]
            time.sleep(arguments.seconds)
            return called(draft)

        server.replies = [reply]
        model = {"LLM_MODEL": "openai:local", "LLM_BASE_URL": server.base_url, "LLM_API_KEY": "none"}
        speed = _per_minute(max(5, arguments.messages // 4), model)
        print(
            f"model that answers in {arguments.seconds} s: {speed:.0f} messages a minute, {len(server.requests)} asked"
        )


def _opened(number: int):  # type: ignore[no-untyped-def]
    return make.opened(number, first_seen=datetime.now(UTC) - timedelta(minutes=1))


def _per_minute(messages: int, environment: dict[str, str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder), messages)
        settings = {"DATA_DIR": folder, "SITE_FILE": str(ROOT / "examples" / "sites" / "ppe-everywhere.yaml")}
        command = [sys.executable, "-m", "services.agent"]
        agent = subprocess.Popen(
            command, env={**os.environ, **settings, **environment}, stdout=subprocess.PIPE, text=True
        )
        assert agent.stdout
        stored = []
        for line in agent.stdout:
            event = json.loads(line)
            if event["event"] == "report.stored":
                stored.append(time.monotonic())
            if len(stored) == messages:
                break
        agent.terminate()
        agent.communicate()
    return 60 * (len(stored) - 1) / (stored[-1] - stored[0])


def _fill(folder: Path, messages: int) -> None:
    store, queue = FolderStore(folder), SqliteQueue(folder / "queue.db")
    for number in range(messages):
        message = make.builders.message(_opened(number))
        body = make.encode(message)
        store.put(message.data.evidence.key, make.PICTURE, "image/jpeg")
        store.put(event_key(message, body), body, "application/json")
        queue.send(body, name=message.id)
    queue.close()


if __name__ == "__main__":
    main()
