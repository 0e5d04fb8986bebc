# A state machine that requests an approval.

variable "state_machine_human_approval_arn" {
  description = "The output StateMachineHumanApprovalArn of the approval stack, in the same account and region."
  type        = string
}

data "aws_arn" "approval" {
  arn = var.state_machine_human_approval_arn
}

locals {
  account = "${data.aws_arn.approval.region}:${data.aws_arn.approval.account}"
  states  = "arn:${data.aws_arn.approval.partition}:states:${local.account}"
  events  = "arn:${data.aws_arn.approval.partition}:events:${local.account}"
  name    = trimprefix(data.aws_arn.approval.resource, "stateMachine:")
}

resource "aws_sfn_state_machine" "deployment" {
  name_prefix = "deployment-"
  role_arn    = aws_iam_role.deployment.arn
  definition = templatefile("${path.module}/../nested.jsonpath.asl.json", {
    StateMachineHumanApprovalArn = var.state_machine_human_approval_arn
  })
}

resource "aws_iam_role" "deployment" {
  name_prefix = "deployment-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "ask" {
  role = aws_iam_role.deployment.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "states:StartExecution"
        Resource = var.state_machine_human_approval_arn
      },
      {
        Effect   = "Allow"
        Action   = ["states:DescribeExecution", "states:StopExecution"]
        Resource = "${local.states}:execution:${local.name}:*"
      },
      {
        # Reports the end of the nested execution to Step Functions.
        Effect   = "Allow"
        Action   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
        Resource = "${local.events}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
      },
    ]
  })
}
