//! Options whose values are never shown.

/// Whether the value of an option of this name is a secret.
pub fn is_secret(option: &str) -> bool {
    let name = option.rsplit('.').next().unwrap_or(option);
    matches!(name, "secret" | "external_secret" | "key" | "basic_auth" | "must_authenticate_with")
        || (name.contains("password") && !PASSWORD_WORDS.contains(&name))
}

/// Names that speak of passwords and hold none.
const PASSWORD_WORDS: [&str; 8] = [
    "auth_password_format",
    "auth_stored_password_types",
    "auth_password_types_hidden_in_sasl1",
    "auth_password_types_hidden_in_scram1",
    "max_password",
    "password_protected",
    "password_strength",
    "passwordReset",
];
