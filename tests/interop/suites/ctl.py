# server: nightjar.yml.in
# seconds: 120
"""The commands of administration: what they print, what they do to sessions and stored data, their exit codes."""
import asyncio
import os

from raw import Raw, account, online, q, show
from suite import CONFIG, DOMAIN, HOME, ctl, equal, run, test, unique


async def said(*words):
    """What a command that succeeds prints, without the last line's end."""
    return (await ctl(*words))[1].rstrip("\n")


async def code(*words):
    return (await ctl(*words, check=False))[0]


@test("status, registered_vhosts and help")
async def _():
    assert "started" in await said("status")
    equal(sorted((await said("registered_vhosts")).split()), sorted([DOMAIN, f"anon.{DOMAIN}"]))
    assert "register user host password" in await said("help", "commands")
    assert "kick_user" in await said("help", "kick_user")


@test("an unknown command and missing arguments fail with an exit code and a word")
async def _():
    for words in (("nonsense",), ("register",), ("register", "a"), ("get_roster", "a", DOMAIN, "too", "many")):
        exit_code, out = await ctl(*words, check=False)
        assert exit_code != 0, f"{words}: {out}"


@test("register, registered_users, check_account, unregister")
async def _():
    user = unique()
    assert "successfully registered" in await said("register", user, DOMAIN, "secret")
    equal(await code("register", user, DOMAIN, "secret"), 1, "a second time")
    assert user in (await said("registered_users", DOMAIN)).split()
    equal(await code("check_account", user, DOMAIN), 0)
    await said("unregister", user, DOMAIN)
    equal(await code("check_account", user, DOMAIN), 1)
    assert user not in (await said("registered_users", DOMAIN)).split()


@test("check_password, change_password; the old password is no good any more")
async def _():
    who = await account()
    equal(await code("check_password", who.user, DOMAIN, who.password), 0)
    equal(await code("check_password", who.user, DOMAIN, "wrong"), 1)
    await said("change_password", who.user, DOMAIN, "another")
    equal(await code("check_password", who.user, DOMAIN, who.password), 1)
    client = await Raw.connect()
    equal((await client.auth(who.user, "another")).tag, q("sasl:success"))


@test("ban_account: the session ends, no login follows")
async def _():
    one = await online()
    await said("ban_account", one.account.user, DOMAIN, "Spam")
    await one.stream_error("conflict", "policy-violation", "not-authorized", "reset")
    client = await Raw.connect()
    equal((await client.auth(one.account.user, one.account.password)).tag, q("sasl:failure"))


@test("connected_users, their number, sessions of one, num_resources, resource_num")
async def _():
    one = await online(resource="desk")
    two = await online(one.account, resource="phone")
    assert one.jid in (await said("connected_users")).split()
    assert int(await said("connected_users_number")) >= 2
    assert any(one.jid in line for line in (await said("connected_users_info")).splitlines())
    assert any(one.jid in line for line in (await said("connected_users_vhost", DOMAIN)).splitlines())
    sessions = (await said("user_sessions_info", one.account.user, DOMAIN)).splitlines()
    equal(len(sessions), 2, sessions)
    equal(await said("num_resources", one.account.user, DOMAIN), "2")
    equal(sorted((await said("user_resources", one.account.user, DOMAIN)).split()), ["desk", "phone"])
    assert await said("resource_num", one.account.user, DOMAIN, "1") in ("desk", "phone")
    two.abort()


@test("get_presence and set_presence")
async def _():
    one = await online()
    await one.write("<presence><show>away</show><status>tea</status></presence>")
    await one.until_pong()
    equal(await said("get_presence", one.account.user, DOMAIN), f"{one.jid}\taway\ttea")
    equal((await said("get_presence", "nobody-at-all", DOMAIN)).split("\t")[1:2], ["unavailable"])


@test("kick_session and kick_user end sessions with an error")
async def _():
    one = await online(resource="desk")
    two = await online(one.account, resource="phone")
    await said("kick_session", one.account.user, DOMAIN, "desk", "Because")
    await one.stream_error("conflict", "policy-violation")
    await two.until_pong()
    assert (await said("kick_user", one.account.user, DOMAIN)).endswith("1")
    await two.stream_error("conflict", "policy-violation")


