output "alarm_names" {
  description = "All alarms that tell somebody."
  value = sort(concat(
    [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.detection_gone : alarm.alarm_name],
    [aws_cloudwatch_metric_alarm.detection_silent.alarm_name, aws_cloudwatch_metric_alarm.task_restarts.alarm_name],
  ))
}

output "dashboard_name" {
  description = "The dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
