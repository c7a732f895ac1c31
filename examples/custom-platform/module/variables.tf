# The platform's address and credential come as SPACES_URL and SPACES_TOKEN in the environment, never as variables:
# so they are in no state and no plan.

# What the platform team fixes.

variable "role_map" {
  description = "Project role to roles on the platform; a project role that is missing here gives no access"
  type        = map(list(string))
}

# What the operator may fill in per tenant.

variable "shelf" {
  description = "Where the space is kept"
  type        = string
  default     = "any"
}

# What the application team may choose.

variable "size" {
  description = "Size of the space"
  type        = string
  default     = "small"
}

# What Stoa knows.

variable "workspace" {
  description = "Identifier of the workspace"
  type        = string
}

variable "project" {
  description = "Identifier of the project"
  type        = string
}

variable "platform" {
  description = "Full identifier of the platform, `name.location`"
  type        = string
}

variable "tenant_uuid" {
  description = "The tenant; its applied quotas become the limits of the space"
  type        = string
}

variable "people" {
  description = "Who holds which project roles"
  type = list(object({
    meshIdentifier = string
    username       = string
    firstName      = optional(string)
    lastName       = optional(string)
    email          = optional(string)
    euid           = optional(string)
    roles          = list(string)
  }))
}
