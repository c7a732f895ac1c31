//! The pieces that pages of the platform builder are put together of: tables, forms, facts, notes. One template shows
//! them all, so pages that do the same look the same.

use crate::ctx::{Answer, Ctx};
use crate::form::Form;
use crate::listing::Listing;
use crate::parts::filters;
use crate::run::RunView;
use crate::shell::Shell;
use askama::Template;
use http::StatusCode;

/// A page put together of pieces.
#[derive(Template)]
#[template(path = "build/page.html")]
pub struct Page {
    shell: Shell,
    actions: Vec<Go>,
    pieces: Vec<Piece>,
}

impl Page {
    /// An empty page.
    pub fn new(shell: Shell) -> Self {
        Self { shell, actions: Vec::new(), pieces: Vec::new() }
    }

    /// Adds a button beside the heading, if `shown`.
    #[must_use]
    pub fn action(mut self, shown: bool, go: Go) -> Self {
        if shown {
            self.actions.push(go);
        }
        self
    }

    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, piece: impl Into<Piece>) -> Self {
        self.pieces.push(piece.into());
        self
    }

    /// Adds a piece, if there is one.
    #[must_use]
    pub fn maybe(mut self, piece: Option<impl Into<Piece>>) -> Self {
        self.pieces.extend(piece.map(Into::into));
        self
    }

    /// The page as an answer.
    pub fn shown(&self, ctx: &Ctx) -> Answer {
        ctx.page(self)
    }

    /// The page as the answer to a form that was refused.
    pub fn refused(&self, ctx: &Ctx) -> Answer {
        ctx.page_as(StatusCode::UNPROCESSABLE_ENTITY, self)
    }
}

/// One piece of a page.
pub enum Piece {
    /// Rows.
    Grid(Grid),
    /// A form.
    Sheet(Sheet),
    /// Names and values.
    Facts(Facts),
    /// Something to know.
    Note(Note),
    /// Markdown of somebody.
    Prose(String, String),
    /// A text as it is, to be copied.
    Verbatim(String, String),
    /// Numbers that lead somewhere.
    Tiles(Vec<Tile>),
    /// A run as it goes.
    Run(Box<RunView>),
}

macro_rules! pieces {
    ($($name:ident)*) => { $(impl From<$name> for Piece {
        fn from(piece: $name) -> Self {
            Self::$name(piece)
        }
    })* };
}
pieces!(Grid Sheet Facts Note);

/// A link that looks like a button.
#[derive(Clone, Debug)]
pub struct Go {
    label: String,
    href: String,
    icon: &'static str,
    is_primary: bool,
}

impl Go {
    /// A plain one.
    pub fn to(label: &str, href: impl Into<String>, icon: &'static str) -> Self {
        Self { label: label.to_owned(), href: href.into(), icon, is_primary: false }
    }

    /// What the page is for.
    #[must_use]
    pub fn primary(mut self) -> Self {
        self.is_primary = true;
        self
    }
}

/// A button of a form; it sends `do` with its value.
#[derive(Clone, Debug)]
pub struct Button {
    label: String,
    value: String,
    icon: &'static str,
    tone: &'static str,
    is_bare: bool,
}

impl Button {
    /// A plain one.
    pub fn new(label: &str, value: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into(), icon: "", tone: "", is_bare: false }
    }

    /// What the form is for.
    pub fn primary(label: &str, value: impl Into<String>) -> Self {
        Self { tone: "btn-primary", ..Self::new(label, value) }
    }

    /// What takes something away.
    pub fn danger(label: &str, value: impl Into<String>) -> Self {
        Self { tone: "btn-danger", ..Self::new(label, value) }
    }

    /// An icon alone; what it does is told to who cannot see it.
    pub fn icon(label: &str, value: impl Into<String>, icon: &'static str) -> Self {
        Self { icon, is_bare: true, ..Self::new(label, value) }
    }
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub enum Cell {
    /// A text.
    Text(String),
    /// What a row is about: name, where it leads, a line below.
    Name(String, String, String),
    /// The same with its icon.
    Pictured(String, String, String, String),
    /// A state.
    State(String),
    /// A moment.
    Ago(String),
    /// An identifier to copy.
    Copy(String),
    /// A text that leads somewhere.
    Link(String, String),
    /// A box to tick: field, value, what it says to who cannot see.
    Tick(String, String, String),
    /// Buttons of the form around the table.
    Buttons(Vec<Button>),
}

impl Cell {
    /// A text.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }
}

