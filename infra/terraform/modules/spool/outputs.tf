output "volumes" {
  description = "File system and access point of each service."
  value = {
    for key, point in aws_efs_access_point.this : key => {
      file_system_id  = aws_efs_file_system.this.id
      access_point_id = point.id
    }
  }
}

output "file_system_arn" {
  description = "The file system."
  value       = aws_efs_file_system.this.arn
}
