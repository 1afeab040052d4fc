use super::*;
use crate::testing::declarations;

#[test]
fn the_manual_tells_every_declared_option() {
    let text = manual(&declarations());
    for line in [
        "## Top-level options",
        "- **`hosts`** (a list of: a domain (not empty); required; the same for all hosts) — The virtual hosts",
        "- **`language`** (a language tag such as en or pt-BR; default: `en`) — What it does.",
        "### `ejabberd_c2s`",
        "### `mod_offline`\n\nOffline messages.\n",
        "- **`cache_life_time`** (a number of seconds or a duration such as `5 minutes`, or infinity; default: the top-level `cache_life_time`)",
        "  - `welcome_message.subject` (a string; default: `\"\"`) — What it does.",
        "## Known and not supported yet",
        "Options of `mod_vcard`: `allow_return_all`, `hosts`, ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    for module in declarations().modules {
        for option in module.options {
            assert!(text.contains(&format!("`{}`", option.name)), "{} {}", module.name, option.name);
        }
    }
    assert!(!text.contains("### `mod_muc`"));
}
