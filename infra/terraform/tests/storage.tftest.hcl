# Buckets: lock and retention must agree, and evidence is not destroyed by accident.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = {
      json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
    }
  }
}

variables {
  name           = "officer-test"
  account_id     = "123456789012"
  retention_days = { evidence = 180, report = 730 }
  force_destroy  = false
}

run "kept_data_is_not_deleted_by_destroy" {
  command = plan

  module {
    source = "./modules/storage"
  }

  assert {
    condition     = !aws_s3_bucket.this["evidence"].force_destroy && !aws_s3_bucket.this["reports"].force_destroy
    error_message = "terraform destroy must stop at evidence."
  }

  assert {
    condition     = length(aws_s3_bucket_object_lock_configuration.evidence) == 0
    error_message = "A lock only where it is asked for."
  }

  assert {
    condition     = alltrue([for block in aws_s3_bucket_public_access_block.this : block.block_public_policy && block.restrict_public_buckets])
    error_message = "No bucket is public."
  }
}

run "evidence_may_be_locked" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    object_lock = { mode = "GOVERNANCE", days = 30 }
  }

  assert {
    condition     = aws_s3_bucket.this["evidence"].object_lock_enabled && !aws_s3_bucket.this["reports"].object_lock_enabled
    error_message = "The evidence alone."
  }
}

run "a_lock_longer_than_retention_is_refused" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    object_lock = { mode = "COMPLIANCE", days = 365 }
  }

  expect_failures = [var.object_lock]
}

run "retention_is_whole_days" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    retention_days = { evidence = 0.5, report = 730 }
  }

  expect_failures = [var.retention_days]
}
