//! `ctl etop`: what a running node is doing, drawn anew every two seconds.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::client::{self, ask};
use super::flags::Flags;
use super::render::{Output, SUCCESS};
use super::settings::Settings;

const PAUSE: Duration = Duration::from_secs(2);
/// Lines of hosts and of sessions.
const ROWS: usize = 20;
/// Sessions beyond which they are only counted, as all of them are asked for.
const LISTED_MAX: usize = 5000;
/// Ticks of a CPU second in `/proc` (`USER_HZ`), the same on every Linux.
const TICKS: f64 = 100.0;

/// Draws the table until the terminal interrupts it; once, where there is no terminal.
pub(crate) fn run(settings: &Settings) -> Output {
    let status = said(settings, &["status"]);
    if status.code != SUCCESS {
        return status;
    }
    let is_terminal = io::stdout().is_terminal();
    let mut before = process(settings);
    loop {
        if is_terminal {
            std::thread::sleep(PAUSE);
        }
        let now = process(settings);
        let table = table(settings, before.as_ref(), now.as_ref());
        before = now;
        if !is_terminal {
            return Output::new(table, SUCCESS);
        }
        let _ = write!(io::stdout(), "\x1b[H\x1b[2J{table}\n\nthe interrupt key ends this");
        let _ = io::stdout().flush();
        if !client::is_up(settings) {
            return Output::new("\nthe node has stopped", SUCCESS);
        }
    }
}

fn said(settings: &Settings, words: &[&str]) -> Output {
    ask(settings, Flags { words: words.iter().map(|word| (*word).to_owned()).collect(), ..Flags::default() })
}

/// What a command answers; a dash if it isn't there.
fn value(settings: &Settings, words: &[&str]) -> String {
    let output = said(settings, words);
    if output.code == SUCCESS { output.text } else { "-".to_owned() }
}

fn table(settings: &Settings, before: Option<&Process>, now: Option<&Process>) -> String {
    let mut text = value(settings, &["status"]);
    let uptime = value(settings, &["stats", "uptimeseconds"]);
    let _ =
        write!(text, "\n\nup {}   sessions {}", spell(&uptime), value(settings, &["connected_users_number"]));
    if let Some(now) = now {
        let _ = write!(
            text,
            "   memory {} MiB   threads {}   pid {}",
            now.memory_kib >> 10,
            now.threads,
            now.pid
        );
        if let Some(load) = before.and_then(|before| now.load_since(before)) {
            let _ = write!(text, "   CPU {load:.1} %");
        }
    }
    let _ = write!(text, "\n\n{:>9} {:>9}  host", "sessions", "accounts");
    for host in value(settings, &["registered_vhosts"]).lines().take(ROWS) {
        let number = |name| value(settings, &["stats_host", name, host]);
        let _ = write!(text, "\n{:>9} {:>9}  {host}", number("onlineusers"), number("registeredusers"));
    }
    if value(settings, &["connected_users_number"]).parse().is_ok_and(|count: usize| count <= LISTED_MAX) {
        text.push_str("\n\nsessions, the newest first:");
        for line in newest(&value(settings, &["connected_users_info"])) {
            let _ = write!(text, "\n  {line}");
        }
    }
    text
}

/// Address, kind of connection, network address and age of the youngest sessions.
fn newest(info: &str) -> Vec<String> {
    let mut rows: Vec<(u64, String)> = info
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [jid, kind, ip, _, _, _, age, ..] = columns.as_slice() else { return None };
            Some((age.parse().ok()?, format!("{:>12}  {jid}  {kind}  {ip}", spell(age))))
        })
        .collect();
    rows.sort_by_key(|(age, _)| *age);
    rows.into_iter().take(ROWS).map(|(_, row)| row).collect()
}

/// Seconds as days, hours, minutes and seconds.
fn spell(seconds: &str) -> String {
    let Ok(seconds) = seconds.parse::<u64>() else { return seconds.to_owned() };
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days > 0 { format!("{days} d {clock}") } else { clock }
}

/// What the operating system knows of the node's process.
#[derive(Debug, PartialEq)]
struct Process {
    pid: String,
    ticks: f64,
    memory_kib: u64,
    threads: String,
    at: Instant,
}

impl Process {
    /// Per cent of one CPU.
    fn load_since(&self, before: &Self) -> Option<f64> {
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        (seconds > 0.1).then(|| (self.ticks - before.ticks) / TICKS / seconds * 100.0)
    }
}

fn process(settings: &Settings) -> Option<Process> {
    let stream = UnixStream::connect(settings.home.control_socket()).ok()?;
    let pid = rustix::net::sockopt::socket_peercred(&stream).ok()?.pid.as_raw_nonzero().to_string();
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
    let (stat, status) = (read("stat")?, read("status")?);
    // The name in parentheses may have blanks; the columns behind it begin with the state, the third.
    let columns: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = columns.get(11..13)?.iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next().map(str::to_owned))
    };
    let memory_kib = field("VmRSS:")?.parse().ok()?;
    Some(Process { pid, ticks, memory_kib, threads: field("Threads:")?, at: Instant::now() })
}

#[cfg(test)]
mod tests;
