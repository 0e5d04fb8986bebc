#!/usr/bin/env bash
# Request an approval and wait for the decision: ./aws-cli.sh STATE_MACHINE_ARN '{"Approval": {"Title": "Deploy?"}}'
# Exit codes: 0 approved, 1 rejected, 2 nobody decided. Needs states:StartExecution on the state machine, and
# states:DescribeExecution and states:GetExecutionHistory on its executions.
set -euo pipefail

execution=$(aws stepfunctions start-execution --state-machine-arn "$1" --input "$2" --query executionArn --output text)
while
  status=$(aws stepfunctions describe-execution --execution-arn "$execution" --query status --output text)
  [ "$status" = RUNNING ]
do
  sleep "${INTERVAL:-2}"
done

if [ "$status" != SUCCEEDED ]; then
  aws stepfunctions describe-execution --execution-arn "$execution" --query '[status, error, cause]' --output text >&2
  exit 2
fi
# The last state is the decision.
last=$(aws stepfunctions get-execution-history --execution-arn "$execution" --reverse-order --max-items 10 \
  --query "events[?type=='PassStateExited'].stateExitedEventDetails.name | [0]" --output text | head -n 1)
echo "$last"
[ "$last" = ApprovedPassState ]
