# What a service may be given. A definition declares those that it needs; all but the name have a default.

variable "name" {
  description = "Part of the service's address"
  type        = string
}

variable "service" {
  description = "Which service this is, part of its address; set by the platform team"
  type        = string
}

variable "workspace" {
  description = "Identifier of the ordering workspace"
  type        = string
  default     = "unknown"
}

variable "size_gib" {
  type    = number
  default = 10
}

variable "plan" {
  type    = string
  default = "small"
}

variable "highly_available" {
  type    = bool
  default = false
}

variable "zones" {
  type    = list(string)
  default = []
}

variable "extensions" {
  type    = list(string)
  default = []
}

variable "settings" {
  description = "Free settings, as JSON in the order"
  type        = map(any)
  default     = {}
}

variable "packages" {
  description = "Names, as a JSON list in the order"
  type        = list(string)
  default     = []
}

variable "password" {
  description = "Arrives sealed, appears in no log and no state"
  type        = string
  sensitive   = true
  default     = ""
}

variable "quota_class" {
  description = "Filled in by an operator"
  type        = string
  default     = "standard"
}
