//! Words that somebody may have meant.

/// The candidates nearest to `word`, nearest first, at most five.
pub(crate) fn to<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Vec<&'c str> {
    const MOST: usize = 5;
    let word = word.to_lowercase();
    let near = |candidate: &'c str| {
        let other = candidate.to_lowercase();
        let distance = distance(&word, &other);
        let within = !word.is_empty() && (other.contains(&word) || word.contains(&other));
        (within || distance <= 1 + word.chars().count() / 4).then_some((distance, candidate))
    };
    let mut found: Vec<_> = candidates.into_iter().filter_map(near).collect();
    found.sort_unstable();
    found.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}

/// The words in a sentence, each in backticks.
pub(crate) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// How many letters must be put in, taken out or exchanged (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let kept = before + usize::from(from != *to);
            before = row[j + 1];
            row[j + 1] = kept.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_parts_are_near() {
        let names = ["displayName", "description", "tags", "paymentMethodIdentifier"];
        assert_eq!(to("displayname", names), ["displayName"]);
        assert_eq!(to("descripton", names), ["description"]);
        assert_eq!(to("payment", names), ["paymentMethodIdentifier"]);
        assert!(to("colour", names).is_empty());
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
