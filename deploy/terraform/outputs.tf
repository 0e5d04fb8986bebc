# Written by `python -m scripts.terraform_module` from template.yaml: change that.

output "api_gateway_invoke_url" {
  description = "Base of the approval links."
  value       = aws_cloudformation_stack.this.outputs["ApiGatewayInvokeURL"]
}

output "state_machine_human_approval_arn" {
  description = "Start an execution of this state machine to ask for an approval."
  value       = aws_cloudformation_stack.this.outputs["StateMachineHumanApprovalArn"]
}

output "slack_request_url" {
  description = "The Slack app's interactivity request URL."
  value       = aws_cloudformation_stack.this.outputs["SlackRequestUrl"]
}

output "approval_topic_arn" {
  description = "The topic that mails go through."
  value       = aws_cloudformation_stack.this.outputs["ApprovalTopicArn"]
}

output "approval_table_name" {
  description = "The table of approval records."
  value       = aws_cloudformation_stack.this.outputs["ApprovalTableName"]
}

output "slack_secret_arn" {
  description = "The secret with the Slack app's bot token and signing secret."
  value       = aws_cloudformation_stack.this.outputs["SlackSecretArn"]
}

output "version" {
  description = "The version that is deployed."
  value       = aws_cloudformation_stack.this.outputs["Version"]
}

output "dashboard_name" {
  description = "The CloudWatch dashboard."
  value       = try(aws_cloudformation_stack.this.outputs["DashboardName"], null)
}
