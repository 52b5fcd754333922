# To try it out: everything in AWS, the smallest of each, and terraform destroy removes it all.
# Put your own region, addresses and site file here. What it costs: docs/cost.md, "comfortable" less what is off here.
environment        = "dev"
region             = "eu-central-1"
alert_addresses    = ["ops@example.com"]
monthly_budget_usd = 150

site_file       = "../../examples/sites/ppe-everywhere.yaml"
mail_identity   = "example.com"
mail_from       = "safety@example.com"
camera_networks = ["10.0.0.0/24"]

database         = "postgres"
database_ca_file = "rds-ca.pem"
agent_tasks      = { min = 0, max = 2 }
keep_data        = false
retention_days   = { evidence = 14, report = 14 }
log_days         = 7
