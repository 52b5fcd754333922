variable "prefix" {
  description = "Prefix of every name: product and environment."
  type        = string
}

variable "name" {
  description = "The service, such as agent; also the name of its container."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name)) && var.name != "prepare"
    error_message = "name must be lower-case letters, digits and dashes, and not prepare."
  }
}

variable "region" {
  description = "Region of logs, buckets and queue."
  type        = string
}

variable "account_id" {
  description = "Account that the roles belong to."
  type        = string
}

variable "cluster_name" {
  description = "The ECS cluster."
  type        = string
}

variable "image" {
  description = "Image of the first task definition; deployments put the one that they have tested in its place."
  type        = string
}

variable "repository_arn" {
  description = "Repository that the image may be pulled from."
  type        = string
}

variable "command" {
  description = "What the container runs."
  type        = list(string)
}

variable "health_command" {
  description = "Ends with 0 while the service lives."
  type        = list(string)
}

variable "run_once" {
  description = "Commands of the same image that are run as a task of their own, by name."
  type        = map(list(string))
  default     = {}
}

variable "size" {
  description = "CPU units (1024 are one vCPU) and memory in MiB of a task, as one of the pairs that Fargate has."
  type = object({
    cpu    = number
    memory = number
  })

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
  validation {
    condition = var.on_ec2 || contains(lookup({
      256   = [512, 1024, 2048]
      512   = [for gib in range(1, 5) : gib * 1024]
      1024  = [for gib in range(2, 9) : gib * 1024]
      2048  = [for gib in range(4, 17) : gib * 1024]
      4096  = [for gib in range(8, 31) : gib * 1024]
      8192  = [for gib in range(16, 61, 4) : gib * 1024]
      16384 = [for gib in range(32, 121, 8) : gib * 1024]
    }, var.size.cpu, []), var.size.memory)
    error_message = "size is no pair that Fargate has: 256 with 512 to 2048, 512 with 1024 to 4096, 1024 with 2048 to 8192, 2048 with 4096 to 16384, 4096 with 8192 to 30720 MiB, ..."
  }
}

variable "on_ec2" {
  description = "Whether tasks run on instances of the cluster rather than on Fargate."
  type        = bool
  default     = false
}

variable "gpus" {
  description = "GPUs for each task; only on EC2."
  type        = number
  default     = 0

  validation {
    condition     = var.gpus == 0 || (var.on_ec2 && var.gpus > 0)
    error_message = "gpus need on_ec2: Fargate has none."
  }
}

variable "capacity_providers" {
  description = "Where tasks run, each with its weight: FARGATE, FARGATE_SPOT or one of the cluster's own."
  type        = map(number)

  validation {
    condition     = length(var.capacity_providers) > 0 && anytrue([for weight in values(var.capacity_providers) : weight > 0])
    error_message = "capacity_providers must name at least one with a weight above 0."
  }
}

variable "environment" {
  description = "Settings of the service: see .env.example. No secrets."
  type        = map(string)

  validation {
    condition     = alltrue([for key in keys(var.environment) : !can(regex("(PASSWORD|API_KEY|SECRET|TOKEN)$", key))])
    error_message = "environment must hold no secret: put it into a parameter and name that in secrets."
  }

  # Alarms and scaling are made of log lines: camera.status, agent.status and others of level info.
  validation {
    condition     = contains(["debug", "info"], lookup(var.environment, "LOG_LEVEL", "info"))
    error_message = "LOG_LEVEL must be debug or info: of fewer lines no alarm could be made, and the agent would not know when to sleep."
  }

  validation {
    condition     = try(tonumber(lookup(var.environment, "LOG_STATUS_EVERY_S", "30")) <= 30, false)
    error_message = "LOG_STATUS_EVERY_S must be at most 30: alarms and scaling need a status line twice a minute."
  }
}

variable "secrets" {
  description = "ARN of the encrypted parameter that holds the value, by the setting's name."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:aws[a-z-]*:ssm:[^:]+:[0-9]{12}:parameter/.+$", arn))])
    error_message = "secrets must be ARNs of SSM parameters."
  }
}

variable "config_files" {
  description = "Files that are fetched before the service starts: object and its version, its SHA-256, and where it goes."
  type = list(object({
    bucket  = string
    key     = string
    version = string
    sha256  = string
    path    = string
  }))

  validation {
    condition     = alltrue([for file in var.config_files : startswith(file.path, "/config/")])
    error_message = "config_files must go below /config/."
  }
}

variable "file_systems" {
  description = "EFS access points mounted at /NAME; one named data keeps the service's data when the task is replaced."
  type = map(object({
    file_system_id  = string
    access_point_id = string
  }))
  default = {}
}

variable "task_policy" {
  description = "What the service may do, as an IAM policy in JSON."
  type        = string

  validation {
    condition     = can(jsondecode(var.task_policy).Statement)
    error_message = "task_policy must be an IAM policy in JSON."
  }
}

variable "network" {
  description = "Where tasks run."
  type = object({
    vpc_id           = string
    subnet_ids       = list(string)
    assign_public_ip = bool
  })
}

variable "egress" {
  description = "What tasks may connect to, by a description."
  type = map(object({
    cidr = string
    port = number
  }))
}

variable "stop_first" {
  description = "Whether the old task stops before the new one starts: for a service of which never two may run."
  type        = bool
}

variable "stop_timeout_s" {
  description = "Seconds from SIGTERM to SIGKILL. The services need up to 100."
  type        = number
  default     = 120

  validation {
    condition     = var.stop_timeout_s >= 100 && var.stop_timeout_s <= 120
    error_message = "stop_timeout_s must be 100 (the services' budget) to 120 (Fargate's most)."
  }
}

variable "log_days" {
  description = "Days that log lines are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827], var.log_days)
    error_message = "log_days must be one of CloudWatch's: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, ..."
  }
}

variable "scaling" {
  description = "How many tasks run; null: as many as the deployment says. round_*: every so many hours one task runs for so many minutes, where min is 0."
  type = object({
    min               = number
    max               = number
    queue_name        = string
    backlog_per_task  = number
    idle_minutes      = number
    round_every_hours = number
    round_minutes     = number
    metric_namespace  = string
    outbox_metrics    = map(string)
  })
  default = null

  validation {
    condition     = var.scaling == null || try(var.scaling.min >= 0 && var.scaling.max >= max(1, var.scaling.min) && var.scaling.backlog_per_task >= 1, false)
    error_message = "scaling.min must be 0 or more, scaling.max at least 1 and at least min, scaling.backlog_per_task at least 1."
  }

  validation {
    condition     = var.scaling == null || try(contains([1, 2, 3, 4, 6, 8, 12], var.scaling.round_every_hours) && var.scaling.round_minutes >= 6 && var.scaling.round_minutes <= 59, false)
    error_message = "scaling.round_every_hours must divide a day (1, 2, 3, 4, 6, 8, 12) and round_minutes be 6 to 59: the second look for lost messages comes after 310 s."
  }

  validation {
    condition     = var.scaling == null || try(var.scaling.idle_minutes >= 5 && var.scaling.idle_minutes <= 60, false)
    error_message = "scaling.idle_minutes must be 5 to 60."
  }
}
