//! Arguments and results as JSON, in the shapes of ejabberd's `mod_http_api`.

mod arguments;
mod parse;
mod renames;
mod result;

pub use arguments::arguments_from_json;
pub use parse::{Unreadable, parse};
pub use result::{result_to_json, to_json};
