output "queue" {
  description = "Name, ARN and URL of the violation queue."
  value       = { name = aws_sqs_queue.violations.name, arn = aws_sqs_queue.violations.arn, url = aws_sqs_queue.violations.url }
}

output "dead_letter_queue" {
  description = "Name, ARN and URL of the queue of dead letters."
  value       = { name = aws_sqs_queue.dead_letters.name, arn = aws_sqs_queue.dead_letters.arn, url = aws_sqs_queue.dead_letters.url }
}

output "alerts_topic_arn" {
  description = "Where alarms go."
  value       = aws_sns_topic.alerts.arn
}

output "alarm_names" {
  description = "Alarms of the two queues."
  value       = [aws_cloudwatch_metric_alarm.dead_letters.alarm_name, aws_cloudwatch_metric_alarm.oldest_message.alarm_name]
}
