# The violation queue, where its dead letters go, and whom alarms tell.

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-violations-dead"
  message_retention_seconds = 14 * 86400 # the most that SQS allows, and longer than the queue's: a late dead letter must not vanish at once
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "violations" {
  name                       = "${var.name}-violations"
  message_retention_seconds  = var.retention_days * 86400
  visibility_timeout_seconds = 60 # the agent sets its own with each receive
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.max_receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.violations.arn]
  })
}

data "aws_iam_policy_document" "tls_only" {
  for_each = { violations = aws_sqs_queue.violations.arn, dead_letters = aws_sqs_queue.dead_letters.arn }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [each.value]

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

resource "aws_sqs_queue_policy" "violations" {
  queue_url = aws_sqs_queue.violations.id
  policy    = data.aws_iam_policy_document.tls_only["violations"].json
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  policy    = data.aws_iam_policy_document.tls_only["dead_letters"].json
}

# CloudWatch gets figures of a queue that was touched in the last six hours; of another it gets the first ones up to 15
# minutes late, and an agent that sleeps would be woken as late. So something touches it: taking off a tag that is not
# there changes nothing, and costs nothing. (The scheduler calls no action that only reads.)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
resource "aws_scheduler_schedule" "touch" {
  #checkov:skip=CKV_AWS_297:the address of a queue is no secret; the AWS key encrypts it
  name                = "${var.name}-touch-queue"
  description         = "Keeps the queue's metrics prompt, so that the first violation after a quiet night wakes the agent in time"
  schedule_expression = "rate(2 hours)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:${var.partition}:scheduler:::aws-sdk:sqs:untagQueue"
    role_arn = aws_iam_role.touch.arn
    input    = jsonencode({ QueueUrl = aws_sqs_queue.violations.url, TagKeys = ["none"] })
  }
}

data "aws_iam_policy_document" "touch_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

data "aws_iam_policy_document" "touch" {
  statement {
    actions   = ["sqs:UntagQueue"]
    resources = [aws_sqs_queue.violations.arn]
  }
}

resource "aws_iam_role" "touch" {
  name               = "${var.name}-touch-queue"
  description        = "The schedule that touches the queue"
  assume_role_policy = data.aws_iam_policy_document.touch_trust.json
}

resource "aws_iam_role_policy" "touch" {
  name   = "touch"
  role   = aws_iam_role.touch.id
  policy = data.aws_iam_policy_document.touch.json
}

resource "aws_sns_topic" "alerts" {
  #checkov:skip=CKV_AWS_26:alarms hold names and numbers, no pictures and no people; CloudWatch cannot publish to a topic under the AWS key
  name = "${var.name}-alerts"
}

# Each address gets a mail with a link that confirms the subscription; until then it gets no alarm.
resource "aws_sns_topic_subscription" "alerts" {
  for_each = var.alert_addresses

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "A message could not be worked on. See docs/runbooks/dead-letters.md"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}

resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  alarm_name          = "${var.name}-oldest-message"
  alarm_description   = "Violations wait too long for the agent. See docs/runbooks/oldest-message.md"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.violations.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.oldest_message_s
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}