/// A table, with what is around it.
#[derive(Default)]
pub struct Grid {
    title: String,
    about: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    listing: Option<Listing>,
    empty: (String, String),
    start: Option<Go>,
    form: Option<(String, String)>,
    hidden: Vec<(String, String)>,
    submits: Vec<Button>,
    filters: Vec<Filter>,
}

/// A choice above a table that narrows it.
pub struct Filter {
    name: &'static str,
    label: String,
    options: Vec<(String, String)>,
}

impl Grid {
    /// A table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|label| (*label).to_owned()).collect(), ..Self::default() }
    }

    /// Its heading, and a sentence.
    #[must_use]
    pub fn titled(mut self, title: &str, about: &str) -> Self {
        (self.title, self.about) = (title.to_owned(), about.to_owned());
        self
    }

    /// Its rows.
    #[must_use]
    pub fn rows(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows = rows.into_iter().collect();
        self
    }

    /// Search and pages.
    #[must_use]
    pub fn listed(mut self, listing: Listing) -> Self {
        self.listing = Some(listing);
        self
    }

    /// What stands in the place of no rows.
    #[must_use]
    pub fn empty(mut self, title: &str, about: &str) -> Self {
        self.empty = (title.to_owned(), about.to_owned());
        self
    }

    /// What to begin with when there are no rows.
    #[must_use]
    pub fn start(mut self, shown: bool, go: Go) -> Self {
        self.start = shown.then_some(go);
        self
    }

    /// A form around the rows, with the buttons below them.
    #[must_use]
    pub fn form(mut self, action: impl Into<String>, csrf: &str, submits: Vec<Button>) -> Self {
        self.form = Some((action.into(), csrf.to_owned()));
        self.submits = submits;
        self
    }

    /// A value that travels with the form.
    #[must_use]
    pub fn hidden(mut self, name: &str, value: impl Into<String>) -> Self {
        self.hidden.push((name.to_owned(), value.into()));
        self
    }

    /// A choice that narrows the list: the field of the address, what it is, values with words.
    #[must_use]
    pub fn filter(mut self, name: &'static str, label: &str, options: &[(&str, &str)]) -> Self {
        let options = options.iter().map(|(value, word)| ((*value).to_owned(), (*word).to_owned())).collect();
        self.filters.push(Filter { name, label: label.to_owned(), options });
        self
    }

    fn is_filtered(&self) -> bool {
        self.listing.as_ref().is_some_and(Listing::is_filtered)
    }

    /// The label of a column, for narrow screens.
    fn label(&self, index: usize) -> &str {
        self.columns.get(index).map_or("", String::as_str)
    }
}

/// Names and values.
#[derive(Default)]
pub struct Facts {
    title: String,
    rows: Vec<(String, Cell)>,
}

impl Facts {
    /// With a heading.
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), rows: Vec::new() }
    }

    /// Adds a line; empty texts are left out.
    #[must_use]
    pub fn line(mut self, name: &str, cell: Cell) -> Self {
        let is_empty = match &cell {
            Cell::Text(text)
            | Cell::State(text)
            | Cell::Ago(text)
            | Cell::Copy(text)
            | Cell::Link(text, _)
            | Cell::Name(text, ..) => text.is_empty(),
            _ => false,
        };
        if !is_empty {
            self.rows.push((name.to_owned(), cell));
        }
        self
    }
}

/// Something to know.
pub struct Note {
    tone: &'static str,
    icon: &'static str,
    title: String,
    text: String,
    lines: Vec<(bool, String, String)>,
    form: Option<(String, String, Button)>,
}

impl Note {
    fn new(tone: &'static str, icon: &'static str, title: &str, text: impl Into<String>) -> Self {
        Self { tone, icon, title: title.to_owned(), text: text.into(), lines: Vec::new(), form: None }
    }

    /// Good to know.
    pub fn info(title: &str, text: impl Into<String>) -> Self {
        Self::new("info", "info-circle", title, text)
    }

    /// To be looked at.
    pub fn warn(title: &str, text: impl Into<String>) -> Self {
        Self::new("warning", "alert-triangle", title, text)
    }

    /// Wrong.
    pub fn bad(title: &str, text: impl Into<String>) -> Self {
        Self::new("danger", "alert-circle", title, text)
    }

    /// As it should be.
    pub fn good(title: &str, text: impl Into<String>) -> Self {
        Self::new("success", "circle-check", title, text)
    }

