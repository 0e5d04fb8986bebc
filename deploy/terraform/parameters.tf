# Written by `python -m scripts.terraform_module` from template.yaml: change that.

variable "email" {
  description = "The address that is asked when a request names no approvers. AWS sends it a message to confirm the subscription."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.+'-]+@(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\\.)+[a-zA-Z][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]$", var.email))
    error_message = "Must be a valid email address."
  }
}

variable "slack_channel" {
  description = "Id of the Slack channel to ask in (C0123456789, in the channel's details). Empty = email alone."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([CDG][A-Z0-9]{6,20})?$", var.slack_channel))
    error_message = "Must be a channel id such as C0123456789 (not its name), or empty."
  }
}

variable "slack_bot_token" {
  description = "The Slack app's bot token (xoxb-...). Empty, or the word none (sam deploy --guided takes no empty secret) = email alone."
  type        = string
  default     = ""
  sensitive   = true
  nullable    = false

  validation {
    condition     = can(regex("^(none|xox[a-z]-[A-Za-z0-9-]+)?$", var.slack_bot_token))
    error_message = "Must be a token that starts with xoxb-, or none, or empty."
  }
}

variable "slack_signing_secret" {
  description = "The Slack app's signing secret (Basic Information, App Credentials). Empty, or the word none = email alone."
  type        = string
  default     = ""
  sensitive   = true
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9]*$", var.slack_signing_secret))
    error_message = "Must be letters and digits, or none, or empty."
  }
}

variable "slack_api_url" {
  description = "Base URL of Slack's Web API. GovSlack has another."
  type        = string
  default     = "https://slack.com/api/"
  nullable    = false

  validation {
    condition     = can(regex("^https?://[^ ?#]+/$", var.slack_api_url))
    error_message = "Must be a URL that ends with a slash."
  }

  validation {
    condition     = length(var.slack_api_url) <= 200
    error_message = "Must have at most 200 characters."
  }
}

variable "public_url" {
  description = "Base of the links in mails when a custom domain fronts the API, without a slash at its end. Empty = the API's own URL."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(https?://[^ ?#]*[^ ?#/])?$", var.public_url))
    error_message = "Must be a URL without a slash at its end, or empty."
  }
}

variable "approval_timeout_minutes" {
  description = "Minutes until a request expires when it names no TimeoutMinutes of its own."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.approval_timeout_minutes >= 1 && var.approval_timeout_minutes <= 525540
    error_message = "Must be from 1 to 525540."
  }
}

variable "email_link_mode" {
  description = "confirm = a link opens a page with a button; one-click = opening the link decides where the email shows the whole request (mail scanners open links too)."
  type        = string
  default     = "confirm"
  nullable    = false

  validation {
    condition     = contains(["confirm", "one-click"], var.email_link_mode)
    error_message = "Must be one of: confirm, one-click."
  }
}

variable "alarm_topic_arn" {
  description = "ARN of an SNS topic that alarms are sent to. Empty = alarms show in CloudWatch alone."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+)?$", var.alarm_topic_arn))
    error_message = "Must be the ARN of an SNS topic, or empty."
  }
}

variable "monitoring" {
  description = "Essential = an alarm for each way to lose a decision or a message. Full = also an alarm for each function, and a dashboard; CloudWatch bills both."
  type        = string
  default     = "Essential"
  nullable    = false

  validation {
    condition     = contains(["Essential", "Full"], var.monitoring)
    error_message = "Must be one of: Essential, Full."
  }
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps the functions' logs."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "Must be one of: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "tracing" {
  description = "Active = the functions and the state machine send traces to X-Ray, which bills each of them. The API never does."
  type        = string
  default     = "Disabled"
  nullable    = false

  validation {
    condition     = contains(["Disabled", "Active"], var.tracing)
    error_message = "Must be one of: Disabled, Active."
  }
}

variable "event_bus_name" {
  description = "Name of the EventBridge bus that an event for each step is sent to; default = the account's own. Empty = no events."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9._/-]{1,256})?$", var.event_bus_name))
    error_message = "Must be the name of an event bus in this account and region, or empty."
  }
}

variable "snap_start" {
  description = "PublishedVersions = the two functions that people wait for start from a snapshot, which Lambda bills as long as it exists."
  type        = string
  default     = "None"
  nullable    = false

  validation {
    condition     = contains(["None", "PublishedVersions"], var.snap_start)
    error_message = "Must be one of: None, PublishedVersions."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the managed policy that is the permissions boundary of every role in this stack. Empty = no boundary."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+)?$", var.permissions_boundary_arn))
    error_message = "Must be the ARN of a managed policy, or empty."
  }
}

variable "kms_key_arn" {
  description = "ARN of your KMS key for the tables, queues, topic, secret and logs; its key policy must allow that (docs/operate.md). Empty = AWS's keys."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.kms_key_arn))
    error_message = "Must be the ARN of a KMS key (not of an alias), or empty."
  }
}

locals {
  parameters = merge(
    {
      Email                  = var.email
      SlackChannel           = var.slack_channel
      SlackApiUrl            = var.slack_api_url
      PublicUrl              = var.public_url
      ApprovalTimeoutMinutes = var.approval_timeout_minutes
      EmailLinkMode          = var.email_link_mode
      AlarmTopicArn          = var.alarm_topic_arn
      Monitoring             = var.monitoring
      LogRetentionDays       = var.log_retention_days
      Tracing                = var.tracing
      EventBusName           = var.event_bus_name
      SnapStart              = var.snap_start
      PermissionsBoundaryArn = var.permissions_boundary_arn
      KmsKeyArn              = var.kms_key_arn
    },
    nonsensitive(var.slack_bot_token == "") ? {} : { SlackBotToken = var.slack_bot_token },
    nonsensitive(var.slack_signing_secret == "") ? {} : { SlackSigningSecret = var.slack_signing_secret },
  )
}
