variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "account_id" {
  description = "Account that mails are sent from."
  type        = string
}

variable "identity" {
  description = "Domain (three DNS records, see the output) or address (a link in a mail) that mails come from."
  type        = string

  validation {
    condition     = can(regex("^([^@\\s]+@)?[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$", var.identity))
    error_message = "identity must be a domain such as example.com or an address such as safety@example.com."
  }
}

variable "alert_addresses" {
  description = "Mail addresses that bounces and complaints are told to."
  type        = set(string)
}
