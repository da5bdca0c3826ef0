//! What requests hold: the three forms of a picture with its options, and parameters.

use byecaptcha_queue::{BatchId, JobId};
use serde_json::json;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, RefOr, Required, Schema,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{
            AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, SchemaFormat, SchemaType, Type,
        },
    },
};

use super::{answers::binary, examples};
use crate::{
    idempotency,
    options::{LARGEST, Options},
    problem,
};

/// The picture alone.
pub(crate) enum Picture {}

impl PartialSchema for Picture {
    fn schema() -> RefOr<Schema> {
        Schema::from(binary().description(Some("A PNG, JPEG, GIF, WebP or BMP file."))).into()
    }
}

impl ToSchema for Picture {}

/// The picture in a form, with options beside it.
pub(crate) enum JobForm {}

impl PartialSchema for JobForm {
    fn schema() -> RefOr<Schema> {
        let image = binary().description(Some("The picture, a file; the field may be called `file`, too."));
        let mut form = options();
        for option in form.properties.values_mut() {
            *option = or_blank(without_null(std::mem::take(option)));
        }
        with_image(form, image, "The picture with its options; a blank field asks for nothing.")
    }
}

impl ToSchema for JobForm {}

/// The picture in base64, with options beside it.
pub(crate) enum JobRequest {}

impl PartialSchema for JobRequest {
    fn schema() -> RefOr<Schema> {
        let image = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Byte)))
            .content_encoding("base64")
            .description(Some("The picture in base64, alone or as a `data:` URL."));
        with_image(options(), image, "The picture with its options; null asks for nothing.")
    }
}

impl ToSchema for JobRequest {}

/// Lines of JSON, one for each picture of a batch.
pub(crate) enum BatchLines {}

impl PartialSchema for BatchLines {
    fn schema() -> RefOr<Schema> {
        let lines = ObjectBuilder::new().schema_type(Type::String).description(Some(
            "A line of JSON for each picture: a `JobRequest` that may also have a `custom_id`. A line that cannot be read \
             is refused in its own row.",
        ));
        Schema::from(lines).into()
    }
}

impl ToSchema for BatchLines {}

/// An archive with a picture in each entry.
pub(crate) enum BatchArchive {}

impl PartialSchema for BatchArchive {
    fn schema() -> RefOr<Schema> {
        let archive =
            binary().description(Some("A ZIP archive; each file in it is a picture, named as its path."));
        Schema::from(archive).into()
    }
}

impl ToSchema for BatchArchive {}

/// A form with many pictures.
pub(crate) enum BatchForm {}

impl PartialSchema for BatchForm {
    fn schema() -> RefOr<Schema> {
        let files = ArrayBuilder::new().items(binary()).min_items(Some(1)).description(Some("The pictures."));
        let mut form = batch_options();
        for option in form.properties.values_mut() {
            *option = or_blank(without_null(std::mem::take(option)));
        }
        form.description = Some("Options first, then a file for each picture.".to_owned());
        form.properties.insert("file".to_owned(), Schema::from(files).into());
        form.required.push("file".to_owned());
        form.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        Schema::from(form).into()
    }
}

impl ToSchema for BatchForm {}

/// The same or blank, as a browser sends a field that nothing was written into.
fn or_blank(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) if object.schema_type == Type::String.into() => {
            object.min_length = None;
            Schema::from(object).into()
        }
        filled => {
            let blank = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([""]));
            Schema::from(AnyOfBuilder::new().item(filled).item(blank)).into()
        }
    }
}

fn with_image(mut form: Object, image: ObjectBuilder, description: &str) -> RefOr<Schema> {
    form.description = Some(description.to_owned());
    form.properties.insert("image".to_owned(), Schema::from(image).into());
    form.required.push("image".to_owned());
    form.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    Schema::from(form).into()
}

/// Options as an object.
fn options() -> Object {
    match Options::schema() {
        RefOr::T(Schema::Object(object)) => object,
        _ => Object::default(),
    }
}

