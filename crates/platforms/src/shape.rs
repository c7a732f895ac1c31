//! JSON whose members depend on a `type`, told as tables: one description of each field drives validation,
//! defaults, secrets, answers and the API description (`api-platforms.md` §2, §5.4, §6.2).

mod read;
mod schema;

pub use read::{check_types, read};
pub use schema::openapi;

/// A member of an object.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there, and what stands for it if not.
    pub mode: Mode,
    /// What it holds.
    pub shape: Shape,
    /// What it is, for people.
    pub about: &'static str,
}

/// Whether a member must be there, and what stands for it if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It must.
    Must,
    /// Absent stays absent.
    May,
    /// Absent is `false`.
    OrFalse,
    /// Absent is this number.
    Or(i64),
    /// Absent is an empty list.
    OrNone,
    /// Absent is an empty object, with the defaults of its own members.
    OrEmpty,
}

/// What a value holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text, also an empty one.
    Text,
    /// A text with a form of its own: the regular expression, and the rule in words.
    Form(&'static str, &'static str),
    /// A name template; group names may also use the alias of a role (`domain-platforms.md` §6.6).
    Pattern(crate::template::Names),
    /// True or false.
    Flag,
    /// A whole number.
    Whole,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A credential: written in plaintext, shown as hash.
    Secret,
    /// Texts, at least so many.
    Texts(usize),
    /// A reference by name to this kind.
    Named(&'static str),
    /// An object.
    Object(&'static [Field]),
    /// Objects.
    List(&'static [Field]),
    /// `type`, and the one member that it names.
    Union(&'static [Variant]),
}

/// One choice of a [`Shape::Union`].
#[derive(Debug)]
pub struct Variant {
    /// Its `type`, and the name of its member.
    pub name: &'static str,
    /// What the member holds; none when this type has no member.
    pub shape: Option<Shape>,
    /// What it is, for people.
    pub about: &'static str,
}

/// Fields, one a line: name, mode, shape, meaning.
macro_rules! fields {
    ($($name:ident $mode:ident$(($default:expr))?: $shape:expr, $about:literal;)*) => {
        &[$($crate::shape::Field {
            name: stringify!($name),
            mode: $crate::shape::Mode::$mode$(($default))?,
            shape: $shape,
            about: $about,
        }),*]
    };
}
pub(crate) use fields;

/// Variants of a union, one a line: name, shape, meaning.
macro_rules! variants {
    ($($name:ident $shape:expr, $about:literal;)*) => {
        &[$($crate::shape::Variant { name: stringify!($name), shape: $shape, about: $about }),*]
    };
}
pub(crate) use variants;
