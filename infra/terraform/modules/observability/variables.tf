variable "name" {
  description = "Prefix of every name, and the namespace of the services' metrics."
  type        = string
}

variable "region" {
  description = "Region, for the dashboard."
  type        = string
}

variable "log_groups" {
  description = "Log group of each service; its name begins with detection or agent."
  type        = map(string)

  validation {
    condition     = alltrue([for service in keys(var.log_groups) : startswith(service, "detection") || startswith(service, "agent")])
    error_message = "log_groups must be named detection... or agent..."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "cluster_name" {
  description = "Its name."
  type        = string
}

variable "services" {
  description = "Names of the ECS services, by what each is: detection... or agent."
  type        = map(string)
}

variable "queue_name" {
  description = "The violation queue."
  type        = string
}

variable "dead_letter_queue_name" {
  description = "The queue of dead letters."
  type        = string
}

variable "alerts_topic_arn" {
  description = "Where alarms go."
  type        = string
}
