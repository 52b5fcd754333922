"""An AWS endpoint on this machine that Terraform can apply to: moto, and what it lacks or answers wrongly.

    python aws_endpoint.py PORT

It says nothing about what AWS itself would refuse; the checks beside it look for that by themselves.
"""

import json
import re
import sys
import time
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.budgets.responses import BudgetsResponse
from moto.core.responses import ActionResult
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.efs.responses import EFSResponse
from moto.iam.access_control import PermissionResult
from moto.iam.responses import IamResponse
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.s3.models import FakeBucket
from moto.ses.models import ConfigurationSet
from moto.sesv2 import urls
from moto.sesv2.responses import SESV2Response
from moto.sqs.models import Queue

_destinations: dict[str, dict[str, Any]] = {}


def main(port: int) -> None:
    _tags_can_be_listed()
    _queues_say_who_may_redrive()
    _budgets_have_subscribers()
    _configuration_sets_are_answered()
    _buckets_can_be_used_over_http()
    _services_are_told_as_they_were_made()
    _mail_accounts_are_told()
    _spools_and_users_can_be_removed()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


def _tags_can_be_listed() -> None:
    ApplicationAutoScalingResponse.list_tags_for_resource = lambda self: json.dumps({"Tags": {}})
    BudgetsResponse.list_tags_for_resource = lambda self: json.dumps({"ResourceTags": []})


def _queues_say_who_may_redrive() -> None:
    own = Queue.attributes.fget
    Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]
    Queue.redrive_allow_policy = None

    def attributes(queue: Any) -> dict[str, Any]:
        return {name: value for name, value in own(queue).items() if value or name != "RedriveAllowPolicy"}

    Queue.attributes = property(attributes)


def _budgets_have_subscribers() -> None:
    def subscribers(self: Any) -> str:
        account, budget = self._get_param("AccountId"), self._get_param("BudgetName")
        wanted = self._get_param("Notification")
        for note in self.backend.budgets[account][budget].notifications:
            same = (
                str(note.details.get(key)) == str(wanted[key])
                for key in ("NotificationType", "Threshold")
                if key in wanted
            )
            if all(same):
                return json.dumps({"Subscribers": note.subscribers})
        return json.dumps({"Subscribers": []})

    BudgetsResponse.describe_subscribers_for_notification = subscribers


def _buckets_can_be_used_over_http() -> None:
    """moto takes a bucket's policy for real but overlooks its conditions, so that "no HTTP" is "nothing at all"."""
    FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL


def _services_are_told_as_they_were_made() -> None:
    """moto forgets what decides how tasks are replaced and where they run."""
    own = EC2ContainerServiceResponse.create_service

    def create(self: Any) -> Any:
        answer = own(self)
        service = answer.result["service"]
        service.deployment_configuration = self._get_param("deploymentConfiguration")
        service.capacity_provider_strategy = self._get_param("capacityProviderStrategy")
        service.enable_ecs_managed_tags = self._get_param("enableECSManagedTags")
        service.availability_zone_rebalancing = "DISABLED"
        return answer

    EC2ContainerServiceResponse.create_service = create


def _mail_accounts_are_told() -> None:
    """An account of which SES knows nothing bad, and domains that are verified as soon as they are there."""
    quota = {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
    account = {"SendingEnabled": True, "ProductionAccessEnabled": True, "SendQuota": quota}
    SESV2Response.get_account = lambda self: json.dumps(account)
    urls.url_paths["{0}/v2/email/account$"] = SESV2Response.dispatch
    own = SESV2Response.get_email_identity
    verified = {"VerifiedForSendingStatus": True}
    SESV2Response.get_email_identity = lambda self: json.dumps(json.loads(own(self)) | verified)


def _spools_and_users_can_be_removed() -> None:
    def delete_policy(self: Any) -> tuple[str, dict[str, Any]]:
        self.efs_backend.file_systems_by_id[self._get_param("FileSystemId")].file_system_policy = None
        return json.dumps({}), {"status": 200, "Content-Type": "application/json"}

    EFSResponse.delete_file_system_policy = delete_policy
    none = ActionResult({"ServiceSpecificCredentials": []})
    IamResponse.list_service_specific_credentials = lambda self: none


def _configuration_sets_are_answered() -> None:
    """The set itself is answered in a form that no SDK reads, and its event destinations are not there at all."""
    told = ConfigurationSet.to_dict_v2
    ConfigurationSet.to_dict_v2 = lambda self: {**told(self), "SendingOptions": {"SendingEnabled": True}}

    def held(self: Any) -> dict[str, Any]:
        return _destinations.setdefault(re.search(r"/configuration-sets/([^/?]+)/", self.path)[1], {})

    def put(self: Any) -> str:
        body = json.loads(self.body)
        name = body.get("EventDestinationName") or self.path.rpartition("/")[2]
        held(self)[name] = {"Name": name, **body["EventDestination"]}
        return json.dumps({})

    def get(self: Any) -> str:
        return json.dumps({"EventDestinations": list(held(self).values())})

    def delete(self: Any) -> str:
        held(self).pop(self.path.rpartition("/")[2], None)
        return json.dumps({})

    of_a_set = "{0}/v2/email/configuration-sets/(?P<ConfigurationSetName>[^/]+)/event-destinations"
    urls.url_paths[f"{of_a_set}$"] = SESV2Response.dispatch
    urls.url_paths[f"{of_a_set}/(?P<EventDestinationName>[^/]+)$"] = SESV2Response.dispatch
    SESV2Response.create_configuration_set_event_destination = put
    SESV2Response.update_configuration_set_event_destination = put
    SESV2Response.get_configuration_set_event_destinations = get
    SESV2Response.delete_configuration_set_event_destination = delete


if __name__ == "__main__":
    main(int(sys.argv[1]))
