//! The cookie: what nodes that trust each other share.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nightjar_sasl::Secret;

/// An atom's characters, as `erl` allows.
const COOKIE_MAX: usize = 255;
/// Random bytes of a cookie that is made.
const RANDOM_BYTES: usize = 32;

/// Why there is no cookie.
#[derive(Debug, thiserror::Error)]
pub enum CookieError {
    /// Others may read it.
    #[error("{path} can be read by others: chmod 400 {path}", path = .0.display())]
    Exposed(PathBuf),
    /// It belongs to somebody else, who could change it.
    #[error("{path} belongs to user {owner}: chown {own} {path}", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        own: u32,
    },
    /// It holds something else.
    #[error("{from} holds no cookie: it must be one line of 1 to {COOKIE_MAX} printable ASCII characters")]
    Contents {
        /// The file, or what else it came from.
        from: String,
    },
    /// It can't be read or made.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A cookie given on a command line or in the environment.
///
/// # Errors
/// If no node could have it.
pub fn check(cookie: &Secret, from: &str) -> Result<Secret, CookieError> {
    let trimmed = cookie.expose().trim_ascii();
    let fits = (1..=COOKIE_MAX).contains(&trimmed.len())
        && trimmed.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    if fits { Ok(Secret::from(trimmed)) } else { Err(CookieError::Contents { from: from.to_owned() }) }
}

/// Where `erl` of the user whose home this is finds its cookie: `.erlang.cookie` there, or the one below
/// `.config/erlang` if only that is there.
pub fn usual_file(home: &Path, config_home: Option<&Path>) -> PathBuf {
    let usual = home.join(".erlang.cookie");
    let config = config_home.map_or_else(|| home.join(".config"), Path::to_path_buf);
    let other = config.join("erlang/.erlang.cookie");
    if !usual.exists() && other.exists() { other } else { usual }
}

/// The cookie of a file; one is made where there is none.
///
/// # Errors
/// If it can't be had, or others may read it.
pub fn read_or_make(path: &Path, fill: impl FnOnce(&mut [u8])) -> Result<Secret, CookieError> {
    match read(path) {
        Err(CookieError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => make(path, fill),
        other => other,
    }
}

/// The cookie of a file.
///
/// # Errors
/// If it can't be had, or others may read it.
pub fn read(path: &Path) -> Result<Secret, CookieError> {
    let failed = |error| CookieError::File { path: path.to_owned(), error };
    let file = fs::File::open(path).map_err(failed)?;
    // The opened file is asked, not the name: nobody can exchange it in between.
    let about = file.metadata().map_err(failed)?;
    if about.mode() & 0o077 != 0 {
        return Err(CookieError::Exposed(path.to_owned()));
    }
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own && own != 0 {
        return Err(CookieError::Foreign { path: path.to_owned(), owner: about.uid(), own });
    }
    let mut bytes = Vec::with_capacity(COOKIE_MAX + 2);
    file.take(COOKIE_MAX as u64 + 3).read_to_end(&mut bytes).map_err(failed)?;
    check(&Secret::new(bytes), &path.display().to_string())
}

fn make(path: &Path, fill: impl FnOnce(&mut [u8])) -> Result<Secret, CookieError> {
    let failed = |error| CookieError::File { path: path.to_owned(), error };
    let mut random = vec![0; RANDOM_BYTES];
    fill(&mut random);
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let cookie = Secret::new(digits.into_bytes());
    drop(Secret::new(random));
    let beside = path.with_extension(format!("new.{}", std::process::id()));
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o400).open(&beside).and_then(|mut file| {
            file.write_all(cookie.expose())?;
            file.sync_all()
        });
    // A link never replaces: of two nodes that start at once, the second reads the first one's cookie.
    let linked = written.and_then(|()| fs::hard_link(&beside, path));
    let _ = fs::remove_file(&beside);
    match linked {
        Ok(()) => Ok(cookie),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests;
