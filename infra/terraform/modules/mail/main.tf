# Mails go out by SES in the name of a domain or of one address; bounces and complaints are told to a topic.

locals {
  is_domain = !strcontains(var.identity, "@")
}

resource "aws_sesv2_configuration_set" "this" {
  configuration_set_name = var.name

  delivery_options {
    tls_policy = "REQUIRE"
  }

  reputation_options {
    reputation_metrics_enabled = true
  }

  # One who has bounced or complained gets no more mails until somebody takes him off the list: docs/runbooks/mail-bounces.md
  suppression_options {
    suppressed_reasons = ["BOUNCE", "COMPLAINT"]
  }
}

# The services name no configuration set; the identity's own applies.
resource "aws_sesv2_email_identity" "this" {
  email_identity         = var.identity
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name
}

resource "aws_sns_topic" "feedback" {
  #checkov:skip=CKV_AWS_26:SES cannot publish to a topic under the AWS key, and a key of one's own is 1 USD a month; it holds addresses of recipients who bounced
  name = "${var.name}-mail-feedback"
}

data "aws_iam_policy_document" "feedback" {
  statement {
    sid       = "FromOurMailOnly"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.feedback.arn]

    principals {
      type        = "Service"
      identifiers = ["ses.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "AWS:SourceAccount"
      values   = [var.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "feedback" {
  arn    = aws_sns_topic.feedback.arn
  policy = data.aws_iam_policy_document.feedback.json
}

resource "aws_sns_topic_subscription" "feedback" {
  for_each = var.alert_addresses

  topic_arn = aws_sns_topic.feedback.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_sesv2_configuration_set_event_destination" "feedback" {
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name
  event_destination_name = "feedback"

  event_destination {
    enabled              = true
    matching_event_types = ["BOUNCE", "COMPLAINT", "REJECT"]

    sns_destination {
      topic_arn = aws_sns_topic.feedback.arn
    }
  }

  depends_on = [aws_sns_topic_policy.feedback]
}
