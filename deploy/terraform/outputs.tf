# Written by `python -m scripts.terraform_module` from template.yaml: change that.

output "api_gateway_invoke_url" {
  description = "Base URL of the approval API."
  value       = aws_cloudformation_stack.this.outputs["ApiGatewayInvokeURL"]
}

output "state_machine_human_approval_arn" {
  description = "ARN of the state machine. Start an execution to request an approval."
  value       = aws_cloudformation_stack.this.outputs["StateMachineHumanApprovalArn"]
}

output "slack_request_url" {
  description = "Request URL of the Slack app, for interactivity, events and commands."
  value       = aws_cloudformation_stack.this.outputs["SlackRequestUrl"]
}

output "answers_url" {
  description = "URL for responses that approvers sign with their AWS credentials."
  value       = aws_cloudformation_stack.this.outputs["AnswersUrl"]
}

output "approver_policy_arn" {
  description = "ARN of the IAM policy that lets a role call AnswersUrl."
  value       = aws_cloudformation_stack.this.outputs["ApproverPolicyArn"]
}

output "spend_function_arn" {
  description = "ARN of the function that spends grants. Invoke it right before an approved action."
  value       = aws_cloudformation_stack.this.outputs["SpendFunctionArn"]
}

output "approval_topic_arn" {
  description = "ARN of the SNS topic for emails."
  value       = aws_cloudformation_stack.this.outputs["ApprovalTopicArn"]
}

output "approval_table_name" {
  description = "Name of the DynamoDB table with the approval records."
  value       = aws_cloudformation_stack.this.outputs["ApprovalTableName"]
}

output "slack_secret_arn" {
  description = "ARN of the secret with the bot token and signing secret of the Slack app."
  value       = aws_cloudformation_stack.this.outputs["SlackSecretArn"]
}

output "version" {
  description = "Deployed version."
  value       = aws_cloudformation_stack.this.outputs["Version"]
}

output "dashboard_name" {
  description = "URL of the CloudWatch dashboard."
  value       = try(aws_cloudformation_stack.this.outputs["DashboardName"], null)
}
