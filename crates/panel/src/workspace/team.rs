//! People and groups with roles, as tables show them, and the choice of somebody to be given one.

use crate::api::{Listed, said, segment};
use crate::ctx::Ctx;
use crate::problem::Problem;
use crate::text::tr;
use serde_json::Value;

/// A role of somebody.
#[derive(Clone, Debug)]
pub struct Member {
    /// Name of the binding.
    pub binding: String,
    /// Whether a group holds it.
    pub is_group: bool,
    /// Username, or identifier of the group.
    pub name: String,
    /// For people.
    pub label: String,
    /// E-mail address.
    pub email: String,
    /// How many are in the group.
    pub members: u64,
    /// The role, as bindings say it.
    pub role: String,
    /// The last day.
    pub expires: String,
    /// Since when.
    pub since: String,
    /// In how many projects they have roles.
    pub projects: u64,
    /// Whether they may not sign in.
    pub is_disabled: bool,
}

impl Member {
    /// Reads one of the API.
    pub fn read(member: &Value) -> Self {
        Self {
            binding: said(member, "/binding"),
            is_group: said(member, "/kind").ends_with("GroupBinding"),
            name: said(member, "/subject/name"),
            label: said(member, "/subject/displayName"),
            email: said(member, "/subject/email"),
            members: member["subject"]["members"].as_u64().unwrap_or_default(),
            role: said(member, "/role"),
            expires: said(member, "/expires"),
            since: said(member, "/since"),
            projects: member["projects"].as_u64().unwrap_or_default(),
            is_disabled: member["subject"]["disabled"].as_bool().unwrap_or_default(),
        }
    }

    /// `group` or `user`, as paths and forms say it.
    pub fn kind(&self) -> &'static str {
        if self.is_group { "group" } else { "user" }
    }

    /// The role in one word.
    pub fn role_word(&self) -> &str {
        self.role.strip_prefix("Workspace ").unwrap_or(&self.role)
    }

    /// Colour of the last day: near ones warn (RC-06).
    pub fn tone(&self) -> &'static str {
        tone(&self.expires, jiff::Timestamp::now())
    }

    /// What stands beside the last day, so that it is not the colour alone.
    pub fn warning(&self) -> &'static str {
        match self.tone() {
            "dark" => tr("expired"),
            "red" => tr("in a week"),
            "yellow" => tr("soon"),
            _ => "",
        }
    }
}

fn tone(day: &str, now: jiff::Timestamp) -> &'static str {
    let Ok(end) = format!("{day}T23:59:59Z").parse::<jiff::Timestamp>() else { return "secondary" };
    match (end.as_second() - now.as_second()) / 86_400 {
        _ if end < now => "dark",
        0..7 => "red",
        7..30 => "yellow",
        _ => "secondary",
    }
}

/// Path in the API of the people of a workspace, or of a project of it.
pub fn path_of(ctx: &Ctx, project: Option<&str>) -> String {
    match project {
        None => format!("/api/stoa/v1/workspaces/{}/team", segment(ctx.home())),
        Some(project) => {
            format!("/api/stoa/v1/projects/{}/team", segment(&format!("{}.{project}", ctx.home())))
        }
    }
}

/// Where bindings of a kind are, in the API.
pub fn bindings(kind: &str, of_project: bool) -> String {
    let target = if of_project { "meshprojectbindings" } else { "meshworkspacebindings" };
    let subject = if kind == "group" { "groupbindings" } else { "userbindings" };
    format!("/api/meshobjects/{target}/{subject}")
}

/// Members on a page of the API.
pub fn members(found: &Listed) -> Vec<Member> {
    found.items.iter().map(Member::read).collect()
}

/// Somebody who could be given a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `user:<name>` or `group:<name>`.
    pub pick: String,
    /// For people.
    pub label: String,
    /// What tells them from others of the same name.
    pub about: String,
    /// Whether it is a group.
    pub is_group: bool,
}

impl Candidate {
    /// Reads what the search for people found.
    fn found(subject: &Value) -> Self {
        let is_group = subject["kind"] == "meshWorkspaceUserGroup";
        let name = said(subject, "/name");
        let about = if is_group { name.clone() } else { said(subject, "/email") };
        let kind = if is_group { "group" } else { "user" };
        Self { pick: format!("{kind}:{name}"), label: said(subject, "/displayName"), about, is_group }
    }

    /// One that the address names.
    pub fn picked(pick: &str) -> Option<Self> {
        let (kind, name) = pick.split_once(':')?;
        let is_group = kind == "group";
        (is_group || kind == "user").then(|| Self {
            pick: pick.to_owned(),
            label: name.to_owned(),
            about: String::new(),
            is_group,
        })
    }

    /// Username, or identifier of the group.
    pub fn name(&self) -> &str {
        self.pick.split_once(':').map_or("", |(_, name)| name)
    }
}

impl From<&Member> for Candidate {
    fn from(member: &Member) -> Self {
        Self {
            pick: format!("{}:{}", member.kind(), member.name),
            label: member.label.clone(),
            about: if member.is_group { member.name.clone() } else { member.email.clone() },
            is_group: member.is_group,
        }
    }
}

/// Everybody that Stoa knows with a text in a name or address: a few at a time.
pub async fn search(ctx: &Ctx, text: &str) -> Result<Vec<Candidate>, Problem> {
    let found = ctx.api.get(&format!("/api/stoa/v1/people?q={}", segment(text))).await?;
    Ok(found["people"].as_array().into_iter().flatten().map(Candidate::found).collect())
}

/// Those picked so far, as the address says.
pub fn picks(ctx: &Ctx) -> Vec<Candidate> {
    let mut picked: Vec<Candidate> = Vec::new();
    for (_, pick) in ctx.pairs.iter().filter(|(name, _)| name == "pick") {
        picked.extend(Candidate::picked(pick).filter(|new| !picked.contains(new)));
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ends_warn() {
        let now = "2026-05-01T12:00:00Z".parse().unwrap();
        for (day, expected) in [
            ("", "secondary"),
            ("2026-04-30", "dark"),
            ("2026-05-01", "red"),
            ("2026-05-07", "red"),
            ("2026-05-20", "yellow"),
            ("2026-07-01", "secondary"),
        ] {
            assert_eq!(tone(day, now), expected, "{day}");
        }
    }

    #[test]
    fn picks_name_users_and_groups() {
        let picked = Candidate::picked("group:pickers").unwrap();
        assert!(picked.is_group && picked.name() == "pickers");
        assert_eq!(Candidate::picked("robot:x"), None);
    }
}
