//! The folder of a module inside its repository.

use std::path::{Component, Path, PathBuf};

use super::NoSources;

/// The folder `path` inside `sources`. Refuses what leads out, by its name or through a link, and what is no folder.
pub(crate) fn folder_inside(sources: &Path, path: Option<&str>) -> Result<PathBuf, NoSources> {
    let root = sources.canonicalize()?;
    let asked = path.unwrap_or_default().trim();
    let relative = Path::new(asked.trim_start_matches('/'));
    let leads_out = || NoSources::refused(format!("The path `{asked}` leads out of the repository"));
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(leads_out());
    }
    let missing = || NoSources::refused(format!("The repository has no folder `{asked}`"));
    let folder = root.join(relative).canonicalize().map_err(|_| missing())?;
    if !folder.starts_with(&root) {
        return Err(leads_out());
    }
    if folder.is_dir() { Ok(folder) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::folder_inside;

    #[test]
    fn only_folders_inside_are_found() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("root");
        fs::create_dir_all(root.join("modules/schema")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        symlink("/etc", root.join("etc")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("modules", root.join("alias")).unwrap();
        let root = root.canonicalize().unwrap();

        assert_eq!(folder_inside(&root, None).unwrap(), root);
        for path in ["modules/schema", "/modules/schema", "./modules/schema/", "alias/schema"] {
            assert_eq!(folder_inside(&root, Some(path)).unwrap(), root.join("modules/schema"), "{path}");
        }
        for path in ["..", "../root", "modules/../..", "modules/../modules", "etc", "up", "file", "nothing"] {
            assert!(folder_inside(&root, Some(path)).is_err(), "{path}");
        }
    }
}
