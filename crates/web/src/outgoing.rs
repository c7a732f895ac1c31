//! Requests that the server makes because somebody named an address: where it goes, and where it does not.
//!
//! Whoever may name the repository of a definition or the endpoint of a platform could otherwise have the server look
//! at its own network for them. A name is resolved once, every address it means is judged, and only those that passed
//! are connected to: a name that means something else a moment later changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use stoa_core::Settings;
use tokio::time::timeout;
use url::{Host, Url};

/// Why an address is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAsked {
    /// It has no host, or the name means nothing to this server.
    #[error("Its name is not known to Stoa's server.")]
    Unknown,
    /// It is not an address of the public network.
    #[error(
        "It is a loopback, link-local or private address, and Stoa's server does not ask those for anybody: its \
         operator may allow it with --allow-private-addresses."
    )]
    Private,
    /// There is no client for it.
    #[error("The server has no client for it.")]
    NoClient,
}

/// A client for this URL and no other host: without redirects, without a proxy, with this much patience, and without
/// credentials. A proxy would resolve the name again, and look where this server would not.
/// Refuses what is not an address of the public network, unless the installation allows it.
pub async fn client(settings: &Settings, url: &Url, patience: Duration) -> Result<reqwest::Client, NotAsked> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let mut client = client.timeout(patience);
    if !settings.private_addresses {
        match url.host().ok_or(NotAsked::Unknown)? {
            Host::Ipv4(address) => judged(address.into())?,
            Host::Ipv6(address) => judged(address.into())?,
            Host::Domain(name) => {
                let port = url.port_or_known_default().ok_or(NotAsked::Unknown)?;
                let found = timeout(patience, tokio::net::lookup_host((name, port))).await;
                let found: Vec<SocketAddr> =
                    found.map_err(|_| NotAsked::Unknown)?.map_err(|_| NotAsked::Unknown)?.collect();
                // One private address among public ones is how a name is made to mean something else later.
                found.iter().try_for_each(|address| judged(address.ip()))?;
                client = client.resolve_to_addrs(name, &found);
            }
        }
    }
    client.build().map_err(|_| NotAsked::NoClient)
}

fn judged(address: IpAddr) -> Result<(), NotAsked> {
    let is_public = match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    };
    if is_public { Ok(()) } else { Err(NotAsked::Private) }
}

/// Whether an address belongs to the public network, by the registry of special-purpose addresses (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        // Carriers' own networks, protocol assignments, relays, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !is_special
}

/// As for the older addresses. Those that carry one of them inside are judged by it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let inside = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => inside(high, low),
        // Global unicast without Teredo, protocol assignments and documentation.
        [first, second, ..] => {
            (0x2000..0x4000).contains(&first)
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAsked, client, judged};
    use std::time::Duration;
    use stoa_core::Settings;

    #[test]
    fn only_the_public_network_is_asked() {
        for public in
            ["9.9.9.9", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2a00:1450::1", "64:ff9b::909:909"]
        {
            assert_eq!(judged(public.parse().unwrap()), Ok(()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert_eq!(judged(private.parse().unwrap()), Err(NotAsked::Private), "{private}");
        }
    }

    #[tokio::test]
    async fn hosts_are_judged_however_they_are_written() {
        let mut settings = Settings::new("http://localhost");
        let asked = async |settings: &Settings, url: &str| {
            client(settings, &url.parse().unwrap(), Duration::from_secs(5)).await.map(|_| ())
        };
        for url in [
            "https://localhost/x",
            "https://127.1/x",
            "https://0x7f000001/x",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::ffff:a00:1]/",
            "https://017700000001/",
        ] {
            assert_eq!(asked(&settings, url).await, Err(NotAsked::Private), "{url}");
        }
        assert_eq!(asked(&settings, "https://9.9.9.9/").await, Ok(()));
        settings.private_addresses = true;
        assert_eq!(asked(&settings, "https://localhost/x").await, Ok(()));
    }
}
