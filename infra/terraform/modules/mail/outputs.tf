output "identity_arn" {
  description = "The identity that mails come from."
  value       = aws_sesv2_email_identity.this.arn
}

output "dns_records" {
  description = "CNAME records that prove the domain (DKIM); none for an address."
  value = !local.is_domain ? {} : {
    for token in try(aws_sesv2_email_identity.this.dkim_signing_attributes[0].tokens, []) :
    "${token}._domainkey.${var.identity}" => "${token}.dkim.amazonses.com"
  }
}

output "feedback_topic_arn" {
  description = "Where bounces and complaints go."
  value       = aws_sns_topic.feedback.arn
}
