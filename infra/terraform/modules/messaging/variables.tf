variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "account_id" {
  description = "Account that all of it is in."
  type        = string
}

variable "partition" {
  description = "Partition of AWS, such as aws."
  type        = string
}

variable "alert_addresses" {
  description = "Mail addresses that alarms go to."
  type        = set(string)

  validation {
    condition     = length(var.alert_addresses) > 0 && alltrue([for address in var.alert_addresses : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_addresses must name at least one mail address: an alarm that nobody gets is none."
  }
}

variable "retention_days" {
  description = "Days that a message waits while no agent runs; the store rings again for what was lost."
  type        = number
  default     = 7

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 13
    error_message = "retention_days must be 1 to 13: dead letters are kept for 14 and must outlive it."
  }
}

variable "max_receives" {
  description = "Receives after which a message is a dead letter; the agent itself gives a message up at its third attempt, so this stays well above."
  type        = number
  default     = 50

  validation {
    condition     = var.max_receives >= 10 && var.max_receives <= 1000
    error_message = "max_receives must be 10 to 1000."
  }
}

variable "oldest_message_s" {
  description = "Seconds that a violation may wait before somebody is told."
  type        = number
  default     = 1800

  validation {
    condition     = var.oldest_message_s >= 300
    error_message = "oldest_message_s must be at least 300: waking the agent from zero takes minutes."
  }
}
