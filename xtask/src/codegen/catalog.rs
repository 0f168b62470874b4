//! The catalogue: `resources.toml` becomes the static table, `docs/resources.md` and the help of the `resource` parameter.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Mode, put};

const SOURCE: &str = "crates/hubspot-catalog/resources.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    owners: Owners,
    crm: Vec<Crm>,
    cms: Vec<Cms>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owners {
    name: String,
    title: String,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Crm {
    name: String,
    title: String,
    r#type: String,
    type_id: String,
    created: String,
    updated: String,
    write: Vec<Operation>,
    #[serde(default)]
    merge: bool,
    #[serde(default)]
    gdpr: bool,
    #[serde(default)]
    pipelines: bool,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cms {
    name: String,
    title: String,
    area: String,
    collection: Option<String>,
    created: Vec<String>,
    updated: Vec<String>,
    deleted: Vec<String>,
    write: Vec<Operation>,
    #[serde(default)]
    batch: bool,
    #[serde(default)]
    draft: bool,
    scopes: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Create,
    Update,
    Delete,
}

pub(super) fn generate(root: &Path, mode: Mode) -> Result<()> {
    let text = fs::read_to_string(root.join(SOURCE)).with_context(|| format!("cannot read {SOURCE}"))?;
    let catalogue: Catalogue = toml::from_str(&text).with_context(|| format!("{SOURCE} is not as it should be"))?;
    put(root, "crates/hubspot-catalog/src/generated.rs", &table(&catalogue)?, mode)?;
    put(root, "docs/resources.md", &page(&catalogue)?, mode)
}

/// A list that HubSpot gives whole, as an entry of the catalogue.
struct Listed<'a> {
    name: String,
    title: String,
    /// Which list it is, as Rust has it.
    kind: String,
    /// The path below `/crm`, as people read it.
    path: String,
    scopes: &'a [String],
}

/// The owners, then the pipelines of each type that has some, then their stages.
fn directories(catalogue: &Catalogue) -> Vec<Listed<'_>> {
    let owners = Listed {
        name: catalogue.owners.name.clone(),
        title: catalogue.owners.title.clone(),
        kind: "Directory::Owners".to_owned(),
        path: "/owners/{version}".to_owned(),
        scopes: &catalogue.owners.scopes,
    };
    let with_pipelines = || catalogue.crm.iter().filter(|crm| crm.pipelines);
    let of = |crm: &'_ Crm, list: &str, title: &str, kind: &str| {
        let last = crm.name.rsplit('.').next().unwrap_or_default();
        (
            format!("crm.{list}.{last}"),
            format!("{title} of {}", crm.title.to_lowercase()),
            format!("Directory::{kind} {{ object_type: {:?} }}", crm.r#type),
            format!("/pipelines/{{version}}/{}", crm.r#type),
        )
    };
    let pipelines = with_pipelines().map(|crm| (of(crm, "pipelines", "Pipelines", "Pipelines"), &crm.scopes));
    let stages = with_pipelines().map(|crm| (of(crm, "stages", "Pipeline stages", "Stages"), &crm.scopes));
    let lists =
        pipelines.chain(stages).map(|((name, title, kind, path), scopes)| Listed { name, title, kind, path, scopes });
    std::iter::once(owners).chain(lists).collect()
}

fn table(catalogue: &Catalogue) -> Result<String> {
    let mut out = String::from(
        "//! Written by `cargo xtask codegen` from `resources.toml`; change that file, not this one.\n\n\
         use crate::{Cms, Crm, Directory, Kind, Operations, Resource};\n\n\
         /// Every resource, in the order of the docs. An account's custom objects are not among them: see [`custom`](crate::custom).\n\
         pub static RESOURCES: &[Resource] = &[\n",
    );
    for crm in &catalogue.crm {
        let kind = format!(
            "Kind::Crm(Crm {{ object_type: {:?}, object_type_id: {:?}, created_property: {:?}, updated_property: {:?}, \
             merge: {}, gdpr: {} }})",
            crm.r#type, crm.type_id, crm.created, crm.updated, crm.merge, crm.gdpr
        );
        entry(&mut out, &crm.name, &crm.title, &kind, &crm.write, &crm.scopes)?;
    }
    for list in directories(catalogue) {
        let kind = format!("Kind::Directory({})", list.kind);
        entry(&mut out, &list.name, &list.title, &kind, &[], list.scopes)?;
    }
    for cms in &catalogue.cms {
        let kind = format!(
            "Kind::Cms(Cms {{ area: {:?}, collection: {:?}, created_fields: &{:?}, updated_fields: &{:?}, \
             deleted_fields: &{:?}, batch: {}, draft: {} }})",
            cms.area, cms.collection, cms.created, cms.updated, cms.deleted, cms.batch, cms.draft
        );
        entry(&mut out, &cms.name, &cms.title, &kind, &cms.write, &cms.scopes)?;
    }
    out.push_str("];\n");
    let names = names(catalogue);
    let one = format!(
        "The HubSpot resource, one of {names}, or a custom object as `crm.objects.` with its name or object type id. \
         docs/resources.md says what each of them can do."
    );
    let several = format!(
        "The HubSpot resources, separated by commas: names, globs such as `crm.*`, and exclusions such as `!crm.pipelines.*`. The \
         names are {names}, and custom objects as `crm.objects.` with their name or object type id. docs/resources.md says what \
         each of them can do."
    );
    for (constant, takes, text) in
        [("RESOURCE_HELP", "one resource", one), ("RESOURCES_HELP", "several resources", several)]
    {
        writeln!(
            out,
            "\n/// What a parameter for {takes} takes, as its help says it.\npub const {constant}: &str = \"{}\";",
            text.escape_debug()
        )?;
    }
    Ok(out)
}

fn entry(
    out: &mut String,
    name: &str,
    title: &str,
    kind: &str,
    write: &[Operation],
    scopes: &[String],
) -> std::fmt::Result {
    writeln!(
        out,
        "    Resource {{\n        name: {name:?},\n        title: {title:?},\n        kind: {kind},\n        operations: {},\n        \
         read_scopes: &{scopes:?},\n    }},",
        operations(write)
    )
}

/// All names, as a sentence has them.
fn names(catalogue: &Catalogue) -> String {
    let crm = catalogue.crm.iter().map(|crm| crm.name.clone());
    let lists = directories(catalogue).into_iter().map(|list| list.name);
    let cms = catalogue.cms.iter().map(|cms| cms.name.clone());
    crm.chain(lists).chain(cms).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn operations(write: &[Operation]) -> String {
    format!(
        "Operations {{ create: {}, update: {}, delete: {} }}",
        write.contains(&Operation::Create),
        write.contains(&Operation::Update),
        write.contains(&Operation::Delete)
    )
}

fn page(catalogue: &Catalogue) -> Result<String> {
    let mut out = String::from(
        "<!-- Written by `cargo xtask codegen` from crates/hubspot-catalog/resources.toml. -->\n\n# Resources\n\n\
         What the `resource` parameter takes. Each is read as a snapshot and then as creates, updates and deletes; the right-hand \
         columns say what the destination can do with it. `tests/tests/matrix.rs` walks this very table. Reading takes one of the \
         scopes in the column *read scope*.\n\n\
         ## Several at once\n\n\
         The source takes a list of names, globs and exclusions, with commas between them, in any order (in YAML, in quotes if the first character is `!` or `*`). `*` stands for any \
         characters: `crm.*` has every CRM resource, directories and custom objects included, and `cms.blogs.*` the three of the \
         blog. What has `!` in front is left out: `crm.*,!crm.pipelines.*`. An entry that names nothing is an error, and so is an \
         exclusion that leaves nothing out. Names of custom objects, and globs that may match some, make the source look up the \
         account's schemas first; object type ids don't.\n\n\
         ## CRM objects\n\n\
         | resource | what | HubSpot's type | created / changed property | create | update | delete | merge | read scope |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for crm in &catalogue.crm {
        writeln!(
            out,
            "| `{}` | {} | `{}` ({}) | `{}` / `{}` | {} | {} | {} |",
            crm.name,
            crm.title,
            crm.r#type,
            crm.type_id,
            crm.created,
            crm.updated,
            marks(&crm.write),
            mark(crm.merge),
            scopes(&crm.scopes)
        )?;
    }
    out.push_str(
        "\n## Custom objects\n\n\
         An account's own object types are `crm.objects.<name>`, by the name of their schema (`crm.objects.cars`), its fully qualified \
         name (`crm.objects.p123_cars`) or its object type id (`crm.objects.2-456`). Records carry `crm.objects.<name>` as their \
         collection, whichever of the names was given; who gives the id gets `crm.objects.2-456`. They are created, updated, \
         deleted and merged like any CRM object; `hs_createdate` and `hs_lastmodifieddate` are their timestamps, and \
         `crm.objects.custom.read` the scope for reading them.\n\n\
         ## Directories\n\n\
         Short lists that HubSpot gives whole. The source reads them again and again and tells what has changed; the destination \
         doesn't write them. A stage carries the id of its pipeline as `pipelineId`.\n\n\
         | resource | what | path under `/crm` | create | update | delete | read scope |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for list in directories(catalogue) {
        writeln!(
            out,
            "| `{}` | {} | `{}` | {} | {} |",
            list.name,
            list.title,
            list.path,
            marks(&[]),
            scopes(list.scopes)
        )?;
    }
    out.push_str(
        "\n## CMS collections\n\n\
         | resource | what | path under `/cms` | batch writes | create | update | delete | read scope |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for cms in &catalogue.cms {
        let collection = cms.collection.as_ref().map_or_else(String::new, |collection| format!("/{collection}"));
        writeln!(
            out,
            "| `{}` | {} | `/{}/{{version}}{collection}` | {} | {} | {} |",
            cms.name,
            cms.title,
            cms.area,
            mark(cms.batch),
            marks(&cms.write),
            scopes(&cms.scopes)
        )?;
    }
    Ok(out)
}

fn scopes(scopes: &[String]) -> String {
    scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" or ")
}

fn marks(write: &[Operation]) -> String {
    [Operation::Create, Operation::Update, Operation::Delete]
        .map(|operation| mark(write.contains(&operation)))
        .join(" | ")
}

fn mark(yes: bool) -> &'static str {
    if yes { "yes" } else { "–" }
}