@test("send_message and send_stanza reach their addressee")
async def _():
    one = await online()
    await said("send_message", "chat", f"admin@{DOMAIN}", one.account.jid, "", "by command")
    equal((await one.body("by command")).get("from"), f"admin@{DOMAIN}")
    await said("send_stanza", f"admin@{DOMAIN}", one.jid, "<message type='headline'><body>raw</body></message>")
    equal((await one.body("raw")).get("type"), "headline")


@test("add_rosteritem, get_roster, get_roster_count, delete_rosteritem: pushes follow")
async def _():
    one, friend = await online(), await account()
    await one.iq("get", "<query xmlns='jabber:iq:roster'/>")
    await said("add_rosteritem", one.account.user, DOMAIN, friend.user, DOMAIN, "Friend", "Work", "both")
    push = await one.expect(lambda e: e.find(q("roster:query")) is not None)
    item = push.find(f"{q('roster:query')}/{q('roster:item')}")
    equal((item.get("jid"), item.get("subscription")), (friend.jid, "both"))
    equal(await said("get_roster", one.account.user, DOMAIN), f"{friend.jid}\tFriend\tboth\tnone\tWork")
    equal(await said("get_roster_count", one.account.user, DOMAIN), "1")
    await said("delete_rosteritem", one.account.user, DOMAIN, friend.user, DOMAIN)
    equal(await said("get_roster", one.account.user, DOMAIN), "")


@test("push_roster fills a roster from a file, push_alltoall makes everybody everybody's contact")
async def _():
    one, friend = await account(), await account()
    path = f"{CONFIG}.contacts"
    with open(path, "w") as file:
        file.write(f'[{{<<"{friend.user}">>, <<"{DOMAIN}">>, <<"Work">>, <<"Friend">>}}].\n')
    await said("push_roster", path, one.user, DOMAIN)
    assert friend.jid in await said("get_roster", one.user, DOMAIN)
    await said("push_alltoall", DOMAIN, "Everybody")
    assert friend.jid in await said("get_roster", one.user, DOMAIN)


@test("get_offline_count, get_offline_messages, delete_old_messages, delete_expired_messages")
async def _():
    who, sender = await account(), await online()
    await sender.message(who.jid, "kept")
    await sender.until_pong()
    equal(await said("get_offline_count", who.user, DOMAIN), "1")
    await said("delete_old_messages", "1")
    equal(await said("get_offline_count", who.user, DOMAIN), "1", "it is not old")
    await said("delete_expired_messages")
    equal(await said("get_offline_count", who.user, DOMAIN), "1", "it does not expire")


@test("get_mam_count, remove_mam_for_user_with_peer, remove_mam_for_user, delete_old_mam_messages")
async def _():
    one, other, third = await online(), await online(), await online()
    for sender in (other, third):
        await sender.message(one.account.jid, "archived")
        await one.body("archived")
    equal(await said("get_mam_count", one.account.user, DOMAIN), "2")
    await said("delete_old_mam_messages", "all", "1")
    equal(await said("get_mam_count", one.account.user, DOMAIN), "2", "none is old")
    await said("remove_mam_for_user_with_peer", one.account.user, DOMAIN, other.account.jid)
    equal(await said("get_mam_count", one.account.user, DOMAIN), "1")
    await said("remove_mam_for_user", one.account.user, DOMAIN)
    equal(await said("get_mam_count", one.account.user, DOMAIN), "0")


@test("set_last and get_last")
async def _():
    who = await account()
    await said("set_last", who.user, DOMAIN, "1500000000", "away")
    equal(await said("get_last", who.user, DOMAIN), "2017-07-14T02:40:00Z\taway")


