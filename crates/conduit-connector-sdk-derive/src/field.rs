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
        if attributes.flatten.is_none() && attributes.docs.is_empty() && attributes.description.is_none() {
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
        let docs = &self.attributes.docs;
        let description =
            self.attributes.description.as_ref().map_or_else(|| quote! { #docs }, |text| quote! { #text });
        let default = self.attributes.default.iter().map(|default| quote! { .default(#default) });
        let validations = self.validations();
        let numeric = self.numeric();
        quote_spanned! { ty.span() =>
            #numeric
            all.push(
                ::conduit_connector_sdk::Parameter::of::<#ty>(#name, #description)
                    #(#default)*
                    #(.validation(#validations))*
            );
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
        let ty = self.ty;
        match self.attributes.greater_than.as_ref().or(self.attributes.less_than.as_ref()) {
            None => TokenStream::new(),
            Some((bound, _)) => quote_spanned! { bound.span() =>
                const {
                    ::core::assert!(
                        ::core::matches!(
                            <#ty as ::conduit_connector_sdk::Value>::TYPE,
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
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') {
        let message = format!("{name:?} is no name of a parameter: letters, digits and dots, such as \"batch.size\"");
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
