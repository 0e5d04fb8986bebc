# Written by `python -m scripts.terraform_module` from template.yaml: change that.

variable "email" {
  description = "Email address for requests that name no approvers. AWS sends it a confirmation email."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.+'-]+@(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\\.)+[a-zA-Z][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]$", var.email))
    error_message = "Must be a valid email address."
  }
}

variable "slack_channel" {
  description = "ID of the Slack channel for requests, such as C0123456789 (see the channel's details). Empty: email only."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([CDG][A-Z0-9]{6,20})?$", var.slack_channel))
    error_message = "Must be a channel ID such as C0123456789 (not its name), or empty."
  }
}

variable "slack_bot_token" {
  description = "Bot token of the Slack app (xoxb-...). Empty or none: email only. (sam deploy --guided does not accept an empty secret.)"
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
  description = "Signing secret of the Slack app (Basic Information > App Credentials). Empty or none: email only."
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
  description = "Base URL of Slack's Web API. GovSlack has a different one."
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
  description = "Base URL for links in emails, if the API has a custom domain. No trailing slash. Empty: the API's own URL."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(https?://[^ ?#]*[^ ?#/])?$", var.public_url))
    error_message = "Must be a URL without a trailing slash, or empty."
  }
}

variable "approval_timeout_minutes" {
  description = "Default minutes until a request expires. A request can override it with TimeoutMinutes."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.approval_timeout_minutes >= 1 && var.approval_timeout_minutes <= 525540
    error_message = "Must be from 1 to 525540."
  }
}

variable "email_link_mode" {
  description = "confirm: a link opens a page with a button. one-click: opening a link responds at once if the email shows the whole request, so an email scanner can approve."
  type        = string
  default     = "confirm"
  nullable    = false

  validation {
    condition     = contains(["confirm", "one-click"], var.email_link_mode)
    error_message = "Must be one of: confirm, one-click."
  }
}

variable "alarm_topic_arn" {
  description = "ARN of the SNS topic for alarms. Empty: CloudWatch only."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+)?$", var.alarm_topic_arn))
    error_message = "Must be the ARN of an SNS topic, or empty."
  }
}

variable "monitoring" {
  description = "Essential: an alarm for each way to lose a decision or a message. Full: also an alarm for each function, and a dashboard; CloudWatch bills both."
  type        = string
  default     = "Essential"
  nullable    = false

  validation {
    condition     = contains(["Essential", "Full"], var.monitoring)
    error_message = "Must be one of: Essential, Full."
  }
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps the logs of the functions."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "Must be one of: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "tracing" {
  description = "Active: the functions and the state machine send traces to X-Ray, which bills each trace. The API sends none."
  type        = string
  default     = "Disabled"
  nullable    = false

  validation {
    condition     = contains(["Disabled", "Active"], var.tracing)
    error_message = "Must be one of: Disabled, Active."
  }
}

variable "event_bus_name" {
  description = "Name of the EventBridge bus for events; 'default' is the account's own bus. Empty: no events."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9._/-]{1,256})?$", var.event_bus_name))
    error_message = "Must be the name of an event bus in this account and region, or empty."
  }
}

variable "snap_start" {
  description = "PublishedVersions: the page and Slack functions start from a snapshot. Lambda bills each snapshot while it exists."
  type        = string
  default     = "None"
  nullable    = false

  validation {
    condition     = contains(["None", "PublishedVersions"], var.snap_start)
    error_message = "Must be one of: None, PublishedVersions."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the managed policy to set as permissions boundary of every role in this stack. Empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+)?$", var.permissions_boundary_arn))
    error_message = "Must be the ARN of a managed policy, or empty."
  }
}

variable "kms_key_arn" {
  description = "ARN of your KMS key for tables, queues, topic, secret and logs. Its key policy must allow this (docs/operate.md). Empty: keys of AWS."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.kms_key_arn))
    error_message = "Must be the ARN of a KMS key (not of an alias), or empty."
  }
}

variable "policy_parameter" {
  description = "Name of the SSM parameter with your approval policy (/approvals/policy); approvals policy set writes it. Empty: no policy."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((/[a-zA-Z0-9_.-]+)+)?$", var.policy_parameter))
    error_message = "Must be a parameter name that begins with a slash, or empty."
  }
}

variable "remind_during" {
  description = "Working hours for reminders and escalations (Mon-Fri 09:00-17:00 Europe/Berlin), unless a request has its own RemindDuring. Empty: at any time."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^((Mon|Tue|Wed|Thu|Fri|Sat|Sun)(-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))?(,(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(-(Mon|Tue|Wed|Thu|Fri|Sat|Sun))?)* ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9] [A-Za-z0-9_+/-]+)?$", var.remind_during))
    error_message = "Must be days, hours and an IANA time zone, such as Mon-Fri 09:00-17:00 Europe/Berlin, or empty."
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
      PolicyParameter        = var.policy_parameter
      RemindDuring           = var.remind_during
    },
    nonsensitive(var.slack_bot_token == "") ? {} : { SlackBotToken = var.slack_bot_token },
    nonsensitive(var.slack_signing_secret == "") ? {} : { SlackSigningSecret = var.slack_signing_secret },
  )
}
