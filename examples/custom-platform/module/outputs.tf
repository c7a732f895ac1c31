output "platform_tenant_id" {
  description = "Becomes the tenant's id on the platform"
  value       = try(local.space.id, null)
}

output "sign_in_url" {
  description = "Where members enter"
  value       = try(local.space.signInUrl, null)
}

output "resource_url" {
  description = "The space as the platform's API shows it"
  value       = try(local.space.url, null)
}

output "members" {
  description = "Who has access, with the platform's roles"
  value       = try(local.space.members, null)
}

output "limits" {
  description = "What the platform was told"
  value       = try(local.space.limits, null)
}

output "summary" {
  description = "Shown on the building block"
  value = try(join("\n", concat(
    ["## Space `${local.space.id}`", "", "${local.space.size}, kept on shelf ${local.space.shelf}.", ""],
    ["| member | roles |", "| --- | --- |"],
    [for member in local.space.members : "| ${member.account} | ${join(", ", member.roles)} |"],
    [for account in local.space.strangers : "\n- `${account}` has no account on this platform yet, and no access."],
    [for person in local.space.unmapped : "\n- `${person.account}` has roles that give no access here: ${join(", ", person.roles)}."],
    [for key, value in local.space.limits : "\n- limit `${key}`: ${value}"],
  )), null)
}
