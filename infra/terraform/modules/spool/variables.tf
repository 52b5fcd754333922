variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "services" {
  description = "Services that get a folder of their own."
  type        = set(string)
}

variable "role_arns" {
  description = "Task roles that may mount it."
  type        = list(string)
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "One subnet in each of two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 2
    error_message = "subnet_ids must name two subnets."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect, by service."
  type        = map(string)
}
