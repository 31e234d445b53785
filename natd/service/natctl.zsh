#compdef natctl
# SPDX-License-Identifier: GPL-2.0-or-later
# zsh completion for natctl(8); tests/lint compares it with natctl's table of commands.

_natctl() {
	local -a commands
	commands=(
		'status:is the home VPN reachable, and why not'
		'doctor:look at everything afresh, and say what to do'
		'test:wait for a packet from outside, and say what became of it'
		'why:follow a packet of a client through this host: who drops it'
		'watch:events as they happen'
		'probe:ask the router what it can do (also without natd)'
		"list:the router's table of open ports, and whose"
		"wan-ip:this home's address on the internet"
		'open:open a port until natd restarts'
		'close:close a port again'
		'manual:what to type into the router by hand (also without natd)'
		'metrics:the status as OpenMetrics text, for monitoring'
		'reload:read natd.conf again'
	)
	local context state state_descr line
	typeset -A opt_args

	_arguments -C '-s[where natd listens]:socket:_files' '-j[one JSON object instead of text]' \
		'(- *)-h[show the commands]' '(- *)-V[the version]' \
		'1:command:->command' '*::argument:->argument'
	case $state in
	command) _describe command commands ;;
	argument)
		case $line[1] in
		wan-ip) _arguments '-6[the IPv6 address]' '--wait[until it is known]' ;;
		open) _arguments '--for[for how long]:time:(30m 2h 1d)' '1:port/proto:' '2:external port:' ;;
		test) _arguments '--for[for how long]:time:(30s 2m 10m)' ;;
		why) _arguments '--for[for how long]:time:(30s 2m 10m)' '1:client:' '2:destination:' ;;
		close) _arguments '1:port/proto:' ;;
		watch) _arguments '--exec[run its programs for each event]:directory:_files -/' ;;
		manual) _arguments '--lang[language]:language:(en ja)' ;;
		esac
		;;
	esac
}

_natctl "$@"