/// The same for a batch, all of whose jobs are bulk jobs.
fn batch_options() -> Object {
    let mut options = options();
    options.properties.remove("queue");
    options
}

/// The same where there is no null: in addresses and in forms.
fn without_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(types) = &object.schema_type
                && let Some(of_value) = types.iter().find(|of_value| **of_value != Type::Null)
            {
                object.schema_type = of_value.clone().into();
            }
            Schema::from(object).into()
        }
        RefOr::T(Schema::OneOf(of)) => {
            let null = SchemaType::from(Type::Null);
            let is_null = |item: &RefOr<Schema>| matches!(item, RefOr::T(Schema::Object(object)) if object.schema_type == null);
            of.items.into_iter().find(|item| !is_null(item)).unwrap_or_default()
        }
        RefOr::T(Schema::AnyOf(mut of)) => {
            of.items = of.items.into_iter().map(without_null).collect();
            Schema::from(of).into()
        }
        other => other,
    }
}

impl IntoParams for Options {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        in_address(options())
    }
}

/// Options in the address of a batch.
pub(crate) enum BatchOptions {}

impl IntoParams for BatchOptions {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        in_address(batch_options())
    }
}

fn in_address(options: Object) -> Vec<Parameter> {
    let parameter = |(name, schema)| parameter(name, ParameterIn::Query, without_null(schema)).build();
    options.properties.into_iter().map(parameter).collect()
}

fn parameter(
    name: impl Into<String>,
    place: ParameterIn,
    schema: impl Into<RefOr<Schema>>,
) -> ParameterBuilder {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(schema))
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident: $parameter:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) enum $name {}

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$parameter.build()]
            }
        }
    )*};
}

parameters! {
    /// Which job.
    Id: parameter("id", ParameterIn::Path, JobId::schema())
        .description(Some("The job's id, as its answer and its `Location` have it."));
    /// Which batch.
    BatchOf: parameter("id", ParameterIn::Path, BatchId::schema())
        .description(Some("The batch's id, as its answer and its `Location` have it."));
    /// Where a page begins.
    After: parameter("after", ParameterIn::Query,
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(LARGEST as f64)))
        .description(Some("The number of the last row that is not wanted."));
    /// How long a page is.
    Limit: parameter("limit", ParameterIn::Query,
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(10_000)))
        .description(Some("Most rows; 1,000 by default, and without an end with `follow`."));
    /// How rows are written.
    TableFormat: parameter("format", ParameterIn::Query,
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["jsonl", "csv"])))
        .description(Some("Lines of JSON or CSV; by `Accept` where it is not given."));
    /// Whether to wait for every end.
    Follow: parameter("follow", ParameterIn::Query, ObjectBuilder::new().schema_type(Type::Boolean))
        .description(Some("Has the answer go on until every row is there, each once its job has ended."));
    /// Which problem type.
    ProblemName: parameter("name", ParameterIn::Path,
            ObjectBuilder::new().schema_type(Type::String)
                .enum_values(Some(problem::ALL.iter().map(|kind| kind.name))))
        .description(Some("The last part of the problem's `type`."));
    /// How long the answer may be held.
    Wait: parameter("Prefer", ParameterIn::Header, ObjectBuilder::new().schema_type(Type::String))
        .description(Some("`wait=N` (RFC 7240) holds the answer until the job has ended, for up to N seconds, 25 at most."))
        .example(Some(json!("wait=10")));
    /// What makes a submission safe to repeat.
    IdempotencyKey: parameter("Idempotency-Key", ParameterIn::Header,
            ObjectBuilder::new().schema_type(Type::String).pattern(Some(idempotency::FORM)))
        .description(Some("Sent again under the same key, with or without quotes, the same picture with the same options \
            is the same job, for a day."))
        .example(Some(json!(examples::KEY)));
}
