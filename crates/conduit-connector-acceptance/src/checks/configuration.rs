//! Whether settings are checked, and lifecycle calls answered.

use std::collections::BTreeMap;

use regex::Regex;

use super::{Context, Ending, ensure, fail, skip};
use crate::{DriverError, Parameter, ParameterKind, Settings, Validation};

/// A name that no connector has.
const UNKNOWN: &str = "acceptance.noSuchParameter";

/// What is checked alike on both halves of a connector.
#[derive(Clone, Copy)]
enum Half {
    Source,
    Destination,
}

impl Half {
    fn settings(self, context: &Context) -> Result<Settings, Ending> {
        Ok(match self {
            Self::Source => context.source_suite()?.settings.clone(),
            Self::Destination => context.destination_suite()?.settings.clone(),
        })
    }

    async fn parameters(self, context: &Context) -> Result<BTreeMap<String, Parameter>, Ending> {
        let specification = context.connector.specify().await?;
        Ok(match self {
            Self::Source => specification.source_parameters,
            Self::Destination => specification.destination_parameters,
        })
    }

    /// Configures, and tears down at once: this is how Conduit validates settings. The inner result is Configure's.
    async fn configure(self, context: &Context, settings: Settings) -> Result<Result<(), DriverError>, Ending> {
        match self {
            Self::Source => {
                let mut source = context.connector.unconfigured_source().await?;
                let configured = source.configure(settings).await;
                source.teardown().await?;
                source.shutdown().await?;
                Ok(configured)
            }
            Self::Destination => {
                let mut destination = context.connector.unconfigured_destination().await?;
                let configured = destination.configure(settings).await;
                destination.teardown().await?;
                destination.shutdown().await?;
                Ok(configured)
            }
        }
    }

    async fn valid(self, context: &Context) -> Result<(), Ending> {
        self.configure(context, self.settings(context)?).await??;
        Ok(())
    }

    async fn required(self, context: &Context) -> Result<(), Ending> {
        let settings = self.settings(context)?;
        let parameters = self.parameters(context).await?;
        let required: Vec<&String> =
            parameters.iter().filter(|(_, parameter)| parameter.is_required()).map(|(name, _)| name).collect();
        if required.is_empty() {
            return skip("no parameter is required");
        }
        for name in required {
            let mut without = settings.clone();
            if without.remove(name).is_none() && !name.contains('*') {
                return fail(format!("the suite's own settings have no {name}, which is required"));
            }
            self.refused(context, without, &format!("without {name}"), name).await?;
        }
        Ok(())
    }

    async fn invalid(self, context: &Context) -> Result<(), Ending> {
        let settings = self.settings(context)?;
        let parameters = self.parameters(context).await?;
        let mut tried = 0;
        for (name, parameter) in &parameters {
            // `*` stands for a name that the user chooses.
            let name = name.replace('*', "acceptance");
            for value in invalid_values(parameter) {
                let mut with = settings.clone();
                with.insert(name.clone(), value.clone());
                self.refused(context, with, &format!("with {value:?} for {name}"), &name).await?;
                tried += 1;
            }
        }
        if tried == 0 { skip("no parameter has a type or a validation that a value could be against") } else { Ok(()) }
    }

    async fn unknown(self, context: &Context) -> Result<(), Ending> {
        let mut settings = self.settings(context)?;
        settings.insert(UNKNOWN.to_owned(), "1".to_owned());
        self.refused(context, settings, &format!("with the parameter {UNKNOWN}"), UNKNOWN).await
    }

