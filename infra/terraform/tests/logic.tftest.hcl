# The logic of the whole: groups of cameras, variants, and what is refused. The provider is real and asks nobody: all that
# it would look up is given. (Mock providers know no ephemeral resources, which hand the database's password over.)

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = {
    account_id = "123456789012"
  }
}

variables {
  environment        = "test"
  region             = "eu-central-1"
  alert_addresses    = ["ops@example.com"]
  monthly_budget_usd = 10
  site_file          = "tests/site.yaml"
  mail_identity      = "example.com"
  mail_from          = "safety@example.com"
  database           = "external"
  database_external = {
    host               = "db.example.com"
    name               = "officer"
    user               = "officer"
    password_parameter = "/officer-test/db-password"
  }
}

run "cameras_are_grouped" {
  command = plan

  variables {
    cameras_per_task = 2
  }

  assert {
    condition     = jsonencode(output.detection_cameras) == jsonencode({ "detection-1" = ["gate", "hall"], "detection-2" = ["roof", "yard"], "detection-3" = ["dock"] })
    error_message = "Five cameras, two a task: three services in the order of the site file."
  }

  assert {
    condition     = length(module.detection) == 3
    error_message = "Each group is a service."
  }
}

run "one_task_for_all_cameras" {
  command = plan

  variables {
    cameras_per_task = 64
  }

  assert {
    condition     = length(module.detection) == 1
    error_message = "All five cameras fit into one."
  }
}

run "at_the_edge_no_detection_runs_in_aws" {
  command = plan

  variables {
    detection_placement = "edge"
  }

  assert {
    condition     = length(module.detection) == 0 && length(module.spool) == 0 && length(module.gpu_capacity) == 0
    error_message = "Detection runs on the customer's box."
  }

  assert {
    condition     = output.detection_environment.STORE == "s3" && output.detection_environment.QUEUE == "sqs"
    error_message = "The box is told where to put things."
  }
}

run "gpu_brings_instances" {
  command = plan

  variables {
    detection_placement = "gpu"
    egress              = "endpoints"
    cameras_per_task    = 3
  }

  override_data {
    target = module.gpu_capacity[0].data.aws_ssm_parameter.image
    values = {
      value = "ami-12345678"
    }
  }

  assert {
    condition     = length(module.gpu_capacity) == 1
    error_message = "GPU tasks need instances."
  }

  assert {
    condition     = length(setintersection(module.network.endpoints, ["ecs", "ecs-agent", "ecs-telemetry"])) == 3
    error_message = "Instances must reach ECS to join the cluster."
  }
}

run "gpu_tasks_have_no_public_address" {
  command = plan

  variables {
    detection_placement = "gpu"
  }

  override_data {
    target = module.gpu_capacity[0].data.aws_ssm_parameter.image
    values = {
      value = "ami-12345678"
    }
  }

  expect_failures = [var.egress]
}

run "without_efs_the_spool_is_the_tasks" {
  command = plan

  variables {
    spool = "task"
  }

  assert {
    condition     = length(module.spool) == 0
    error_message = "No file system that nobody mounts."
  }
}

run "data_is_kept_unless_said_otherwise" {
  command = plan

  assert {
    condition     = var.keep_data
    error_message = "terraform destroy must not take evidence with it by default."
  }
}

run "a_database_elsewhere_must_be_described" {
  command = plan

  variables {
    database_external = null
  }

  expect_failures = [var.database_external]
}

run "mails_come_from_the_identity" {
  command = plan

  variables {
    mail_from = "safety@elsewhere.org"
  }

  expect_failures = [var.mail_from]
}

run "a_site_file_without_cameras_is_refused" {
  command = plan

  variables {
    site_file = "tests/no-cameras.yaml"
  }

  expect_failures = [var.site_file]
}

run "names_are_short_enough" {
  command = plan

  variables {
    name = "a-name-that-no-bucket-could-bear"
  }

  expect_failures = [var.name]
}

run "what_cannot_be_is_refused" {
  command = plan

  variables {
    camera_networks = ["10.0.0.300/24"]
    camera_ports    = [70000]
    agent_secrets   = { OPENAI_API_KEY = "a value, not a name" }
  }

  expect_failures = [var.camera_networks, var.camera_ports, var.agent_secrets]
}

run "a_box_with_a_certificate_needs_no_user" {
  command = plan

  variables {
    detection_placement      = "edge"
    edge_ca_certificate_file = "tests/authority.pem"
  }

  assert {
    condition     = length(module.edge_access) == 1 && output.edge_access.user == null
    error_message = "Roles Anywhere takes the place of a user with a key."
  }
}

run "without_a_way_out_no_task_is_public" {
  command = plan

  variables {
    egress = "endpoints"
  }

  assert {
    condition     = !module.network.assign_public_ip
    error_message = "Tasks reach AWS by endpoints and have no public address."
  }
}
