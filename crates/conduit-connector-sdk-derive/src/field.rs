//! One field of the struct: a parameter, or a struct of more.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Field, LitStr, Type};

use crate::attributes::Attributes;

/// One field.
pub(crate) struct Parameter<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    attributes: Attributes,
    /// Its name in a pipeline file; empty with `flatten`.
    pub(crate) name: String,
}

impl<'a> Parameter<'a> {
    pub(crate) fn of(field: &'a Field) -> syn::Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(syn::Error::new(field.span(), "parameters are named fields"));
        };
        let attributes = Attributes::of(&field.attrs)?;
        let name = if attributes.flatten.is_some() { String::new() } else { name(ident, attributes.name.as_ref())? };
        if attributes.nested.is_some() && name.contains('*') && !name.ends_with(".*") {
            let message = format!(
                "{name:?} is no name of nested parameters: what they are named by ends it, as in \"collection.*\""
            );
            return Err(syn::Error::new(attributes.name.as_ref().map_or_else(|| ident.span(), LitStr::span), message));
        }
        let inner = attributes.flatten.is_some() || attributes.nested.is_some();
        if !inner && attributes.docs.is_empty() && attributes.description.is_none() {
            let message = format!(
                "the parameter {name:?} is not described: give the field a doc comment, which Conduit shows, or \
                 `description = …`"
            );
            return Err(syn::Error::new(ident.span(), message));
        }
        Ok(Self { ident, ty: &field.ty, attributes, name })
    }

    /// Where to point when something is wrong with the name.
    pub(crate) fn span(&self) -> proc_macro2::Span {
        self.attributes.name.as_ref().map_or_else(|| self.ident.span(), LitStr::span)
    }

    /// Adds the field's parameters to `all`.
    pub(crate) fn listed(&self) -> TokenStream {
        let ty = self.ty;
        if self.attributes.flatten.is_some() {
            return quote_spanned! { ty.span() =>
                all.extend(<#ty as ::conduit_connector_sdk::Parameters>::parameters());
            };
        }
        let name = &self.name;
        let item = self.item();
        if self.attributes.nested.is_some() {
            return quote_spanned! { ty.span() =>
                all.extend(
                    <#item as ::conduit_connector_sdk::Parameters>::parameters()
                        .into_iter()
                        .map(|parameter| parameter.within(#name))
                );
            };
        }
        let docs = &self.attributes.docs;
        let description =
            self.attributes.description.as_ref().map_or_else(|| quote! { #docs }, |text| quote! { #text });
        let default = self.attributes.default.iter().map(|default| quote! { .default(#default) });
        let validations = self.validations();
        let numeric = self.numeric();
        quote_spanned! { ty.span() =>
            #numeric
            all.push(
                ::conduit_connector_sdk::Parameter::of::<#item>(#name, #description)
                    #(#default)*
                    #(.validation(#validations))*
            );
        }
    }

    /// The type of the value: of each value, where the field is a map of them.
    fn item(&self) -> TokenStream {
        let ty = self.ty;
        if self.name.contains('*') {
            quote_spanned! { ty.span() => <#ty as ::conduit_connector_sdk::Keyed>::Item }
        } else {
            quote! { #ty }
        }
    }

    fn validations(&self) -> Vec<TokenStream> {
        let validation = quote! { ::conduit_connector_sdk::Validation };
        let list = |text: &LitStr| {
            let items: Vec<String> = text.value().split(',').map(|item| item.trim().to_owned()).collect();
            quote! { ::std::vec![#(::std::string::String::from(#items)),*] }
        };
        let mut all = Vec::new();
        if self.attributes.required.is_some() {
            all.push(quote! { #validation::Required });
        }
        if let Some((_, bound)) = &self.attributes.greater_than {
            all.push(quote! { #validation::GreaterThan(#bound) });
        }
        if let Some((_, bound)) = &self.attributes.less_than {
            all.push(quote! { #validation::LessThan(#bound) });
        }
        if let Some(items) = self.attributes.inclusion.as_ref().map(list) {
            all.push(quote! { #validation::Inclusion(#items) });
        }
        if let Some(items) = self.attributes.exclusion.as_ref().map(list) {
            all.push(quote! { #validation::Exclusion(#items) });
        }
        if let Some(pattern) = &self.attributes.regex {
            all.push(quote! { #validation::Regex(::std::string::String::from(#pattern)) });
        }
        all
    }

    /// Bounds are for numbers, which the compiler checks.
    fn numeric(&self) -> TokenStream {
        let ty = self.item();
        match self.attributes.greater_than.as_ref().or(self.attributes.less_than.as_ref()) {
            None => TokenStream::new(),
            Some((bound, _)) => quote_spanned! { bound.span() =>
                const {
                    ::core::assert!(
                        ::core::matches!(
                            <#ty as ::conduit_connector_sdk::ParameterValue>::TYPE,
                            ::conduit_connector_sdk::ParameterType::Int | ::conduit_connector_sdk::ParameterType::Float
                        ),
                        "`greater_than` and `less_than` are for numbers",
                    );
                }
            },
        }
    }

    /// Reads the field from `settings`.
    pub(crate) fn read(&self) -> TokenStream {
        let (ident, ty, name) = (self.ident, self.ty, &self.name);
        if self.attributes.flatten.is_some() {
            return quote_spanned! { ty.span() =>
                #ident: <#ty as ::conduit_connector_sdk::Parameters>::from_checked(settings)?
            };
        }
        let map = name.contains('*');
        if self.attributes.nested.is_some() {
            return if map {
                quote_spanned! { ty.span() => #ident: settings.nested_entries::<#ty>(#name)? }
            } else {
                quote_spanned! { ty.span() =>
                    #ident: <#ty as ::conduit_connector_sdk::Parameters>::from_checked(&settings.nested(#name))?
                }
            };
        }
        if map {
            return quote_spanned! { ty.span() => #ident: settings.entries::<#ty>(#name)? };
        }
        let value = if self.attributes.required.is_some() || self.attributes.default.is_some() {
            quote! { value }
        } else {
            quote! { value_or_absent }
        };
        quote_spanned! { ty.span() => #ident: settings.#value::<#ty>(#name)? }
    }
}

/// The name that is given, or the field's in camelCase; of the characters that Conduit allows.
fn name(ident: &Ident, given: Option<&LitStr>) -> syn::Result<String> {
    let Some(given) = given else {
        return Ok(camel_case(&ident.to_string()));
    };
    let name = given.value();
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    let mut parts = name.split('.');
    if !parts.next().is_some_and(word) || !parts.clone().all(|part| part == "*" || word(part)) {
        let message = format!(
            "{name:?} is no name of a parameter: letters and digits, in parts with dots between them, such as \"batch.size\"; \
             a `*` is a part of a map's name, but for the first, such as \"headers.*\""
        );
        return Err(syn::Error::new(given.span(), message));
    }
    if parts.filter(|part| *part == "*").count() > 1 {
        let message =
            format!("{name:?} has more than one `*`: make the inner part a struct of its own, and the field `nested`");
        return Err(syn::Error::new(given.span(), message));
    }
    Ok(name)
}

fn camel_case(snake: &str) -> String {
    let mut name = String::with_capacity(snake.len());
    let mut upper = false;
    for c in snake.trim_start_matches("r#").chars() {
        if c == '_' {
            upper = !name.is_empty();
        } else {
            name.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn fields_are_named_in_camel_case() {
        for (field, name) in [("pause", "pause"), ("batch_size", "batchSize"), ("_a_b_c", "aBC"), ("r#type", "type")] {
            assert_eq!(camel_case(field), name);
        }
    }
}