    /// Configure has to fail, with an error that names the parameter.
    async fn refused(self, context: &Context, settings: Settings, how: &str, name: &str) -> Result<(), Ending> {
        match self.configure(context, settings).await? {
            Ok(()) => fail(format!("it was configured {how}")),
            Err(error @ DriverError::Call { .. }) => {
                let named = error.message().is_some_and(|message| message.contains(name));
                ensure(named, || format!("{how}, the error does not name it: {error}"))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// For each of the parameter's type and validations, a value that is against it.
fn invalid_values(parameter: &Parameter) -> Vec<String> {
    let of_type = match parameter.kind {
        ParameterKind::Int | ParameterKind::Float | ParameterKind::Bool | ParameterKind::Duration => Some("nonesuch"),
        ParameterKind::String | ParameterKind::File | ParameterKind::Unspecified => None,
    };
    let of_validation = parameter.validations.iter().filter_map(|validation| match validation {
        // Both are exclusive.
        Validation::GreaterThan(limit) | Validation::LessThan(limit) => Some(limit.clone()),
        Validation::Inclusion(_) => Some("nonesuch".to_owned()),
        // An empty value is none.
        Validation::Exclusion(list) => list.split(',').map(str::trim).find(|it| !it.is_empty()).map(str::to_owned),
        Validation::Regex(regex) => unlike(regex),
        Validation::Required | Validation::Unknown(_) => None,
    });
    let mut values: Vec<String> = of_type.map(str::to_owned).into_iter().chain(of_validation).collect();
    values.sort();
    values.dedup();
    values
}

/// A text that the expression does not match. Nothing when it matches all that are tried, or is one that only Go reads.
fn unlike(regex: &str) -> Option<String> {
    let regex = Regex::new(regex).ok()?;
    ["!", "nonesuch", "0", "-", "a b", "\u{e9}"].into_iter().find(|text| !regex.is_match(text)).map(str::to_owned)
}

pub(super) async fn source(context: &Context) -> Result<(), Ending> {
    Half::Source.valid(context).await
}

pub(super) async fn source_required(context: &Context) -> Result<(), Ending> {
    Half::Source.required(context).await
}

pub(super) async fn source_unknown(context: &Context) -> Result<(), Ending> {
    Half::Source.unknown(context).await
}

pub(super) async fn destination(context: &Context) -> Result<(), Ending> {
    Half::Destination.valid(context).await
}

pub(super) async fn destination_required(context: &Context) -> Result<(), Ending> {
    Half::Destination.required(context).await
}

pub(super) async fn source_invalid(context: &Context) -> Result<(), Ending> {
    Half::Source.invalid(context).await
}

pub(super) async fn destination_invalid(context: &Context) -> Result<(), Ending> {
    Half::Destination.invalid(context).await
}

pub(super) async fn destination_unknown(context: &Context) -> Result<(), Ending> {
    Half::Destination.unknown(context).await
}

pub(super) async fn source_lifecycle(context: &Context) -> Result<(), Ending> {
    let settings = &context.source_suite()?.settings;
    let mut source = context.source().await?;
    source.on_created(settings.clone()).await?;
    source.on_updated(settings.clone(), settings.clone()).await?;
    source.on_deleted(settings.clone()).await?;
    source.teardown().await?;
    source.shutdown().await?;
    Ok(())
}

pub(super) async fn destination_lifecycle(context: &Context) -> Result<(), Ending> {
    let settings = &context.destination_suite()?.settings;
    let mut destination = context.destination().await?;
    destination.on_created(settings.clone()).await?;
    destination.on_updated(settings.clone(), settings.clone()).await?;
    destination.on_deleted(settings.clone()).await?;
    destination.teardown().await?;
    destination.shutdown().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_against_each_type_and_validation() {
        let parameter = |kind, validations: &[Validation]| Parameter {
            kind,
            validations: validations.to_vec(),
            ..Parameter::default()
        };
        let text = String::from;
        let values = invalid_values(&parameter(
            ParameterKind::Int,
            &[Validation::Required, Validation::GreaterThan(text("-1")), Validation::LessThan(text("10"))],
        ));
        assert_eq!(values, ["-1", "10", "nonesuch"]);
        let values = invalid_values(&parameter(
            ParameterKind::String,
            &[
                Validation::Inclusion(text("a,b")),
                Validation::Exclusion(text(" ,c")),
                Validation::Regex(text("^[a-z]*$")),
            ],
        ));
        assert_eq!(values, ["!", "c", "nonesuch"]);
        assert!(invalid_values(&parameter(ParameterKind::String, &[Validation::Regex(text(".*"))])).is_empty());
    }
}
