//! Mirrors against real local repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Mirrors, Wanted};
use crate::config::Limits;
use crate::git::{Address, Most, NoSources, Reference};
use crate::process::Processes;
use crate::stop::Stop;

struct Origin {
    root: tempfile::TempDir,
    mirrors: Mirrors,
}

impl Origin {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let processes = Processes::new(&Limits::default(), Duration::from_secs(1));
        let mirrors = Mirrors::open(
            root.path().join("mirrors"),
            processes,
            Duration::from_mins(1),
            Most::of(&Limits::default()),
        );
        let mirrors = mirrors.unwrap();
        let origin = Self { root, mirrors };
        fs::create_dir(origin.path()).unwrap();
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("origin")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, content: &str) -> String {
        fs::write(self.path().join("file"), content).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", content]);
        self.git(&["rev-parse", "HEAD"])
    }

    async fn file_at(&self, reference: Option<&str>) -> Result<(String, String), NoSources> {
        let address = Address::parse(self.path().to_str().unwrap(), true).unwrap();
        let reference = Reference::parse(reference).unwrap();
        let wanted = Wanted {
            address: &address,
            reference: reference.as_ref(),
            ssh: None,
            secret: "",
            folder: self.root.path(),
        };
        let target = tempfile::tempdir_in(self.root.path()).unwrap();
        let commit = self.mirrors.check_out(&wanted, target.path(), &Stop::new(), &mut |_| {}).await?;
        Ok((commit, fs::read_to_string(target.path().join("file")).unwrap()))
    }

    fn mirror(&self) -> PathBuf {
        let mut folders =
            fs::read_dir(self.root.path().join("mirrors")).unwrap().flatten().map(|entry| entry.path());
        folders.find(|path| path.is_dir()).unwrap()
    }
}

#[tokio::test]
async fn branches_tags_commits_and_the_default_are_found() {
    let origin = Origin::new();
    let first = origin.commit("one");
    origin.git(&["tag", "-a", "v1", "-m", "v1"]);
    let second = origin.commit("two");
    origin.git(&["checkout", "--quiet", "-b", "feature/x"]);
    let third = origin.commit("three");
    origin.git(&["checkout", "--quiet", "main"]);

    for (reference, commit, content) in [
        (None, &second, "two"),
        (Some("main"), &second, "two"),
        (Some("v1"), &first, "one"),
        (Some("feature/x"), &third, "three"),
        (Some("refs/heads/feature/x"), &third, "three"),
        (Some(first.as_str()), &first, "one"),
        (Some(&first[..10]), &first, "one"),
    ] {
        let found = origin.file_at(reference).await.unwrap();
        assert_eq!(found, (commit.clone(), content.to_owned()), "{reference:?}");
    }
    let missing = origin.file_at(Some("nothing")).await.unwrap_err().to_string();
    assert!(missing.ends_with("has no branch, tag or commit `nothing`"), "{missing}");
}

#[tokio::test]
async fn news_arrive_also_when_history_was_rewritten() {
    let origin = Origin::new();
    origin.commit("one");
    assert_eq!(origin.file_at(Some("main")).await.unwrap().1, "one");
    fs::write(origin.path().join("file"), "other").unwrap();
    origin.git(&["commit", "--quiet", "--amend", "-a", "-m", "other"]);
    assert_eq!(origin.file_at(Some("main")).await.unwrap().1, "other");
    origin.git(&["branch", "-m", "main", "trunk"]);
    assert!(origin.file_at(Some("main")).await.is_err());
    assert_eq!(origin.file_at(None).await.unwrap().1, "other");
}

#[tokio::test]
async fn a_commit_that_no_branch_leads_to_is_found() {
    let origin = Origin::new();
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    origin.commit("one");
    let lost = origin.commit("two");
    origin.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(origin.file_at(Some(&lost)).await.unwrap().1, "two");
}

#[tokio::test]
async fn a_damaged_mirror_heals() {
    let origin = Origin::new();
    origin.commit("one");
    origin.file_at(None).await.unwrap();
    fs::remove_file(origin.mirror().join("HEAD")).unwrap();
    assert_eq!(origin.file_at(None).await.unwrap().1, "one");
    origin.commit("two");
    fs::write(origin.mirror().join("refs/heads/main.lock"), "").unwrap();
    assert_eq!(origin.file_at(None).await.unwrap().1, "two");
}

#[tokio::test]
async fn what_git_says_is_told() {
    let origin = Origin::new();
    fs::remove_dir_all(origin.path()).unwrap();
    let error = origin.file_at(None).await.unwrap_err().to_string();
    assert!(error.contains("Cannot fetch") && error.contains("does not"), "{error}");
    assert!(Path::new(&origin.mirrors.folder).is_dir());
}

#[tokio::test]
async fn mirrors_of_different_secrets_are_different() {
    let origin = Origin::new();
    let address = Address::parse("https://git.example.org/x", false).unwrap();
    let name = |secret| {
        super::name_of(&Wanted {
            address: &address,
            reference: None,
            ssh: None,
            secret,
            folder: Path::new("/"),
        })
    };
    assert_eq!(name("a"), name("a"));
    assert_ne!(name("a"), name("b"));
    drop(origin);
}
