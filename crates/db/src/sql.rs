//! Statements, and which engine they run on.

/// The two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// A file beside the process.
    Sqlite,
    /// A server, shared by several processes.
    Postgres,
}

/// A statement, with parameters `$1`, `$2` that are bound by number.
#[derive(Clone, Debug)]
pub struct Sql(Text);

#[derive(Clone, Debug)]
enum Text {
    Same(&'static str),
    Differs { lite: &'static str, postgres: &'static str },
    Built(String),
}

impl Sql {
    /// A statement both engines understand.
    pub const fn new(text: &'static str) -> Self {
        Self(Text::Same(text))
    }

    /// A statement that must be said differently to each engine.
    pub const fn differs(lite: &'static str, postgres: &'static str) -> Self {
        Self(Text::Differs { lite, postgres })
    }

    /// A statement put together at run time, from fixed column names and numbered parameters only: never
    /// from what somebody sent.
    pub const fn built(text: String) -> Self {
        Self(Text::Built(text))
    }

    /// The text for an engine.
    pub fn text(&self, engine: Engine) -> &str {
        match &self.0 {
            Text::Same(text) => text,
            Text::Built(text) => text,
            Text::Differs { lite, postgres } => match engine {
                Engine::Sqlite => lite,
                Engine::Postgres => postgres,
            },
        }
    }
}
