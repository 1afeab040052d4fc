//! How DTLS is set up. Cookies are made and judged before there is an association ([`nightjar_stun::dtls_hello`]); the one
//! that a client came with is told here to the library, which would ask for another one of its own otherwise.

use std::cell::Cell;
use std::time::Duration;

use dimpl::crypto::{CryptoProvider, HashAlgorithm, HmacProvider, aws_lc_rs};
use dimpl::{Config, CryptoError, Error};
use nightjar_stun::dtls_hello::Cookie;

/// Bytes of a datagram of the handshake.
const DATAGRAM: usize = 1_200;
/// Datagrams that wait to be understood, or to be sent, for one client.
const QUEUE: usize = 16;
/// How long a handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(15);

thread_local! {
    static COOKIE: Cell<Option<Cookie>> = const { Cell::new(None) };
}

/// Lets a cookie be taken for the library's own while something is done.
pub(super) fn with_cookie<T>(cookie: Cookie, act: impl FnOnce() -> T) -> T {
    COOKIE.set(Some(cookie));
    let done = act();
    COOKIE.set(None);
    done
}

/// Of the library's uses of HMAC only that for cookies comes by `hmac_sha256`.
#[derive(Debug)]
struct Hmac(&'static dyn HmacProvider);

impl HmacProvider for Hmac {
    fn hmac_sha256(&self, key: &[u8], data: &[u8]) -> Result<[u8; 32], CryptoError> {
        match COOKIE.get() {
            Some(cookie) => Ok(cookie),
            None => {
                let mut out = [0; 32];
                self.0.hmac(HashAlgorithm::SHA256, key, data, &mut out)?;
                Ok(out)
            }
        }
    }

    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, CryptoError> {
        self.0.hmac(hash, key, data, out)
    }
}

static HMAC: std::sync::LazyLock<Hmac> =
    std::sync::LazyLock::new(|| Hmac(aws_lc_rs::default_provider().hmac_provider));

/// # Errors
/// If the cryptography doesn't do what it should.
pub(super) fn config() -> Result<Config, Error> {
    let provider = CryptoProvider { hmac_provider: &*HMAC, ..aws_lc_rs::default_provider() };
    Config::builder()
        .with_crypto_provider(provider)
        .require_client_certificate(false)
        .use_server_cookie(true)
        .mtu(DATAGRAM)
        .max_queue_rx(QUEUE)
        .max_queue_tx(QUEUE)
        .handshake_timeout(HANDSHAKE_TIME)
        .build()
}
