variable "name" {
  description = "Name of the budget."
  type        = string
}

variable "monthly_usd" {
  description = "US dollars that may be spent in a month."
  type        = number

  validation {
    condition     = var.monthly_usd > 0
    error_message = "monthly_usd must be more than 0."
  }
}

variable "cost_tag" {
  description = "Count only what has this tag; null counts the whole account."
  type = object({
    key   = string
    value = string
  })
  default = null
}

variable "alert_addresses" {
  description = "Mail addresses that are told at 80 % spent and at 100 % forecast."
  type        = set(string)
}