@test("set_vcard, get_vcard, set_vcard2, get_vcard2, set_vcard2_multi, get_vcard2_multi, set_nickname")
async def _():
    one = await online()
    user = one.account.user
    await said("set_vcard", user, DOMAIN, "FN", "Full Name")
    equal(await said("get_vcard", user, DOMAIN, "FN"), "Full Name")
    await said("set_vcard2", user, DOMAIN, "ORG", "ORGNAME", "Acme")
    equal(await said("get_vcard2", user, DOMAIN, "ORG", "ORGNAME"), "Acme")
    await said("set_vcard2_multi", user, DOMAIN, "ORG", "ORGUNIT", "Sales,Tea")
    equal(await said("get_vcard2_multi", user, DOMAIN, "ORG", "ORGUNIT"), "Sales\nTea")
    await said("set_nickname", user, DOMAIN, "Nick")
    card = await one.iq("get", "<vCard xmlns='vcard-temp'/>")
    equal((card.findtext(".//{vcard-temp}FN"), card.findtext(".//{vcard-temp}NICKNAME")), ("Full Name", "Nick"))
    equal(await code("get_vcard", "nobody-at-all", DOMAIN, "FN"), 1)


@test("private_set and private_get")
async def _():
    one = await online()
    await said("private_set", one.account.user, DOMAIN, "<x xmlns='urn:x'>value</x>")
    equal((await one.iq("get", "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>")).findtext(".//{urn:x}x"), "value")
    assert "value" in await said("private_get", one.account.user, DOMAIN, "x", "urn:x")


@test("announce_send_online, announce_send_all, announce_motd_update, announce_motd_get, announce_motd_delete")
async def _():
    one, away = await online(), await account()
    await said("announce_send_online", DOMAIN, "Subject", "to those online")
    equal((await one.body("to those online")).findtext(q("subject")), "Subject")
    await said("announce_motd_update", DOMAIN, "Motd", "message of the day")
    late = await online(away, presence=False)
    await late.write("<presence/>")
    equal((await late.body("message of the day")).findtext(q("subject")), "Motd")
    assert "message of the day" in await said("announce_motd_get", DOMAIN)
    await said("announce_motd_delete", DOMAIN)
    equal((await said("announce_motd_get", DOMAIN)).strip(), "")


@test("get_loglevel, set_loglevel, reopen_log, rotate_log, gc, clear_cache")
async def _():
    equal(await said("get_loglevel"), "info")
    await said("set_loglevel", "debug")
    equal(await said("get_loglevel"), "debug")
    await said("set_loglevel", "info")
    for command in ("reopen_log", "rotate_log", "gc", "clear_cache"):
        await said(command)


@test("dump_config writes what is in force, without secrets to read for others")
async def _():
    path = f"{HOME}/dump.yml"
    await said("dump_config", path)
    with open(path) as file:
        text = file.read()
    assert DOMAIN in text and "mod_roster" in text, text[:300]
    equal(oct(os.stat(path).st_mode & 0o077), "0o0", "what others may do with it")


@test("reload_config: a change takes effect, sessions stay; a mistake changes nothing", 40)
async def _():
    one = await online()
    with open(CONFIG) as file:
        before = file.read()
    try:
        with open(CONFIG, "w") as file:
            file.write(before.replace("show_os: false", "show_os: true"))
        await said("reload_config")
        answer = await one.iq("get", "<query xmlns='jabber:iq:version'/>", to=DOMAIN)
        assert answer.findtext(".//{jabber:iq:version}os"), show(answer)
        with open(CONFIG, "w") as file:
            file.write(before.replace("mod_ping: {}", "mod_pingg: {}"))
        equal(await code("reload_config"), 1)
        await one.until_pong()
    finally:
        with open(CONFIG, "w") as file:
            file.write(before)
        await said("reload_config")
    answer = await one.iq("get", "<query xmlns='jabber:iq:version'/>", to=DOMAIN)
    equal(answer.findtext(".//{jabber:iq:version}os") or "", "")


@test("the socket is the owner's alone")
async def _():
    for folder, _, names in os.walk(HOME):
        for name in names:
            path = os.path.join(folder, name)
            equal(oct(os.stat(path).st_mode & 0o077), "0o0", path)


@test("fifty commands at once are answered")
async def _():
    answers = await asyncio.gather(*(code("status") for _ in range(50)))
    equal(set(answers), {0})


run(at_once=1)
