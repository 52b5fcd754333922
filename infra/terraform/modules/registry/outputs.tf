output "repositories" {
  description = "ARN and address of each image's repository."
  value       = { for key in var.images : key => { arn = aws_ecr_repository.this[key].arn, url = aws_ecr_repository.this[key].repository_url } }
}
