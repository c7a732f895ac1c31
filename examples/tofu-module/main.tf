# A bucket for a team, with a folder standing in for the storage system: nothing outside this machine is needed,
# yet everything a real module does happens: create, change in place, destroy, outputs, state, log lines over time.

locals {
  path = "${var.storage_root}/${var.workspace}/${var.name}"
  settings = {
    owner     = var.workspace
    block     = var.meshstack_building_block_id
    size_gib  = var.size_gib
    versioned = var.versioned
    zones     = var.zones
    labels    = var.labels
  }
}

# The bucket itself lives as long as its address stays the same.
resource "terraform_data" "bucket" {
  input            = { path = local.path, block = var.meshstack_building_block_id }
  triggers_replace = [local.path]

  provisioner "local-exec" {
    command     = "${path.module}/scripts/create-bucket.sh"
    environment = { BUCKET_PATH = self.input.path, BUCKET_BLOCK = self.input.block }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "${path.module}/scripts/remove-bucket.sh"
    environment = { BUCKET_PATH = self.input.path, BUCKET_BLOCK = self.input.block }
  }
}

# Its settings are written again whenever one of them changes.
resource "terraform_data" "settings" {
  triggers_replace = [terraform_data.bucket.id, local.settings]

  provisioner "local-exec" {
    command     = "${path.module}/scripts/write-settings.sh"
    environment = { BUCKET_PATH = local.path, BUCKET_SETTINGS = jsonencode(local.settings) }
  }
}

# A key was given: say so without saying which.
check "access_key" {
  assert {
    condition     = length(var.access_key) >= 8
    error_message = "The storage system's access key is shorter than eight characters."
  }
}
