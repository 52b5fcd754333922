data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  prefix    = "${var.name}-${var.environment}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  parameter = "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter"

  # Cameras in groups, one detection service for each; none where detection runs elsewhere. By their place in the file: one
  # that is put in between moves those behind it to another service, hence to another spool and state (docs/deploy.md).
  in_aws  = var.detection_placement != "edge"
  on_gpu  = var.detection_placement == "gpu"
  cameras = [for camera in yamldecode(file(var.site_file)).cameras : camera.id]
  groups  = { for index, group in chunklist(local.cameras, var.cameras_per_task) : "detection-${index + 1}" => group if local.in_aws }

  keeps_spool  = local.in_aws && var.spool == "efs"
  own_database = var.database != "external"

  database = local.own_database ? {
    host         = module.database[0].host
    port         = 5432
    name         = module.database[0].database_name
    user         = module.database[0].username
    password_arn = module.database[0].password_parameter_arn
    } : {
    host         = var.database_external.host
    port         = var.database_external.port
    name         = var.database_external.name
    user         = var.database_external.user
    password_arn = "${local.parameter}/${trimprefix(var.database_external.password_parameter, "/")}"
  }

  # What both services are told.
  common_environment = {
    AWS_REGION      = var.region
    STORE           = "s3"
    QUEUE           = "sqs"
    EVIDENCE_BUCKET = module.storage.buckets["evidence"].name
    QUEUE_URL       = module.messaging.queue.url
    DATA_DIR        = "/data"
    SITE_FILE       = "/config/site.yaml"
    HEALTH_HOST     = "127.0.0.1" # asked from inside the container only
    HEALTH_PORT     = "9100"
    # Logs are paid for by volume; alarms and scaling need a status line twice a minute.
    LOG_STATUS_EVERY_S = "30"
  }

  site_files = [{
    bucket  = aws_s3_object.site.bucket
    key     = aws_s3_object.site.key
    version = aws_s3_object.site.version_id
    sha256  = filesha256(var.site_file)
    path    = "/config/site.yaml"
  }]

  database_ca_files = [for object in aws_s3_object.database_ca : {
    bucket  = object.bucket
    key     = object.key
    version = object.version_id
    sha256  = filesha256(var.database_ca_file)
    path    = "/config/database-ca.pem"
  }]

  https = { "AWS and language models" = { cidr = "0.0.0.0/0", port = 443 } }
}
