variable "name" {
  description = "Name of the database's instance or cluster, and prefix of what belongs to it."
  type        = string
}

variable "kind" {
  description = "postgres: one instance that always runs. serverless: Aurora, 0 to 1 capacity units; sleeps after 5 quiet minutes and takes about 15 s to wake."
  type        = string

  validation {
    condition     = contains(["postgres", "serverless"], var.kind)
    error_message = "kind must be postgres or serverless."
  }
}

variable "engine_version" {
  description = "Major version of Postgres, such as 17. AWS upgrades minor ones by itself, and one that is named could not be applied any more."
  type        = string

  validation {
    condition     = can(regex("^1[6-9]$", var.engine_version))
    error_message = "engine_version must be a major version of 16 to 19, such as 17: minor ones come by themselves."
  }
}

variable "instance_class" {
  description = "Size of the instance; not used by serverless."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "instance_class must be an RDS class such as db.t4g.micro."
  }
}

variable "database_name" {
  description = "Name of the database."
  type        = string
  default     = "officer"
}

variable "username" {
  description = "The user that the agent signs in as."
  type        = string
  default     = "officer"
}

variable "password_version" {
  description = "Raise it by one to make a new password; then deploy, so that the agent reads it."
  type        = number
  default     = 1

  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "password_version must be a whole number from 1."
  }
}

variable "multi_az" {
  description = "Whether a second zone takes over when the first fails; doubles the price."
  type        = bool
  default     = false
}

variable "backup_days" {
  description = "Days that point-in-time recovery reaches back."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "backup_days must be 1 to 35."
  }
}

variable "log_days" {
  description = "Days that the database's log is kept."
  type        = number
}

variable "deletion_protection" {
  description = "Whether the database refuses to be destroyed, and leaves a last snapshot when it is."
  type        = bool
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name at least two subnets."
  }
}

variable "client_security_group_id" {
  description = "Security group that may connect: the agent's."
  type        = string
}
