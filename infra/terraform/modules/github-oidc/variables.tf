variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "repository" {
  description = "GitHub repository whose workflows may use the roles, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be owner/name; wildcards would let strangers in."
  }
}

variable "environment" {
  description = "GitHub environment that may deploy; protect it there by reviewers and by branch."
  type        = string
}

variable "create_provider" {
  description = "Whether to create the identity provider; an account has at most one for GitHub."
  type        = bool
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "region" {
  description = "Region of what the roles may touch."
  type        = string
}

variable "account_id" {
  description = "Account of what the roles may touch."
  type        = string
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "cluster_name" {
  description = "Its name."
  type        = string
}

variable "service_arns" {
  description = "Services that may be updated."
  type        = list(string)
}

variable "run_once_families" {
  description = "Families of task definitions that may be run once."
  type        = list(string)
}

variable "role_arns" {
  description = "Task and execution roles that may be handed to tasks."
  type        = list(string)
}

variable "repository_arns" {
  description = "Registries that may be pushed to."
  type        = list(string)
}

variable "bucket_arns" {
  description = "Buckets whose settings may be read."
  type        = list(string)
}

variable "config_bucket_arn" {
  description = "Bucket of the site file."
  type        = string
}

variable "evidence_bucket_arn" {
  description = "Bucket that the smoke test puts its picture into."
  type        = string
}

variable "report_bucket_arn" {
  description = "Bucket that the smoke test looks for its report in."
  type        = string
}

variable "queue_arn" {
  description = "Queue that the smoke test sends to."
  type        = string
}

variable "dead_letter_queue_arn" {
  description = "Queue whose letters deploy-check counts."
  type        = string
}

variable "mail_identity_arn" {
  description = "Identity that deploy-check asks whether it is verified."
  type        = string
}

variable "topic_arns" {
  description = "Topics of alarms and bounces, whose subscriptions deploy-check looks at."
  type        = list(string)
}

variable "log_group_arns" {
  description = "Log groups that a deployment may look into."
  type        = list(string)
}

variable "deployment_parameter_arn" {
  description = "Parameter that tells a deployment what there is."
  type        = string
}

variable "state_bucket" {
  description = "Bucket of the Terraform state, for terraform plan; null: none."
  type        = string
  default     = null
}
