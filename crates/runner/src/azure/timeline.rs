//! The timeline of a pipeline run: its stages as steps, with the jobs and tasks in them as their log.

use serde::Deserialize;
use serde_json::Value;
use stoa_client::runs::Status;

use crate::progress::OutsideStep;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    order: Option<i64>,
    #[serde(default)]
    issues: Option<Vec<Issue>>,
}

#[derive(Deserialize)]
struct Issue {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: Option<String>,
}

/// How deep stages, phases, jobs and tasks lie in each other at most.
const DEPTH: usize = 8;

/// The stages as steps, in their order. What is not understood is left out: a timeline is only for reading.
pub(super) fn stages(timeline: &Value) -> Vec<OutsideStep> {
    let listed = timeline.get("records").and_then(Value::as_array).into_iter().flatten();
    let mut records: Vec<Record> = listed.filter_map(|record| Record::deserialize(record).ok()).collect();
    records.sort_by_key(|record| record.order);
    let stages = records.iter().filter(|record| record.kind == "Stage");
    stages.map(|stage| step(stage, &records)).collect()
}

fn step(stage: &Record, records: &[Record]) -> OutsideStep {
    let (status, user_message) = match (stage.state.as_deref(), stage.result.as_deref()) {
        (Some("completed"), Some("succeeded" | "succeededWithIssues")) => (Status::Succeeded, None),
        (Some("completed"), ended) => {
            (Status::Failed, Some(format!("This stage ended with `{}`", ended.unwrap_or("no result"))))
        }
        (Some("inProgress"), _) => (Status::InProgress, None),
        (Some(_) | None, _) => (Status::Pending, None),
    };
    let mut log = Vec::new();
    describe(stage, records, 0, &mut log);
    OutsideStep {
        id: format!("ado-stage-{}", stage.id),
        display_name: format!("Stage: {}", stage.name.as_deref().unwrap_or(&stage.id)),
        status,
        user_message,
        log,
    }
}

fn describe(of: &Record, records: &[Record], depth: usize, log: &mut Vec<String>) {
    if depth > DEPTH {
        return;
    }
    for issue in of.issues.iter().flatten() {
        log.push(format!("{}: {}", issue.kind, issue.message.as_deref().unwrap_or_default()));
    }
    for record in records.iter().filter(|record| record.parent_id.as_ref() == Some(&of.id)) {
        let is_told = matches!(record.kind.as_str(), "Job" | "Task");
        if is_told && let Some(word) = record.result.as_ref().or(record.state.as_ref()) {
            log.push(format!("{} {}: {word}", record.kind, record.name.as_deref().unwrap_or(&record.id)));
        }
        describe(record, records, depth + 1, log);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stoa_client::runs::Status;

    use super::stages;

    #[test]
    fn stages_come_in_order_with_what_is_in_them() {
        let timeline = json!({ "records": [
            { "id": "t", "parentId": "j", "type": "Task", "name": "Bash", "state": "completed", "result": "failed",
              "order": 2, "issues": [{ "type": "error", "message": "exit code 3" }] },
            { "id": "j", "parentId": "p", "type": "Job", "name": "Make", "state": "completed", "result": "failed" },
            { "id": "p", "parentId": "s2", "type": "Phase", "name": "Make" },
            { "id": "s3", "type": "Stage", "name": "Check", "state": "completed", "result": "skipped", "order": 3 },
            { "id": "s2", "type": "Stage", "name": "Make", "state": "completed", "result": "failed", "order": 2 },
            { "id": "s1", "type": "Stage", "name": "Look", "state": "inProgress", "order": 1 },
            { "id": "s4", "type": "Stage", "name": "Later", "state": "pending", "order": 4 },
            { "nonsense": true },
        ] });
        let shown = stages(&timeline);
        let names: Vec<(&str, Status)> = shown.iter().map(|s| (s.display_name.as_str(), s.status)).collect();
        let expected = [
            ("Stage: Look", Status::InProgress),
            ("Stage: Make", Status::Failed),
            ("Stage: Check", Status::Failed),
            ("Stage: Later", Status::Pending),
        ];
        assert_eq!(names, expected);
        assert_eq!(shown[1].log, ["Job Make: failed", "Task Bash: failed", "error: exit code 3"]);
        assert_eq!(shown[2].user_message.as_deref(), Some("This stage ended with `skipped`"));
        assert!(stages(&Value::Null).is_empty());
    }

    #[test]
    fn records_that_contain_each_other_end() {
        let timeline = json!({ "records": [
            { "id": "a", "parentId": "b", "type": "Stage", "name": "A" },
            { "id": "b", "parentId": "a", "type": "Job", "name": "B", "state": "inProgress" },
        ] });
        assert!(stages(&timeline)[0].log.len() < 20);
    }
}
