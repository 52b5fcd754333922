# Where and for whom.

variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "officer"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.name))
    error_message = "name must be 2 to 15 lower-case letters, digits and dashes, beginning with a letter."
  }
}

variable "environment" {
  description = "Which of several installations in the account, such as dev or prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment must be 2 to 10 lower-case letters and digits, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region. Evidence stays there."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region such as eu-central-1."
  }
}

variable "account_id" {
  description = "Refuse to touch any other account; null: whichever the credentials belong to."
  type        = string
  default     = null

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "tags" {
  description = "Further tags on everything."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.tags : length(key) <= 128 && length(value) <= 256 && !startswith(lower(key), "aws:")])
    error_message = "tags must have keys of at most 128 characters that do not begin with aws:, and values of at most 256."
  }
}

variable "alert_addresses" {
  description = "Mail addresses that alarms, bounces and the budget tell. Each must confirm two subscriptions once."
  type        = set(string)
}

variable "monthly_budget_usd" {
  description = "US dollars that may be spent in a month; somebody is told at 80 %."
  type        = number
}

# The site and its cameras.

variable "site_file" {
  description = "The site file: cameras, zones, rules, recipients. A change of it is a deployment."
  type        = string

  validation {
    condition     = can(yamldecode(file(var.site_file)).cameras[0].id)
    error_message = "site_file must be a readable site file with at least one camera: officer site check FILE."
  }
}

variable "detection_placement" {
  description = "Where detection runs: fargate, gpu (EC2 instances with a GPU) or edge (the customer's own box; only agent, queue, buckets and database are in AWS)."
  type        = string
  default     = "fargate"

  validation {
    condition     = contains(["fargate", "gpu", "edge"], var.detection_placement)
    error_message = "detection_placement must be fargate, gpu or edge."
  }
}

variable "cameras_per_task" {
  description = "Cameras of the site file that one detection task watches, in the file's order; docs/cost.md states what was measured. Another number moves cameras between tasks."
  type        = number
  default     = 3

  validation {
    condition     = var.cameras_per_task >= 1 && var.cameras_per_task <= 64 && floor(var.cameras_per_task) == var.cameras_per_task
    error_message = "cameras_per_task must be 1 to 64."
  }
}

variable "detection_size" {
  description = "CPU units and MiB of a detection task."
  type = object({
    cpu    = number
    memory = number
  })
  default = { cpu = 2048, memory = 4096 }
}

variable "detection_environment" {
  description = "Further settings of detection: see .env.example. LOG_LEVEL stays info or debug, LOG_STATUS_EVERY_S at most 30: alarms live on them."
  type        = map(string)
  default     = {}
}

variable "detection_secrets" {
  description = "Names of encrypted parameters (made by hand) by the setting or variable that they fill, such as GATE_PASSWORD of a camera's address."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in values(var.detection_secrets) : can(regex("^/?[A-Za-z0-9._/-]+$", name))])
    error_message = "detection_secrets must name parameters, such as /officer-dev/gate-password; never put a value here."
  }
}

variable "spool" {
  description = "Where accepted violations wait: efs outlives the task, task does not (docs/adr/0010-spool-on-efs.md)."
  type        = string
  default     = "efs"

  validation {
    condition     = contains(["efs", "task"], var.spool)
    error_message = "spool must be efs or task."
  }
}

variable "gpu_instance_type" {
  description = "Instances of detection_placement = gpu."
  type        = string
  default     = "g4dn.xlarge"
}

variable "edge_ca_certificate_file" {
  description = "Certificate (PEM) of the authority that signs the edge box's certificate; null: a user whose key is made by hand."
  type        = string
  default     = null
}

variable "edge_certificate_name" {
  description = "Common name in the edge box's certificate."
  type        = string
  default     = "officer-edge"

  validation {
    condition     = can(regex("^[^\\s,=]{1,64}$", var.edge_certificate_name))
    error_message = "edge_certificate_name must be a common name, such as officer-edge."
  }
}

# Agent.

variable "agent_size" {
  description = "CPU units and MiB of an agent task."
  type = object({
    cpu    = number
    memory = number
  })
  default = { cpu = 1024, memory = 2048 }
}

variable "agent_tasks" {
  description = "Fewest and most agent tasks. With 0 the agent sleeps while nothing waits, and a report takes some minutes longer."
  type = object({
    min = number
    max = number
  })
  default = { min = 1, max = 4 }
}

variable "agent_backlog_per_task" {
  description = "Waiting messages for each task above which another task starts."
  type        = number
  default     = 20
}

variable "agent_idle_minutes" {
  description = "Minutes that queue and outbox must have been empty before tasks end."
  type        = number
  default     = 10
}

variable "agent_round" {
  description = "With agent_tasks.min = 0: every so many hours a task runs for so many minutes, for mails that were put off and messages that got lost."
  type = object({
    every_hours = number
    minutes     = number
  })
  default = { every_hours = 4, minutes = 8 }
}

variable "agent_spot" {
  description = "Run the agent on spare capacity, which is cheaper and may be taken back: the queue holds the work."
  type        = bool
  default     = true
}

variable "agent_environment" {
  description = "Further settings of the agent, such as LLM_MODEL: see .env.example. LOG_LEVEL and LOG_STATUS_EVERY_S as for detection."
  type        = map(string)
  default     = {}
}

