variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "cluster_name" {
  description = "Cluster that the instances join."
  type        = string
}

variable "instance_type" {
  description = "Instances with a GPU."
  type        = string
  default     = "g4dn.xlarge"

  validation {
    condition     = can(regex("^(g[4-6]|p[3-5])", var.instance_type))
    error_message = "instance_type must have an NVIDIA GPU, such as g4dn.xlarge."
  }
}

variable "max_instances" {
  description = "Most instances at a time."
  type        = number

  validation {
    condition     = var.max_instances >= 1
    error_message = "max_instances must be at least 1."
  }
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}
