# A service that nobody has to pay for: a few log lines over time stand for the work, everything else is real. Inputs
# become settings, a change is a change in place, outputs and state are kept.

locals {
  settings = {
    plan             = var.plan
    size_gib         = var.size_gib
    highly_available = var.highly_available
    zones            = var.zones
    extensions       = var.extensions
    packages         = var.packages
    settings         = var.settings
    quota_class      = var.quota_class
  }
}

resource "terraform_data" "service" {
  input            = { service = var.service, name = var.name }
  triggers_replace = [var.service, var.name]

  provisioner "local-exec" {
    command     = "${path.module}/scripts/work.sh create"
    environment = { SERVICE = self.input.service, NAME = self.input.name }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "${path.module}/scripts/work.sh remove"
    environment = { SERVICE = self.input.service, NAME = self.input.name }
  }
}

resource "terraform_data" "settings" {
  triggers_replace = [terraform_data.service.id, local.settings]

  provisioner "local-exec" {
    command     = "${path.module}/scripts/work.sh configure"
    environment = { SERVICE = var.service, NAME = var.name, SETTINGS = jsonencode(local.settings) }
  }
}
