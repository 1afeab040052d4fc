# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_nightjar_global_optspecs
    string join \n h/help V/version
end

function __fish_nightjar_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_nightjar_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_nightjar_using_subcommand
    set -l cmd (__fish_nightjar_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c nightjar -n "__fish_nightjar_needs_command" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_needs_command" -s V -l version -d 'Print version'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "start" -d 'Start a node in the foreground (what happens without a command, too)'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "check" -d 'Read a configuration and report every mistake. Exit code: 0 fine, 1 mistakes, 2 can\'t be read'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "doctor" -d 'Tell what is wrong with an installation. Exit code: 0 clean, 1 warnings, 2 something critical'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "firewall" -d 'What a firewall has to let through'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "init" -d 'Write a configuration, folders and a unit for a real deployment; never over anything. Exit code: 0 written, 1 not, 3 a file was there already'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "ctl" -d 'Administer a running node: nightjar ctl [--home DIR] COMMAND…'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "generate" -d 'Write what a package has besides the program'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "epmd" -d 'Tell nodes of this machine each other\'s ports, as Erlang\'s epmd does'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "manual" -d 'Print the manual of all options'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "version" -d 'Print the version'
complete -c nightjar -n "__fish_nightjar_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -s c -l config -d 'The configuration file, an ejabberd.yml; the built-in one if left out' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l home -d 'The folder of database, keys, logs and control socket [default: ./nightjar-home]' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l log-format -d 'How log lines look on standard error [default: journal under systemd, human otherwise]' -r -f -a "human\t'For people: ejabberd\'s time and level, then words'
json\t'An object a line'
logfmt\t'`key=value` pairs'
journal\t'For systemd\'s journal on standard error: a priority, no time'"
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l log-file-format -d 'How log lines look in the log file' -r -f -a "human\t'For people: ejabberd\'s time and level, then words'
json\t'An object a line'
logfmt\t'`key=value` pairs'
journal\t'For systemd\'s journal on standard error: a priority, no time'"
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l log-file -d 'The log file [default: logs/nightjar.log in the home]; an empty name for none' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l user -d 'As root: become this user before anything is served. Ports below 1024 are bound first' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l writable -d 'A folder outside the home in which commands may write, such as dump_config; may be repeated' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l sname -d 'Be an Erlang node of this short name, for erl and ejabberd\'s ejabberdctl' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l name -d 'Be an Erlang node of this long name' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l setcookie -d 'The node\'s cookie; others of this machine can see it, unlike one in a file' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l cookie-file -d 'The file of the node\'s cookie, made if it isn\'t there [default: ~/.erlang.cookie]' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l proto-dist -d 'How nodes are connected: inet_tcp, inet6_tcp, inet_tls or inet6_tls [default: inet_tcp]' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l quiet -d 'Only errors on standard error, and no banner'
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l allow-root -d 'As root with a configuration file: stay root, which no feature needs'
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l allow-exposed-files -d 'Start although others can read files that hold secrets'
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -l no-sandbox -d 'Limit neither files nor system calls, and allow debuggers and core dumps'
complete -c nightjar -n "__fish_nightjar_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c nightjar -n "__fish_nightjar_using_subcommand check" -s c -l config -d 'The configuration file; the built-in one if left out' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand check" -l json -d 'Print a JSON array of mistakes and remarks'
complete -c nightjar -n "__fish_nightjar_using_subcommand check" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -s c -l config -d 'The configuration file [default: that of the node that runs, or the built-in one]' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -l home -d 'The folder of database, keys, logs and control socket [default: ./nightjar-home]' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -l name -d 'The node\'s long Erlang name; its ports come from the variables of ejabberdctl' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -l sname -d 'The node\'s short Erlang name' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -l proto-dist -d 'What Erlang nodes speak among themselves: inet_tcp or inet_tls' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -l json -d 'Print a JSON array of findings'
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -l no-dns -d 'Ask no name server'
complete -c nightjar -n "__fish_nightjar_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and not __fish_seen_subcommand_from print help" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and not __fish_seen_subcommand_from print help" -f -a "print" -d 'Print what the configuration opens, as a table or as rules. Exit code: 0 printed, 1 not'
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and not __fish_seen_subcommand_from print help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -l format -d 'A table for a person, or rules for a firewall' -r -f -a "table\t''
nft\t''
ufw\t''
firewalld\t''
iptables\t''"
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -l zone -d 'Only what this zone has to reach' -r -f -a "public\t''
cluster\t''
local\t''"
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -s c -l config -d 'The configuration file; the built-in one if left out' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -l cluster-address -d 'Machines of the cluster, as an address or a range; may be repeated' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -l name -d 'The node\'s long Erlang name; its ports come from the variables of ejabberdctl' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -l sname -d 'The node\'s short Erlang name' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -l proto-dist -d 'What Erlang nodes speak among themselves: inet_tcp or inet_tls' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from print" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from help" -f -a "print" -d 'Print what the configuration opens, as a table or as rules. Exit code: 0 printed, 1 not'
complete -c nightjar -n "__fish_nightjar_using_subcommand firewall; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nightjar -n "__fish_nightjar_using_subcommand init" -l host -d 'The domain that is served' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand init" -l dir -d 'The folder for configuration, certificates and home' -r -F
complete -c nightjar -n "__fish_nightjar_using_subcommand init" -l admin -d 'The local part of the administrator\'s account' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand init" -l dry-run -d 'Print what would be written, and write nothing'
complete -c nightjar -n "__fish_nightjar_using_subcommand init" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and not __fish_seen_subcommand_from names kill help" -l port -d 'The port' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and not __fish_seen_subcommand_from names kill help" -l address -d 'Addresses to listen on beside 127.0.0.1 and ::1, with commas between them' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and not __fish_seen_subcommand_from names kill help" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and not __fish_seen_subcommand_from names kill help" -f -a "names" -d 'Print the nodes that the running epmd knows'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and not __fish_seen_subcommand_from names kill help" -f -a "kill" -d 'End the running epmd, if it knows no node'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and not __fish_seen_subcommand_from names kill help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and __fish_seen_subcommand_from names" -l port -d 'The port' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and __fish_seen_subcommand_from names" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and __fish_seen_subcommand_from kill" -l port -d 'The port' -r
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and __fish_seen_subcommand_from help" -f -a "names" -d 'Print the nodes that the running epmd knows'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and __fish_seen_subcommand_from help" -f -a "kill" -d 'End the running epmd, if it knows no node'
complete -c nightjar -n "__fish_nightjar_using_subcommand epmd; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nightjar -n "__fish_nightjar_using_subcommand manual" -l markdown -d 'Markdown (what it prints in any case)'
complete -c nightjar -n "__fish_nightjar_using_subcommand manual" -l schema -d 'A JSON schema of the configuration file instead'
complete -c nightjar -n "__fish_nightjar_using_subcommand manual" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand version" -s h -l help -d 'Print help'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "start" -d 'Start a node in the foreground (what happens without a command, too)'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "check" -d 'Read a configuration and report every mistake. Exit code: 0 fine, 1 mistakes, 2 can\'t be read'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "doctor" -d 'Tell what is wrong with an installation. Exit code: 0 clean, 1 warnings, 2 something critical'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "firewall" -d 'What a firewall has to let through'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "init" -d 'Write a configuration, folders and a unit for a real deployment; never over anything. Exit code: 0 written, 1 not, 3 a file was there already'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "ctl" -d 'Administer a running node: nightjar ctl [--home DIR] COMMAND…'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "generate" -d 'Write what a package has besides the program'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "epmd" -d 'Tell nodes of this machine each other\'s ports, as Erlang\'s epmd does'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "manual" -d 'Print the manual of all options'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "version" -d 'Print the version'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and not __fish_seen_subcommand_from start check doctor firewall init ctl generate epmd manual version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and __fish_seen_subcommand_from firewall" -f -a "print" -d 'Print what the configuration opens, as a table or as rules. Exit code: 0 printed, 1 not'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and __fish_seen_subcommand_from epmd" -f -a "names" -d 'Print the nodes that the running epmd knows'
complete -c nightjar -n "__fish_nightjar_using_subcommand help; and __fish_seen_subcommand_from epmd" -f -a "kill" -d 'End the running epmd, if it knows no node'
