#!/bin/sh
# Makes what the services expect, each time LocalStack starts (it keeps nothing). LocalStack runs it when it is ready.
set -eu

# A message may be taken often while its picture is awaited; a poisonous one is quarantined by the agent long before.
max_receives=50

awslocal sqs create-queue --queue-name officer-violations-dead \
    --attributes MessageRetentionPeriod=1209600
dead=$(awslocal sqs get-queue-attributes --attribute-names QueueArn --query Attributes.QueueArn --output text \
    --queue-url "$(awslocal sqs get-queue-url --queue-name officer-violations-dead --query QueueUrl --output text)")
awslocal sqs create-queue --queue-name officer-violations --attributes "{
    \"MessageRetentionPeriod\": \"345600\",
    \"RedrivePolicy\": \"{\\\"deadLetterTargetArn\\\": \\\"$dead\\\", \\\"maxReceiveCount\\\": \\\"$max_receives\\\"}\"}"
awslocal s3 mb s3://officer-evidence
awslocal s3 mb s3://officer-reports
awslocal ses verify-email-identity --email-address "$MAIL_FROM"
echo "officer: queues, buckets and sender are there"
