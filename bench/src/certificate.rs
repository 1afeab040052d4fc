//! Self-signed certificates for the servers under load.

use anyhow::Result;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustix::fs::{Mode, OFlags};
use std::{fs::File, io::Write, path::Path};

/// Writes key and certificate (ECDSA P-256) into one PEM file, mode 0600.
pub fn write(domain: &str, path: &Path) -> Result<()> {
    let mut parameters = CertificateParams::new([domain.to_owned()])?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, domain);
    // ejabberd's certificate store ends with an error when it meets rcgen's own default, the year 4096.
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2049, 1, 1);
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(key.serialize_pem().as_bytes())?;
    Ok(file.write_all(certificate.pem().as_bytes())?)
}
