variable "name" {
  description = "Prefix of every repository."
  type        = string
}

variable "images" {
  description = "Images that get a repository."
  type        = set(string)

  validation {
    condition     = length(var.images) > 0
    error_message = "images must name at least one image."
  }
}

variable "kept" {
  description = "Images kept in each repository: so many that were in service, and so many others."
  type        = number
  default     = 10

  validation {
    condition     = var.kept >= 2
    error_message = "kept must be at least 2: a deployment that fails goes back to the one before."
  }
}
