# Postgres: one small instance, or Aurora that sleeps while nobody asks. The password never enters the state: it goes
# from AWS's generator into an encrypted parameter, and from there into the database, by write-only arguments.

locals {
  instance = var.kind == "postgres"
  host     = local.instance ? one(aws_db_instance.this[*].address) : one(aws_rds_cluster.this[*].endpoint)
}

ephemeral "aws_secretsmanager_random_password" "generated" {
  password_length     = 40
  exclude_punctuation = true # it stands in URLs
}

resource "aws_ssm_parameter" "password" {
  #checkov:skip=CKV_AWS_337:encrypted under the AWS key of the account; a key of one's own is 1 USD a month
  name             = "/${var.name}/db-password"
  description      = "Password of the database's user ${var.username}; made anew with password_version"
  type             = "SecureString"
  value_wo         = ephemeral.aws_secretsmanager_random_password.generated.random_password
  value_wo_version = var.password_version
}

# Read back rather than used twice: after a run that broke off in the middle, parameter and database still agree.
ephemeral "aws_ssm_parameter" "password" {
  arn = aws_ssm_parameter.password.arn
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Private subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Postgres, from the agent alone"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "agent" {
  security_group_id            = aws_security_group.database.id
  description                  = "Postgres from the agent"
  referenced_security_group_id = var.client_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_parameter_group" "this" {
  count = local.instance ? 1 : 0

  name        = var.name
  family      = "postgres${var.engine_version}"
  description = "TLS only; slow statements are logged"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }
}

# RDS would make it itself, keep all lines for ever and leave it behind.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:slow statements without their values and connections; the AWS key encrypts them
  #checkov:skip=CKV_AWS_338:personal data is kept no longer than needed: log_days
  count = local.instance ? 1 : 0

  name              = "/aws/rds/instance/${var.name}/postgresql"
  retention_in_days = var.log_days
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118:enhanced monitoring is paid log volume; CloudWatch's own metrics suffice for one writer
  #checkov:skip=CKV_AWS_353:performance insights is of no use for a handful of statements a minute
  #checkov:skip=CKV_AWS_157:a second zone doubles the price; the queue holds the work meanwhile. Set multi_az where hours matter
  #checkov:skip=CKV_AWS_161:the services sign in by password; its rotation is in docs/deploy.md
  #checkov:skip=CKV_AWS_293:off in dev so that terraform destroy works; envs/prod.tfvars sets deletion_protection
  #checkov:skip=CKV2_AWS_30:statements slower than a second are logged; a log of every statement would be paid for and hold names
  count = local.instance ? 1 : 0

  identifier     = var.name
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class

  db_name             = var.database_name
  username            = var.username
  password_wo         = ephemeral.aws_ssm_parameter.password.value
  password_wo_version = var.password_version

  storage_type          = "gp3"
  allocated_storage     = 20
  max_allocated_storage = 100
  storage_encrypted     = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false
  multi_az               = var.multi_az
  ca_cert_identifier     = "rds-ca-rsa2048-g1"
  parameter_group_name   = aws_db_parameter_group.this[0].name

  backup_retention_period         = var.backup_days
  copy_tags_to_snapshot           = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
  auto_minor_version_upgrade      = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = "${var.name}-final"

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_rds_cluster_parameter_group" "this" {
  count = local.instance ? 0 : 1

  name        = var.name
  family      = "aurora-postgresql${var.engine_version}"
  description = "TLS only"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV_AWS_139:off in dev so that terraform destroy works; envs/prod.tfvars sets deletion_protection
  #checkov:skip=CKV_AWS_162:the services sign in by password; its rotation is in docs/deploy.md
  #checkov:skip=CKV_AWS_324:log exports would be paid for; the agent logs what the database refuses
  #checkov:skip=CKV_AWS_327:encrypted under the AWS key of the account; a key of one's own is 1 USD a month
  #checkov:skip=CKV2_AWS_8:the cluster's own backups reach back backup_days; a second copy is AWS Backup's to price
  #checkov:skip=CKV2_AWS_27:a log of every statement would be paid for and hold names
  count = local.instance ? 0 : 1

  cluster_identifier = var.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned" # what serverless v2 is called
  engine_version     = var.engine_version

  database_name              = var.database_name
  master_username            = var.username
  master_password_wo         = ephemeral.aws_ssm_parameter.password.value
  master_password_wo_version = var.password_version

  storage_encrypted               = true
  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this[0].name

  backup_retention_period   = var.backup_days
  copy_tags_to_snapshot     = true
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = "${var.name}-final"

  serverlessv2_scaling_configuration {
    min_capacity             = 0
    max_capacity             = 1
    seconds_until_auto_pause = 300 # the least; the agent keeps no connection while it is scaled to zero
  }
}

resource "aws_rds_cluster_instance" "this" {
  #checkov:skip=CKV_AWS_118:enhanced monitoring is paid log volume
  #checkov:skip=CKV_AWS_353:performance insights is of no use for a handful of statements a minute
  count = local.instance ? 0 : 1

  identifier                 = var.name
  cluster_identifier         = aws_rds_cluster.this[0].id
  engine                     = aws_rds_cluster.this[0].engine
  engine_version             = aws_rds_cluster.this[0].engine_version
  instance_class             = "db.serverless"
  db_subnet_group_name       = aws_db_subnet_group.this.name
  publicly_accessible        = false
  ca_cert_identifier         = "rds-ca-rsa2048-g1"
  auto_minor_version_upgrade = true
}
