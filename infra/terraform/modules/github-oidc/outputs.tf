output "role_arns" {
  description = "Roles for GitHub's variables AWS_PLAN_ROLE and AWS_DEPLOY_ROLE."
  value       = { for key, role in aws_iam_role.this : key => role.arn }
}
