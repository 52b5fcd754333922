# Scaling by what waits. Four parts, because target tracking alone neither leaves zero nor knows of mails that wait:
#   wake     messages wait and nobody runs                                   -> one more
#   backlog  messages for each task stay above the target                    -> more, never fewer
#   idle     queue and outbox are empty for a while                          -> down to the least
#   rounds   every few hours one task runs for some minutes whatever waits   -> mails that were put off, lost messages
# A queue that nothing touches for 6 hours reports its metrics up to 15 minutes late: a schedule of modules/messaging does.
# A term that CloudWatch has no figure of makes the whole expression have none, so what is told only while there is some
# (tasks, messages in flight, mails) is filled with 0.

locals {
  scaled         = var.scaling == null ? {} : { it = var.scaling }
  scaled_service = "service/${var.cluster_name}/${aws_ecs_service.this.name}"
  queue          = var.scaling == null ? "" : var.scaling.queue_name

  # ECS counts one sample of CPUUtilization for each running task and minute: a task count that Container Insights is not needed for.
  running = {
    namespace   = "AWS/ECS"
    metric_name = "CPUUtilization"
    stat        = "SampleCount"
    dimensions  = { ClusterName = var.cluster_name, ServiceName = aws_ecs_service.this.name }
  }
}

resource "aws_appautoscaling_target" "this" {
  for_each = local.scaled

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = local.scaled_service
  min_capacity       = each.value.min
  max_capacity       = each.value.max
}

resource "aws_appautoscaling_policy" "backlog" {
  for_each = local.scaled

  name               = "${var.prefix}-${var.name}-backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.backlog_per_task
    disable_scale_in   = true
    scale_out_cooldown = 120

    customized_metric_specification {
      metrics {
        id          = "waiting"
        return_data = false

        metric_stat {
          stat = "Maximum"

          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesVisible"

            dimensions {
              name  = "QueueName"
              value = local.queue
            }
          }
        }
      }

      metrics {
        id          = "running"
        return_data = false

        metric_stat {
          stat = local.running.stat

          metric {
            namespace   = local.running.namespace
            metric_name = local.running.metric_name

            dynamic "dimensions" {
              for_each = local.running.dimensions

              content {
                name  = dimensions.key
                value = dimensions.value
              }
            }
          }
        }
      }

      metrics {
        id          = "backlog"
        label       = "Messages waiting for each running task"
        expression  = "waiting / IF(FILL(running, 0) > 0, FILL(running, 0), 1)"
        return_data = true
      }
    }
  }
}

resource "aws_appautoscaling_policy" "wake" {
  for_each = local.scaled

  name               = "${var.prefix}-${var.name}-wake"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    metric_aggregation_type = "Maximum"
    cooldown                = 240 # a task needs minutes to start and be counted

    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "wake" {
  for_each = local.scaled

  alarm_name          = "${var.prefix}-${var.name}-wake"
  alarm_description   = "Scaling, not trouble: messages wait and no task runs."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 2 # FILL takes the newest count of tasks for 0 while it is merely late
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.wake[each.key].arn]

  metric_query {
    id = "waiting"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.queue }
      stat        = "Maximum"
      period      = 60
    }
  }

  metric_query {
    id = "running"

    metric {
      namespace   = local.running.namespace
      metric_name = local.running.metric_name
      dimensions  = local.running.dimensions
      stat        = local.running.stat
      period      = 60
    }
  }

  metric_query {
    id          = "stranded"
    label       = "Messages that wait while nobody runs"
    expression  = "IF(FILL(running, 0) < 1, waiting, 0)"
    return_data = true
  }
}

resource "aws_appautoscaling_policy" "idle" {
  for_each = local.scaled

  name               = "${var.prefix}-${var.name}-idle"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ExactCapacity"
    metric_aggregation_type = "Maximum"
    cooldown                = 60

    step_adjustment {
      metric_interval_upper_bound = 0
      scaling_adjustment          = each.value.min
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "idle" {
  for_each = local.scaled

  alarm_name          = "${var.prefix}-${var.name}-idle"
  alarm_description   = "Scaling, not trouble: queue and outbox have been empty for ${each.value.idle_minutes} minutes."
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = each.value.idle_minutes
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.idle[each.key].arn]

  metric_query {
    id = "waiting"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.queue }
      stat        = "Maximum"
      period      = 60
    }
  }

  metric_query {
    id = "held"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesNotVisible"
      dimensions  = { QueueName = local.queue }
      stat        = "Maximum"
      period      = 60
    }
  }

  dynamic "metric_query" {
    for_each = each.value.outbox_metrics

    content {
      id = "outbox_${metric_query.key}"

      metric {
        namespace   = each.value.metric_namespace
        metric_name = metric_query.value
        stat        = "Maximum"
        period      = 60
      }
    }
  }

  metric_query {
    id          = "work"
    label       = "Messages and mails that are still to be worked on"
    expression  = join(" + ", concat(["waiting", "FILL(held, 0)"], [for key in sort(keys(each.value.outbox_metrics)) : "FILL(outbox_${key}, 0)"]))
    return_data = true
  }
}

resource "aws_appautoscaling_scheduled_action" "round" {
  for_each = var.scaling == null || try(var.scaling.min > 0, true) ? {} : {
    begins = { minute = 0, min = 1 }
    ends   = { minute = var.scaling.round_minutes, min = 0 }
  }

  name               = "${var.prefix}-${var.name}-round-${each.key}"
  service_namespace  = aws_appautoscaling_target.this["it"].service_namespace
  scalable_dimension = aws_appautoscaling_target.this["it"].scalable_dimension
  resource_id        = aws_appautoscaling_target.this["it"].resource_id
  schedule           = "cron(${each.value.minute} 0/${var.scaling.round_every_hours} * * ? *)"
  timezone           = "UTC"

  scalable_target_action {
    min_capacity = each.value.min
    max_capacity = var.scaling.max
  }
}
