variable "webhook_url" {
  description = "Where the pipeline listens"
  type        = string
}

variable "scenario" {
  description = "What the stand-in pipeline should play; a real pipeline has no such thing"
  type        = string
  default     = "success"
}

# What is ordered needs no variables here: it is in the run, and the pipeline gets it from there.

# Set by every runner.

variable "meshstack_building_block_id" {
  description = "The building block this run works on"
  type        = string
}

variable "meshstack_building_block_run_b64" {
  description = "The run as JSON in base64: behaviour, links and the token with which the pipeline reports"
  type        = string
  default     = null
  sensitive   = true
}