    /// A line of a list of things to do: whether it is done, what it is, where it is done.
    #[must_use]
    pub fn step(mut self, done: bool, text: &str, href: impl Into<String>) -> Self {
        self.lines.push((done, text.to_owned(), href.into()));
        self
    }

    /// A button that sends a form.
    #[must_use]
    pub fn button(mut self, shown: bool, action: impl Into<String>, csrf: &str, button: Button) -> Self {
        if shown {
            self.form = Some((action.into(), csrf.to_owned(), button));
        }
        self
    }
}

/// A number that leads somewhere.
pub struct Tile {
    /// The number.
    pub count: u64,
    /// What it counts.
    pub label: String,
    /// Where these are.
    pub href: String,
    /// Name in the sprite.
    pub icon: &'static str,
    /// Whether it is good when there are none.
    pub is_trouble: bool,
}

/// How a field is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One line.
    Text,
    /// A number.
    Number,
    /// Lines that are never shown again.
    SecretLines,
    /// Several lines.
    Lines(u8),
    /// One of its options.
    Choice,
    /// Yes or no.
    Switch,
    /// Any of its options.
    Several,
    /// A small image as a data URI.
    Image,
}

/// A field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    name: String,
    label: String,
    help: String,
    kind: Kind,
    is_required: bool,
    options: Vec<(String, String)>,
}

impl Field {
    /// A field; it may be left empty.
    pub fn new(kind: Kind, name: impl Into<String>, label: &str) -> Self {
        Self {
            name: name.into(),
            label: label.to_owned(),
            help: String::new(),
            kind,
            is_required: false,
            options: Vec::new(),
        }
    }

    /// One line.
    pub fn text(name: &str, label: &str) -> Self {
        Self::new(Kind::Text, name, label)
    }

    /// It must be filled.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// A sentence about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// What may be chosen: value and words.
    #[must_use]
    pub fn options<V: Into<String>, W: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (V, W)>,
    ) -> Self {
        self.options = options.into_iter().map(|(value, word)| (value.into(), word.into())).collect();
        self
    }
}

/// What stands in a form.
pub enum Entry {
    /// A heading and a sentence.
    Heading(String, String),
    /// A field.
    Field(Field),
}

/// A form.
pub struct Sheet {
    title: String,
    about: String,
    action: String,
    csrf: String,
    form: Form,
    entries: Vec<Entry>,
    hidden: Vec<(String, String)>,
    submits: Vec<Button>,
    cancel: Option<String>,
    is_locked: bool,
    is_guarded: bool,
}

impl Sheet {
    /// A form that goes to `action`.
    pub fn new(shell: &Shell, action: impl Into<String>, form: Form) -> Self {
        Self {
            title: String::new(),
            about: String::new(),
            action: action.into(),
            csrf: shell.csrf.clone(),
            form,
            entries: Vec::new(),
            hidden: Vec::new(),
            submits: Vec::new(),
            cancel: None,
            is_locked: false,
            is_guarded: true,
        }
    }

    /// Its heading, and a sentence.
    #[must_use]
    pub fn titled(mut self, title: &str, about: &str) -> Self {
        (self.title, self.about) = (title.to_owned(), about.to_owned());
        self
    }

    /// A heading within it.
    #[must_use]
    pub fn heading(mut self, title: &str, about: &str) -> Self {
        self.entries.push(Entry::Heading(title.to_owned(), about.to_owned()));
        self
    }

    /// A field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.entries.push(Entry::Field(field));
        self
    }

    /// Fields.
    #[must_use]
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.entries.extend(fields.into_iter().map(Entry::Field));
        self
    }

    /// A value that travels with it.
    #[must_use]
    pub fn hidden(mut self, name: &str, value: impl Into<String>) -> Self {
        self.hidden.push((name.to_owned(), value.into()));
        self
    }

    /// What stands in its fields.
    #[must_use]
    pub fn filled(mut self, values: Vec<(String, String)>) -> Self {
        self.form.fields.0.extend(values);
        self
    }

    /// A button.
    #[must_use]
    pub fn submit(mut self, button: Button) -> Self {
        self.submits.push(button);
        self
    }

    /// Where one goes who does not want to.
    #[must_use]
    pub fn cancel(mut self, href: impl Into<String>) -> Self {
        self.cancel = Some(href.into());
        self
    }

    /// To be read only.
    #[must_use]
    pub fn locked(mut self, is_locked: bool) -> Self {
        self.is_locked = is_locked;
        self
    }

    /// A short form that nobody minds losing.
    #[must_use]
    pub fn unguarded(mut self) -> Self {
        self.is_guarded = false;
        self
    }
}
