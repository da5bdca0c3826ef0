//! The least confidence that a caller asks for: a number, or whatever the model's card recommends.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type},
    },
};

/// Asks for what the model's card recommends.
pub(crate) const RECOMMENDED: &str = "recommended";

/// As it was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MinConfidence {
    /// 0 to 1.
    AtLeast(f32),
    /// What the model's card has.
    Recommended,
}

impl MinConfidence {
    /// From a request's text.
    ///
    /// # Errors
    ///
    /// A sentence's end that says what is wrong.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text == RECOMMENDED {
            return Ok(Self::Recommended);
        }
        match text.parse() {
            Ok(least) if (0.0..=1.0).contains(&least) => Ok(Self::AtLeast(least)),
            _ => {
                let shown: String = text.chars().take(40).collect();
                Err(format!("{shown:?} is neither a number from 0 to 1 nor {RECOMMENDED:?}"))
            }
        }
    }
}

impl PartialSchema for MinConfidence {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Number, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Float)))
            .minimum(Some(0))
            .maximum(Some(1));
        let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([RECOMMENDED]));
        let description = "A reading that is less sure is none: the job fails as `low-confidence`. `recommended` is the \
                           model's `recommended_min_confidence`.";
        Schema::from(AnyOfBuilder::new().item(number).item(name).description(Some(description))).into()
    }
}

impl ToSchema for MinConfidence {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_number_or_the_recommended_one() {
        assert_eq!(MinConfidence::read("0.25"), Ok(MinConfidence::AtLeast(0.25)));
        assert_eq!(MinConfidence::read("recommended"), Ok(MinConfidence::Recommended));
        for text in ["1.01", "-0.1", "NaN", "", "Recommended", "often"] {
            assert!(MinConfidence::read(text).is_err(), "{text}");
        }
    }
}
