//! Names that arguments had in earlier versions of ejabberd.

/// Commands, the old name, the new name.
const RENAMES: &[(&[&str], &str, &str)] = &[
    (&["add_rosteritem", "delete_rosteritem"], "localserver", "localhost"),
    (
        &[
            "add_rosteritem",
            "bookmarks_to_pep",
            "delete_rosteritem",
            "get_offline_count",
            "get_presence",
            "get_roster",
            "get_roster_count",
            "remove_mam_for_user",
            "remove_mam_for_user_with_peer",
        ],
        "server",
        "host",
    ),
    (
        &[
            "change_room_option",
            "create_room",
            "create_room_with_opts",
            "destroy_room",
            "get_room_affiliation",
            "get_room_history",
            "get_room_occupants",
            "get_room_occupants_number",
            "get_room_options",
            "get_subscribers",
            "send_direct_invitation",
        ],
        "name",
        "room",
    ),
    (
        &[
            "muc_online_rooms",
            "muc_online_rooms_by_regex",
            "muc_online_rooms_count",
            "muc_register_nick",
            "muc_unregister_nick",
            "rooms_empty_destroy",
            "rooms_empty_list",
            "rooms_unused_destroy",
            "rooms_unused_destroy_skip_notifications",
            "rooms_unused_list",
        ],
        "host",
        "service",
    ),
    (&["srg_create"], "name", "label"),
];

/// What an argument was called before, if it was.
pub(super) fn old_name(command: &str, new: &str) -> Option<&'static str> {
    let rename = RENAMES.iter().find(|(commands, _, now)| *now == new && commands.contains(&command));
    rename.map(|(_, old, _)| *old)
}
