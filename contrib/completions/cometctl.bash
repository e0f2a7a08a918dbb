# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completes cometctl: commands, options and their values from its own table, and the ids of jobs.

# The rows of one kind: _cometctl_rows KIND OF.
_cometctl_rows() {
	"$program" --commands 2>/dev/null | awk -F '\t' -v kind="$1" -v of="$2" '
		kind == "command" && $1 == kind { print $2 }
		kind == "option" && $1 == kind && ($2 == of || $2 == "") { print $4 (NF > 4 && $5 != "" ? "=" : "") }
		kind == "value" && $1 == "option" && ($2 == of || $2 == "") && ($3 == option || $4 == option) { print $5 }
	' option="${3-}"
}

# What may follow an option; fails where it takes no value.
_cometctl_value() {
	local value
	value=$(_cometctl_rows value "$command" "$1")
	case $value in
	'') return 1 ;;
	*'|'*) mapfile -t COMPREPLY < <(compgen -P "$2" -W "${value//|/ }" -- "$3") ;;
	MOUNT) mapfile -t COMPREPLY < <(compgen -P "$2" -d -- "$3") ;;
	PATH) mapfile -t COMPREPLY < <(compgen -P "$2" -f -- "$3") ;;
	*) COMPREPLY=() ;;
	esac
}

_cometctl_ids() {
	local ids
	ids=$("$program" "${mount[@]}" ls -q -s id 2>/dev/null)
	mapfile -t COMPREPLY < <(compgen -W "$ids" -- "$cur")
}

# The command, the mount that is given, and how many words stand behind the command.
_cometctl_look() {
	local i word
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		case $word in
		-m | --mount) mount=(-m "${words[++i]/#\~/$HOME}") ;;
		-m?*) mount=(-m "${word#-m}") ;;
		--mount=*) mount=(-m "${word#*=}") ;;
		-*) [ -z "$(_cometctl_rows value "$command" "$word")" ] || i=$((i + 1)) ;;
		*)
			if [ -z "$command" ]; then
				command=$word
			else
				arguments=$((arguments + 1))
			fi
			;;
		esac
	done
}

_cometctl_arguments() {
	case $command in
	'') mapfile -t COMPREPLY < <(compgen -W "$(_cometctl_rows command '')" -- "$cur") ;;
	ls | wait | forget | events) _cometctl_ids ;;
	get)
		if [ "$arguments" = 0 ]; then
			_cometctl_ids
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			compopt -o filenames 2>/dev/null
		fi
		;;
	esac
}

_cometctl() {
	local line=${COMP_LINE:0:COMP_POINT} program=${COMP_WORDS[0]/#\~/$HOME}
	local words=() cur previous command='' mount=() arguments=0 prefix
	read -ra words <<<"$line"
	[[ $line != *[[:blank:]] ]] || words+=('')
	cur=${words[-1]}
	previous=${words[-2]}
	COMPREPLY=()
	_cometctl_look
	if [[ $cur == --*=* ]]; then
		_cometctl_value "${cur%%=*}" "${cur%%=*}=" "${cur#*=}"
	elif [[ $previous == -* ]] && _cometctl_value "$previous" '' "$cur"; then
		:
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_cometctl_rows option "$command")" -- "$cur")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
	else
		_cometctl_arguments
	fi
	# bash replaces what stands behind the last sign that breaks words, and an id may have colons.
	prefix=${cur%"${cur##*[=:]}"}
	COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}
complete -F _cometctl cometctl
