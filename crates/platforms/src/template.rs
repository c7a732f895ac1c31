//! Name templates: text with `#{name}` or `#{name:format}` (`domain-platforms.md` §6.6). Here they are checked when
//! a platform is saved; replicators evaluate them.

/// Which placeholders a template may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those of a tenant.
    Tenant,
    /// The same, and the alias of the role that a group is for.
    Group,
}

/// What a placeholder stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Number,
}

fn placeholder(name: &str, names: Names) -> Option<Holds> {
    match name {
        "workspaceIdentifier" | "customerIdentifier" | "projectIdentifier" | "platform" | "rand" => {
            Some(Holds::Text)
        }
        "meshProjectId" | "tenantPlatformNumber" => Some(Holds::Number),
        "platformGroupAlias" if names == Names::Group => Some(Holds::Text),
        _ => {
            let key = name.strip_prefix("tag")?;
            let is_key = key.starts_with(|c: char| c.is_ascii_uppercase())
                && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            is_key.then_some(Holds::Text)
        }
    }
}

/// Whether a format has the form `%`, flags, width, precision, conversion, and fits what it formats.
fn is_format(format: &str, holds: Holds) -> bool {
    let Some(rest) = format.strip_prefix('%') else { return false };
    let Some(conversion) = rest.chars().last() else { return false };
    let body = &rest[..rest.len() - conversion.len_utf8()];
    let digits = |text: &str| text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    match conversion {
        's' | 'S' => {
            let body = body.strip_prefix('-').unwrap_or(body);
            let (width, precision) = match body.split_once('.') {
                Some((width, precision)) => (width, Some(precision)),
                None => (body, None),
            };
            // A minus pads to the right of something: it needs a width.
            let padded = !rest.starts_with('-') || !width.is_empty();
            digits(width)
                && !width.starts_with('0')
                && padded
                && precision.is_none_or(|precision| !precision.is_empty() && digits(precision))
        }
        'd' | 'x' => {
            let is_width = digits(body) && (!body.starts_with('0') || body.len() > 1);
            holds == Holds::Number && is_width
        }
        _ => false,
    }
}

/// Refuses unknown placeholders and bad formats; the text completes the sentence "`field` …".
pub fn check(template: &str, names: Names) -> Result<(), String> {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("#{") {
        let Some((inside, behind)) = after.split_once('}') else {
            return Err("opens a placeholder with `#{` that no `}` closes".into());
        };
        let (name, format) = match inside.split_once(':') {
            Some((name, format)) => (name, Some(format)),
            None => (inside, None),
        };
        let Some(holds) = placeholder(name, names) else {
            return Err(format!("has the unknown placeholder `#{{{name}}}`"));
        };
        if let Some(format) = format.filter(|format| !is_format(format, holds)) {
            return Err(format!("has the bad format `{format}` for `{name}`"));
        }
        rest = behind;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_placeholders_and_formats_pass() {
        for good in [
            "",
            "plain",
            "acme-#{projectIdentifier:%.5s}-#{tenantPlatformNumber:%04d}",
            "#{workspaceIdentifier}.#{projectIdentifier}",
            "aws+#{customerIdentifier}@example.com",
            "#{rand:%.7s}#{platform:%S}",
            "#{projectIdentifier:%10s}#{projectIdentifier:%-10s}",
            "#{meshProjectId:%d}#{meshProjectId:%3d}#{meshProjectId:%x}#{meshProjectId:%04x}#{meshProjectId:%s}",
            "#{tagCostCenter}",
            "${workspaceIdentifier} # {x} }",
        ] {
            assert_eq!(check(good, Names::Tenant), Ok(()), "{good}");
        }
        assert_eq!(check("#{platformGroupAlias}", Names::Group), Ok(()));
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "#{nothing}",
            "#{}",
            "#{workspaceIdentifier",
            "#{platformGroupAlias}",
            "#{tag}",
            "#{tagcostCenter}",
            "#{projectIdentifier:%d}",
            "#{projectIdentifier:}",
            "#{projectIdentifier:s}",
            "#{projectIdentifier:%}",
            "#{projectIdentifier:%.s}",
            "#{projectIdentifier:%-s}",
            "#{projectIdentifier:%q}",
            "#{tenantPlatformNumber:%0d}",
            "#{tenantPlatformNumber:%1$d}",
            "#{projectIdentifier:%s%s}",
        ] {
            assert!(check(bad, Names::Tenant).is_err(), "{bad}");
        }
    }
}
