# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for natctl(8); tests/lint compares it with natctl's table of commands.

complete -c natctl -f
complete -c natctl -s s -r -F -d 'where natd listens'
complete -c natctl -s j -d 'one JSON object instead of text'
complete -c natctl -s h -d 'show the commands'
complete -c natctl -s V -d 'the version'
complete -c natctl -n __fish_use_subcommand -a status -d 'is the home VPN reachable, and why not'
complete -c natctl -n __fish_use_subcommand -a doctor -d 'look at everything afresh, and say what to do'
complete -c natctl -n __fish_use_subcommand -a watch -d 'events as they happen'
complete -c natctl -n __fish_use_subcommand -a probe -d 'ask the router what it can do (also without natd)'
complete -c natctl -n __fish_use_subcommand -a list -d 'the router\'s table of open ports, and whose'
complete -c natctl -n __fish_use_subcommand -a wan-ip -d 'this home\'s address on the internet'
complete -c natctl -n __fish_use_subcommand -a open -d 'open a port until natd restarts'
complete -c natctl -n __fish_use_subcommand -a close -d 'close a port again'
complete -c natctl -n __fish_use_subcommand -a manual -d 'what to type into the router by hand (also without natd)'
complete -c natctl -n __fish_use_subcommand -a metrics -d 'the status as OpenMetrics text, for monitoring'
complete -c natctl -n __fish_use_subcommand -a reload -d 'read natd.conf again'
complete -c natctl -n '__fish_seen_subcommand_from wan-ip' -s 6 -d 'the IPv6 address'
complete -c natctl -n '__fish_seen_subcommand_from wan-ip' -l wait -d 'until it is known'
complete -c natctl -n '__fish_seen_subcommand_from open' -l for -x -a '30m 2h 1d' -d 'for how long'
complete -c natctl -n '__fish_seen_subcommand_from watch' -l exec -r -F -d 'run its programs for each event'
complete -c natctl -n '__fish_seen_subcommand_from manual' -l lang -x -a 'en ja' -d 'language'
