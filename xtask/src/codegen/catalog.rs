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
    crm: Vec<Crm>,
    cms: Vec<Cms>,
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

fn table(catalogue: &Catalogue) -> Result<String> {
    let mut out = String::from(
        "//! Written by `cargo xtask codegen` from `resources.toml`; change that file, not this one.\n\n\
         use crate::{Cms, Crm, Kind, Operations, Resource};\n\n\
         /// Every resource, in the order of the docs.\n\
         pub static RESOURCES: &[Resource] = &[\n",
    );
    for crm in &catalogue.crm {
        writeln!(
            out,
            "    Resource {{\n        name: {:?},\n        title: {:?},\n        kind: Kind::Crm(Crm {{ object_type: {:?}, \
             object_type_id: {:?}, created_property: {:?}, updated_property: {:?} }}),\n        operations: {},\n    }},",
            crm.name,
            crm.title,
            crm.r#type,
            crm.type_id,
            crm.created,
            crm.updated,
            operations(&crm.write)
        )?;
    }
    for cms in &catalogue.cms {
        writeln!(
            out,
            "    Resource {{\n        name: {:?},\n        title: {:?},\n        kind: Kind::Cms(Cms {{ area: {:?}, \
             collection: {:?}, created_fields: &{:?}, updated_fields: &{:?}, deleted_fields: &{:?}, batch: {}, draft: {} \
             }}),\n        operations: {},\n    }},",
            cms.name,
            cms.title,
            cms.area,
            cms.collection,
            cms.created,
            cms.updated,
            cms.deleted,
            cms.batch,
            cms.draft,
            operations(&cms.write)
        )?;
    }
    out.push_str(
        "];\n\n/// What the `resource` parameter takes, as its help says it.\npub const RESOURCE_HELP: &str = \"",
    );
    out.push_str(&help(catalogue).escape_debug().to_string());
    out.push_str("\";\n");
    Ok(out)
}

/// The help of the `resource` parameter.
fn help(catalogue: &Catalogue) -> String {
    let crm = catalogue.crm.iter().map(|crm| crm.name.as_str());
    let cms = catalogue.cms.iter().map(|cms| cms.name.as_str());
    let names: Vec<_> = crm.chain(cms).map(|name| format!("`{name}`")).collect();
    format!("The HubSpot resource, one of {}. docs/resources.md says what each of them can do.", names.join(", "))
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
         columns say what the destination can do with it. `tests/tests/matrix.rs` walks this very table.\n\n\
         ## CRM objects\n\n\
         | resource | what | HubSpot's type | created / changed property | create | update | delete |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for crm in &catalogue.crm {
        writeln!(
            out,
            "| `{}` | {} | `{}` ({}) | `{}` / `{}` | {} |",
            crm.name,
            crm.title,
            crm.r#type,
            crm.type_id,
            crm.created,
            crm.updated,
            marks(&crm.write)
        )?;
    }
    out.push_str(
        "\n## CMS collections\n\n| resource | what | path under `/cms` | batch writes | create | update | delete |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for cms in &catalogue.cms {
        let collection = cms.collection.as_ref().map_or_else(String::new, |collection| format!("/{collection}"));
        writeln!(
            out,
            "| `{}` | {} | `/{}/{{version}}{collection}` | {} | {} |",
            cms.name,
            cms.title,
            cms.area,
            mark(cms.batch),
            marks(&cms.write)
        )?;
    }
    Ok(out)
}

fn marks(write: &[Operation]) -> String {
    [Operation::Create, Operation::Update, Operation::Delete]
        .map(|operation| mark(write.contains(&operation)))
        .join(" | ")
}

fn mark(yes: bool) -> &'static str {
    if yes { "yes" } else { "–" }
}
