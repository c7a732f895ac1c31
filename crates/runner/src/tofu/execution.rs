//! One run of a module from its sources to its outputs.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stoa_client::runs::{Behavior, Run, Terraform};
use zeroize::Zeroizing;

use super::module::Module;
use super::tools::Tool;
use super::variables::{RunFacts, hand_over};
use super::{outputs, said, script, state, unsaved};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::folder::{FOLDER_VARIABLE, Links, read_of_others};
use crate::git::{Address, Reference, Ssh, Wanted, folder_inside};
use crate::inputs;
use crate::process::{AskedToEnd, Finished, Output, Program, find};
use crate::work::{Done, Work};

/// The largest plan that is uploaded, in bytes.
const LARGEST_PLAN: u64 = 128 * 1024 * 1024;
/// The most that all outputs may say, in bytes.
const LARGEST_OUTPUTS: usize = 20 * 1024 * 1024;
/// Paths of folders for temporary files may be this long: sockets are made in them.
const LONGEST_TEMPORARY: usize = 80;

/// Does everything a run of a module asks for.
pub(crate) async fn execute(work: &Work<'_>, run: &Run, terraform: &Terraform) -> Result<Done, Failure> {
    work.begin("trigger");
    work.begin("sources");
    let mut execution = Execution::with_sources(work, run, terraform).await?;
    work.begin("input");
    execution.hand_over_inputs()?;
    work.begin("init_tf");
    execution.initialize().await?;
    work.begin("pre_run_script");
    execution.run_script().await?;
    work.begin("execute_tf");
    // A plan calls nobody, so there is nobody to hand over to.
    let hands_over = terraform.is_async && run.behavior != Behavior::Detect;
    let mut done = if hands_over { Done::handed_over() } else { Done::succeeded() };
    match run.behavior {
        Behavior::Detect => execution.plan(&mut done).await?,
        Behavior::Apply => execution.apply().await?,
        Behavior::Destroy => {
            if terraform.is_async {
                execution.apply().await?;
            }
            execution.destroy().await?;
        }
    }
    work.begin("output");
    match run.behavior {
        Behavior::Apply => execution.collect_outputs().await?,
        Behavior::Destroy => execution.remove_workspace().await?,
        Behavior::Detect => {}
    }
    Ok(done)
}

/// A run that has its sources.
struct Execution<'a> {
    work: &'a Work<'a>,
    run: &'a Run,
    terraform: &'a Terraform,
    tool: Tool,
    ssh: Option<Ssh>,
    /// The module's folder.
    folder: PathBuf,
    environment: Environment,
    /// The workspace that was selected, if the backend has some.
    workspace: Option<String>,
    /// Where the server keeps the state, if it does.
    state_address: Option<String>,
}

impl<'a> Execution<'a> {
    async fn with_sources(
        work: &'a Work<'a>,
        run: &'a Run,
        terraform: &'a Terraform,
    ) -> Result<Self, Failure> {
        let runner = work.runner;
        let address = Address::parse(&terraform.repository_url, runner.config.allow_local_repositories)?;
        let reference = Reference::parse(terraform.ref_name.as_deref())?;
        let mut secret = Zeroizing::new(address.password().unwrap_or_default());
        work.progress.keep_secret([secret.as_str()]);
        let mut ssh = None;
        if let Some(sealed) = &terraform.ssh_private_key {
            let key = Zeroizing::new(runner.private_key.open(sealed).map_err(|error| {
                Failure::step(format!("The ssh key of the definition cannot be read by this runner: {error}. Please enter it again"))
            })?);
            work.progress.keep_secret([key.as_str()]);
            let remembered = runner.config.work_dir.join("known_hosts");
            ssh = Some(Ssh::prepare(work.folder, &key, terraform.known_host.as_ref(), &remembered)?);
            secret.push_str(&key);
        }

        let sources = work.folder.folder("source").map_err(Failure::own_folder)?;
        let wanted = Wanted {
            address: &address,
            reference: reference.as_ref(),
            ssh: ssh.as_ref(),
            secret: &secret,
            folder: work.folder.path(),
        };
        let commit = runner
            .mirrors
            .check_out(&wanted, &sources, work.stop, &mut |line| work.progress.log(line))
            .await?;
        let name = reference.as_ref().map_or("the default branch", Reference::as_str);
        work.progress.log(&format!("Checked out {name} at commit {commit}"));
        let folder = folder_inside(&sources, terraform.repository_path.as_deref())?;

        let tool = runner.tools.pick(terraform.terraform_version.as_deref(), &runner.processes).await;
        let tool = tool.map_err(Failure::Step)?;
        work.progress.log(&tool.remark);
        let environment = Environment::of_run(&runner.config.pass_environment);
        Ok(Self {
            work,
            run,
            terraform,
            tool,
            ssh,
            folder,
            environment,
            workspace: None,
            state_address: None,
        })
    }

