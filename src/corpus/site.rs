//! Which site does a url belong to?
//!
//! A url in, a host or registrable domain out. Registrable domains come from the Public Suffix List (crate `psl`,
//! compiled in; private suffixes count, so `a.b.github.io` belongs to `b.github.io`).

use std::net::IpAddr;

use url::{Host, Url};

/// What makes two pages one site's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SiteBy {
    /// The same host, a leading `www.` aside.
    #[default]
    Host,
    /// The same registrable domain.
    Domain,
}

impl SiteBy {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            SiteBy::Host => "host",
            SiteBy::Domain => "domain",
        }
    }
}

/// The site of a page: its host in lower case (punycode), without a closing dot and without one leading `www.`, or
/// its registrable domain. IP addresses, hosts without a dot and public suffixes themselves stay whole.
///
/// `None` when `url` is no absolute url or has no host (`mailto:`, `file:///`). Cost: one parse of the url.
///
/// ```
/// use dittograph::corpus::{SiteBy, site_of};
/// let url = "https://www.News.Example.co.uk/a?b";
/// assert_eq!(site_of(url, SiteBy::Host).as_deref(), Some("news.example.co.uk"));
/// assert_eq!(site_of(url, SiteBy::Domain).as_deref(), Some("example.co.uk"));
/// ```
pub fn site_of(url: &str, by: SiteBy) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let Host::Domain(host) = url.host()? else {
        return url.host_str().map(str::to_owned);
    };
    let host = host.to_lowercase(); // the url crate does so for http and its kin only
    let host = host.strip_suffix('.').unwrap_or(&host);
    if host.is_empty() {
        return None;
    }
    if host.parse::<IpAddr>().is_ok() {
        return Some(host.to_owned());
    }
    let bare = host.strip_prefix("www.").unwrap_or(host);
    let site = match by {
        SiteBy::Host => bare,
        SiteBy::Domain => psl::domain_str(host).unwrap_or(bare),
    };
    Some(site.to_owned())
}
