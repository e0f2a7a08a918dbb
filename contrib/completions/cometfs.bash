# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completes cometfs: its options, those behind -o from its own help, and where to mount.

# The options behind -o as the help lists them, "name" or "name=VALUE".
_cometfs_options() {
	"$program" --help 2>/dev/null | sed -nE 's/^  -o ([a-z_]+(=[^ ]+)?) .*/\1/p'
}

# The values of an option, behind what stands before them.
_cometfs_value() {
	local value
	value=$(_cometfs_options | sed -n "s/^$1=//p")
	case $value in
	*'|'*) mapfile -t COMPREPLY < <(compgen -P "$2" -W "${value//|/ }" -- "$3") ;;
	PATH) mapfile -t COMPREPLY < <(compgen -P "$2" -f -- "${3/#\~/$HOME}") ;;
	DIR) mapfile -t COMPREPLY < <(compgen -P "$2" -d -- "${3/#\~/$HOME}") ;;
	esac
	compopt -o nospace 2>/dev/null
}

# cur: option[,option…], of which the last one is completed.
_cometfs_list() {
	local last=${cur##*,} before
	before=${cur%"$last"}
	if [[ $last == *=* ]]; then
		_cometfs_value "${last%%=*}" "$before${last%%=*}=" "${last#*=}"
		return
	fi
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(_cometfs_options | sed 's/=.*/=/')" -- "$last")
	compopt -o nospace 2>/dev/null
}

_cometfs() {
	local line=${COMP_LINE:0:COMP_POINT} program=${COMP_WORDS[0]/#\~/$HOME}
	local words=() cur prefix
	read -ra words <<<"$line"
	[[ $line != *[[:blank:]] ]] || words+=('')
	cur=${words[-1]}
	COMPREPLY=()
	if [ "${words[-2]}" = -o ]; then
		_cometfs_list
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '-o -f -d -h -V --check --help --version' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		compopt -o filenames 2>/dev/null
	fi
	prefix=${cur%"${cur##*[=:]}"}
	COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}
complete -F _cometfs cometfs
