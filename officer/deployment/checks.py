"""What must be there before a violation can become a mail, asked without changing anything."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from json import loads
from typing import Any

from botocore.exceptions import ClientError

from officer.deployment.installation import Installation
from officer.doctor import Check, Finding
from shared.aws.errors import code_of, our_errors

RECENT = timedelta(minutes=5)  # a running agent tells its status twice a minute


def checks(installation: Installation) -> Iterator[Check]:
    """All checks, in the order of a violation's way."""
    told = installation.told
    yield "queue", partial(_queue, installation)
    for what in ("evidence", "report"):
        yield f"{what} bucket", partial(_bucket, installation, told[f"{what}_bucket"])
    for name in told["services"]:
        yield f"service {name}", partial(_service, installation, name)
    yield "tables", partial(_tables, installation)
    yield "mail identity", partial(_mail_identity, installation)
    yield "mail account", partial(_mail_account, installation)
    yield "alarms", partial(_alarms, installation)
    yield "alert addresses", partial(_alert_addresses, installation)


def _queue(installation: Installation) -> Finding:
    urls = [installation.told[name] for name in ("queue_url", "dead_letter_queue_url")]
    own, dead = (_attributes(installation, url) for url in urls)
    target = loads(own.get("RedrivePolicy", "{}")).get("deadLetterTargetArn")
    if target != dead["QueueArn"]:
        return Finding(False, f"dead letters go to {target}, not to {dead['QueueArn']}; do: terraform apply")
    waiting, letters = (int(found["ApproximateNumberOfMessages"]) for found in (own, dead))
    if letters:
        return Finding(False, f"{letters} dead letters; do: docs/runbooks/dead-letters.md")
    return Finding(True, f"{waiting} messages wait, no dead letters")


def _attributes(installation: Installation, url: str) -> Mapping[str, str]:
    with our_errors(f"queue {url.rpartition('/')[2]}"):
        found = installation.aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes: Mapping[str, str] = found["Attributes"]
    return attributes


def _bucket(installation: Installation, bucket: str) -> Finding:
    s3 = installation.aws("s3")
    with our_errors(f"bucket {bucket}"):
        s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
        versions = s3.get_bucket_versioning(Bucket=bucket).get("Status")
        private = _is_private(s3, bucket)
    if not private or versions != "Enabled":
        wrong = "versioning is off" if private else "it is not closed to the public"
        return Finding(False, f"{bucket}: {wrong}; do: find out who changed it, then terraform apply")
    return Finding(True, f"{bucket}: private, with versions")


def _is_private(s3: Any, bucket: str) -> bool:
    try:
        blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if code_of(error) == "NoSuchPublicAccessBlockConfiguration":
            return False
        raise
    return all(blocked.values())


def _service(installation: Installation, name: str) -> Finding:
    about = installation.told["services"][name]
    found = _described(installation, name)
    running, wanted = found["runningCount"], found["desiredCount"]
    count = f"{running} of {wanted} tasks run"
    if found["taskDefinition"].endswith(about["task_definition"].rpartition("/")[2]):
        return Finding(
            False, f"no image was ever put into service; do: python infra/deploy.py {_example(installation)}"
        )
    if wanted == 0 and about["tasks"] == 0:
        return Finding(True, "sleeps until something waits")
    if running < max(wanted, 1) or found["deployments"][0].get("rolloutState") == "FAILED":
        last = found["events"][0]["message"] if found.get("events") else "ECS tells no reason"
        return Finding(False, f"{count}: {last}; do: docs/runbooks/task-restarts.md")
    return Finding(True, f"{count} ({found['taskDefinition'].rpartition('/')[2]})")


def _example(installation: Installation) -> str:
    return f"{installation.name} --region {installation.told['region']} --tag TAG"


def _described(installation: Installation, name: str) -> Mapping[str, Any]:
    service = installation.told["services"][name]["service"]
    with our_errors(f"service {service}"):
        answer = installation.aws("ecs").describe_services(
            cluster=installation.told["cluster"], services=[service]
        )
    found: Mapping[str, Any] = answer["services"][0]
    return found


