output "capacity_provider" {
  description = "Name of the cluster's capacity provider."
  value       = aws_ecs_capacity_provider.this.name
}