    fn hand_over_inputs(&mut self) -> Result<(), Failure> {
        let work = self.work;
        let inputs =
            inputs::open(&self.run.building_block.inputs, &work.runner.private_key).map_err(Failure::Step)?;
        let secret =
            inputs.iter().filter(|input| input.is_sensitive).filter_map(|input| input.value.as_str());
        work.progress.keep_secret(secret);
        let is_real = self.run.behavior != Behavior::Detect && self.run.links.plan_artifact.is_none();
        let facts = RunFacts {
            block_uuid: &self.run.building_block.uuid,
            run: is_real.then_some((work.claimed.uuid.as_str(), work.claimed.json.as_str())),
        };
        let module = Module::read(&self.folder).map_err(Failure::own_folder)?;
        let remarks = hand_over(&inputs, &facts, &module, &self.folder, &mut self.environment);
        for remark in remarks.map_err(Failure::Step)? {
            work.progress.log(&remark);
        }
        self.protect_environment()
    }

    /// What inputs cannot change: the runner's own variables.
    fn protect_environment(&mut self) -> Result<(), Failure> {
        let work = self.work;
        let temporary = work.folder.folder("tmp").map_err(Failure::own_folder)?;
        let names = self.tool.named(work.folder).map_err(Failure::own_folder)?;
        let environment = &mut self.environment;
        if temporary.as_os_str().len() <= LONGEST_TEMPORARY {
            for name in ["TMPDIR", "TMP", "TEMP"] {
                environment.set(name, &temporary);
            }
        }
        if let Some(ssh) = &self.ssh {
            environment.set("GIT_SSH_COMMAND", ssh.command_of_run().map_err(Failure::own_folder)?);
        }
        environment.search_first(&names);
        environment.set("GIT_TERMINAL_PROMPT", "0");
        environment.set("TF_INPUT", "0");
        environment.set("TF_PLUGIN_CACHE_DIR", &work.plugin_cache);
        // The lock file that is made without a registry's word is thrown away with the folder.
        environment.set("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE", "1");
        environment.set(FOLDER_VARIABLE, work.folder.path());
        environment.set_default("HOME", &temporary);
        environment.set_default("TF_IN_AUTOMATION", "1");
        environment.set_default("CHECKPOINT_DISABLE", "1");
        Ok(())
    }

    async fn initialize(&mut self) -> Result<(), Failure> {
        let work = self.work;
        let module = Module::read(&self.folder).map_err(Failure::own_folder)?;
        let at_server = self.terraform.use_mesh_http_backend_fallback && !module.has_backend();
        if at_server {
            let base_url = work.runner.server_url(self.run);
            let token = &work.claimed.token;
            let address =
                state::keep_at_server(&base_url, self.run, token, &self.folder, &mut self.environment);
            self.state_address = Some(address.map_err(Failure::own_folder)?);
            work.progress.log("The state is kept by the server");
        }
        let timeout = work.runner.config.init_timeout;
        let init = ["init", "-input=false", "-no-color"];
        if let Err(failure) = self.tofu(&init, Some(timeout)).await {
            if matches!(failure, Failure::Stopped(_)) {
                return Err(failure);
            }
            work.progress.log("Initialization failed and is tried once more");
            self.tofu(&init, Some(timeout)).await?;
        }
        if !at_server {
            self.select_workspace().await?;
        }
        Ok(())
    }

