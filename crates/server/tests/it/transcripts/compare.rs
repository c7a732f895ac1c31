//! Bodies compared with what a transcript expects.

use serde_json::Value;

/// Whether a value is what a placeholder such as `<uuid>` stands for; `None` if the text is no placeholder.
fn stands_for(expected: &Value, found: &Value) -> Option<bool> {
    let text = || found.as_str().unwrap_or_default();
    Some(match expected.as_str()? {
        "<any>" => true,
        "<string>" => found.is_string(),
        "<number>" => found.is_i64() || found.is_u64(),
        "<uuid>" => {
            let is_place = |at: usize| [8, 13, 18, 23].contains(&at);
            let fits = |(at, byte): (usize, u8)| match byte {
                b'-' => is_place(at),
                byte => !is_place(at) && matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            };
            text().len() == 36 && text().bytes().enumerate().all(fits)
        }
        "<instant>" => {
            let text = text();
            text.ends_with('Z') && text.len() == 20 && text.as_bytes()[10] == b'T'
        }
        "<hash>" => text().split_once(':').is_some_and(|(name, hash)| {
            name.ends_with("sha256") && hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())
        }),
        _ => return None,
    })
}

fn below(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Where `found` is not exactly what is expected, but for the pointers to ignore.
pub fn differences(found: &Value, expected: &Value, place: &str, ignore: &[String]) -> Vec<String> {
    if ignore.iter().any(|pointer| pointer == place) {
        return Vec::new();
    }
    match (found, expected) {
        (Value::Object(has), Value::Object(wants)) => {
            let mut wrong = Vec::new();
            for (name, member) in wants {
                let at = below(place, name);
                match has.get(name) {
                    Some(value) => wrong.extend(differences(value, member, &at, ignore)),
                    None if ignore.contains(&at) => {}
                    None => wrong.push(format!("{at} is missing")),
                }
            }
            for (name, value) in has.iter().filter(|(name, _)| !wants.contains_key(*name)) {
                let at = below(place, name);
                if !ignore.contains(&at) {
                    wrong.push(format!("{at} was not expected: {value}"));
                }
            }
            wrong
        }
        (Value::Array(has), Value::Array(wants)) if has.len() == wants.len() => {
            let pairs = has.iter().zip(wants).enumerate();
            pairs
                .flat_map(|(n, (value, member))| differences(value, member, &format!("{place}/{n}"), ignore))
                .collect()
        }
        _ => single(found, expected, place),
    }
}

/// Where what is expected is not in `found`: other members of objects do not matter, items of lists do.
pub fn part_differences(found: &Value, expected: &Value, place: &str) -> Vec<String> {
    match (found, expected) {
        (Value::Object(has), Value::Object(wants)) => wants
            .iter()
            .flat_map(|(name, member)| {
                let at = below(place, name);
                match has.get(name) {
                    Some(value) => part_differences(value, member, &at),
                    None => vec![format!("{at} is missing in {found}")],
                }
            })
            .collect(),
        (Value::Array(has), Value::Array(wants)) if has.len() == wants.len() => {
            let pairs = has.iter().zip(wants).enumerate();
            pairs
                .flat_map(|(n, (value, member))| part_differences(value, member, &format!("{place}/{n}")))
                .collect()
        }
        _ => single(found, expected, place),
    }
}

fn single(found: &Value, expected: &Value, place: &str) -> Vec<String> {
    let is_same = stands_for(expected, found).unwrap_or_else(|| {
        // `10000` and `10000.0` are the same number and not the same text.
        found == expected && found.is_f64() == expected.is_f64()
    });
    if is_same { Vec::new() } else { vec![format!("{place} is {found}, not {expected}")] }
}
