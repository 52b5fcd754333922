terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket and region come from the bootstrap, the key from the installation, for two must never share a state:
  # terraform init -backend-config=envs/dev.backend.hcl -backend-config="key=officer-dev.tfstate"
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account_id == null ? null : [var.account_id]

  default_tags {
    tags = merge({ application = var.name, environment = var.environment }, var.tags)
  }
}
