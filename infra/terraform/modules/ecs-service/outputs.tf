output "service_name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "service_arn" {
  description = "ARN of the ECS service."
  value       = aws_ecs_service.this.id
}

output "task_definition" {
  description = "The task definition (family:revision) that deployments copy, putting their image into it."
  value       = "${aws_ecs_task_definition.this.family}:${aws_ecs_task_definition.this.revision}"
}

output "run_once" {
  description = "Task definitions (family:revision) of the commands that run once, by name."
  value       = { for key, task in aws_ecs_task_definition.once : key => "${task.family}:${task.revision}" }
}

output "families" {
  description = "Families of all task definitions."
  value       = concat([aws_ecs_task_definition.this.family], [for task in aws_ecs_task_definition.once : task.family])
}

output "security_group_id" {
  description = "The tasks' security group."
  value       = aws_security_group.this.id
}

output "log_group_name" {
  description = "Where the service logs."
  value       = aws_cloudwatch_log_group.this.name
}

output "log_group_arn" {
  description = "ARN of the log group."
  value       = aws_cloudwatch_log_group.this.arn
}

output "task_role_arn" {
  description = "What the service is in IAM."
  value       = aws_iam_role.task.arn
}

output "execution_role_arn" {
  description = "What ECS is in IAM while it starts the service."
  value       = aws_iam_role.execution.arn
}
