output "buckets" {
  description = "Name and ARN of each bucket: evidence, reports, config."
  value       = { for key in local.buckets : key => { name = aws_s3_bucket.this[key].id, arn = aws_s3_bucket.this[key].arn } }
}
