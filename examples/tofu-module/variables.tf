# What the application team chooses when it orders a bucket.

variable "name" {
  description = "Name of the bucket, part of its address"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.name))
    error_message = "Use 2 to 30 lower-case letters, digits and dashes, starting with a letter."
  }
}

variable "size_gib" {
  description = "How much it may hold"
  type        = number
  default     = 10
}

variable "versioned" {
  description = "Keep earlier versions of an object"
  type        = bool
  default     = true
}

variable "zones" {
  description = "Where copies are kept"
  type        = list(string)
  default     = ["a"]
}

variable "labels" {
  description = "Free labels, as JSON or HCL text in the order"
  type        = map(string)
  default     = {}
}

# What the platform team fixes.

variable "storage_root" {
  description = "Folder on the runner's machine that stands in for the storage system"
  type        = string
}

variable "access_key" {
  description = "Key of the storage system; arrives sealed, never appears in logs or state"
  type        = string
  sensitive   = true
}

# What Stoa knows.

variable "workspace" {
  description = "Identifier of the ordering workspace"
  type        = string
}

variable "meshstack_building_block_id" {
  description = "Set by every runner: the building block this run works on"
  type        = string
}
