# What each service may do: these verbs on these things, and nothing else. tests/infra asks a policy evaluator about
# each of them, and about what must be refused.

data "aws_iam_policy_document" "detection" {
  statement {
    sid       = "PutEvidenceAndMessages"
    actions   = ["s3:PutObject", "s3:PutObjectTagging"]
    resources = ["${module.storage.buckets["evidence"].arn}/evidence/*", "${module.storage.buckets["evidence"].arn}/events/*"]
  }

  statement {
    sid       = "RingTheBell"
    actions   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = [module.messaging.queue.arn]
  }
}

data "aws_iam_policy_document" "detection_task" {
  source_policy_documents = [data.aws_iam_policy_document.detection.json]

  statement {
    sid       = "FetchSiteFile"
    actions   = ["s3:GetObjectVersion"]
    resources = ["${module.storage.buckets["config"].arn}/site/*"]
  }
}

data "aws_iam_policy_document" "agent" {
  statement {
    sid       = "FetchConfiguration"
    actions   = ["s3:GetObjectVersion"]
    resources = ["${module.storage.buckets["config"].arn}/site/*", "${module.storage.buckets["config"].arn}/database-ca/*"]
  }

  statement {
    sid       = "ReadEvidenceAndMessages"
    actions   = ["s3:GetObject"]
    resources = ["${module.storage.buckets["evidence"].arn}/evidence/*", "${module.storage.buckets["evidence"].arn}/events/*"]
  }

  # Without a condition on the prefix: S3 says "missing" rather than "forbidden" of an object only to who may list.
  statement {
    sid       = "ListEvidenceAndReports"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.buckets["evidence"].arn, module.storage.buckets["reports"].arn]
  }

  statement {
    sid       = "KeepReports"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"]
    resources = ["${module.storage.buckets["reports"].arn}/reports/*"]
  }

  statement {
    sid = "WorkOnQueue"
    actions = [
      "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
      "sqs:ReceiveMessage", "sqs:SendMessage",
    ]
    resources = [module.messaging.queue.arn]
  }

  statement {
    sid       = "CountDeadLetters"
    actions   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
    resources = [module.messaging.dead_letter_queue.arn]
  }

  statement {
    sid       = "SendMail"
    actions   = ["ses:SendRawEmail"]
    resources = [module.mail.identity_arn, "arn:${local.partition}:ses:${var.region}:${local.account}:configuration-set/${local.prefix}"]

    condition {
      test     = "StringEquals"
      variable = "ses:FromAddress"
      values   = [var.mail_from]
    }
  }

  statement {
    #checkov:skip=CKV_AWS_356:GetSendQuota knows no resource
    sid       = "AskForMailQuota"
    actions   = ["ses:GetSendQuota"]
    resources = ["*"]
  }

  statement {
    sid       = "ProtectItselfWhileBusy"
    actions   = ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
    resources = ["arn:${local.partition}:ecs:${var.region}:${local.account}:task/${local.prefix}/*"]
  }
}

# A person's pictures are erased by a task that runs once, in a role that only somebody with iam:PassRole for it can hand
# out: docs/erasure.md. It alone may delete.
data "aws_iam_policy_document" "erase" {
  statement {
    sid       = "FetchConfiguration"
    actions   = ["s3:GetObjectVersion"]
    resources = ["${module.storage.buckets["config"].arn}/site/*", "${module.storage.buckets["config"].arn}/database-ca/*"]
  }

  statement {
    sid       = "FindEveryVersion"
    actions   = ["s3:ListBucketVersions"]
    resources = [module.storage.buckets["evidence"].arn, module.storage.buckets["reports"].arn]
  }

  statement {
    sid     = "EraseEveryVersion"
    actions = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = [
      "${module.storage.buckets["evidence"].arn}/evidence/*",
      "${module.storage.buckets["evidence"].arn}/events/*",
      "${module.storage.buckets["reports"].arn}/reports/*",
    ]
  }
}

data "aws_iam_policy_document" "ecs_tasks" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "erase" {
  name               = "${local.prefix}-erase"
  description        = "Erases what is held of one violation"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
}

resource "aws_iam_role_policy" "erase" {
  name   = "erase"
  role   = aws_iam_role.erase.id
  policy = data.aws_iam_policy_document.erase.json
}
