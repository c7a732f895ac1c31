//! What clients were told, and what therefore has to stay true.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a block is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    /// Nobody asked for that.
    #[default]
    No,
    /// Somebody asked and got no answer.
    Asked,
    /// It was accepted.
    Accepted,
}

/// A block whose order was accepted.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The sizes it may have: the last one that was answered, and those that were only asked for since.
    pub sizes: BTreeSet<i64>,
    /// How many runs were accepted for it.
    pub runs: usize,
    /// Whether it is to go.
    pub deletion: Deletion,
}

/// Facts by answer.
#[derive(Debug, Default)]
pub struct Facts {
    /// Blocks by uuid.
    pub blocks: BTreeMap<String, Block>,
    /// Final states that somebody read, by run.
    pub ended: BTreeMap<String, String>,
    /// Requests that were answered.
    pub answered: usize,
    /// Requests without an answer, or with the word that the server cannot now.
    pub unanswered: usize,
    /// Answers that must not be.
    pub wrong: BTreeSet<String>,
    /// Objects that were neither final nor told what they wait for.
    pub untold: BTreeSet<String>,
}

/// Reasons of an object that Stoa itself will look at again.
const LOOKED_AT: [&str; 5] =
    ["RUN_IN_PROGRESS", "EXTERNAL_SYSTEM", "OPERATOR_ACTION", "ABORT_REQUESTED", "EARLIER_RUN_OPEN"];

/// What is missing in the words that an object has about its waiting, if it is not final.
pub fn silence(state: &str, waiting: &Value) -> Option<String> {
    if is_final(state) {
        return waiting.is_object().then(|| format!("it is {state} and waits for something: {waiting}"));
    }
    let told = |name: &str| waiting[name].as_str().is_some_and(|text| !text.is_empty());
    let missing: Vec<&str> =
        ["reason", "blocker", "who", "since"].into_iter().filter(|name| !told(name)).collect();
    if !missing.is_empty() {
        return Some(format!("it is {state} and does not say {}: {waiting}", missing.join(", ")));
    }
    let reason = waiting["reason"].as_str().unwrap_or_default();
    (LOOKED_AT.contains(&reason) && !told("nextLook"))
        .then(|| format!("it is {state} and does not say when Stoa looks at it: {waiting}"))
}

/// Whether nothing happens to a run or block in this state by itself.
pub fn is_final(state: &str) -> bool {
    matches!(state, "SUCCEEDED" | "FAILED" | "ABORTED")
}

impl Facts {
    /// Somebody read a run.
    pub fn saw_run(&mut self, run: &Value) {
        let uuid = run["metadata"]["uuid"].as_str().unwrap_or_default();
        let state = run["status"].as_str().unwrap_or_default();
        if let Some(missing) = silence(state, &run["waiting"]) {
            self.untold.insert(format!("run {uuid}: {missing}"));
        }
        let earlier = self.ended.get(uuid).cloned();
        if let Some(earlier) = earlier.filter(|earlier| earlier != state) {
            self.wrong.insert(format!("run {uuid} was {earlier} and is {state}"));
        }
        if is_final(state) {
            self.ended.insert(uuid.to_owned(), state.to_owned());
        }
    }

    /// Somebody read a block.
    pub fn saw_block(&mut self, block: &Value) {
        let uuid = block["metadata"]["uuid"].as_str().unwrap_or_default();
        let state = block["status"]["status"].as_str().unwrap_or_default();
        if let Some(missing) = silence(state, &block["status"]["waiting"]) {
            self.untold.insert(format!("block {uuid}: {missing}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, silence};
    use serde_json::json;

    #[test]
    fn what_waits_has_to_say_everything() {
        let mut waiting =
            json!({ "reason": "RUN_QUEUED", "blocker": "run 1", "who": "runner 2", "since": "now" });
        assert_eq!(silence("PENDING", &waiting), None);
        assert!(silence("SUCCEEDED", &waiting).is_some());
        assert!(silence("PENDING", &json!(null)).is_some());
        waiting["reason"] = json!("RUN_IN_PROGRESS");
        assert!(silence("IN_PROGRESS", &waiting).is_some());
        waiting["nextLook"] = json!("later");
        assert_eq!(silence("IN_PROGRESS", &waiting), None);
    }

    #[test]
    fn an_end_that_moves_is_noticed() {
        let mut facts = Facts::default();
        let run = |state: &str| json!({ "metadata": { "uuid": "1" }, "status": state });
        facts.saw_run(&run("FAILED"));
        assert!(facts.wrong.is_empty());
        facts.saw_run(&run("SUCCEEDED"));
        assert_eq!(facts.wrong.len(), 1);
    }
}
