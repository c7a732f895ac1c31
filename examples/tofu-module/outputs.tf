output "url" {
  description = "Where the bucket is found"
  value       = "https://buckets.example.org/${var.workspace}/${var.name}"
  depends_on  = [terraform_data.settings]
}

output "path" {
  description = "The folder that stands in for it"
  value       = local.path
}

output "size_gib" {
  value = var.size_gib
}

output "versioned" {
  value = var.versioned
}

output "settings" {
  description = "Everything that was set, as JSON"
  value       = local.settings
}

output "summary" {
  description = "Shown on the building block"
  value       = <<-EOT
    ## Bucket `${var.name}`

    ${var.size_gib} GiB in zones ${join(", ", var.zones)}, ${var.versioned ? "with" : "without"} earlier versions.
  EOT
}
