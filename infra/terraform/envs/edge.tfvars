# What most sites will want: detection on a box at the site, and in AWS only what sleeps while nothing happens.
environment        = "edge"
region             = "eu-central-1"
alert_addresses    = ["ops@example.com"]
monthly_budget_usd = 10

site_file           = "../../examples/sites/ppe-everywhere.yaml"
detection_placement = "edge"
mail_identity       = "example.com"
mail_from           = "safety@example.com"

database           = "serverless"
database_ca_file   = "rds-ca.pem"
agent_tasks        = { min = 0, max = 2 }
agent_round        = { every_hours = 12, minutes = 8 }
agent_idle_minutes = 5
keep_data          = true
log_days           = 14