def _tables(installation: Installation) -> Finding:
    """The database lets nobody in but the agent, so the agent is asked: its status line counts rows."""
    if not _described(installation, "agent")["runningCount"]:
        return Finding(None, "no agent runs that could tell; the test violation needs them and will")
    since = datetime.now(UTC) - RECENT
    lines = list(installation.log_lines(since, "agent.status"))
    if lines:
        return Finding(True, f"the agent counts its rows (last at {lines[-1]['at']})")
    why = [
        line for what in ("database.awaited", "agent.blind") for line in installation.log_lines(since, what)
    ]
    told = why[-1]["problem"] if why else f"its log {installation.told['migrate']['log_group']} says nothing"
    return Finding(False, f"the agent does not get at them: {told}; do: docs/runbooks/oldest-message.md")


def _mail_identity(installation: Installation) -> Finding:
    identity, sender = (installation.told["mail"][key] for key in ("identity", "from"))
    with our_errors(f"mail identity {identity}"):
        found = installation.aws("sesv2").get_email_identity(EmailIdentity=identity)
    if not found["VerifiedForSendingStatus"]:
        how = (
            "click the link that was mailed to it"
            if "@" in identity
            else "enter terraform output mail_dns_records"
        )
        return Finding(False, f"{identity} is not verified; do: {how}, and wait until SES has looked")
    return Finding(True, f"{identity} is verified; mails come from {sender}")


def _mail_account(installation: Installation) -> Finding:
    with our_errors("SES"):
        found = installation.aws("sesv2").get_account()
    if not found["SendingEnabled"]:
        return Finding(False, "SES has stopped this account; do: docs/runbooks/mail-bounces.md")
    if not found["ProductionAccessEnabled"]:
        return Finding(
            None, "in SES's sandbox: only verified recipients get mail; way out: docs/deploy.md, 4"
        )
    return Finding(True, f"sends to anybody, {found['SendQuota']['Max24HourSend']:.0f} mails a day")


def _alarms(installation: Installation) -> Finding:
    names = installation.told["alarms"]
    with our_errors("alarms"):
        found = installation.aws("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    if missing := sorted(set(names) - {one["AlarmName"] for one in found}):
        return Finding(False, f"missing: {', '.join(missing)}; do: terraform apply")
    if mute := sorted(
        one["AlarmName"] for one in found if not one["ActionsEnabled"] or not one["AlarmActions"]
    ):
        return Finding(False, f"tell nobody: {', '.join(mute)}; do: terraform apply, or enable their actions")
    if ringing := [one for one in found if one["StateValue"] == "ALARM"]:
        where = ", ".join(f"{one['AlarmName']} ({_runbook(one)})" for one in ringing)
        return Finding(False, f"on at this moment: {where}")
    return Finding(True, f"{len(names)} alarms, none of them on")


def _runbook(alarm: Mapping[str, Any]) -> str:
    return str(alarm["AlarmDescription"]).rpartition(" ")[2]


def _alert_addresses(installation: Installation) -> Finding:
    pending, confirmed = set(), set()
    for topic in installation.told["topics"]:
        with our_errors(f"topic {topic.rpartition(':')[2]}"):
            pages = installation.aws("sns").get_paginator("list_subscriptions_by_topic")
            found = [one for page in pages.paginate(TopicArn=topic) for one in page["Subscriptions"]]
        pending |= {one["Endpoint"] for one in found if not one["SubscriptionArn"].startswith("arn:")}
        confirmed |= {one["Endpoint"] for one in found}
    if pending or not confirmed:
        who = ", ".join(sorted(pending)) or "nobody is named"
        return Finding(
            False, f"will not be told: {who}; do: click both links that AWS mailed (or terraform apply again)"
        )
    return Finding(True, f"{', '.join(sorted(confirmed))} will be told")
