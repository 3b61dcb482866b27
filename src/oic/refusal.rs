//! Why the service says no. The number alone does not tell: a stopped instance answers 409 to every
//! call, an edited archive gets 500, a host between sends pages of its own (docs/oic-rest-api.md,
//! Errors). Read from the number, the words, the code and the form together.

/// A reason that is known, each with its own advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The whole instance is stopped.
    Stopped,
    /// The instance is being updated.
    Maintenance,
    /// The archive was changed outside of the designer.
    EditedArchive,
    /// A host between answered, not the service: an allowlist, a proxy, a sign-in page.
    ForeignPage,
    /// The token is for another service, or too narrow.
    Scope,
    /// There is no instance of that name.
    InstanceName,
    /// The role is too small.
    Role,
    /// Too many calls.
    TooManyCalls,
    /// No more of it may be active, or be there.
    LimitReached,
    Locked,
    Exists,
    Active,
    Gone,
    /// The service has trouble of its own.
    Trouble,
    /// The words have to say it.
    Unknown,
}

/// What of an answer tells why.
#[derive(Debug, Clone, Copy)]
pub struct RefusedAnswer<'a> {
    pub status: u16,
    pub words: &'a str,
    pub code: Option<&'a str>,
    /// Whether it was a web page.
    pub page: bool,
}

impl Refusal {
    /// Sorts an answer that was no success.
    pub fn of(answer: RefusedAnswer<'_>) -> Self {
        let RefusedAnswer { status, page, .. } = answer;
        let words = answer.words.to_lowercase();
        let says = |all: &[&str]| all.iter().all(|w| words.contains(w));
        let code = |known: &str| {
            answer.code.is_some_and(|c| c.eq_ignore_ascii_case(known))
                || words.contains(&known.to_lowercase())
        };
        match status {
            _ if code("ICS-20099") || code("ICS-10994") || says(&["modified outside"]) => {
                Self::EditedArchive
            }
            409 if says(&["service instance", "not in active state"]) => Self::Stopped,
            503 if says(&["maintenance"]) => Self::Maintenance,
            // The service's own errors are JSON.
            401 if page => Self::Scope,
            _ if page && status < 500 => Self::ForeignPage,
            401 => Self::Scope,
            429 => Self::TooManyCalls,
            400 | 404 if says(&["integrationinstance"]) || says(&["service instance"]) => {
                Self::InstanceName
            }
            409 | 412 if says(&["more", "not allowed"]) || says(&["limit", "reached"]) => {
                Self::LimitReached
            }
            423 => Self::Locked,
            409 | 412 if says(&[" locked"]) => Self::Locked,
            409 if says(&["exists"]) => Self::Exists,
            412 => Self::Active,
            403 => Self::Role,
            404 => Self::Gone,
            500.. => Self::Trouble,
            _ => Self::Unknown,
        }
    }

    /// Whether asking again cannot help, whatever the number says.
    pub fn is_final(self) -> bool {
        matches!(self, Self::EditedArchive | Self::Stopped)
    }

    /// The reason in a few words; none where the number says it.
    pub fn short(self) -> Option<&'static str> {
        Some(match self {
            Self::Stopped => "the instance is stopped",
            Self::Maintenance => "in maintenance",
            Self::EditedArchive => "the archive was edited",
            Self::ForeignPage => "stopped by a host between",
            Self::Role => "not allowed for this role",
            Self::Scope => "token refused",
            Self::LimitReached => "limit reached",
            Self::Gone => "not there, or hidden",
            _ => return None,
        })
    }

    /// What a person can try.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Stopped => "the instance is stopped: start it in the OCI console",
            Self::Maintenance => "the instance is in maintenance: try again when that is over",
            Self::EditedArchive => {
                "the file was changed after its export, and the service takes only what its \
                 designer wrote: use an unchanged export"
            }
            Self::ForeignPage => {
                "a web page came, not an answer of the service: this machine may not be in its \
                 allowlist, or a proxy stands between; check VPN and HTTPS_PROXY"
            }
            Self::Scope => {
                "the token was refused: scope must belong to this very instance, as url and \
                 instance do"
            }
            Self::InstanceName => "check instance: it must be the service instance's exact name",
            Self::Role => {
                "the role may not do this: reading needs ServiceViewer, changing needs \
                 ServiceDeveloper"
            }
            Self::TooManyCalls => "the service limits calls: lower concurrency, or wait",
            Self::LimitReached => {
                "the instance allows no more of it: deactivate or delete what is not needed"
            }
            Self::Locked => {
                "it is locked or prebuilt: ask who holds the lock to close it in the console"
            }
            Self::Exists => {
                "it exists already: replace it; where it is a project that is not listed, its \
                 access list leaves this account out"
            }
            Self::Active => "it is active, locked or not complete: deactivate or unlock it first",
            Self::Gone => {
                "it is not there (any more), the access list of its project leaves this account \
                 out, or instance names another service; refresh the list"
            }
            Self::Trouble => "the service has trouble: try again in a minute",
            Self::Unknown => "the service did not take the request; its words say why",
        }
    }
}

