//! Runs that a GitLab pipeline does (`runner-protocol.md` §13.2). It is started with a trigger token, which can do
//! nothing else: the pipeline always reports its end itself, and is neither followed nor stopped.

mod form;

use reqwest::Method;
use serde_json::Value;
use stoa_client::runs::{GitlabCicd, Run};
use zeroize::Zeroizing;

use crate::dispatch::StepName;
use crate::failure::Failure;
use crate::pipeline::{
    Before, Caller, External, Forwarded, Found, Pipeline, Start, Trouble, Words, hand_over, open_secret,
};
use crate::work::{Done, Work};
use form::Form;

/// The only step that the runner takes itself.
pub(crate) const STEPS: &[StepName] = &[TRIGGER];
const TRIGGER: StepName = ("gl-trigger", "Trigger GitLab CI/CD");

/// Starts the pipeline and leaves the rest to it.
pub(crate) async fn execute(work: &Work<'_>, run: &Run, of: &GitlabCicd) -> Result<Done, Failure> {
    let token = open_secret(work, &of.pipeline_trigger_token, "The trigger token of the GitLab pipeline")?;
    let caller = Caller::new(&of.gitlab_base_url)
        .map_err(|trouble| Failure::step(format!("The GitLab pipeline cannot be started: {trouble}")))?;
    let forwarded = Forwarded::new(work, run)?;
    let mut fields = vec![("ref".to_owned(), of.ref_name.clone())];
    let link = |link: &Option<String>| link.clone().unwrap_or_default();
    let own = [
        ("MESHSTACK_BEHAVIOR", run.behavior.as_str().to_owned()),
        ("MESHSTACK_RUN", forwarded.run_object().to_string()),
        ("MESHSTACK_SELF_URL", link(&run.links.own)),
        ("MESHSTACK_REGISTER_SOURCE_URL", link(&run.links.register_source)),
        ("MESHSTACK_UPDATE_SOURCE_URL", link(&run.links.update_source)),
        ("MESHSTACK_BASE_URL", link(&run.links.base_url)),
    ];
    // Nobody's input takes the place of what a pipeline must be able to rely on.
    let given = forwarded.environment().filter(|(key, _)| own.iter().all(|(name, _)| name != key));
    fields.extend(given.map(|(key, text)| (format!("variables[{key}]"), text)));
    fields.extend(own.iter().map(|(name, text)| (format!("variables[{name}]"), text.clone())));
    fields.extend(forwarded.plain().map(|(key, text)| (format!("inputs[{key}]"), text)));
    let place = format!("the pipeline of project {} on {}", of.project_id, of.ref_name);
    let pipeline = Triggered { caller, project: of.project_id.clone(), token, fields, place };
    hand_over(work, &pipeline).await
}

/// A pipeline, ready to be triggered for one run.
struct Triggered {
    caller: Caller,
    project: String,
    token: Zeroizing<String>,
    fields: Vec<(String, String)>,
    place: String,
}

impl Pipeline for Triggered {
    const WORDS: Words = Words { trigger: TRIGGER, one: "GitLab pipeline" };

    fn place(&self) -> String {
        self.place.clone()
    }

    async fn before(&self) -> Result<Before, Trouble> {
        // A trigger token reads nothing.
        Ok(Before { newest: 0, ours: None })
    }

    async fn start(&self) -> Result<Option<External>, Trouble> {
        let mut form = Form::new();
        form.add("token", &self.token);
        for (name, text) in &self.fields {
            form.add(name, text);
        }
        let path = ["api", "v4", "projects", &self.project, "trigger", "pipeline"];
        let request = self.caller.request(Method::POST, &path);
        let request = request.header("content-type", form.content_type()).body(form.bytes());
        let answer = self.caller.ask(request).await?;
        let id = answer.json.get("id").and_then(Value::as_u64);
        let url = answer.json.get("web_url").and_then(Value::as_str).unwrap_or_default();
        Ok(id.map(|id| External { id, url: url.to_owned() }))
    }

    async fn find(&self, _newest: u64, _start: Start) -> Result<Found, Trouble> {
        // Only its own reports to the server tell of it.
        Ok(Found::Nothing)
    }
}