    async fn select_workspace(&mut self) -> Result<(), Failure> {
        let timeout = Some(self.work.runner.config.workspace_timeout);
        let block = &self.run.building_block;
        let listed =
            self.command(&["workspace", "list", "-no-color"], timeout, Output::Kept(1024 * 1024)).await?;
        if !listed.is_success() {
            if listed.errors.contains("workspaces not supported") {
                self.work.progress.log("The backend has no workspaces; its only state is used");
                return Ok(());
            }
            return Err(self.failed(&listed));
        }
        let listed = String::from_utf8_lossy(&listed.output).into_owned();
        let (verb, name) = match state::existing_workspace(&listed, &block.uuid) {
            Some(name) => ("select", name.to_owned()),
            None => ("new", state::workspace_name(block)),
        };
        self.tofu(&["workspace", verb, "-no-color", &name], timeout).await?;
        self.workspace = Some(name);
        Ok(())
    }

    async fn run_script(&mut self) -> Result<(), Failure> {
        let progress = self.work.progress;
        let Some(text) = self.terraform.pre_run_script.as_deref().filter(|text| !text.trim().is_empty())
        else {
            progress.log("The definition has no pre-run script");
            return Ok(());
        };
        let bash = find("bash").ok_or_else(|| {
            Failure::step("`bash`, which runs the pre-run script, is not installed on this runner")
        })?;
        script::write(text, &self.folder).map_err(Failure::own_folder)?;
        let message = self.work.folder.file("user-message", b"").map_err(Failure::own_folder)?;
        let mut environment = self.environment.clone();
        environment.set(script::MESSAGE_VARIABLE, &message);
        let program = Program {
            path: &bash,
            arguments: script::arguments(self.run.behavior.as_str()),
            folder: &self.folder,
            environment: &environment,
            shown: self.work.shown(),
            input: Some(self.work.claimed.json.clone().into_bytes()),
            timeout: None,
            asked_to_end: AskedToEnd::Group,
            output: Output::LoggedTogether,
        };
        let finished = self.work.run(program).await?;
        let told = script::message(&message);
        if finished.is_success() {
            if let Some(told) = told {
                progress.tell_user(&told);
            }
            return Ok(());
        }
        Err(Failure::Step(
            told.unwrap_or_else(|| format!("The pre-run script failed ({})", ending(&finished))),
        ))
    }

    async fn plan(&self, done: &mut Done) -> Result<(), Failure> {
        let plan = self.work.folder.path().join("plan");
        let mut arguments = arguments(&["plan", "-input=false", "-no-color", "-detailed-exitcode"]);
        let mut out = OsString::from("-out=");
        out.push(&plan);
        arguments.push(out);
        let finished = self.work_command(arguments, None, Output::Logged).await?;
        done.changes_detected = match finished.status.code() {
            Some(0) => Some(false),
            Some(2) => Some(true),
            _ => return Err(self.failed(&finished)),
        };
        let size = fs::symlink_metadata(&plan).map_err(Failure::own_folder)?.len();
        if size > LARGEST_PLAN {
            return Err(Failure::step(format!(
                "The plan has {size} bytes; plans of up to {LARGEST_PLAN} bytes can be kept"
            )));
        }
        let plan = read_of_others(&plan, Links::Refused, LARGEST_PLAN).map_err(Failure::own_folder)?;
        done.artifact = Some(STANDARD.encode(plan));
        Ok(())
    }

    async fn apply(&self) -> Result<(), Failure> {
        let Some(href) = &self.run.links.plan_artifact else {
            return self.change(arguments(&["apply", "-auto-approve", "-input=false", "-no-color"])).await;
        };
        self.work.progress.log("Replaying the saved plan");
        let href = self.work.runner.server_address(self.run, href);
        let plan = tokio::select! {
            plan = self.work.api.plan_artifact(&href) => plan,
            reason = self.work.stop.heard() => return Err(Failure::Stopped(reason)),
        };
        let plan =
            plan.map_err(|error| Failure::step(format!("The saved plan cannot be downloaded: {error}")))?;
        let plan = self.work.folder.file("plan", &plan).map_err(Failure::own_folder)?;
        let mut arguments = arguments(&["apply", "-input=false", "-no-color"]);
        arguments.push(plan.into());
        self.change(arguments).await
    }

