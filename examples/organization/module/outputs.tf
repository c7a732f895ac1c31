output "url" {
  description = "Where the service answers"
  value       = "https://${var.name}.${var.workspace}.${var.service}.example.org"
  depends_on  = [terraform_data.settings]
}

output "console_url" {
  description = "Where people look after it"
  value       = "https://console.example.org/${var.service}/${var.workspace}/${var.name}"
}

output "host" {
  value = "${var.name}.${var.workspace}.${var.service}.example.org"
}

output "size_gib" {
  value = var.size_gib
}

output "highly_available" {
  value = var.highly_available
}

output "settings" {
  description = "Everything that was set"
  value       = local.settings
}

output "summary" {
  description = "Shown on the building block"
  value       = <<-EOT
    ## ${var.name} is ready

    | | |
    | --- | --- |
    | Plan | ${var.plan}${var.highly_available ? ", on two machines" : ""} |
    | Size | ${var.size_gib} GiB |

    Clients connect to `${var.name}.${var.workspace}.${var.service}.example.org`. Backups are taken at two in the
    morning and kept for two weeks. Changes of plan take a minute without downtime.
  EOT
}
