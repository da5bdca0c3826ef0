//! The members of a JSON object as they come, those that are there twice as well. What no member of a job is, a list or an
//! object, is passed over and not kept, since it would take many times as much memory as text.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor},
};
use serde_json::Number;

/// More than any object has that is read here.
const MOST: usize = 64;

/// Each with its name, in their order.
pub(crate) struct Members(Vec<(String, Member)>);

/// What a member holds.
pub(crate) enum Member {
    Null,
    Text(String),
    Number(Number),
    Other,
}

impl Members {
    /// Takes out all that are called so.
    pub(crate) fn take(&mut self, name: &str) -> Vec<Member> {
        self.0.extract_if(.., |(known, _)| known == name).map(|(_, member)| member).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.0.iter().map(|(name, member)| (name.as_str(), member))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            // The usual error would repeat all of it.
            fn visit_str<E: Error>(self, _: &str) -> Result<Members, E> {
                Err(E::invalid_type(Unexpected::Other("a string"), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MOST {
                        return Err(A::Error::custom(format!("it has more than {MOST} members")));
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_any(InOrder)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Member;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Member, E> {
                Ok(Member::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
                Ok(Member::Other)
            }

            fn visit_u64<E>(self, number: u64) -> Result<Member, E> {
                Ok(Member::Number(number.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Member, E> {
                Ok(Member::Number(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Member, E> {
                Ok(Number::from_f64(number).map_or(Member::Other, Member::Number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Member, E> {
                Ok(Member::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Member, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Member::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Member::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}
