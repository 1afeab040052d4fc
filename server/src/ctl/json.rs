//! Results as JSON, in the shapes of ejabberd's `mod_http_api`.

use nightjar_base::commands::json::to_json;
use nightjar_base::commands::{CommandError, CommandResult, CommandSpec, Value};
use serde_json::json;

use super::render::{FAILURE, Output, SUCCESS};

/// A command's result as one line of JSON, and the exit code.
pub(crate) fn render(spec: &CommandSpec, result: &CommandResult) -> Output {
    match result {
        Ok(Value::Done(done)) => {
            let code = if *done { SUCCESS } else { FAILURE };
            Output::new(json!(code).to_string(), code)
        }
        Ok(Value::Told(true, text)) => Output::new(json!(text.as_str()).to_string(), SUCCESS),
        Ok(Value::Told(false, text)) => problem(0, text),
        Ok(value) => Output::new(to_json(&spec.result, value).to_string(), SUCCESS),
        Err(CommandError::Conflict(text)) => problem(10090, text),
        Err(CommandError::Coded { number, text, .. }) => problem(*number, text),
        Err(error) => problem(0, &error.to_string()),
    }
}

/// `{"status":"error",…}` with ejabberd's number of the error.
pub(crate) fn problem(number: u32, message: &str) -> Output {
    Output::new(json!({"status": "error", "code": number, "message": message}).to_string(), FAILURE)
}

#[cfg(test)]
mod tests;
