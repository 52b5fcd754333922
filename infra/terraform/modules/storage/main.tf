# Buckets: encrypted, versioned, private, TLS only, emptied by retention. Object lock for evidence is optional.

locals {
  buckets = toset(["evidence", "reports", "config"])
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:server access logs of a bucket that only two roles may read; CloudTrail data events are the choice where an audit asks for them
  #checkov:skip=CKV_AWS_144:copies in another region are a decision about personal data, not a default
  #checkov:skip=CKV_AWS_145:SSE-S3; a KMS key of one's own is 1 USD a month and a price per request, see docs/cost.md
  #checkov:skip=CKV2_AWS_62:nothing listens: the queue is the doorbell
  for_each = local.buckets

  bucket              = "${var.name}-${each.key}-${var.account_id}"
  force_destroy       = each.key == "config" ? true : var.force_destroy
  object_lock_enabled = each.key == "evidence" && var.object_lock != null

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

data "aws_iam_policy_document" "tls_only" {
  for_each = local.buckets

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "tls_only" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = data.aws_iam_policy_document.tls_only[each.key].json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

# The services tag each object with its retention class; the rules here say how long that is.
resource "aws_s3_bucket_lifecycle_configuration" "kept" {
  for_each = toset(["evidence", "reports"])

  bucket = aws_s3_bucket.this[each.key].id

  dynamic "rule" {
    for_each = var.retention_days

    content {
      id     = "retention-${rule.key}"
      status = "Enabled"

      filter {
        tag {
          key   = "retention"
          value = rule.key
        }
      }

      expiration {
        days = rule.value
      }
    }
  }

  # An expired object is first hidden by a marker; a week later its bytes go, too.
  rule {
    id     = "forget"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.recoverable_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  rule {
    id     = "markers"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "config" {
  bucket = aws_s3_bucket.this["config"].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_object_lock_configuration" "evidence" {
  count = var.object_lock == null ? 0 : 1

  bucket = aws_s3_bucket.this["evidence"].id

  rule {
    default_retention {
      mode = var.object_lock.mode
      days = var.object_lock.days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
