# What detection on the customer's own box may do in AWS: put evidence, send, and write its log. It signs in by a
# certificate of the customer's own authority (IAM Roles Anywhere) or, where there is none, by a key for this alone.

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:logs hold no pictures and no passwords; the AWS key encrypts them
  #checkov:skip=CKV_AWS_338:personal data is kept no longer than needed: log_days
  name              = "/${var.name}/detection-edge"
  retention_in_days = var.log_days
}

data "aws_iam_policy_document" "this" {
  source_policy_documents = [var.detection_policy]

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }
}

locals {
  by_certificate = var.ca_certificate != null
}

resource "aws_rolesanywhere_trust_anchor" "this" {
  count = local.by_certificate ? 1 : 0

  name    = "${var.name}-edge"
  enabled = true

  source {
    source_type = "CERTIFICATE_BUNDLE"

    source_data {
      x509_certificate_data = var.ca_certificate
    }
  }
}

data "aws_iam_policy_document" "trust" {
  count = local.by_certificate ? 1 : 0

  statement {
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["rolesanywhere.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_rolesanywhere_trust_anchor.this[0].arn]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalTag/x509Subject/CN"
      values   = [var.certificate_name]
    }
  }
}

resource "aws_iam_role" "this" {
  count = local.by_certificate ? 1 : 0

  name               = "${var.name}-edge"
  description        = "Detection on the customer's own box"
  assume_role_policy = data.aws_iam_policy_document.trust[0].json
}

resource "aws_iam_role_policy" "this" {
  count = local.by_certificate ? 1 : 0

  name   = "edge"
  role   = aws_iam_role.this[0].id
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_rolesanywhere_profile" "this" {
  count = local.by_certificate ? 1 : 0

  name             = "${var.name}-edge"
  enabled          = true
  role_arns        = [aws_iam_role.this[0].arn]
  duration_seconds = 3600
}

# The key itself is made by hand, so that no state ever holds it: docs/edge.md
resource "aws_iam_user" "this" {
  #checkov:skip=CKV_AWS_273:a box that stands elsewhere cannot sign in by SSO; ca_certificate avoids the user
  count = local.by_certificate ? 0 : 1

  name          = "${var.name}-edge"
  force_destroy = true # with the key made by hand
}

resource "aws_iam_user_policy" "this" {
  #checkov:skip=CKV_AWS_40:one user for one box; a group of one would hide nothing
  count = local.by_certificate ? 0 : 1

  name   = "edge"
  user   = aws_iam_user.this[0].name
  policy = data.aws_iam_policy_document.this.json
}
