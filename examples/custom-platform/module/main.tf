# Connects a tenant to a space of the platform: makes the space, lets people in, sets limits, and undoes all of it.
# No provider is needed; scripts/spaces.sh asks the platform with curl and jq.

locals {
  # People are called by their external id, else by their user name; who has no mapped role gets no access.
  granted = [for person in var.people : {
    account = try(coalesce(person.euid, person.username), person.username)
    roles   = sort(distinct(flatten([for role in person.roles : lookup(var.role_map, role, [])])))
    unknown = [for role in person.roles : role if !contains(keys(var.role_map), role)]
  }]

  wanted = {
    space = {
      displayName = "${var.workspace} ${var.project}"
      size        = var.size
      shelf       = var.shelf
      owner       = { tenant = var.tenant_uuid, workspace = var.workspace, project = var.project, platform = var.platform }
    }
    members  = [for person in local.granted : { account = person.account, roles = person.roles } if length(person.roles) > 0]
    unmapped = [for person in local.granted : { account = person.account, roles = person.unknown } if length(person.unknown) > 0]
  }
}

# The name is chosen once: a tenant that is moved to another project keeps its space.
resource "terraform_data" "name" {
  input = "${var.workspace}.${var.project}"

  lifecycle {
    ignore_changes = [input]
  }
}

# Stands in the state before anything is made, so that whatever came into being is removed with the tenant, also when
# making it broke off.
resource "terraform_data" "space" {
  input = { id = terraform_data.name.output, tenant = var.tenant_uuid }

  provisioner "local-exec" {
    when        = destroy
    command     = "${path.module}/scripts/spaces.sh remove"
    environment = { SPACE_ID = self.input.id, TENANT_UUID = self.input.tenant }
  }
}

# Every run compares the space with what is wanted, and writes where they differ: what somebody changed on the platform
# by hand is put right.
resource "terraform_data" "content" {
  triggers_replace = [timestamp()]

  provisioner "local-exec" {
    command = "${path.module}/scripts/spaces.sh apply"
    environment = {
      SPACE_ID    = terraform_data.space.output.id
      TENANT_UUID = var.tenant_uuid
      WANTED      = jsonencode(local.wanted)
      RESULT      = "${path.module}/space-${self.id}.json"
    }
  }
}

locals {
  # Read after the script wrote it: until then the id, and with it the name of the file, is not known.
  space = try(jsondecode(file("${path.module}/space-${terraform_data.content.id}.json")), null)
}
