# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# bash's completion of mkimage (incimage), incrementald, incrementalblk and incrementalsetup. It asks
# the programs themselves, by --help, so it always has their commands and options.

_incremental_help() {	# _incremental_help PROGRAM [COMMAND]: its help
	"$@" --help 2>/dev/null
}

_incremental() {
	local program=$1 current=$2 previous=$3 command='' words

	if [[ ${program##*/} != incremental@(d|blk) ]]; then
		# The first word that is no option; options come after it as a rule.
		if [ "$COMP_CWORD" -gt 1 ] && [[ ${COMP_WORDS[1]} != -* ]]; then
			command=${COMP_WORDS[1]}
		elif [[ $current != -* ]]; then
			words=$(_incremental_help "$program" | sed -n 's/^  \([a-z]\{2,\}\)  *.*/\1/p')
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
			return
		fi
	fi
	if [[ $current == -* ]]; then
		words=$(_incremental_help "$program" ${command:+"$command"} |
			grep -oE '^ +(-[a-zA-Z], )*--[a-z][a-z-]*' | grep -oE -e '--[a-z-]+')
		mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$current")
		return
	fi
	# The values that an option's help names, as in "--fs erofs|ext4".
	words=
	if [[ $previous == --* ]]; then
		words=$(_incremental_help "$program" ${command:+"$command"} |
			sed -n "s/^ *$previous \([a-z0-9]*|[a-z0-9|]*\)\( .*\|\$\)/\1/p" | tr '|' ' ')
	fi
	if [ -n "$words" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
	fi
	# Names of devices, where incrementalsetup takes one.
	case $command in
	close | status | wait | scrub | monitor | unmonitor | update | rollback | evict)
		words=$(cd /dev/mapper 2>/dev/null && printf '%s\n' * | grep -vx control)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
		;;
	esac
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

complete -F _incremental incrementalsetup incrementald incrementalblk incimage mkimage
