//! `#[parameter(…)]`, read.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta};

const KNOWN: &str =
    "name, required, default, greater_than, less_than, inclusion, exclusion, regex, description, nested, flatten";

/// What the attributes of a field say.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) name: Option<LitStr>,
    pub(crate) required: Option<Span>,
    pub(crate) default: Option<LitStr>,
    pub(crate) greater_than: Option<(LitStr, f64)>,
    pub(crate) less_than: Option<(LitStr, f64)>,
    pub(crate) inclusion: Option<LitStr>,
    pub(crate) exclusion: Option<LitStr>,
    pub(crate) regex: Option<LitStr>,
    pub(crate) description: Option<Expr>,
    pub(crate) nested: Option<Span>,
    pub(crate) flatten: Option<Span>,
    /// The doc comment, its lines joined.
    pub(crate) docs: String,
}

impl Attributes {
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut all = Self { docs: docs(attributes), ..Self::default() };
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("parameter")) {
            attribute.parse_nested_meta(|meta| all.read(&meta))?;
        }
        all.agree()?;
        Ok(all)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let Some(name) = meta.path.get_ident().map(ToString::to_string) else {
            return Err(meta.error(format!("unknown attribute; there are {KNOWN}")));
        };
        match name.as_str() {
            "required" => once(&mut self.required, meta.path.span(), meta),
            "nested" => once(&mut self.nested, meta.path.span(), meta),
            "flatten" => once(&mut self.flatten, meta.path.span(), meta),
            "name" => once(&mut self.name, text(meta)?, meta),
            "default" => once(&mut self.default, text(meta)?, meta),
            "greater_than" => once(&mut self.greater_than, bound(meta)?, meta),
            "less_than" => once(&mut self.less_than, bound(meta)?, meta),
            "inclusion" => once(&mut self.inclusion, text(meta)?, meta),
            "exclusion" => once(&mut self.exclusion, text(meta)?, meta),
            "regex" => once(&mut self.regex, text(meta)?, meta),
            "description" => once(&mut self.description, meta.value()?.parse()?, meta),
            other => Err(meta.error(format!("unknown attribute `{other}`; there are {KNOWN}"))),
        }
    }

    /// What excludes each other is not there together.
    fn agree(&self) -> syn::Result<()> {
        if let (Some(span), Some(default)) = (self.required, &self.default) {
            let message =
                format!("`required` never comes about: an absent value is {:?} by `default`", default.value());
            return Err(syn::Error::new(span, message));
        }
        let plain = self.required.is_none()
            && self.default.is_none()
            && self.greater_than.is_none()
            && self.less_than.is_none()
            && self.inclusion.is_none()
            && self.exclusion.is_none()
            && self.regex.is_none()
            && self.description.is_none();
        if let Some(span) = self.flatten
            && (!plain || self.name.is_some() || self.nested.is_some())
        {
            let message = "`flatten` stands alone: the parameters of the inner struct say the rest themselves";
            return Err(syn::Error::new(span, message));
        }
        if let Some(span) = self.nested
            && !plain
        {
            let message =
                "`nested` stands alone, or with `name`: the parameters of the inner struct say the rest themselves";
            return Err(syn::Error::new(span, message));
        }
        Ok(())
    }
}

fn once<T>(slot: &mut Option<T>, value: T, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if slot.replace(value).is_some() {
        return Err(meta.error("said twice"));
    }
    Ok(())
}

fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let value = meta.value()?;
    let expression: Expr = value.parse()?;
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(syn::Error::new(other.span(), "a text in quotes, as it would stand in a pipeline file: `\"10\"`")),
    }
}

fn bound(meta: &ParseNestedMeta<'_>) -> syn::Result<(LitStr, f64)> {
    let text = text(meta)?;
    match text.value().trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((text, number)),
        _ => Err(syn::Error::new(text.span(), "a number in quotes: `\"0\"`")),
    }
}

/// The doc comment: lines joined by spaces, paragraphs by line breaks.
fn docs(attributes: &[Attribute]) -> String {
    let mut docs = String::new();
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    for line in lines {
        let line = line.trim();
        if line.is_empty() {
            docs.push('\n');
            continue;
        }
        if !docs.is_empty() && !docs.ends_with('\n') {
            docs.push(' ');
        }
        docs.push_str(line);
    }
    docs.trim().to_owned()
}
