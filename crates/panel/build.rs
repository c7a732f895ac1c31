//! Embeds what the browser loads: the packages of `packages/package-lock.json`, the elements in `assets/`, and a
//! sprite of the icons named in `icons.txt`. Each file gets a name that holds the hash of its content, and a
//! compressed form.

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

/// Files taken from packages as they are: name in the panel, path below `node_modules`, content type.
const TAKEN: &[(&str, &str, &str)] = &[
    ("tabler.css", "@tabler/core/dist/css/tabler.min.css", "text/css; charset=utf-8"),
    ("tabler.js", "@tabler/core/dist/js/tabler.min.js", "text/javascript; charset=utf-8"),
    ("htmx.js", "htmx.org/dist/htmx.min.js", "text/javascript; charset=utf-8"),
    ("idiomorph.js", "idiomorph/dist/idiomorph-ext.min.js", "text/javascript; charset=utf-8"),
    ("cytoscape.js", "cytoscape/dist/cytoscape.min.js", "text/javascript; charset=utf-8"),
];
/// Files of our own that stand alone.
const OWN: &[(&str, &str)] = &[
    ("panel.css", "text/css; charset=utf-8"),
    ("theme.js", "text/javascript; charset=utf-8"),
    ("logo.svg", "image/svg+xml"),
];

fn main() -> Anyhow<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let packages = env::var_os("STOA_PANEL_PACKAGES")
        .map_or_else(|| here.join("../../.tools/panel/node_modules"), PathBuf::from);
    println!("cargo::rerun-if-env-changed=STOA_PANEL_PACKAGES");
    for watched in ["assets", "icons.txt", "packages/package-lock.json"] {
        println!("cargo::rerun-if-changed={}", here.join(watched).display());
    }
    println!("cargo::rerun-if-changed={}", packages.join(".package-lock.json").display());
    if !packages.is_dir() {
        return Err(format!(
            "the panel's packages are not at {}: run `scripts/setup panel`, or `make build`",
            packages.display()
        )
        .into());
    }

    let mut table = String::from("&[\n");
    for (name, path, content_type) in TAKEN {
        embed(
            &mut table,
            &out,
            name,
            content_type,
            without_source_map(&fs::read_to_string(packages.join(path))?).as_bytes(),
        )?;
    }
    for (name, content_type) in OWN {
        embed(&mut table, &out, name, content_type, &fs::read(here.join("assets").join(name))?)?;
    }
    let elements = elements(&here.join("assets/elements"))?;
    embed(&mut table, &out, "panel.js", "text/javascript; charset=utf-8", elements.as_bytes())?;
    let icons = fs::read_to_string(here.join("icons.txt"))?;
    let sprite = sprite(&packages.join("@tabler/icons/icons"), &icons)?;
    embed(&mut table, &out, "icons.svg", "image/svg+xml", sprite.as_bytes())?;
    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// The maps are not embedded, and a browser's tools would look for them in vain.
fn without_source_map(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("sourceMappingURL="));
    lines.collect::<Vec<_>>().join("\n")
}

fn embed(table: &mut String, out: &Path, name: &str, content_type: &str, content: &[u8]) -> Anyhow<()> {
    let hash = Sha256::digest(content);
    let hash = hash.iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let (stem, end) = name.rsplit_once('.').ok_or("an asset needs an extension")?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content)?;
    fs::write(out.join(name), content)?;
    fs::write(out.join(format!("{name}.gz")), gzip.finish()?)?;
    writeln!(
        table,
        "    Asset {{ name: {name:?}, path: \"/assets/{stem}.{hash}.{end}\", content_type: {content_type:?}, \
         plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")), \
         gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\")) }},"
    )?;
    Ok(())
}

/// The custom elements as one file, each in a scope of its own.
fn elements(folder: &Path) -> Anyhow<String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|end| end == "js"));
    files.sort();
    let mut text = String::from("\"use strict\";\n");
    for file in files {
        writeln!(text, "(() => {{\n{}\n}})();", fs::read_to_string(file)?)?;
    }
    Ok(text)
}

/// One SVG of symbols: `name` from the outlined icons, `name-filled` from the filled ones.
fn sprite(folder: &Path, names: &str) -> Anyhow<String> {
    let mut sprite = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\">\n");
    for name in names.lines().map(str::trim).filter(|name| !name.is_empty() && !name.starts_with('#')) {
        let path = match name.strip_suffix("-filled") {
            Some(name) => folder.join("filled").join(format!("{name}.svg")),
            None => folder.join("outline").join(format!("{name}.svg")),
        };
        let svg = fs::read_to_string(&path).map_err(|error| format!("icon `{name}`: {error}"))?;
        let (_, inner) =
            svg.split_once("<svg").and_then(|(_, rest)| rest.split_once('>')).ok_or("no <svg>")?;
        let inner = inner.trim().trim_end_matches("</svg>").trim();
        let inner = inner.replace("<path stroke=\"none\" d=\"M0 0h24v24H0z\" fill=\"none\" />", "");
        writeln!(
            sprite,
            "<symbol id=\"{name}\" viewBox=\"0 0 24 24\">{}</symbol>",
            inner.trim().replace('\n', "")
        )?;
    }
    sprite.push_str("</svg>\n");
    Ok(sprite)
}
