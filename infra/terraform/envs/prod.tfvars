# Detection in AWS, an agent that is always awake, private subnets behind a NAT gateway, a database with a second zone.
environment        = "prod"
region             = "eu-central-1"
alert_addresses    = ["ops@example.com"]
monthly_budget_usd = 400

site_file       = "../../examples/sites/ppe-everywhere.yaml"
mail_identity   = "example.com"
mail_from       = "safety@example.com"
camera_networks = ["10.0.0.0/24"]

egress                  = "nat"
database                = "postgres"
database_multi_az       = true
database_instance_class = "db.t4g.small"
database_ca_file        = "rds-ca.pem"
agent_tasks             = { min = 1, max = 6 }
agent_spot              = false
keep_data               = true
