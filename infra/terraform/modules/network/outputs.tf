output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Its address range."
  value       = aws_vpc.this.cidr_block
}

output "task_subnet_ids" {
  description = "Where tasks run."
  value       = local.private ? aws_subnet.private[*].id : aws_subnet.public[*].id
}

output "private_subnet_ids" {
  description = "Where nothing has a public address: database and file system."
  value       = aws_subnet.private[*].id
}

output "assign_public_ip" {
  description = "Whether tasks need a public address to reach AWS."
  value       = !local.private
}

output "endpoints" {
  description = "AWS services that are reached without leaving the network, besides S3."
  value       = keys(aws_vpc_endpoint.interface)
}
