output "state_bucket" {
  description = "For the variable state_bucket, where GitHub's workflows plan."
  value       = aws_s3_bucket.state.id
}

output "backend" {
  description = "What terraform init is told: terraform output -raw backend > ../envs/dev.backend.hcl"
  value       = <<-EOT
    bucket = "${aws_s3_bucket.state.id}"
    region = "${var.region}"
  EOT
}
