output "log_group_name" {
  description = "Where the box logs."
  value       = aws_cloudwatch_log_group.this.name
}

output "access" {
  description = "How the box signs in: user, or role, profile and trust anchor."
  value = local.by_certificate ? {
    user             = null
    role_arn         = aws_iam_role.this[0].arn
    profile_arn      = aws_rolesanywhere_profile.this[0].arn
    trust_anchor_arn = aws_rolesanywhere_trust_anchor.this[0].arn
    } : {
    user             = aws_iam_user.this[0].name
    role_arn         = null
    profile_arn      = null
    trust_anchor_arn = null
  }
}