variable "agent_secrets" {
  description = "Names of encrypted parameters (made by hand) by the setting that they fill, such as OPENAI_API_KEY."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in values(var.agent_secrets) : can(regex("^/?[A-Za-z0-9._/-]+$", name))])
    error_message = "agent_secrets must name parameters, such as /officer-dev/gate-password; never put a value here."
  }
}

variable "mail_identity" {
  description = "Domain or address that SES sends mails from."
  type        = string
}

variable "mail_from" {
  description = "Address that reports come from; of mail_identity."
  type        = string

  validation {
    condition     = var.mail_from == var.mail_identity || endswith(var.mail_from, "@${var.mail_identity}")
    error_message = "mail_from must be mail_identity or an address of that domain."
  }
}

# Database.

variable "database" {
  description = "postgres (an instance that always runs), serverless (Aurora, sleeps while nobody asks) or external (database_external)."
  type        = string
  default     = "postgres"

  validation {
    condition     = contains(["postgres", "serverless", "external"], var.database)
    error_message = "database must be postgres, serverless or external."
  }
}

variable "database_version" {
  description = "Major version of Postgres; minor ones come by themselves."
  type        = string
  default     = "17"
}

variable "database_instance_class" {
  description = "Size of the instance with database = postgres."
  type        = string
  default     = "db.t4g.micro"
}

variable "database_multi_az" {
  description = "Whether a second zone takes over with database = postgres."
  type        = bool
  default     = false
}

variable "database_password_version" {
  description = "Raise it by one for a new password, then deploy."
  type        = number
  default     = 1
}

variable "database_ca_file" {
  description = "Certificates (PEM) that the agent verifies the database's server by; for RDS its bundle, see docs/deploy.md. null only for a server with a certificate that needs none."
  type        = string
  default     = null

  validation {
    condition     = var.database == "external" || try(strcontains(file(var.database_ca_file), "BEGIN CERTIFICATE"), false)
    error_message = "database_ca_file must name the certificates of RDS: curl -fsSo rds-ca.pem https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
  }
}

variable "database_external" {
  description = "Postgres of another provider: host, name, user, and the name of the encrypted parameter (made by hand) that holds the password."
  type = object({
    host               = string
    port               = optional(number, 5432)
    name               = string
    user               = string
    password_parameter = string
  })
  default = null

  validation {
    condition     = (var.database == "external") == (var.database_external != null)
    error_message = "database_external must be set with database = external, and only then."
  }
}

# Network.

variable "network_cidr" {
  description = "Address range of the network; must not overlap with the cameras'."
  type        = string
  default     = "10.42.0.0/20"
}

variable "zones" {
  description = "Letters of the two availability zones; named, so that a zone that AWS opens later moves nothing."
  type        = list(string)
  default     = ["a", "b"]
}

variable "egress" {
  description = "How tasks reach AWS and the outside: public, nat or endpoints. See docs/cost.md."
  type        = string
  default     = "public"

  validation {
    condition     = !(var.egress == "public" && var.detection_placement == "gpu")
    error_message = "egress must be nat or endpoints with detection_placement = gpu: tasks on EC2 get no public address."
  }
}

variable "camera_networks" {
  description = "Address ranges of the cameras, which detection in AWS reaches by a VPN of yours."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for network in var.camera_networks : can(cidrhost(network, 0))])
    error_message = "camera_networks must be address ranges such as 10.0.0.0/24."
  }
}

variable "camera_ports" {
  description = "Ports of the cameras."
  type        = set(number)
  default     = [554]

  validation {
    condition     = alltrue([for port in var.camera_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "camera_ports must be 1 to 65535."
  }
}

variable "agent_egress" {
  description = "What the agent may connect to besides HTTPS and its database, such as a mail server, by a description."
  type = map(object({
    cidr = string
    port = number
  }))
  default = {}

  validation {
    condition     = alltrue([for to in values(var.agent_egress) : can(cidrhost(to.cidr, 0)) && to.port >= 1 && to.port <= 65535])
    error_message = "agent_egress must name address ranges such as 192.0.2.7/32 and ports of 1 to 65535."
  }
}

# What is kept, and for how long.

variable "retention_days" {
  description = "Days that evidence (pictures and messages) and reports (PDFs) are kept."
  type = object({
    evidence = number
    report   = number
  })
  default = { evidence = 180, report = 730 }
}

variable "evidence_lock" {
  description = "Nobody (COMPLIANCE) or nearly nobody (GOVERNANCE) can delete evidence before so many days. Forbids erasing a person's pictures meanwhile. Only when the bucket is made."
  type = object({
    mode = string
    days = number
  })
  default = null
}

variable "keep_data" {
  description = "Whether evidence, reports and database survive terraform destroy, which then stops and says so."
  type        = bool
  default     = true
}

variable "log_days" {
  description = "Days that log lines are kept."
  type        = number
  default     = 30
}

variable "container_insights" {
  description = "Container Insights: nice to look at, paid for by metric. Nothing here needs it."
  type        = bool
  default     = false
}

# Continuous deployment.

variable "github_repository" {
  description = "GitHub repository (owner/name) whose workflows may plan and deploy; null: none."
  type        = string
  default     = null
}

variable "github_create_provider" {
  description = "Whether to create GitHub's identity provider: once in an account."
  type        = bool
  default     = true
}

variable "state_bucket" {
  description = "Bucket of the Terraform state, which the plan workflow reads; null: no plan by workflow."
  type        = string
  default     = null

  validation {
    condition     = var.state_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket must be a bucket name: the output state_bucket of the bootstrap."
  }
}
