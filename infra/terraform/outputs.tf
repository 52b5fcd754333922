output "deployment_parameter" {
  description = "Parameter that infra/deploy.py and officer deploy-check read."
  value       = aws_ssm_parameter.deployment.name
}

output "repositories" {
  description = "Where images are pushed to."
  value       = { for name, repository in module.registry.repositories : name => repository.url }
}

output "buckets" {
  description = "Names of the buckets."
  value       = { for key, bucket in module.storage.buckets : key => bucket.name }
}

output "queue_url" {
  description = "The violation queue."
  value       = module.messaging.queue.url
}

output "dead_letter_queue_url" {
  description = "The queue of dead letters."
  value       = module.messaging.dead_letter_queue.url
}

output "database_host" {
  description = "Server of the database."
  value       = local.database.host
}

output "database_identifier" {
  description = "Identifier for snapshots and restores; null for one of another provider."
  value       = one(module.database[*].identifier)
}

output "detection_cameras" {
  description = "Cameras of each detection service in AWS."
  value       = local.groups
}

output "detection_environment" {
  description = "Settings for detection on the edge box (docs/edge.md)."
  value = local.in_aws ? null : {
    AWS_REGION      = var.region
    STORE           = "s3"
    QUEUE           = "sqs"
    EVIDENCE_BUCKET = module.storage.buckets["evidence"].name
    QUEUE_URL       = module.messaging.queue.url
    LOG_GROUP       = module.edge_access[0].log_group_name

    LOG_STATUS_EVERY_S = "30"
  }
}

output "edge_access" {
  description = "How the edge box signs in; null where detection runs in AWS."
  value       = one(module.edge_access[*].access)
}

output "mail_dns_records" {
  description = "CNAME records to enter for the mail domain; none for an address."
  value       = module.mail.dns_records
}

output "alarm_topic" {
  description = "Where alarms go."
  value       = module.messaging.alerts_topic_arn
}

output "dashboard" {
  description = "Address of the dashboard."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${module.observability.dashboard_name}"
}

output "github_roles" {
  description = "Values of GitHub's variables AWS_PLAN_ROLE and AWS_DEPLOY_ROLE; null without github_repository."
  value       = one(module.github_oidc[*].role_arns)
}

locals {
  run_agent_once = join(" ", [
    "aws ecs run-task --region ${var.region} --cluster ${aws_ecs_cluster.this.name} --launch-type FARGATE",
    "--task-definition ${split(":", module.agent.run_once["migrate"])[0]}",
    "--network-configuration '${jsonencode({ awsvpcConfiguration = {
      subnets        = module.network.task_subnet_ids
      securityGroups = [module.agent.security_group_id]
      assignPublicIp = module.network.assign_public_ip ? "ENABLED" : "DISABLED"
    } })}'",
  ])
}

output "erase_command" {
  description = "Erases all that is held of one violation; put its whole id in the place of ID (docs/erasure.md)."
  value = "${local.run_agent_once} --overrides '${jsonencode({
    taskRoleArn        = aws_iam_role.erase.arn
    containerOverrides = [{ name = "agent", command = ["python", "-m", "services.agent", "erase", "ID"] }]
  })}'"
}

output "review_command" {
  description = "Keeps what a person made of a report: put its id, or its first characters, in the place of ID, and confirmed, dismissed, authorised or exempt in that of VERDICT (docs/deploy.md)."
  value = "${local.run_agent_once} --overrides '${jsonencode({
    containerOverrides = [{ name = "agent", command = ["python", "-m", "services.agent", "review", "ID", "VERDICT"] }]
  })}'"
}

output "kept_on_destroy" {
  description = "What terraform destroy leaves, because it holds evidence: it stops there until keep_data is false and applied."
  value       = var.keep_data ? compact([module.storage.buckets["evidence"].name, module.storage.buckets["reports"].name, one(module.database[*].identifier)]) : []
}
