variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "region" {
  description = "Region, for the names of the AWS endpoints."
  type        = string
}

variable "zones" {
  description = "Letters of the two availability zones."
  type        = list(string)

  validation {
    condition     = length(distinct(var.zones)) == 2 && alltrue([for letter in var.zones : can(regex("^[a-z]$", letter))])
    error_message = "zones must be two letters, such as a and b: aws ec2 describe-availability-zones tells which there are."
  }
}

variable "cidr" {
  description = "Address range of the network, /16 to /22; must not overlap with that of the cameras."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 22, false)
    error_message = "cidr must be an IPv4 range of /16 to /22, such as 10.42.0.0/20."
  }
}

variable "egress" {
  description = "How tasks reach AWS and the outside: public (own public addresses, nothing comes in), nat, or endpoints (AWS only: no language model, no mail server outside)."
  type        = string

  validation {
    condition     = contains(["public", "nat", "endpoints"], var.egress)
    error_message = "egress must be public, nat or endpoints."
  }
}

variable "endpoint_services" {
  description = "AWS services that get an interface endpoint with egress = endpoints."
  type        = set(string)
}
