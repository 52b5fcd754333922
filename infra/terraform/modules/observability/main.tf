# Alarms and one dashboard. The services' own figures are taken from their log lines (docs/log-events.md), so that no
# task needs a permission for metrics and no collector runs.

locals {
  namespace = var.name

  # An event of the log becomes a metric. Log groups of a kind share it: ten in all, which is what is free of charge.
  events = {
    camera-up       = { from = "detection", pattern = "{ $.event = \"camera.status\" && $.state = \"up\" }", value = "1" }
    camera-blind    = { from = "detection", pattern = "{ $.event = \"camera.status\" && $.blind_s >= 600 }", value = "1" }
    undelivered     = { from = "detection", pattern = "{ $.event = \"courier.failed\" }", value = "1" }
    spool-trouble   = { from = "detection", pattern = "{ $.event = \"spool.refused\" || $.event = \"spool.quarantined\" }", value = "1" }
    reports         = { from = "agent", pattern = "{ $.event = \"report.stored\" }", value = "1" }
    quarantined     = { from = "agent", pattern = "{ $.event = \"message.quarantined\" }", value = "1" }
    mails-refused   = { from = "agent", pattern = "{ $.event = \"mail.refused\" }", value = "1" }
    mails-waiting   = { from = "agent", pattern = "{ $.event = \"agent.status\" }", value = "$.mails_waiting" }
    mails-held      = { from = "agent", pattern = "{ $.event = \"agent.status\" }", value = "$.mails_held" }
    service-refused = { from = "all", pattern = "{ $.event = \"service.refused\" }", value = "1" }
  }

  filters = merge([
    for event, what in local.events : {
      for service, group in var.log_groups : "${event}/${service}" => merge(what, { event = event, group = group })
      if what.from == "all" || startswith(service, what.from)
    }
  ]...)

  alarms = {
    camera-blind = {
      metric = "camera-blind", statistic = "Sum", period = 300, times = 1, above = 0, missing = "notBreaching"
      text   = "A camera has been down or frozen for ten minutes. See docs/runbooks/camera-blind.md"
    }
    # The courier tries at least once in half a minute: failures in each five minutes of half an hour are no hiccup.
    undelivered = {
      metric = "undelivered", statistic = "Sum", period = 300, times = 6, above = 0, missing = "notBreaching"
      text   = "Detection cannot hand over what it has found. See docs/runbooks/undelivered.md"
    }
    spool-trouble = {
      metric = "spool-trouble", statistic = "Sum", period = 300, times = 1, above = 0, missing = "notBreaching"
      text   = "Detection cannot keep what it has found, or has set it aside. See docs/runbooks/spool-trouble.md"
    }
    mail-failures = {
      metric = "mails-refused", statistic = "Sum", period = 300, times = 1, above = 0, missing = "notBreaching"
      text   = "A mail was refused for good. See docs/runbooks/mail-failures.md"
    }
    quarantined = {
      metric = "quarantined", statistic = "Sum", period = 300, times = 1, above = 0, missing = "notBreaching"
      text   = "A violation was put aside with a reason. See docs/runbooks/quarantined.md"
    }
    service-refused = {
      metric = "service-refused", statistic = "Sum", period = 300, times = 1, above = 0, missing = "notBreaching"
      text   = "A service will not start with its settings. See docs/runbooks/service-refused.md"
    }
    mails-waiting = {
      # The least of all counts: with a mail server that is down mails stay due, and one that works is seen empty at times.
      metric = "mails-waiting", statistic = "Minimum", period = 300, times = 12, above = 0, missing = "notBreaching"
      text   = "There have been mails that do not go for an hour. See docs/runbooks/mails-waiting.md"
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.filters

  name           = "${var.name}-${replace(each.key, "/", "-")}"
  log_group_name = each.value.group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = local.namespace
    name      = each.value.event
    value     = each.value.value
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = local.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.times
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  treat_missing_data  = each.value.missing
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}

# Nothing at all from detection: no camera says that it is up.
resource "aws_cloudwatch_metric_alarm" "detection_silent" {
  alarm_name          = "${var.name}-detection-silent"
  alarm_description   = "No camera has been up for ten minutes, or detection does not run. See docs/runbooks/detection-silent.md"
  namespace           = local.namespace
  metric_name         = "camera-up"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}

# One of several detection services: the alarms above hear the others. ECS counts a sample for each running task and minute.
resource "aws_cloudwatch_metric_alarm" "detection_gone" {
  for_each = { for service, name in var.services : service => name if startswith(service, "detection") }

  alarm_name          = "${var.name}-${each.key}-gone"
  alarm_description   = "No task of ${each.value} has run for ten minutes. See docs/runbooks/detection-gone.md"
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  dimensions          = { ClusterName = var.cluster_name, ServiceName = each.value }
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}

# Tasks that end by themselves. ECS forgets a stopped task after an hour: the log group remembers why.
resource "aws_cloudwatch_log_group" "stopped_tasks" {
  #checkov:skip=CKV_AWS_158:names and reasons of stopped tasks, nothing personal; the AWS key encrypts them
  #checkov:skip=CKV_AWS_338:a month is enough to look into a restart
  name              = "/aws/events/${var.name}-stopped-tasks"
  retention_in_days = 30
}

resource "aws_cloudwatch_event_rule" "stopped_tasks" {
  name        = "${var.name}-stopped-tasks"
  description = "A task whose main container ended by itself, that could not start, or that ECS stopped as unhealthy"

  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Task State Change"]
    detail = {
      clusterArn = [var.cluster_arn]
      lastStatus = ["STOPPED"]
      group      = [{ prefix = "service:" }] # what runs once is meant to end
      "$or" = [
        { stopCode = ["EssentialContainerExited", "TaskFailedToStart"] },
        { stopCode = ["ServiceSchedulerInitiated"], stoppedReason = [{ prefix = "Task failed container health checks" }] },
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "stopped_tasks" {
  rule = aws_cloudwatch_event_rule.stopped_tasks.name
  arn  = aws_cloudwatch_log_group.stopped_tasks.arn
}

data "aws_iam_policy_document" "events_write_logs" {
  statement {
    sid       = "EventsWriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.stopped_tasks.arn}:*"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "delivery.logs.amazonaws.com"]
    }
  }
}

resource "aws_cloudwatch_log_resource_policy" "events" {
  policy_name     = "${var.name}-events"
  policy_document = data.aws_iam_policy_document.events_write_logs.json
}

resource "aws_cloudwatch_metric_alarm" "task_restarts" {
  alarm_name          = "${var.name}-task-restarts"
  alarm_description   = "Tasks keep ending by themselves. See docs/runbooks/task-restarts.md"
  namespace           = "AWS/Events"
  metric_name         = "Invocations"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.stopped_tasks.name }
  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for index, widget in local.widgets : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = widget.title
          region  = var.region
          view    = "timeSeries"
          stat    = widget.stat
          period  = 300
          metrics = widget.metrics
        }
      }
    ]
  })
}

locals {
  widgets = concat([
    { title = "Messages (two for each violation), reports, refused mails", stat = "Sum", metrics = concat(
      [["AWS/SQS", "NumberOfMessagesSent", "QueueName", var.queue_name]],
      [for event in ["reports", "mails-refused", "quarantined"] : [local.namespace, event]],
    ) },
    { title = "Queue", stat = "Maximum", metrics = [
      ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_name],
      ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", var.queue_name],
      ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.dead_letter_queue_name],
    ] },
    { title = "Age of the oldest violation in the queue, seconds", stat = "Maximum", metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queue_name]] },
    { title = "Cameras: looks at their state in 5 minutes", stat = "Sum", metrics = [[local.namespace, "camera-up"], [local.namespace, "camera-blind"]] },
    { title = "Mails that wait", stat = "Maximum", metrics = [for event in ["mails-waiting", "mails-held"] : [local.namespace, event]] },
    ], [
    for metric in ["CPUUtilization", "MemoryUtilization"] : {
      title   = "${metric}, percent"
      stat    = "Average"
      metrics = [for name in sort(values(var.services)) : ["AWS/ECS", metric, "ClusterName", var.cluster_name, "ServiceName", name]]
    } if length(var.services) > 0
  ])
}
