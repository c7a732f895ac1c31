//! Passwords: what makes one, and its hash. Hashing takes tens of milliseconds and tens of mebibytes on purpose, so
//! it is done beside the async threads, a few at a time, and never inside a transaction.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString, rand_core::OsRng};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::LazyLock;
use stoa_base::Refusal;
use stoa_core::{Fault, Outcome};
use tokio::sync::Semaphore;

/// Shortest password in characters.
const SHORTEST: usize = 10;
/// Longest password in bytes: hashing takes time.
const LONGEST: usize = 512;
/// Cost of a hash: 19 MiB, twice over.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// How many are hashed at a time.
const AT_A_TIME: usize = 4;
/// The commonest among those that are long enough.
const COMMON: [&str; 8] = [
    "1234567890",
    "0123456789",
    "qwertyuiop",
    "password12",
    "password123",
    "passwordpassword",
    "administrator",
    "letmeinplease",
];

static GATE: Semaphore = Semaphore::const_new(AT_A_TIME);

fn hasher() -> Outcome<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| Fault::Crypto { what: "Argon2" })?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Refuses what is no password for somebody of this name.
pub fn check(field: &'static str, password: &str, username: &str) -> Result<(), Refusal> {
    let refuse = |problem: String| Err(Refusal::invalid(field, problem));
    if password.chars().count() < SHORTEST {
        return refuse(format!("must have at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return refuse(format!("must have at most {LONGEST} bytes"));
    }
    let plain = password.to_lowercase();
    let first = plain.chars().next();
    if plain == username.to_lowercase()
        || COMMON.contains(&plain.as_str())
        || plain.chars().all(|c| Some(c) == first)
    {
        return refuse("is too easy to guess".into());
    }
    Ok(())
}

async fn beside<T: Send + 'static>(work: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let failed = || Fault::Crypto { what: "Argon2" };
    let _turn = GATE.acquire().await.map_err(|_| failed())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| failed())?
}

fn hash_now(password: &str) -> Outcome<String> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = hasher()?.hash_password(password.as_bytes(), &salt);
    Ok(hash.map_err(|_| Fault::Crypto { what: "Argon2" })?.to_string())
}

/// The hash of a password, to be stored.
pub async fn hash(password: String) -> Outcome<String> {
    beside(move || hash_now(&password)).await
}

/// What the password of nobody is compared with, so that an unknown name takes as long as a known one.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// Whether a password is the one whose hash is stored. Without a hash the same work is done, and the answer is no.
pub async fn matches(password: String, stored: Option<String>) -> Outcome<bool> {
    beside(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODYS.clone());
        let hash = PasswordHash::new(&stored).map_err(|_| Fault::Corrupt { what: "password" })?;
        let password = if password.len() > LONGEST { "" } else { password.as_str() };
        Ok(hasher()?.verify_password(password.as_bytes(), &hash).is_ok() && known)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_matches_its_password_only() {
        let stored = hash("a long enough one".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(matches("a long enough one".into(), Some(stored.clone())).await.unwrap());
        for wrong in ["a long enough one ", "", "A long enough one"] {
            assert!(!matches(wrong.into(), Some(stored.clone())).await.unwrap());
        }
        assert!(!matches("nobody has this password".into(), None).await.unwrap());
    }

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for bad in ["short", "aaaaaaaaaaaa", "Password123", "lea@fruit.example", &"x y".repeat(300)] {
            assert!(check("password", bad, "lea@fruit.example").is_err(), "{bad}");
        }
        assert!(check("password", "correct horse battery", "lea").is_ok());
    }
}
