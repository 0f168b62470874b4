//! The struct as a whole.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Fields};

use crate::field::Parameter;

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let only = "parameters are derived for structs with named fields";
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new(input.ident.span(), only));
    };
    let fields = match &data.fields {
        Fields::Named(fields) => &fields.named,
        Fields::Unnamed(fields) => return Err(syn::Error::new(fields.span(), only)),
        Fields::Unit => return Err(syn::Error::new(input.ident.span(), only)),
    };
    let mut errors: Option<syn::Error> = None;
    let mut parameters = Vec::new();
    let mut names = BTreeSet::new();
    for field in fields {
        let added = Parameter::of(field).and_then(|parameter| {
            if !parameter.name.is_empty() && !names.insert(parameter.name.clone()) {
                return Err(syn::Error::new(
                    parameter.span(),
                    format!("there are two parameters {:?}", parameter.name),
                ));
            }
            parameters.push(parameter);
            Ok(())
        });
        if let Err(error) = added {
            match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            }
        }
    }
    if let Some(errors) = errors {
        return Err(errors);
    }

    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let listed = parameters.iter().map(Parameter::listed);
    let read = parameters.iter().map(Parameter::read);
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::conduit_connector_sdk::Parameters for #ident #arguments #bounds {
            fn parameters() -> ::std::vec::Vec<::conduit_connector_sdk::Parameter> {
                let mut all = ::std::vec::Vec::new();
                #(#listed)*
                all
            }

            fn from_checked(
                settings: &::conduit_connector_sdk::Checked,
            ) -> ::core::result::Result<Self, ::conduit_connector_sdk::Error> {
                ::core::result::Result::Ok(Self { #(#read),* })
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn message(input: &DeriveInput) -> String {
        expand(input).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_are_explained() {
        let cases: [(DeriveInput, &str); 18] = [
            (parse_quote! { enum E { A } }, "structs with named fields"),
            (parse_quote! { struct S(u8); }, "structs with named fields"),
            (parse_quote! { struct S { a: u8 } }, "the parameter \"a\" is not described"),
            (
                parse_quote! { struct S { #[doc = "A."] #[parameter(defualt = "1")] a: u8 } },
                "unknown attribute `defualt`; there are name, required",
            ),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(default = 1)] a: u8 } }, "a text in quotes"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(less_than = "x")] a: u8 } }, "a number in quotes"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(required, required)] a: u8 } }, "said twice"),
            (
                parse_quote! { struct S { #[doc = "A."] #[parameter(required, default = "1")] a: u8 } },
                "never comes about",
            ),
            (parse_quote! { struct S { #[parameter(flatten, name = "a")] a: T } }, "stands alone"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(name = "a-b")] a: u8 } }, "\"a-b\" is no name"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(name = "")] a: u8 } }, "\"\" is no name"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(name = "a..b")] a: u8 } }, "\"a..b\" is no name"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(name = "*.a")] a: M } }, "but for the first"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(name = "a.b*")] a: M } }, "\"a.b*\" is no name"),
            (parse_quote! { struct S { #[doc = "A."] #[parameter(name = "a.*.b.*")] a: M } }, "more than one `*`"),
            (parse_quote! { struct S { #[parameter(nested, name = "a.*.b")] a: M } }, "what they are named by ends it"),
            (parse_quote! { struct S { #[parameter(nested, required)] a: T } }, "`nested` stands alone"),
            (
                parse_quote! { struct S { #[doc = "A."] a: String, #[doc = "B."] #[parameter(name = "a")] b: String } },
                "two parameters \"a\"",
            ),
        ];
        for (input, part) in &cases {
            let message = message(input);
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    #[test]
    fn every_mistake_is_said() {
        let input = parse_quote! { struct S { a: u8, b: u8 } };
        assert_eq!(expand(&input).unwrap_err().into_iter().count(), 2);
    }
}
