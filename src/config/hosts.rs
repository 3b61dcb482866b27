//! Which hosts are one environment: a redirect may take a token between them, and two names of the
//! config may be one instance. The runtime host answers the developer API with a 307 to the design
//! host (docs/oic-rest-api.md, Hosts): both are this environment. Anywhere else is not.

use url::{Host, Url};

/// Whether both URLs are hosts of one environment, so that its token may go along.
pub fn same_environment(from: &Url, to: &Url) -> bool {
    if from.scheme() != to.scheme() {
        return false;
    }
    if from.host() == to.host() && from.port_or_known_default() == to.port_or_known_default() {
        return true;
    }
    match (from.host(), to.host()) {
        (Some(Host::Domain(a)), Some(Host::Domain(b))) => {
            let same_port = from.port_or_known_default() == to.port_or_known_default();
            same_port && region(a).is_some_and(|r| region(b) == Some(r))
        }
        // The simulator's hosts are ports of this machine.
        (Some(Host::Ipv4(a)), Some(Host::Ipv4(b))) => a.is_loopback() && b.is_loopback(),
        _ => false,
    }
}

/// `integration.eu-frankfurt-1.ocp.oraclecloud.com` of `design.integration.eu-…`.
fn region(host: &str) -> Option<&str> {
    let (_, domain) = host.split_once('.')?;
    (domain.starts_with("integration.") && domain.ends_with(".ocp.oraclecloud.com"))
        .then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_travel_between_hosts_of_one_region_only() {
        let same = |a: &str, b: &str| same_environment(&a.parse().unwrap(), &b.parse().unwrap());
        let design = "https://design.integration.eu-frankfurt-1.ocp.oraclecloud.com/ic";
        assert!(same("https://acme.integration.eu-frankfurt-1.ocp.oraclecloud.com/ic", design));
        assert!(same("http://127.0.0.1:1/x", "http://127.0.0.1:2/y"));
        assert!(!same("https://acme.integration.us-ashburn-1.ocp.oraclecloud.com", design));
        assert!(!same(design, "https://evil.example/ic"));
        assert!(!same(
            design,
            "https://integration.eu-frankfurt-1.ocp.oraclecloud.com.evil.example/"
        ));
        assert!(!same(design, &design.replace("https", "http")));
        assert!(!same(
            design,
            "https://design.integration.eu-frankfurt-1.ocp.oraclecloud.com:8443/ic"
        ));
    }
}
