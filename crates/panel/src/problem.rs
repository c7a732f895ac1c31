//! What the API refused, and the page that says so.

use serde_json::Value;

/// An answer of the API that is not a success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// `errorCode`.
    pub code: String,
    /// What is wrong, for people.
    pub message: String,
    /// Fields or objects that it is about.
    pub remarks: Vec<String>,
    /// Request id, to be quoted.
    pub request: String,
}

impl Problem {
    /// Reads the body of an answer.
    pub fn read(status: u16, body: &Value, request: &str) -> Self {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let remarks = body["remarks"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            status,
            code: text("errorCode"),
            message: text("message"),
            remarks: remarks.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            request: request.to_owned(),
        }
    }

    /// Something that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: 404, code: "NotFound".into(), message: message.into(), ..Self::default() }
    }

    /// Something that the caller may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { status: 403, code: "Forbidden".into(), message: message.into(), ..Self::default() }
    }

    /// A value of a form that is refused before the API is asked.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self {
            status: 422,
            code: "BadRequest".into(),
            message: message.into(),
            remarks: vec![field.to_owned()],
            ..Self::default()
        }
    }

    /// Whether the person can mend it in the form: then the form is shown again.
    pub fn is_about_input(&self) -> bool {
        matches!(self.status, 400 | 409 | 413 | 422)
    }
}
