"""The steps make exactly the tables that the code uses, on both databases, once, however often and from wherever."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from services.agent.adapters.sql_database import Database
from services.agent.adapters.sql_migrations import _config, check_schema, migrate
from services.agent.adapters.sql_report_reader import SqlReportReader
from services.agent.adapters.sql_report_repository import SqlReportRepository
from services.agent.adapters.sql_schema import metadata
from services.agent.adapters.sql_trace_reader import SqlTraceReader
from services.agent.application.ports import ReportFilter
from services.agent.domain.work_claim import Claim
from shared.errors import ConfigurationError, TransientError
from tests import agent_builders as make
from tests.servers.postgres import running_postgres
from tests.servers.rtsp import free_port


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = f"sqlite:///{tmp_path / 'officer.db'}"
    made = Database(sqlite if request.param == "sqlite" else running_postgres().new_database())
    yield made
    made.close()


def test_the_steps_make_the_tables_of_the_code(database: Database) -> None:
    migrate(database)
    with database.read() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_and_at_the_same_time_changes_nothing(database: Database) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            migrate(database)
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    check_schema(database)


def test_an_empty_database_is_refused_with_what_to_do(database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"schema none.*run 'python -m services.agent migrate'"):
        check_schema(database)


def _made_newer(database: Database, oldest: str) -> None:
    """As software of step 9999 would leave it, with which that of step *oldest* works."""
    migrate(database)
    with database.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        db.execute(text("UPDATE schema_works_with SET oldest = :oldest"), {"oldest": oldest})


def test_a_database_that_newer_software_has_changed_is_left_alone(database: Database) -> None:
    _made_newer(database, "9998")
    for ask in (migrate, check_schema):
        with pytest.raises(ConfigurationError, match="newer version"):
            ask(database)


def test_one_that_newer_software_only_added_to_can_be_gone_back_to(database: Database) -> None:
    _made_newer(database, "0003")
    migrate(database)
    check_schema(database)
    with database.read() as db:
        assert db.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


@pytest.mark.parametrize("step", ["0002", "0003"])
def test_what_an_older_release_has_filed_can_be_read_and_erased_before_anybody_migrates_it(
    database: Database, step: str
) -> None:
    config = _config()
    with database.write() as db:
        config.attributes["connection"] = db
        command.upgrade(config, step)
    repository, whole_id = SqlReportRepository(database), make.violation_id(1)
    claim = repository.claim(make.opened_message(1), make.body(1), 30)
    assert isinstance(claim, Claim)
    repository.commit_report(claim, make.filed(1), ["anna@site.example"], mails_presumed_sent=True)

    reader = SqlReportReader(database)
    [row] = reader.list(ReportFilter())
    assert [mail.state for mail in row.mails] == ["presumed-sent"]
    assert reader.get(whole_id) == row
    assert SqlTraceReader(database).history(whole_id).mails == row.mails
    assert reader.ids_before(row.first_seen + timedelta(days=1)) == [whole_id]
    repository.erase(whole_id, "asked for")
    assert reader.list(ReportFilter()) == []


def test_what_is_no_database_of_ours_is_left_alone(database: Database) -> None:
    with database.write() as db:
        db.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        db.execute(text("INSERT INTO alembic_version VALUES ('ae1027a6acf')"))
    with pytest.raises(ConfigurationError, match="does not know"):
        migrate(database)


@pytest.mark.parametrize(
    "url", ["mysql://user:geheim@host/db", "not an address", "sqlite", "postgresql:/user:geheim@/x y"]
)
def test_a_wrong_address_is_told_without_its_password(url: str) -> None:
    with pytest.raises((ConfigurationError, TransientError)) as caught:
        check_schema(Database(url))
    assert "geheim" not in str(caught.value)


def test_a_database_that_is_down_is_a_matter_of_time() -> None:
    url = f"postgresql://officer:geheim@127.0.0.1:{free_port()}/officer"
    with pytest.raises(TransientError, match="check that it runs") as caught:
        check_schema(Database(url))
    assert "geheim" not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "officer.db"
    with pytest.raises(TransientError, match=re.escape(str(gone))), Database(f"sqlite:///{gone}").read():
        pass
