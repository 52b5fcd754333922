output "host" {
  description = "Name of the server."
  value       = local.host
}

output "database_name" {
  description = "Name of the database."
  value       = var.database_name
}

output "username" {
  description = "The user that the agent signs in as."
  value       = var.username
}

output "password_parameter_arn" {
  description = "Encrypted parameter that holds the password."
  value       = aws_ssm_parameter.password.arn
}

output "identifier" {
  description = "Identifier of the instance or cluster, for snapshots and restores."
  value       = local.instance ? one(aws_db_instance.this[*].identifier) : one(aws_rds_cluster.this[*].cluster_identifier)
}