    async fn destroy(&self) -> Result<(), Failure> {
        self.change(arguments(&["destroy", "-auto-approve", "-input=false", "-no-color"])).await
    }

    /// Runs what makes or removes things, and sees to it that what is known of them is not lost.
    async fn change(&self, arguments: Vec<OsString>) -> Result<(), Failure> {
        let failure = match self.work_command(arguments, None, Output::Logged).await {
            Ok(finished) if finished.is_success() => return Ok(()),
            Ok(finished) => self.failed(&finished),
            Err(failure) => failure,
        };
        let Some(address) = &self.state_address else { return Err(failure) };
        Err(failure.with(unsaved::save(self.work, &self.folder, address).await))
    }

    async fn collect_outputs(&self) -> Result<(), Failure> {
        let timeout = Some(self.work.runner.config.workspace_timeout);
        let finished =
            self.command(&["output", "-json", "-no-color"], timeout, Output::Kept(LARGEST_OUTPUTS)).await?;
        if !finished.is_success() {
            return Err(self.failed(&finished));
        }
        let outputs = outputs::typed(&finished.output)
            .map_err(|error| Failure::step(format!("The outputs of the module cannot be read: {error}")))?;
        self.work.progress.log(&format!("{} outputs", outputs.len()));
        self.work.progress.give_outputs(outputs);
        Ok(())
    }

    /// Removes the workspace of a block that is gone. Not being able to is no failure.
    async fn remove_workspace(&self) -> Result<(), Failure> {
        let Some(name) = &self.workspace else { return Ok(()) };
        let timeout = Some(self.work.runner.config.workspace_timeout);
        for arguments in
            [["workspace", "select", "-no-color", "default"], ["workspace", "delete", "-no-color", name]]
        {
            match self.tofu(&arguments, timeout).await {
                Err(Failure::Stopped(reason)) => return Err(Failure::Stopped(reason)),
                Err(Failure::Step(why)) => {
                    self.work.progress.log(&format!("The workspace could not be removed: {why}"));
                    return Ok(());
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Runs the program; its failure is the step's failure.
    async fn tofu(&self, words: &[&str], timeout: Option<Duration>) -> Result<(), Failure> {
        let finished = self.command(words, timeout, Output::Logged).await?;
        if finished.is_success() { Ok(()) } else { Err(self.failed(&finished)) }
    }

    async fn command(
        &self,
        words: &[&str],
        timeout: Option<Duration>,
        output: Output,
    ) -> Result<Finished, Failure> {
        self.work_command(arguments(words), timeout, output).await
    }

    async fn work_command(
        &self,
        arguments: Vec<OsString>,
        timeout: Option<Duration>,
        output: Output,
    ) -> Result<Finished, Failure> {
        let program = Program {
            path: &self.tool.path,
            arguments,
            folder: &self.folder,
            environment: &self.environment,
            shown: self.work.shown(),
            input: None,
            timeout,
            asked_to_end: AskedToEnd::Program,
            output,
        };
        self.work.run(program).await
    }

    fn failed(&self, finished: &Finished) -> Failure {
        let name = self.tool.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Failure::Step(
            said::error_text(&finished.errors)
                .unwrap_or_else(|| format!("`{name}` failed ({})", ending(finished))),
        )
    }
}

fn arguments(words: &[&str]) -> Vec<OsString> {
    words.iter().map(Into::into).collect()
}

/// How a program ended, in words.
fn ending(finished: &Finished) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (finished.status.code(), finished.status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}

impl Work<'_> {
    /// What programs of this run see of the runner's folders.
    fn shown(&self) -> Vec<PathBuf> {
        vec![self.folder.path().to_owned(), self.plugin_cache.clone()]
    }

    async fn run(&self, program: Program<'_>) -> Result<Finished, Failure> {
        let mut summary = None;
        let line = |line: &str| {
            if said::is_summary(line) {
                summary = Some(line.to_owned());
            }
            self.progress.log(line);
        };
        let finished = self.runner.processes.run(program, self.stop, line).await?;
        // A plan that finds changes ends with 2.
        if let Some(summary) = summary.filter(|_| matches!(finished.status.code(), Some(0 | 2))) {
            self.progress.tell_user(&summary);
        }
        Ok(finished)
    }
}