/// What to try where the identity domain said no.
pub fn sign_in_advice(status: u16, words: &str) -> &'static str {
    let says = |word: &str| words.to_lowercase().contains(word);
    match status {
        429 => "the identity domain limits sign-ins: wait a minute; fewer processes need fewer",
        500.. => "the identity domain has trouble: try again in a minute",
        _ if says("this machine's clock is") => {
            "set this machine's clock (NTP): a signed assertion is good for a few minutes"
        }
        _ if says("invalid_scope") => {
            "scope is not one of this application's: copy it from the application in the identity \
             domain, which begins with the instance's own address"
        }
        _ if says("invalid_client") || says("unauthorized_client") => {
            "check client_id and client_secret; the application must be active in the identity \
             domain and allow this grant"
        }
        _ => {
            "check client_id, client_secret and scope; the application must be active in the \
             identity domain"
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::stopped(409, "Service instance is not in active state.", None, false, Refusal::Stopped)]
    #[case::exists(409, "Integration A exists already.", None, false, Refusal::Exists)]
    #[case::conflict(409, "Something else runs.", None, false, Refusal::Unknown)]
    #[case::edited(
        500,
        "Import has failed because IAR has been modified outside of the integration design \
        editor.",
        Some("ICS-20099"),
        false,
        Refusal::EditedArchive
    )]
    #[case::edited_400(400, "x", Some("ICS-10994"), false, Refusal::EditedArchive)]
    #[case::allowlist(403, "Forbidden", None, true, Refusal::ForeignPage)]
    #[case::proxy(407, "Proxy Authentication Required", None, true, Refusal::ForeignPage)]
    #[case::role(403, "Forbidden", None, false, Refusal::Role)]
    #[case::scope(401, "401 Authorization Required", None, true, Refusal::Scope)]
    #[case::token(401, "Unauthorized", None, false, Refusal::Scope)]
    #[case::instance(404, "Unknown integrationInstance acme.", None, false, Refusal::InstanceName)]
    #[case::gone(404, "Integration not found", None, false, Refusal::Gone)]
    #[case::calls(429, "Too many requests", None, false, Refusal::TooManyCalls)]
    #[case::limit(
        412,
        "700 integrations are active, more are not allowed.",
        None,
        false,
        Refusal::LimitReached
    )]
    #[case::active(412, "A is already active.", None, false, Refusal::Active)]
    #[case::locked(423, "The integration is locked by j.doe.", None, false, Refusal::Locked)]
    #[case::locked_412(412, "Connection is locked.", None, false, Refusal::Locked)]
    #[case::a_word_alone(400, "Invalid limit.", None, false, Refusal::Unknown)]
    #[case::too_long(400, "The maximum length of name is 50.", None, false, Refusal::Unknown)]
    #[case::its_own_trouble(
        500,
        "The schedule instance could not be stopped.",
        None,
        false,
        Refusal::Trouble
    )]
    #[case::not_there(409, "Connection X does not exist.", None, false, Refusal::Unknown)]
    #[case::blocked(412, "It is blocked by another call.", None, false, Refusal::Active)]
    #[case::maintenance(503, "Scheduled maintenance", None, true, Refusal::Maintenance)]
    #[case::trouble(502, "Bad Gateway", None, true, Refusal::Trouble)]
    fn an_answer_is_sorted_by_all_that_it_says(
        #[case] status: u16,
        #[case] words: &str,
        #[case] code: Option<&str>,
        #[case] page: bool,
        #[case] expected: Refusal,
    ) {
        assert_eq!(Refusal::of(RefusedAnswer { status, words, code, page }), expected);
    }

    #[rstest]
    #[case(429, "Rate limit exceeded [too_many_requests]", "limits sign-ins")]
    #[case(400, "Scope is invalid. [invalid_scope]", "scope is not one of")]
    #[case(401, "Client authentication failed. [invalid_client]", "check client_id and")]
    #[case(
        400,
        "Bad assertion; this machine's clock is 600 s ahead of the identity domain's",
        "NTP"
    )]
    #[case(503, "", "has trouble")]
    fn a_sign_in_that_is_refused_says_what_is_wrong(
        #[case] status: u16,
        #[case] words: &str,
        #[case] expected: &str,
    ) {
        assert!(sign_in_advice(status, words).contains(expected));
    }
}
