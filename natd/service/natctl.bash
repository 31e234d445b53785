# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for natctl(8); tests/lint compares it with natctl's table of commands.

_natctl() {
	local commands="status doctor test why watch probe list wan-ip open close manual metrics reload"
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command="" i

	case $previous in
	-s) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
	--lang) mapfile -t COMPREPLY < <(compgen -W "en ja" -- "$word") && return ;;
	--exec) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
	--for) mapfile -t COMPREPLY < <(compgen -W "30m 2h 1d" -- "$word") && return ;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i - 1]} != -s && " $commands " == *" ${COMP_WORDS[i]} "* ]] &&
			command=${COMP_WORDS[i]} && break
	done
	case $command in
	"") commands+=" -s -j -h -V" ;;
	wan-ip) commands="-6 --wait -j" ;;
	open) commands="--for -j" ;;
	test) commands="--for -j" ;;
	why) commands="--for -j" ;;
	manual) commands="--lang -j" ;;
	watch) commands="--exec -j" ;;
	*) commands="-j" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
}
complete -F _natctl natctl
