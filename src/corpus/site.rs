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

/// The folders that a page lies in, the outermost first, as parts of its url without the scheme: the sections of its
/// site. The host itself is none; nothing where `url` has no `://`. Cost: one look at each byte.
///
/// ```
/// use dittograph::corpus::folders_of;
/// let folders: Vec<&str> = folders_of("https://docs.example.org/fr/howto/auth.html?from=/a/b").collect();
/// assert_eq!(folders, ["docs.example.org/fr/", "docs.example.org/fr/howto/"]);
/// ```
pub fn folders_of(url: &str) -> impl Iterator<Item = &str> {
    let address = url.split_once("://").map_or("", |(_, address)| address);
    let path = &address[..address.find(['?', '#']).unwrap_or(address.len())];
    path.match_indices('/').skip(1).map(|(slash, _)| &path[..=slash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, host: Option<&str>, domain: Option<&str>) {
        assert_eq!(site_of(url, SiteBy::Host).as_deref(), host, "host of {url:?}");
        assert_eq!(site_of(url, SiteBy::Domain).as_deref(), domain, "domain of {url:?}");
    }

    #[test]
    fn hosts_and_registrable_domains() {
        check("http://example.com/", Some("example.com"), Some("example.com"));
        check("HTTPS://WWW.Example.COM:8080/a", Some("example.com"), Some("example.com"));
        check("https://www.www.example.com", Some("www.example.com"), Some("example.com"));
        check("https://wwwexample.com", Some("wwwexample.com"), Some("wwwexample.com"));
        check("https://user:pw@news.bbc.co.uk./", Some("news.bbc.co.uk"), Some("bbc.co.uk"));
        check("https://a.b.github.io/", Some("a.b.github.io"), Some("b.github.io"));
        check("https://www.b\u{fc}cher.de/", Some("xn--bcher-kva.de"), Some("xn--bcher-kva.de"));
        check(
            "https://a.\u{98df}\u{72ee}.\u{516c}\u{53f8}.cn/",
            Some("a.xn--85x722f.xn--55qx5d.cn"),
            Some("xn--85x722f.xn--55qx5d.cn"),
        );
        check("gopher://WWW.Example.Com/", Some("example.com"), Some("example.com"));
    }

    #[test]
    fn what_has_no_domain_stays_whole() {
        check("http://localhost:3000/", Some("localhost"), Some("localhost"));
        check("http://github.io/", Some("github.io"), Some("github.io"));
        check("http://1.2.3.4/", Some("1.2.3.4"), Some("1.2.3.4"));
        check("gopher://1.2.3.4/", Some("1.2.3.4"), Some("1.2.3.4")); // the url crate looks for addresses in http urls only
        check("http://0x7f.1/", Some("127.0.0.1"), Some("127.0.0.1"));
        check("http://[2001:DB8::1]:80/", Some("[2001:db8::1]"), Some("[2001:db8::1]"));
    }

    #[test]
    fn no_host_no_site() {
        for url in [
            "",
            "example.com/a",
            "//example.com/a",
            "mailto:a@example.com",
            "file:///a",
            "http://",
            "data:,a",
            "http://a b/",
        ] {
            check(url, None, None);
        }
    }
}
