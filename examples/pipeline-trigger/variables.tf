variable "webhook_url" {
  description = "Where the pipeline listens"
  type        = string
}

variable "scenario" {
  description = "What the stand-in pipeline should play; a real pipeline has no such thing"
  type        = string
  default     = "success"
}

variable "host_name" {
  description = "What the application team orders; passed on to the pipeline as it is"
  type        = string
}

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
