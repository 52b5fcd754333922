# The module of a service by itself: scaling, sizes, secrets, time to stop.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = {
      json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/officer-test"
    }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = {
      arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/officer-test:1"
    }
  }

  mock_resource "aws_appautoscaling_policy" {
    defaults = {
      arn = "arn:aws:autoscaling:eu-central-1:123456789012:scalingPolicy:1:resource/ecs/x:policyName/y"
    }
  }
}

variables {
  prefix             = "officer-test"
  name               = "agent"
  region             = "eu-central-1"
  account_id         = "123456789012"
  cluster_name       = "officer-test"
  image              = "registry/agent:1"
  repository_arn     = "arn:aws:ecr:eu-central-1:123456789012:repository/agent"
  command            = ["python", "-m", "services.agent"]
  health_command     = ["python", "-m", "services.agent", "healthcheck"]
  size               = { cpu = 1024, memory = 2048 }
  capacity_providers = { FARGATE = 1 }
  environment        = { STORE = "s3" }
  config_files       = []
  task_policy        = "{\"Statement\":[]}"
  network            = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"], assign_public_ip = true }
  egress             = {}
  stop_first         = false
  log_days           = 30
  scaling = {
    min               = 0
    max               = 4
    queue_name        = "violations"
    backlog_per_task  = 20
    idle_minutes      = 10
    round_every_hours = 4
    round_minutes     = 8
    metric_namespace  = "officer-test"
    outbox_metrics    = { waiting = "mails-waiting", held = "mails-held" }
  }
}

run "sleeps_and_wakes" {
  command = apply

  module {
    source = "./modules/ecs-service"
  }

  assert {
    condition     = aws_appautoscaling_target.this["it"].min_capacity == 0 && aws_appautoscaling_target.this["it"].max_capacity == 4
    error_message = "0 to 4 tasks."
  }

  assert {
    condition     = aws_appautoscaling_scheduled_action.round["begins"].schedule == "cron(0 0/4 * * ? *)" && aws_appautoscaling_scheduled_action.round["ends"].schedule == "cron(8 0/4 * * ? *)"
    error_message = "A round every four hours, of eight minutes."
  }

  assert {
    condition     = anytrue([for query in aws_cloudwatch_metric_alarm.idle["it"].metric_query : try(strcontains(query.expression, "FILL(outbox_held, 0)"), false)])
    error_message = "Tasks do not end while mails are held."
  }

  assert {
    condition     = anytrue([for query in aws_cloudwatch_metric_alarm.wake["it"].metric_query : try(strcontains(query.expression, "running"), false)])
    error_message = "Waking looks at who runs."
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 0
    error_message = "Nothing runs before the first deployment."
  }
}

run "always_awake_needs_no_rounds" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    scaling = {
      min               = 1
      max               = 4
      queue_name        = "violations"
      backlog_per_task  = 20
      idle_minutes      = 10
      round_every_hours = 4
      round_minutes     = 8
      metric_namespace  = "officer-test"
      outbox_metrics    = {}
    }
  }

  assert {
    condition     = length(aws_appautoscaling_scheduled_action.round) == 0
    error_message = "A task runs anyway."
  }
}

run "without_scaling_there_is_none" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    scaling = null
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_cloudwatch_metric_alarm.wake) == 0
    error_message = "Detection runs as often as the deployment says."
  }
}

run "the_stop_timeout_is_within_fargates" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : try(container.stopTimeout, 120) == 120])
    error_message = "120 seconds are the most that Fargate gives."
  }
}

run "a_longer_stop_timeout_is_refused" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    stop_timeout_s = 121
  }

  expect_failures = [var.stop_timeout_s]
}

run "odd_sizes_are_refused" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    size = { cpu = 1024, memory = 1024 }
  }

  expect_failures = [var.size]
}

run "on_ec2_any_size_will_do" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    size               = { cpu = 3000, memory = 10000 }
    on_ec2             = true
    gpus               = 1
    capacity_providers = { gpu = 1 }
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].resourceRequirements[0].type == "GPU"
    error_message = "The task asks for its GPU."
  }
}

run "fargate_has_no_gpu" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    gpus = 1
  }

  expect_failures = [var.gpus]
}

run "a_secret_among_the_settings_is_refused" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    environment = { DB_PASSWORD = "x" }
  }

  expect_failures = [var.environment]
}

run "logs_too_quiet_for_alarms_are_refused" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    environment = { LOG_LEVEL = "warning" }
  }

  expect_failures = [var.environment]
}

run "status_lines_too_seldom_for_alarms_are_refused" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    environment = { LOG_STATUS_EVERY_S = "60" }
  }

  expect_failures = [var.environment]
}

run "a_round_is_long_enough_to_look_twice" {
  command = plan

  module {
    source = "./modules/ecs-service"
  }

  variables {
    scaling = {
      min               = 0
      max               = 4
      queue_name        = "violations"
      backlog_per_task  = 20
      idle_minutes      = 10
      round_every_hours = 4
      round_minutes     = 5
      metric_namespace  = "officer-test"
      outbox_metrics    = {}
    }
  }

  expect_failures = [var.scaling]
}
