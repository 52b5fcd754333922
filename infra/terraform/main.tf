# AI Safety Compliance Officer on AWS. docs/deploy.md leads from a clone to a running site.

module "network" {
  source = "./modules/network"

  name   = local.prefix
  region = var.region
  zones  = var.zones
  cidr   = var.network_cidr
  egress = var.egress

  endpoint_services = concat(
    ["ecr.api", "ecr.dkr", "ecs", "elasticfilesystem", "email", "logs", "sqs", "ssm"],
    local.on_gpu ? ["ecs-agent", "ecs-telemetry"] : [], # an instance joins its cluster by these
  )
}

module "storage" {
  source = "./modules/storage"

  name           = local.prefix
  account_id     = local.account
  retention_days = var.retention_days
  object_lock    = var.evidence_lock
  force_destroy  = !var.keep_data
}

module "messaging" {
  source = "./modules/messaging"

  name            = local.prefix
  account_id      = local.account
  partition       = local.partition
  alert_addresses = var.alert_addresses
}

module "registry" {
  source = "./modules/registry"

  name   = local.prefix
  images = ["detection", "agent"]
}

module "mail" {
  source = "./modules/mail"

  name            = local.prefix
  account_id      = local.account
  identity        = var.mail_identity
  alert_addresses = var.alert_addresses
}

module "budget" {
  source = "./modules/budget"

  name            = local.prefix
  monthly_usd     = var.monthly_budget_usd
  cost_tag        = { key = "environment", value = var.environment }
  alert_addresses = var.alert_addresses
}

module "database" {
  source = "./modules/database"
  count  = local.own_database ? 1 : 0

  name                     = local.prefix
  kind                     = var.database
  engine_version           = var.database_version
  instance_class           = var.database_instance_class
  multi_az                 = var.database_multi_az
  password_version         = var.database_password_version
  deletion_protection      = var.keep_data
  log_days                 = var.log_days
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.private_subnet_ids
  client_security_group_id = module.agent.security_group_id
}

# The files that tasks fetch when they start, each task definition its own version: what runs, and what is gone back to,
# finds the file that it was made with, whatever was applied since. The bucket keeps old versions for 90 days.

resource "aws_s3_object" "site" {
  bucket       = module.storage.buckets["config"].name
  key          = "site/site.yaml"
  source       = var.site_file
  source_hash  = filesha256(var.site_file)
  content_type = "application/yaml"

  depends_on = [module.storage] # the first version, too, is put into a bucket that keeps versions
}

