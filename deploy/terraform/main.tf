# The stack of human approval, from the bundle that this module is part of. parameters.tf and outputs.tf are generated.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "name" {
  description = "Name of the CloudFormation stack."
  type        = string
  default     = "human-approval"
  nullable    = false
}

variable "artifact_bucket" {
  description = "Name of your S3 bucket for the template and the code, in the region of the stack."
  type        = string
  nullable    = false
}

variable "artifact_prefix" {
  description = "What the keys in the bucket begin with."
  type        = string
  default     = "human-approval/"
  nullable    = false
}

variable "bundle" {
  description = "Folder of the bundle. Null = the folder that this module lies in."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack. CloudFormation gives them to every resource that can have tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

data "aws_s3_bucket" "artifacts" {
  bucket = var.artifact_bucket
}

locals {
  bundle = coalesce(var.bundle, "${path.module}/..")
  # The bucket goes into the path: in the host, a name with dots does not fit S3's certificate.
  s3 = trimprefix(data.aws_s3_bucket.artifacts.bucket_regional_domain_name, "${var.artifact_bucket}.")
  # A key for each content: CloudFormation sees new code by its new key.
  keys = {
    for name in ["functions.zip", "layer.zip"] :
    name => "${var.artifact_prefix}${filemd5("${local.bundle}/${name}")}-${name}"
  }
  addresses = {
    for name, key in local.keys : name => jsonencode("s3://${var.artifact_bucket}/${key}")
  }
  template = replace(
    replace(file("${local.bundle}/template.json"), "\"functions.zip\"", local.addresses["functions.zip"]),
    "\"layer.zip\"", local.addresses["layer.zip"],
  )
}

resource "aws_s3_object" "code" {
  for_each = local.keys

  bucket = data.aws_s3_bucket.artifacts.id
  key    = each.value
  source = "${local.bundle}/${each.key}"

  # An update that fails goes back to the earlier code, which must still be there.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_s3_object" "template" {
  bucket       = data.aws_s3_bucket.artifacts.id
  key          = "${var.artifact_prefix}${md5(local.template)}-template.json"
  content      = local.template
  content_type = "application/json"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "this" {
  name         = var.name
  template_url = "https://${local.s3}/${var.artifact_bucket}/${aws_s3_object.template.key}"
  # IAM: the functions' roles. AUTO_EXPAND: the template is of the Serverless Application Model.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  parameters   = local.parameters
  tags         = var.tags

  depends_on = [aws_s3_object.code]
}

output "stack_name" {
  description = "Name of the stack, for the option --stack of the command approvals."
  value       = aws_cloudformation_stack.this.name
}
