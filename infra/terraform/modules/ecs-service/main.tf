# One service on ECS: task definition, service, log group, security group. Roles are in iam.tf, scaling in scaling.tf.

locals {
  fargate = !var.on_ec2
  log_configuration = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = var.region
      awslogs-stream-prefix = "task"
      mode                  = "non-blocking" # a log service that is down must not stop the camera
      max-buffer-size       = "25m"
    }
  }

  # What the task itself provides: gone with the task.
  scratch = toset(concat(["tmp", "config"], contains(keys(var.file_systems), "data") ? [] : ["data"]))
  mounts = [for name in sort(concat(tolist(local.scratch), keys(var.file_systems))) : {
    sourceVolume  = name
    containerPath = "/${name}"
    readOnly      = false
  }]

  # Runs first and ends: fetches the site file and certificates, checks their hashes, and gives the scratch folders to
  # the user that the service runs as.
  prepare = {
    name                   = "prepare"
    image                  = var.image
    essential              = false
    user                   = "0:0"
    readonlyRootFilesystem = true
    command                = ["python", "-m", "shared.aws.config_files"]
    environment = [for key, value in {
      AWS_REGION     = var.region
      CONFIG_FILES   = jsonencode(var.config_files)
      CONFIG_FOLDERS = join(",", [for name in sort(local.scratch) : "/${name}"])
      CONFIG_OWNER   = "10001:10001"
    } : { name = key, value = value }]
    mountPoints      = [for mount in local.mounts : mount if contains(local.scratch, mount.sourceVolume)]
    volumesFrom      = []
    portMappings     = []
    systemControls   = []
    logConfiguration = local.log_configuration
  }

  service = merge({
    name                   = var.name
    image                  = var.image
    essential              = true
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    command                = var.command
    environment            = [for key in sort(keys(var.environment)) : { name = key, value = var.environment[key] }]
    secrets                = [for key in sort(keys(var.secrets)) : { name = key, valueFrom = var.secrets[key] }]
    mountPoints            = local.mounts
    volumesFrom            = []
    portMappings           = []
    systemControls         = []
    stopTimeout            = var.stop_timeout_s
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    dependsOn              = [{ containerName = "prepare", condition = "SUCCESS" }]
    logConfiguration       = local.log_configuration
    }, var.gpus == 0 ? {} : {
    resourceRequirements = [{ type = "GPU", value = tostring(var.gpus) }]
  })

  health_check = {
    healthCheck = {
      command     = concat(["CMD"], var.health_command)
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 120
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:logs hold no pictures and no passwords; the AWS key encrypts them
  #checkov:skip=CKV_AWS_338:personal data is kept no longer than needed: log_days
  name              = "/${var.prefix}/${var.name}"
  retention_in_days = var.log_days
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.prefix}-${var.name}"
  requires_compatibilities = [local.fargate ? "FARGATE" : "EC2"]
  network_mode             = "awsvpc"
  cpu                      = var.size.cpu
  memory                   = var.size.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.prepare, merge(local.service, local.health_check)])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  dynamic "volume" {
    for_each = local.scratch

    content {
      name = volume.key
    }
  }

  dynamic "volume" {
    for_each = var.file_systems

    content {
      name = volume.key

      efs_volume_configuration {
        file_system_id     = volume.value.file_system_id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = volume.value.access_point_id
          iam             = "ENABLED"
        }
      }
    }
  }
}

# Commands of the same image with the same settings that run once and end, such as migrate.
resource "aws_ecs_task_definition" "once" {
  for_each = var.run_once

  family                   = "${var.prefix}-${var.name}-${each.key}"
  requires_compatibilities = [local.fargate ? "FARGATE" : "EC2"]
  network_mode             = "awsvpc"
  cpu                      = var.size.cpu
  memory                   = var.size.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([local.prepare, merge(local.service, { command = each.value })])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  dynamic "volume" {
    for_each = toset(concat(tolist(local.scratch), keys(var.file_systems)))

    content {
      name = volume.key
    }
  }
}

resource "aws_security_group" "this" {
  name        = "${var.prefix}-${var.name}"
  description = "Nothing comes in; out goes what is named"
  vpc_id      = var.network.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = var.egress

  security_group_id = aws_security_group.this.id
  description       = each.key
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_ecs_service" "this" {
  #checkov:skip=CKV_AWS_333:with egress = public there is no NAT gateway to pay for; the security group lets nothing in
  name            = "${var.prefix}-${var.name}"
  cluster         = var.cluster_name
  task_definition = aws_ecs_task_definition.this.arn
  # Nothing runs before the first deployment: it pushes images, brings the schema up to date, and then starts.
  desired_count = 0
  # Without it another capacity provider would be another service: the old one destroyed, the new one with no task.
  force_new_deployment = true

  deployment_minimum_healthy_percent = var.stop_first ? 0 : 100
  deployment_maximum_percent         = var.stop_first ? 100 : 200
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"

  dynamic "capacity_provider_strategy" {
    for_each = var.capacity_providers

    content {
      capacity_provider = capacity_provider_strategy.key
      weight            = capacity_provider_strategy.value
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.network.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = local.fargate && var.network.assign_public_ip
  }

  # Deployments and scaling own these two: infra/deploy.py, scaling.tf.
  lifecycle {
    ignore_changes = [task_definition, desired_count]
  }
}
