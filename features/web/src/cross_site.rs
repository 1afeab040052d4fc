//! Requests that another site's page has a browser send.

use http::HeaderMap;

/// Whether a browser says that a page of another site is behind the request (Fetch Metadata). The address that such a
/// request comes from is the reader's, and says nothing about who wrote the page.
pub(crate) fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}
