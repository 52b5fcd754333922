# What GitHub's workflows may do, without a key: one role that looks (terraform plan), one that deploys.

locals {
  provider_arn = var.create_provider ? one(aws_iam_openid_connect_provider.github[*].arn) : "arn:${var.partition}:iam::${var.account_id}:oidc-provider/token.actions.githubusercontent.com"
  subjects = {
    plan   = ["repo:${var.repository}:pull_request"]
    deploy = ["repo:${var.repository}:environment:${var.environment}"]
  }
  ecs = "arn:${var.partition}:ecs:${var.region}:${var.account_id}"
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_provider ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "trust" {
  for_each = local.subjects

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = each.value
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.subjects

  name                 = "${var.name}-github-${each.key}"
  description          = "GitHub workflows of ${var.repository}: ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 3600
}

# Reads settings of what Terraform made. No object of a bucket but the state, no message; of secrets, the database's
# password, which the provider reads to see whether it is still there (docs/deploy.md).
data "aws_iam_policy_document" "plan" {
  #checkov:skip=CKV_AWS_356:most of these calls know no resource; none of them reads content or changes anything
  #checkov:skip=CKV_AWS_108:settings only, see above
  statement {
    sid = "ReadSettings"
    actions = [
      "application-autoscaling:Describe*", "application-autoscaling:ListTagsForResource",
      "autoscaling:Describe*",
      "budgets:ListTagsForResource", "budgets:ViewBudget",
      "cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource",
      "ec2:Describe*",
      "ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:ListTagsForResource",
      "ecs:Describe*", "ecs:List*",
      "elasticfilesystem:Describe*",
      "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule",
      "iam:GetInstanceProfile", "iam:GetOpenIDConnectProvider", "iam:GetRole", "iam:GetRolePolicy", "iam:GetUser", "iam:GetUserPolicy",
      "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
      "logs:Describe*", "logs:ListTagsForResource",
      "rds:Describe*", "rds:ListTagsForResource",
      "rolesanywhere:GetProfile", "rolesanywhere:GetTrustAnchor", "rolesanywhere:ListTagsForResource",
      "scheduler:GetSchedule",
      "ses:GetConfigurationSet", "ses:GetConfigurationSetEventDestinations", "ses:GetEmailIdentity", "ses:ListTagsForResource",
      "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListTagsForResource",
      "sqs:GetQueueAttributes", "sqs:ListQueueTags",
      "ssm:DescribeParameters", "ssm:ListTagsForResource",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "ReadBucketSettings"
    actions   = ["s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetAccelerateConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = var.bucket_arns
  }

  statement {
    sid       = "ReadConfigFiles"
    actions   = ["s3:GetObject", "s3:GetObjectTagging"]
    resources = ["${var.config_bucket_arn}/*"]
  }

  statement {
    sid       = "ReadParameters"
    actions   = ["ssm:GetParameter", "ssm:GetParameters"]
    resources = ["arn:${var.partition}:ssm:${var.region}:${var.account_id}:parameter/${var.name}/*", "arn:${var.partition}:ssm:${var.region}::parameter/aws/service/ecs/*"]
  }

  statement {
    sid       = "GeneratePassword"
    actions   = ["secretsmanager:GetRandomPassword"] # stores nothing; the plan opens what the apply would
    resources = ["*"]
  }

  dynamic "statement" {
    for_each = var.state_bucket == null ? [] : [var.state_bucket]

    content {
      sid       = "ReadState"
      actions   = ["s3:GetObject", "s3:ListBucket"]
      resources = ["arn:${var.partition}:s3:::${statement.value}", "arn:${var.partition}:s3:::${statement.value}/*"]
    }
  }
}

data "aws_iam_policy_document" "deploy" {
  #checkov:skip=CKV_AWS_356:GetAuthorizationToken, RegisterTaskDefinition, DescribeTaskDefinition, GetAccount and a list of alarms know no resource
  statement {
    sid       = "SignInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImageScanFindings",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = var.repository_arns
  }

  statement {
    sid       = "RegisterTaskDefinitions"
    actions   = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"]
    resources = ["*"]
  }

  statement {
    sid       = "RollOut"
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = var.service_arns
  }

  statement {
    sid       = "Migrate"
    actions   = ["ecs:RunTask"]
    resources = [for family in var.run_once_families : "${local.ecs}:task-definition/${family}:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [var.cluster_arn]
    }
  }

  statement {
    sid       = "SeeTasks"
    actions   = ["ecs:DescribeTasks"]
    resources = ["${local.ecs}:task/${var.cluster_name}/*"]
  }

  statement {
    sid       = "HandRolesToTasks"
    actions   = ["iam:PassRole"]
    resources = var.role_arns

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  statement {
    sid       = "ReadDeployment"
    actions   = ["ssm:GetParameter"]
    resources = [var.deployment_parameter_arn]
  }

  # officer deploy-check: looks, and sends a violation that is marked as a test.

  statement {
    sid       = "TestSends"
    actions   = ["s3:PutObject", "s3:PutObjectTagging"]
    resources = ["${var.evidence_bucket_arn}/evidence/*", "${var.evidence_bucket_arn}/events/*"]
  }

  statement {
    sid       = "TestRings"
    actions   = ["sqs:SendMessage"]
    resources = [var.queue_arn]
  }

  statement {
    sid       = "TestSeesItsOwnReport"
    actions   = ["s3:GetObject"]
    resources = ["${var.report_bucket_arn}/reports/*-deploy-check-deploy-check-*"]
  }

  statement {
    sid       = "LookAtQueues"
    actions   = ["sqs:GetQueueAttributes"]
    resources = [var.queue_arn, var.dead_letter_queue_arn]
  }

  statement {
    sid       = "LookAtBuckets"
    actions   = ["s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning", "s3:ListBucket"]
    resources = [var.evidence_bucket_arn, var.report_bucket_arn]
  }

  statement {
    sid       = "LookAtMailIdentity"
    actions   = ["ses:GetEmailIdentity"]
    resources = [var.mail_identity_arn]
  }

  statement {
    sid       = "LookAtAlarmsAndMailAccount"
    actions   = ["cloudwatch:DescribeAlarms", "ses:GetAccount"]
    resources = ["*"]
  }

  statement {
    sid       = "LookAtSubscriptions"
    actions   = ["sns:ListSubscriptionsByTopic"]
    resources = var.topic_arns
  }

  statement {
    sid       = "SeeLogs"
    actions   = ["logs:FilterLogEvents"]
    resources = [for arn in var.log_group_arns : "${arn}:*"]
  }
}

resource "aws_iam_role_policy" "plan" {
  name   = "plan"
  role   = aws_iam_role.this["plan"].id
  policy = data.aws_iam_policy_document.plan.json
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.this["deploy"].id
  policy = data.aws_iam_policy_document.deploy.json
}
