//! A form of several parts (`multipart/form-data`), as GitLab takes triggers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Fields and their texts.
#[derive(Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn add(&mut self, name: &str, text: &str) {
        self.fields.push((name.to_owned(), text.to_owned()));
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary())
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let boundary = self.boundary();
        let mut bytes = Vec::new();
        for (name, text) in &self.fields {
            // As browsers write names that could end the header.
            let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        bytes
    }

    /// A line that no text can hold: it is made of all of them.
    fn boundary(&self) -> String {
        let mut all = Sha256::new();
        for (name, text) in &self.fields {
            all.update(name);
            all.update([0]);
            all.update(text);
            all.update([0]);
        }
        format!("stoa-{}", URL_SAFE_NO_PAD.encode(all.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn fields_stand_between_boundaries() {
        let mut form = Form::new();
        form.add("token", "t");
        form.add("variables[a\"b]", "two\r\nlines");
        let text = String::from_utf8(form.bytes()).unwrap();
        let boundary = form.content_type().split_once("boundary=").unwrap().1.to_owned();
        assert_eq!(
            text,
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nt\r\n--{boundary}\r\n\
                 Content-Disposition: form-data; name=\"variables[a%22b]\"\r\n\r\ntwo\r\nlines\r\n--{boundary}--\r\n"
            )
        );
    }
}