resource "aws_s3_object" "database_ca" {
  count = var.database_ca_file == null ? 0 : 1

  bucket       = module.storage.buckets["config"].name
  key          = "database-ca/database-ca.pem"
  source       = var.database_ca_file
  source_hash  = filesha256(var.database_ca_file)
  content_type = "application/x-pem-file"

  depends_on = [module.storage]
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:Container Insights is paid for by metric, and nothing here needs it: docs/cost.md
  name = local.prefix

  setting {
    name  = "containerInsights"
    value = var.container_insights ? "enabled" : "disabled"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = concat(["FARGATE", "FARGATE_SPOT"], module.gpu_capacity[*].capacity_provider)
}

module "gpu_capacity" {
  source = "./modules/gpu-capacity"
  count  = local.on_gpu ? 1 : 0

  name          = local.prefix
  partition     = local.partition
  cluster_name  = local.prefix
  instance_type = var.gpu_instance_type
  max_instances = length(local.groups) + 1 # one more, so that a broken one can be replaced
  vpc_id        = module.network.vpc_id
  subnet_ids    = module.network.private_subnet_ids
}

module "agent" {
  source = "./modules/ecs-service"

  prefix         = local.prefix
  name           = "agent"
  region         = var.region
  account_id     = local.account
  cluster_name   = aws_ecs_cluster_capacity_providers.this.cluster_name # ECS refuses a service without its provider
  image          = "${module.registry.repositories["agent"].url}:not-deployed"
  repository_arn = module.registry.repositories["agent"].arn
  command        = ["python", "-m", "services.agent"]
  health_command = ["python", "-m", "services.agent", "healthcheck"]
  run_once       = { migrate = ["python", "-m", "services.agent", "migrate"] }
  size           = var.agent_size
  task_policy    = data.aws_iam_policy_document.agent.json
  config_files   = concat(local.site_files, local.database_ca_files)
  stop_first     = false
  log_days       = var.log_days

  capacity_providers = { (var.agent_spot ? "FARGATE_SPOT" : "FARGATE") = 1 }

  environment = merge(local.common_environment, {
    REPORT_BUCKET  = module.storage.buckets["reports"].name
    DB_HOST        = local.database.host
    DB_PORT        = tostring(local.database.port)
    DB_NAME        = local.database.name
    DB_USER        = local.database.user
    MAIL_TRANSPORT = "ses"
    MAIL_FROM      = var.mail_from
  }, length(local.database_ca_files) == 0 ? {} : { DB_CA_FILE = "/config/database-ca.pem" }, var.agent_environment)

  secrets = merge(
    { DB_PASSWORD = local.database.password_arn },
    { for setting, name in var.agent_secrets : setting => "${local.parameter}/${trimprefix(name, "/")}" },
  )

  network = {
    vpc_id           = module.network.vpc_id
    subnet_ids       = module.network.task_subnet_ids
    assign_public_ip = module.network.assign_public_ip
  }

  egress = merge(local.https, {
    "Postgres" = { cidr = local.own_database ? module.network.cidr : "0.0.0.0/0", port = local.database.port }
  }, var.agent_egress)

  scaling = {
    min               = var.agent_tasks.min
    max               = var.agent_tasks.max
    queue_name        = module.messaging.queue.name
    backlog_per_task  = var.agent_backlog_per_task
    idle_minutes      = var.agent_idle_minutes
    round_every_hours = var.agent_round.every_hours
    round_minutes     = var.agent_round.minutes
    metric_namespace  = local.prefix
    outbox_metrics    = { waiting = "mails-waiting", held = "mails-held" }
  }
}

module "detection" {
  source   = "./modules/ecs-service"
  for_each = local.groups

  prefix         = local.prefix
  name           = each.key
  region         = var.region
  account_id     = local.account
  cluster_name   = aws_ecs_cluster_capacity_providers.this.cluster_name # ECS refuses a service without its provider
  image          = "${module.registry.repositories["detection"].url}:not-deployed"
  repository_arn = module.registry.repositories["detection"].arn
  command        = ["python", "-m", "services.detection"]
  health_command = ["python", "-m", "services.detection", "healthcheck"]
  size           = var.detection_size
  on_ec2         = local.on_gpu
  gpus           = local.on_gpu ? 1 : 0
  task_policy    = data.aws_iam_policy_document.detection_task.json
  config_files   = local.site_files
  file_systems   = local.keeps_spool ? { data = module.spool[0].volumes[each.key] } : {}
  stop_first     = true # two at one camera would report everything twice
  log_days       = var.log_days

  # Not on spare capacity: while it is taken back, nobody watches.
  capacity_providers = { (local.on_gpu ? module.gpu_capacity[0].capacity_provider : "FARGATE") = 1 }

  environment = merge(local.common_environment, {
    CAMERA  = join(",", each.value)
    THREADS = tostring(max(1, floor(var.detection_size.cpu / 1024)))
  }, local.on_gpu ? { BACKEND = "cuda" } : {}, var.detection_environment)

  secrets = { for setting, name in var.detection_secrets : setting => "${local.parameter}/${trimprefix(name, "/")}" }

  network = {
    vpc_id           = module.network.vpc_id
    subnet_ids       = module.network.task_subnet_ids
    assign_public_ip = module.network.assign_public_ip
  }

  egress = merge(
    local.https,
    local.keeps_spool ? { "Spool (NFS)" = { cidr = module.network.cidr, port = 2049 } } : {},
    merge([for network in var.camera_networks : { for port in var.camera_ports : "Cameras at ${network} port ${port}" => { cidr = network, port = port } }]...),
  )
}

module "spool" {
  source = "./modules/spool"
  count  = local.keeps_spool ? 1 : 0

  name                      = local.prefix
  services                  = keys(local.groups)
  role_arns                 = [for service in module.detection : service.task_role_arn]
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  client_security_group_ids = { for name, service in module.detection : name => service.security_group_id }
}

module "edge_access" {
  source = "./modules/edge-access"
  count  = local.in_aws ? 0 : 1

  name             = local.prefix
  detection_policy = data.aws_iam_policy_document.detection.json
  ca_certificate   = var.edge_ca_certificate_file == null ? null : file(var.edge_ca_certificate_file)
  certificate_name = var.edge_certificate_name
  log_days         = var.log_days
}

module "observability" {
  source = "./modules/observability"

  name                   = local.prefix
  region                 = var.region
  cluster_arn            = aws_ecs_cluster.this.arn
  cluster_name           = aws_ecs_cluster.this.name
  services               = merge({ agent = module.agent.service_name }, { for name, service in module.detection : name => service.service_name })
  queue_name             = module.messaging.queue.name
  dead_letter_queue_name = module.messaging.dead_letter_queue.name
  alerts_topic_arn       = module.messaging.alerts_topic_arn

  log_groups = merge(
    { agent = module.agent.log_group_name },
    { for name, service in module.detection : name => service.log_group_name },
    local.in_aws ? {} : { detection-edge = module.edge_access[0].log_group_name },
  )
}

module "github_oidc" {
  source = "./modules/github-oidc"
  count  = var.github_repository == null ? 0 : 1

  name                     = local.prefix
  repository               = var.github_repository
  environment              = var.environment
  create_provider          = var.github_create_provider
  partition                = local.partition
  region                   = var.region
  account_id               = local.account
  cluster_arn              = aws_ecs_cluster.this.arn
  cluster_name             = aws_ecs_cluster.this.name
  service_arns             = concat([module.agent.service_arn], [for service in module.detection : service.service_arn])
  run_once_families        = [for family in module.agent.families : family if endswith(family, "-migrate")]
  role_arns                = flatten([for service in concat([module.agent], values(module.detection)) : [service.task_role_arn, service.execution_role_arn]])
  repository_arns          = [for repository in module.registry.repositories : repository.arn]
  bucket_arns              = [for bucket in module.storage.buckets : bucket.arn]
  config_bucket_arn        = module.storage.buckets["config"].arn
  evidence_bucket_arn      = module.storage.buckets["evidence"].arn
  report_bucket_arn        = module.storage.buckets["reports"].arn
  queue_arn                = module.messaging.queue.arn
  dead_letter_queue_arn    = module.messaging.dead_letter_queue.arn
  mail_identity_arn        = module.mail.identity_arn
  topic_arns               = [module.messaging.alerts_topic_arn, module.mail.feedback_topic_arn]
  log_group_arns           = concat([module.agent.log_group_arn], [for service in module.detection : service.log_group_arn])
  deployment_parameter_arn = aws_ssm_parameter.deployment.arn
  state_bucket             = var.state_bucket
}

# What a deployment needs to know, so that it needs no right to read the state.
resource "aws_ssm_parameter" "deployment" {
  #checkov:skip=CKV2_AWS_34:names and ARNs, no secret
  name        = "/${local.prefix}/deployment"
  description = "What there is to deploy to; written by Terraform, read by infra/deploy.py"
  type        = "String"
  tier        = "Intelligent-Tiering"
  value       = jsonencode(local.deployment)

  lifecycle {
    precondition {
      condition     = length(jsonencode(local.deployment)) <= 8192
      error_message = "There are more detection services than a parameter can name (some 40): raise cameras_per_task, or make a second installation."
    }
  }
}

locals {
  deployment = {
    region  = var.region
    cluster = aws_ecs_cluster.this.name
    services = merge(
      { agent = {
        image           = "agent"
        service         = module.agent.service_name
        task_definition = module.agent.task_definition
        tasks           = var.agent_tasks.min
      } },
      { for name, service in module.detection : name => {
        image           = "detection"
        service         = service.service_name
        task_definition = service.task_definition
        tasks           = 1
      } },
    )
    migrate = {
      image            = "agent"
      task_definition  = module.agent.run_once["migrate"]
      subnets          = module.network.task_subnet_ids
      security_group   = module.agent.security_group_id
      assign_public_ip = module.network.assign_public_ip
      log_group        = module.agent.log_group_name
    }
    repositories    = { for name, repository in module.registry.repositories : name => repository.url }
    evidence_bucket = module.storage.buckets["evidence"].name
    report_bucket   = module.storage.buckets["reports"].name
    queue_url       = module.messaging.queue.url
    # What officer deploy-check looks at besides.
    dead_letter_queue_url = module.messaging.dead_letter_queue.url
    mail                  = { identity = var.mail_identity, from = var.mail_from }
    topics                = [module.messaging.alerts_topic_arn, module.mail.feedback_topic_arn]
    alarms                = concat(module.messaging.alarm_names, module.observability.alarm_names)
    site                  = yamldecode(file(var.site_file)).site
  }
}
