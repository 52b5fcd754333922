variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "account_id" {
  description = "Account, the end of each bucket's name: those are unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "retention_days" {
  description = "Days that an object is kept, by the value of its tag retention, which the services set: evidence (pictures, messages) or report (PDFs)."
  type = object({
    evidence = number
    report   = number
  })

  validation {
    condition     = alltrue([for days in values(var.retention_days) : days >= 1 && days <= 3650 && floor(days) == days])
    error_message = "retention_days must be whole days, 1 to 3650."
  }
}

variable "recoverable_days" {
  description = "Days that a deleted object can still be brought back; afterwards its bytes are gone."
  type        = number
  default     = 7

  validation {
    condition     = var.recoverable_days >= 1 && var.recoverable_days <= 90
    error_message = "recoverable_days must be 1 to 90."
  }
}

variable "object_lock" {
  description = "Evidence cannot be deleted before so many days, by nobody (COMPLIANCE) or only by whom a policy lets (GOVERNANCE). Forbids erasing a person's pictures meanwhile: ask counsel first. Only for a new bucket."
  type = object({
    mode = string
    days = number
  })
  default = null

  validation {
    condition     = var.object_lock == null || try(contains(["GOVERNANCE", "COMPLIANCE"], var.object_lock.mode) && var.object_lock.days >= 1, false)
    error_message = "object_lock.mode must be GOVERNANCE or COMPLIANCE, and object_lock.days at least 1."
  }

  validation {
    condition     = var.object_lock == null || try(var.object_lock.days <= var.retention_days.evidence, false)
    error_message = "object_lock.days must not exceed retention_days.evidence: nothing could be expired in time."
  }
}

variable "force_destroy" {
  description = "Whether terraform destroy deletes evidence and reports. Else it stops at these buckets and says that they are not empty."
  type        = bool
}
