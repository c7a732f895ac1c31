# Calls a webhook when a building block is ordered or changed, and when it is deleted. The pipeline behind the
# webhook does the work and reports with the run's own token, so the definition version says `async: true`.
#
# A destroy provisioner can read nothing but its own resource, and the token must not enter the state. But on
# deletion an asynchronous runner applies first and destroys then, in one working folder. So every apply leaves the
# request in a file, and whoever calls the webhook sends that file.

locals {
  run = var.meshstack_building_block_run_b64 == null ? null : jsondecode(base64decode(var.meshstack_building_block_run_b64))

  # A dry run is given no run: then there is nothing to call, and nothing that OpenTofu knows as sensitive.
  behavior = nonsensitive(sensitive(local.run == null ? "DETECT" : local.run.spec.behavior))
  number   = nonsensitive(sensitive(local.run == null ? 0 : local.run.spec.runNumber))

  request = local.run == null ? "{}" : jsonencode({
    behavior  = local.run.spec.behavior
    scenario  = var.scenario
    inputs    = { for input in try(local.run.spec.buildingBlock.spec.inputs, []) : input.key => input.value if !input.isSensitive && !input.isEnvironment }
    block     = var.meshstack_building_block_id
    workspace = local.run.spec.buildingBlock.spec.workspaceIdentifier
    run = {
      uuid           = local.run.metadata.uuid
      url            = local.run._links.self.href
      registerSource = local.run._links.registerSource.href
      updateSource   = local.run._links.updateSource.href
      token          = local.run.spec.runToken
    }
  })
}

# The run's number makes every run a new request.
resource "terraform_data" "request" {
  triggers_replace = [local.number]

  provisioner "local-exec" {
    command     = "umask 077 && printf '%s' \"$REQUEST\" >webhook-request.json"
    environment = { REQUEST = local.request }
  }
}

resource "terraform_data" "apply" {
  count            = local.behavior == "APPLY" ? 1 : 0
  triggers_replace = [terraform_data.request.id]

  provisioner "local-exec" {
    command     = "${path.module}/scripts/call-webhook.sh"
    environment = { WEBHOOK_URL = var.webhook_url }
  }
}

resource "terraform_data" "destroy" {
  input      = { url = var.webhook_url }
  depends_on = [terraform_data.request]

  provisioner "local-exec" {
    when        = destroy
    command     = "${path.module}/scripts/call-webhook.sh"
    environment = { WEBHOOK_URL = self.input.url }
  }
}
