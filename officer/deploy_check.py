"""officer deploy-check: is an installation in AWS whole, and does a violation become a mail there?"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from officer.console import screen
from officer.doctor import MARKS, Finding, examine
from shared.aws.clients import AwsClients
from shared.errors import OfficerError
from shared.vocabulary import Severity

if TYPE_CHECKING:
    from officer.deployment.installation import Installation

NEEDED = {
    "queue",
    "evidence bucket",
    "report bucket",
    "service agent",
}  # without them the test would only wait


def deploy_check(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name and environment of the installation, such as officer-dev."),
    ],
    region: Annotated[str | None, typer.Option(envvar="AWS_REGION", help="Such as eu-central-1.")] = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Only look; send nothing.")] = False,
    only_test: Annotated[bool, typer.Option("--only-test", help="Only send the test violation.")] = False,
    severity: Annotated[Severity, typer.Option(help="Of the test; decides who is mailed.")] = Severity.LOW,
    limit: Annotated[float, typer.Option(min=1, help="Seconds that the test violation may take.")] = 900,
) -> None:
    """Check an installation in AWS: queue, buckets, services, tables, mail, alarms; then send it a test violation.

    The test is marked TEST in its picture, report and mail, and goes to whom the site file names. The last thing that
    can be seen from outside is that SES has taken the mail: whether it lies in the inbox, only its owner sees.
    Exit code 0 if all is well, 1 if something needs attention.

        officer deploy-check officer-dev --region eu-central-1
        officer deploy-check officer-dev --region eu-central-1 --no-test
    """
    from officer.deployment.checks import checks
    from officer.deployment.installation import read_installation

    clients = AwsClients(region)
    installation = read_installation(name, cache(clients.named))
    wrong = (
        set()
        if only_test
        else {what for what, check in checks(installation) if not _told(what, examine(check))}
    )
    if not no_test:
        wrong |= _test(installation, severity, limit, wrong & NEEDED)
    screen.print(f"{len(wrong)} of these need attention." if wrong else "All is well.")
    raise typer.Exit(1 if wrong else 0)


def _told(what: str, finding: Finding) -> bool:
    """Show one line; False if it needs attention."""
    screen.print(f"{MARKS[finding.ok]} {what}: {escape(finding.told)}", highlight=False, soft_wrap=True)
    return finding.ok is not False


def _test(
    installation: "Installation", severity: Severity, limit_s: float, missing: Iterable[str]
) -> set[str]:
    """Names of the lines about the test violation that need attention."""
    from officer.deployment.trial import follow, made, send

    if missing := sorted(missing):
        _told("test violation", Finding(None, f"not sent: mend {', '.join(missing)} first"))
        return set()
    trial = made(installation.told["site"], severity, datetime.now(UTC))
    try:
        send(trial, installation)
        _told(
            "test violation",
            Finding(True, f"{trial.violation_id} is in bucket and queue; waiting {limit_s:.0f} s at most"),
        )
        return {what for what, finding in follow(trial, installation, limit_s) if not _told(what, finding)}
    except OfficerError as error:
        _told("test violation", Finding(False, str(error)))
        return {"test violation"}
