"""S3 and SQS for both services: thin, and the one place where their errors become ours."""
