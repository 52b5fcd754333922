variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "detection_policy" {
  description = "What detection may do, as an IAM policy in JSON."
  type        = string
}

variable "ca_certificate" {
  description = "Certificate of the authority (PEM) that signs the box's certificate; null: a user whose key is made by hand."
  type        = string
  default     = null

  validation {
    condition     = var.ca_certificate == null || try(strcontains(var.ca_certificate, "BEGIN CERTIFICATE"), false)
    error_message = "ca_certificate must be a certificate in PEM."
  }
}

variable "certificate_name" {
  description = "Common name in the box's certificate: no other certificate of that authority is let in."
  type        = string
}

variable "log_days" {
  description = "Days that log lines are kept."
  type        = number
}
